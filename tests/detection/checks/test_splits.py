"""Invoices just below an approval limit that exceed it together are told where the vendor seldom has such."""

import numpy as np
import pandas as pd

from invoice_anomalies.detection.checks import CheckResult
from invoice_anomalies.detection.checks.splits import Splits
from tests.detection.checks.invoice_frames import append, company, contract, frame_of

USUAL = company(30, 200)


def find(invoices: pd.DataFrame, last: int, **detection: object) -> CheckResult:
    return Splits(contract(**detection)).find(invoices, np.arange(len(invoices) - last, len(invoices)))


def parts(*amounts: float, days: int = 2, vendor: str = "V001") -> list[dict[str, object]]:
    return [
        {
            "like": 0,
            "vendor": vendor,
            "number": f"S{n}",
            "amount": value,
            "day": 201 + n * days,
            "dated": 201 + n * days,
        }
        for n, value in enumerate(amounts)
    ]


def test_three_invoices_just_below_the_limit_are_found_on_the_last_one() -> None:
    invoices = append(USUAL, *parts(4_900.0, 4_850.0, 4_950.0))
    found = find(invoices, 3)
    assert found.surprisal[2] > 7.0
    assert list(found.related_invoices[2]) == [len(invoices) - 2, len(invoices) - 3]
    details = found.details_of(2)
    assert (details["count"], details["total"], details["limit"], details["days"]) == (3.0, 14_700.0, 5000.0, 5.0)
    assert found.surprisal[2] > found.surprisal[1] > found.surprisal[0] == 0.0


def test_in_one_night_only_the_last_part_is_told() -> None:
    found = find(append(USUAL, *parts(4_900.0, 4_850.0, 4_950.0, days=0)), 3)
    assert list(found.surprisal > 0) == [False, False, True]


def test_nearer_to_the_limit_is_more_telling() -> None:
    near, far = (find(append(USUAL, *parts(*amounts)), 2).surprisal[1] for amounts in ((4_950, 4_980), (2_900, 2_950)))
    assert near > far + 1.0


def test_parts_may_arrive_in_another_order_than_they_are_dated() -> None:
    late = [{**part, "dated": 210 - n} for n, part in enumerate(parts(4_900.0, 4_850.0, 4_950.0))]
    assert find(append(USUAL, *late), 3).surprisal[2] > 7.0


def test_a_vendor_that_always_bills_below_the_limit_is_a_series() -> None:
    weekly = frame_of(vendor="W", number=[str(n) for n in range(29)], amount=4_900.0, day=7 * np.arange(29))
    invoices = pd.concat([USUAL, weekly], ignore_index=True)
    raw = find(invoices, 29).surprisal
    assert raw.max() < 3.0
    assert raw[2:].max() == 0.0


def test_two_invoices_that_stay_below_the_limit_together_are_no_split() -> None:
    assert find(append(USUAL, *parts(2_400.0, 2_450.0)), 2).surprisal.max() == 0.0


def test_invoices_farther_apart_than_the_contract_says_are_no_split() -> None:
    invoices = append(USUAL, *parts(4_900.0, 4_950.0, days=6))
    assert find(invoices, 2, split_days=6).surprisal[1] > 3.0
    assert find(invoices, 2, split_days=5).surprisal[1] == 0.0


def test_invoices_of_different_vendors_are_no_split() -> None:
    one, other = parts(4_900.0, 4_950.0)
    assert find(append(USUAL, one, {**other, "vendor": "V002"}), 2).surprisal.max() == 0.0


def test_the_limit_that_tells_most_is_named() -> None:
    found = find(append(USUAL, *parts(9_900.0, 9_800.0)), 2, approval_limits=[5_000.0, 10_000.0, 50_000.0])
    assert found.details_of(1)["limit"] == 10_000.0


def test_nights_judged_at_once_and_one_by_one_give_the_same() -> None:
    invoices = append(USUAL, *parts(4_900.0, 4_850.0, 4_950.0), *parts(4_700.0, 4_650.0, vendor="V007"))
    invoices = invoices.sort_values("extract_date", kind="stable", ignore_index=True)
    check, every = Splits(contract()), np.arange(len(invoices))
    together = check.find(invoices, every)
    assert (together.surprisal > 0).sum() >= 3
    for row in np.flatnonzero(together.surprisal > 0):
        night = int((invoices["extract_date"] <= invoices["extract_date"][row]).sum())
        np.testing.assert_allclose(
            check.find(invoices.iloc[:night], every[:night]).surprisal[row], together.surprisal[row]
        )
