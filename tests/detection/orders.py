"""Orders of a small trade, with whatever columns a test wants, and contracts for them that train in seconds."""

from typing import Any

import numpy as np
import pandas as pd

from invoice_anomalies.contract import Contract

FIRST = pd.Timestamp(2026, 1, 1)
PRICES = np.array([2.0, 5.0, 11.0, 23.0, 60.0, 140.0])
DTYPES = {"category": "str", "identifier": "str", "text": "str", "date": "datetime64[us]"}
FIELDS: dict[str, dict[str, Any]] = {
    "vendor": {"type": "category", "detect": False},
    "product": {"type": "category"},
    "number": {"type": "identifier"},
    "ordered": {"type": "date", "required": False},
    "quantity": {"type": "number"},
    "amount": {"type": "amount"},
    "note": {"type": "text", "required": False},
}


def fields(*names: str, **changed: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Some of the fields of an order, all where none is named, with what is changed of them."""
    return {name: {**FIELDS[name], **changed.get(name, {})} for name in names or FIELDS}


def contract(fields: dict[str, dict[str, Any]], *, detection: dict[str, Any] | None = None, **more: Any) -> Contract:
    """A contract of these fields: by default `vendor` is the entity and `amount` the money, where they are fields."""
    return Contract.model_validate(
        {
            "name": "orders",
            "entity": "vendor" if "vendor" in fields else None,
            "amount": "amount" if "amount" in fields else None,
            "key": ["line"],
            "extract": {"path": "orders_{extract_date}.csv"},
            "report": {"recipients": ["audit@example.com"]},
            "fields": fields,
            "detection": {"epochs": 3, "hidden_units": [8], "minimum_rows": 50, **(detection or {})},
            **more,
        }
    )


def typed(contract: Contract, frame: pd.DataFrame) -> pd.DataFrame:
    """The columns of a contract in its types, with the extract date, indexed by invoice key."""
    dtypes = {name: DTYPES.get(field.type, "float64") for name, field in contract.fields.items()}
    dtypes["extract_date"] = "datetime64[us]"
    columns = frame[list(dtypes)].astype(dtypes)
    return columns.set_index(pd.Index([f"L{n:06d}" for n in range(len(frame))], name="invoice_key"))


def orders(rows: int, seed: int = 0, vendors: int = 20, nights: int = 40) -> pd.DataFrame:
    """Orders night after night: a vendor numbers on, a product has its price, and even products have no note."""
    rng = np.random.default_rng(seed)
    vendor, product = rng.integers(vendors, size=rows), rng.integers(len(PRICES), size=rows)
    quantity = np.rint(rng.lognormal(3.0, 0.8, rows)) + 1
    night = np.sort(rng.integers(nights, size=rows))
    number = pd.Series(vendor).groupby(vendor).cumcount() + 10_000 * (vendor + 1)
    return pd.DataFrame(
        {
            "vendor": [f"V{n:03d}" for n in vendor],
            "product": [f"P{n}" for n in product],
            "number": [f"N-{n:07d}" for n in number],
            "ordered": FIRST + pd.to_timedelta(night - rng.integers(3, 9, rows), unit="D"),
            "quantity": quantity,
            "amount": (quantity * PRICES[product] * rng.normal(1.0, 0.02, rows)).round(2),
            "note": [f"delivery of product {n}" if n % 2 else None for n in product],
            "extract_date": FIRST + pd.to_timedelta(night, unit="D"),
        }
    )
