"""Each check gives a finite surprisal for each query row of any frame, and related invoices for each finding."""

import numpy as np
import pandas as pd
import pytest

from invoice_anomalies.detection.checks import checks_of, describe_match
from tests.detection.checks.invoice_frames import company, contract, frame_of

RANDOM = np.random.default_rng(0)


def some(rows: int, **columns: object) -> pd.DataFrame:
    given = {
        "vendor": ["V"] * rows,
        "number": [str(n) for n in range(rows)],
        "amount": [100.0] * rows,
        "day": [0] * rows,
    }
    if "extract_date" in columns:
        del given["day"]
        columns.setdefault("invoice_date", columns["extract_date"])
    return frame_of(**{**given, **columns})


FRAMES = {
    "empty": some(0),
    "one row": some(1),
    "two rows": some(2),
    "nothing but gaps": some(
        40, vendor=[None] * 40, vendor_name=[None] * 40, number=[None] * 40, amount=np.nan, extract_date=[pd.NaT] * 40
    ),
    "no dates": some(300, amount=RANDOM.integers(1, 40, 300), extract_date=[pd.NaT] * 300),
    "gaps": some(
        400,
        vendor=[None if n % 7 == 0 else f"V{n % 4}" for n in range(400)],
        vendor_name=[None if n % 3 == 0 else "Same Name Ltd" for n in range(400)],
        number=[None if n % 5 == 0 else str(n // 3) for n in range(400)],
        amount=np.where(RANDOM.random(400) < 0.3, np.nan, RANDOM.integers(1, 40, 400)),
        extract_date=[pd.NaT if n % 11 == 0 else pd.Timestamp(2026, 1, 1 + n % 28) for n in range(400)],
    ),
    "one number for all": some(500, number=["4711"] * 500),
    "one entity that splits and bursts": some(90, amount=4_900.0, day=[*np.arange(60), *[61] * 30]),
    "amounts beyond reason": some(7, amount=[np.inf, -np.inf, 1e300, 1e15, 1e15, 0.001, -0.0]),
    "numbers beyond reason": some(
        8, number=["", "---", "é" * 300, "x" * 500, "x" * 499 + "y", "٣٤٥", "\x00", " "], amount=5.0
    ),
    "dates far apart": some(4, extract_date=pd.to_datetime(["1700-01-01", "1970-01-01", "2026-01-01", "2262-01-01"])),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("invoices", FRAMES.values(), ids=FRAMES.keys())
def test_any_invoices_are_checked(invoices: pd.DataFrame) -> None:
    for check in checks_of(contract()):
        for query_rows in (np.arange(len(invoices)), np.arange(len(invoices))[::-3], np.zeros(0, dtype=np.intp)):
            found = check.find(invoices, query_rows)
            assert found.surprisal.shape == (len(query_rows),) and len(found.related_invoices) == len(query_rows)
            assert np.isfinite(found.surprisal).all() and (found.surprisal >= 0.0).all()
            for row in np.flatnonzero(found.surprisal > 0):
                related = invoices.iloc[found.related_invoices[row]]
                assert len(related) and query_rows[row] not in found.related_invoices[row]
                assert describe_match(
                    check.name, related, contract(), invoices.iloc[query_rows[row]], found.details_of(int(row))
                )


def test_200_000_numbers_and_60_000_vendors_are_judged() -> None:
    rows = 200_000
    vendor = np.arange(rows) % 60_000
    invoices = frame_of(
        vendor=[f"V{v}" for v in vendor],
        vendor_name=[f"Company {v:x} Trading" for v in vendor],
        number=[f"N{n:x}" for n in RANDOM.permutation(10 * rows)[:rows]],
        amount=RANDOM.lognormal(5.0, 1.0, rows).round(2),
        day=np.arange(rows) // 800,
    )
    for check in checks_of(contract()):
        assert (check.find(invoices, np.arange(rows)).surprisal > 12.0).sum() == 0


def test_the_asked_may_come_in_any_order() -> None:
    invoices = pd.concat([company(10, 60), company(10, 60).iloc[100:200]], ignore_index=True)
    query_rows = np.random.default_rng(3).permutation(len(invoices))
    for check in checks_of(contract()):
        ordered, mixed = check.find(invoices, np.arange(len(invoices))), check.find(invoices, query_rows)
        np.testing.assert_array_equal(mixed.surprisal, ordered.surprisal[query_rows])
