"""A burst is far more invoices in a night than the vendor's nights had, and more than the night itself explains."""

import numpy as np
import pandas as pd

from invoice_anomalies.detection.checks import CheckResult
from invoice_anomalies.detection.checks.bursts import MOST_RELATED, Bursts
from tests.detection.checks.invoice_frames import FIRST, append, company, contract, frame_of

USUAL = company(40, 120)


def find(invoices: pd.DataFrame, last: int) -> CheckResult:
    return Bursts(contract(), "invoice_date").find(invoices, np.arange(len(invoices) - last, len(invoices)))


def burst(rows: int, vendor: str = "V001", day: int = 121) -> list[dict[str, object]]:
    amounts = np.random.default_rng(rows).permutation(rows) + 1.0
    return [
        {"like": 0, "vendor": vendor, "number": f"B{n}", "amount": amount, "day": day}
        for n, amount in enumerate(amounts)
    ]


def test_a_burst_is_one_finding_on_its_largest_invoice() -> None:
    invoices = append(USUAL, *burst(37))
    found = find(invoices, 37)
    (row,) = np.flatnonzero(found.surprisal)
    assert found.surprisal[row] > 15.0
    assert invoices["amount"].iloc[-37 + row] == 37.0
    assert list(invoices["amount"][found.related_invoices[row]]) == [36.0 - n for n in range(MOST_RELATED)]
    details = found.details_of(int(row))
    assert (details["count"], details["low"], details["high"]) == (37.0, 1.0, 1.0)


def test_the_larger_burst_is_the_more_surprising() -> None:
    small, large = (find(append(USUAL, *burst(rows)), rows).surprisal.max() for rows in (8, 40))
    assert large > small + 10.0


def test_a_vendor_with_large_nights_every_month_does_not_burst() -> None:
    day = np.concatenate([np.repeat(np.arange(0, 119, 30), 40), np.arange(5, 119, 7)])
    monthly = frame_of(vendor="M", number=[str(n) for n in range(len(day))], amount=9.0, day=day)
    history = pd.concat([USUAL, monthly], ignore_index=True).sort_values(
        "extract_date", kind="stable", ignore_index=True
    )
    assert find(append(history, *burst(42, "M")), 42).surprisal.max() < 5.0
    assert find(append(history, *burst(42, "V001")), 42).surprisal.max() > 15.0


def test_the_first_night_of_a_new_vendor_with_few_invoices_is_no_burst() -> None:
    assert find(append(USUAL, *burst(4, "NEW")), 4).surprisal.max() == 0.0
    assert find(append(USUAL, *burst(200, "NEW")), 200).surprisal.max() > 3.0


def test_a_history_loaded_at_once_does_not_burst() -> None:
    loaded = USUAL.assign(extract_date=FIRST)
    assert Bursts(contract(), "invoice_date").find(loaded, np.arange(len(loaded))).surprisal.max() == 0.0
    assert find(append(loaded, *burst(5)), 5).surprisal.max() == 0.0


def test_a_month_scored_as_one_night_does_not_burst() -> None:
    month = USUAL["extract_date"] >= FIRST + pd.Timedelta(days=100)
    invoices = USUAL.assign(extract_date=USUAL["extract_date"].where(~month, FIRST + pd.Timedelta(days=121)))
    assert find(invoices, int(month.sum())).surprisal.max() == 0.0


def test_a_busy_night_of_everyone_is_no_burst_of_anyone() -> None:
    everyone = [part for vendor in range(40) for part in burst(6, f"V{vendor:03d}")]
    assert find(append(USUAL, *everyone), len(everyone)).surprisal.max() == 0.0
    assert find(append(USUAL, *burst(6)), 6).surprisal.max() > 5.0


def test_nights_judged_at_once_and_one_by_one_give_the_same() -> None:
    invoices = append(USUAL, *burst(9, day=121), *burst(30, "V005", day=122), *burst(12, day=123))
    together = find(invoices, 51)
    assert (together.surprisal > 0).sum() == 3
    for begin, end in ((0, 9), (9, 39), (39, 51)):
        alone = find(invoices.iloc[: len(USUAL) + end], end - begin)
        np.testing.assert_allclose(alone.surprisal, together.surprisal[begin:end])


def test_a_new_vendor_in_a_month_scored_as_one_night_does_not_burst() -> None:
    assert find(append(USUAL, *burst(30, "NEW")), 30).surprisal.max() > 3.0
    month = USUAL["extract_date"] >= FIRST + pd.Timedelta(days=105)
    lump = USUAL.assign(extract_date=USUAL["extract_date"].where(~month, FIRST + pd.Timedelta(days=121)))
    assert find(append(lump, *burst(30, "NEW")), 30).surprisal.max() == 0.0


def test_a_burst_after_a_history_loaded_at_once_is_found() -> None:
    first = USUAL["extract_date"] < FIRST + pd.Timedelta(days=60)
    loaded = USUAL.assign(extract_date=USUAL["extract_date"].where(~first, FIRST))
    found = find(append(loaded, *burst(37)), 37)
    assert found.surprisal.max() > 10.0
    row = int(found.surprisal.argmax())
    assert found.details_of(row)["high"] == 1.0


def test_a_night_as_large_as_one_before_is_no_rarer_than_that() -> None:
    history = append(USUAL, *burst(30, day=100)).sort_values("extract_date", kind="stable", ignore_index=True)
    nights = history["extract_date"][history["vendor"] == "V001"].nunique()
    again, more = (find(append(history, *burst(rows)), rows).surprisal.max() for rows in (30, 60))
    assert 0.0 < again <= np.log(nights + 1) < more


def test_a_burst_is_found_where_the_book_has_only_the_vendors_of_the_night() -> None:
    tonight = [f"V{n:03d}" for n in range(1, 9)]
    others = [line for vendor in tonight[1:] for line in burst(1, vendor)]
    whole = append(USUAL, *others, *burst(15, tonight[0]))
    partial = whole[whole["vendor"].isin(tonight)].reset_index(drop=True)
    assert find(partial, 15).surprisal.max() > 0.6 * find(whole, 15).surprisal.max() > 5.0
