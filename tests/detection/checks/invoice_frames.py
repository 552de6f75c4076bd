"""Small frames of invoices in which every vendor has its own way to number and to bill."""

from typing import Any

import numpy as np
import pandas as pd

from invoice_anomalies.contract import Contract

FIRST = pd.Timestamp(2026, 1, 1)
TEXTS, DATES = ("vendor", "vendor_name", "number"), ("invoice_date", "extract_date")


def contract(**detection: object) -> Contract:
    """A contract with all fields that the checks can use."""
    return Contract.model_validate(
        {
            "name": "invoices",
            "entity": "vendor",
            "entity_name": "vendor_name",
            "amount": "amount",
            "key": ["line"],
            "extract": {"path": "invoices_{extract_date}.csv"},
            "report": {"recipients": ["audit@example.com"]},
            "fields": {
                "vendor": {"type": "category", "detect": False},
                "vendor_name": {"type": "text", "required": False, "detect": False},
                "number": {"type": "identifier", "required": False},
                "invoice_date": {"type": "date", "required": False},
                "amount": {"type": "amount", "required": False},
            },
            "detection": {"approval_limits": [5000.0], **detection},
        }
    )


def frame_of(**columns: object) -> pd.DataFrame:
    """A typed frame as the checks are handed it; a day is the day of the year, also for the date of the invoice."""
    day = columns.pop("day", None)
    if day is not None:
        columns["extract_date"] = FIRST + pd.to_timedelta(np.asarray(day), unit="D")
        columns.setdefault("invoice_date", columns["extract_date"])
    columns.setdefault("vendor_name", columns["vendor"])
    frame = pd.DataFrame(columns)
    for name in TEXTS:
        frame[name] = frame[name].astype("str")
    for name in DATES:
        frame[name] = pd.to_datetime(frame[name]).astype("datetime64[us]")
    frame["amount"] = frame["amount"].astype(float)
    return frame


def company(vendors: int = 40, days: int = 240, seed: int = 1) -> pd.DataFrame:
    """Vendors that number on in steps and bill amounts of their own, two invoices in three days each; nothing wrong."""
    rng = np.random.default_rng(seed)
    parts = []
    for vendor in range(vendors):
        night = np.flatnonzero(rng.random(days) < 2 / 3)
        number = 100_000 * (vendor + 2) + np.cumsum(rng.integers(1, 30, len(night)))
        parts.append(
            pd.DataFrame(
                {
                    "vendor": f"V{vendor:03d}",
                    "number": [f"INV-{n:08d}" for n in number],
                    "amount": rng.lognormal(6.0, 0.4, len(night)).round(2),
                    "day": night,
                }
            )
        )
    rows = pd.concat(parts).sort_values("day", kind="stable", ignore_index=True)
    return frame_of(**{str(name): rows[name] for name in rows})


def append(history: pd.DataFrame, *invoices: dict[str, Any]) -> pd.DataFrame:
    """Append invoices, each given by its differences from the invoice of the history whose row is `like`."""
    rows = []
    for given in invoices:
        row = history.iloc[given.pop("like")].to_dict() if "like" in given else {}
        rows.append({**row, **given})
    added = pd.DataFrame(rows)
    if "day" in added:
        night = FIRST + pd.to_timedelta(added.pop("day"), unit="D")
        dated = added["invoice_date"] if "dated" not in added else FIRST + pd.to_timedelta(added.pop("dated"), unit="D")
        added = added.assign(extract_date=night, invoice_date=dated)
    return pd.concat([history, added.astype(history.dtypes)], ignore_index=True)
