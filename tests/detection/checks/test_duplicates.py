"""A copy of an invoice is found however it is written; what comes again by habit is none."""

import tracemalloc
from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
import pytest

from invoice_anomalies.detection.checks import CheckResult
from invoice_anomalies.detection.checks.duplicates.check import BULK_NIGHTS, Duplicates, DuplicateState
from tests.detection.checks.invoice_frames import FIRST, append, company, contract, frame_of


@cache
def ordinary() -> pd.DataFrame:
    return company()


def check(**detection: object) -> Duplicates:
    return Duplicates(contract(**detection), "number")


def find(invoices: pd.DataFrame, last: int = 1, **detection: object) -> CheckResult:
    """CheckResult in the last so many invoices."""
    return check(**detection).find(invoices, np.arange(len(invoices) - last, len(invoices)))


def original(day: int = 200) -> int:
    """Position of an ordinary invoice of that day or just before."""
    return int(np.flatnonzero(ordinary()["extract_date"] <= FIRST + pd.Timedelta(days=day))[-1])


def exchanged(text: str) -> str:
    position = next(position for position in range(len(text) - 2, 0, -1) if text[position] != text[position + 1])
    return text[:position] + text[position + 1] + text[position] + text[position + 2 :]


SLIPS: dict[str, Callable[[str], str]] = {
    "the same number": lambda text: text,
    "one character changed": lambda text: text[:-4] + str((int(text[-4]) + 5) % 10) + text[-3:],
    "one character missing": lambda text: text[:-3] + text[-2:],
    "one character too many": lambda text: text[:-2] + "7" + text[-2:],
    "two characters exchanged": exchanged,
    "leading zeros left out": lambda text: text.replace("INV-0", "INV-"),
    "separators and case": lambda text: text.replace("-", " ").lower(),
    "the letter O for zero": lambda text: text.replace("0", "O"),
    "a suffix": lambda text: f"{text}-A",
    "the word copy": lambda text: f"{text} COPY",
    "no prefix": lambda text: text.removeprefix("INV-"),
}


@pytest.mark.parametrize("slip", SLIPS.values(), ids=SLIPS.keys())
def test_an_invoice_that_came_again_some_days_later_is_found_with_its_original(slip: Callable[[str], str]) -> None:
    at = original()
    again = append(ordinary(), {"like": at, "number": slip(ordinary()["number"][at]), "day": 212, "dated": 212})
    everything = check().find(again, np.arange(len(again)))
    assert everything.related_invoices[-1][0] == at
    # Among 6,000 invoices of which none was planted, hardly any looks as much like a copy.
    assert everything.surprisal[-1] > 2.0
    assert (everything.surprisal >= everything.surprisal[-1]).sum() <= 5


def test_the_same_number_with_two_digits_of_the_amount_exchanged_is_found() -> None:
    history = append(ordinary(), {"like": original(), "number": "INV-99000001", "amount": 1_285.40, "day": 240})
    again = append(history, {"like": len(history) - 1, "amount": 1_258.40, "day": 250})
    assert find(again).surprisal[0] > 3.0
    assert find(append(history, {"like": len(history) - 1, "amount": 311.17, "day": 250})).surprisal[0] == 0.0


def test_a_copy_in_the_same_night_is_blamed_on_the_second() -> None:
    at = original()
    again = append(ordinary(), {"like": at, "day": 241, "number": "X-1"}, {"like": at, "day": 241, "number": "X-1"})
    found = find(again, last=2)
    assert found.surprisal[0] == 0.0
    assert found.surprisal[1] > 5.0
    assert list(found.related_invoices[1]) == [len(again) - 2]


def test_no_original_is_looked_for_farther_back_than_the_contract_says() -> None:
    again = append(ordinary(), {"like": original(200), "day": 215})
    assert find(again, duplicate_days=20).surprisal[0] > 3.0
    assert find(again, duplicate_days=10).surprisal[0] == 0.0


def test_a_series_of_equal_amounts_is_no_duplicate() -> None:
    months, weeks = np.arange(8), np.arange(30)
    rent = frame_of(vendor="LAND", number=[f"2026-{m + 1:02d}" for m in months], amount=1_850.0, day=30 * months + 3)
    fee = frame_of(vendor="FEE", number=[str(4711 + m) for m in months], amount=49.9, day=30 * months + 5)
    weekly = frame_of(vendor="WEEK", number=[f"R{900 + w}" for w in weeks], amount=375.5, day=7 * weeks)
    invoices = pd.concat([ordinary(), rent, fee, weekly], ignore_index=True)
    found = check().find(invoices, np.arange(len(ordinary()), len(invoices)))
    # No other vendor of these invoices has a series, so that the beginning of one is a little odd.
    assert found.surprisal.max() < 4.0
    assert found.surprisal[np.concatenate([months, months, weeks]) >= 3].max() < 1.0


def test_a_rent_that_is_billed_twice_under_one_number_is_found() -> None:
    months = np.arange(8)
    rent = frame_of(vendor="LAND", number=[f"2026-{m + 1:02d}" for m in months], amount=1_850.0, day=30 * months + 3)
    invoices = append(pd.concat([ordinary(), rent], ignore_index=True), {"like": -1, "day": 222})
    assert find(invoices).surprisal[0] > 2.0


@pytest.mark.parametrize("sign", [1, -1])
def test_an_invoice_taken_back_and_issued_again_is_no_duplicate(sign: int) -> None:
    at = original()
    amount, number = sign * ordinary()["amount"][at], ordinary()["number"][at]
    first = {"like": at, "amount": amount, "number": number + "7", "day": 241}
    credit = {**first, "amount": -amount, "number": "C-1", "day": 245}
    again = {**first, "day": 247}
    assert find(append(ordinary(), dict(first), dict(credit), dict(again))).surprisal[0] == 0.0
    assert find(append(ordinary(), dict(first), dict(again))).surprisal[0] > 3.0


def test_a_credit_note_that_came_twice_is_found() -> None:
    credit = {"like": original(), "amount": -333.33, "number": "C-77", "day": 241}
    assert find(append(ordinary(), dict(credit), {**credit, "day": 244})).surprisal[0] > 3.0


@pytest.mark.parametrize(
    ("name", "same_vendor"),
    [("MÜLLER & Söhne G.m.b.H.", True), ("Soehne Muller", True), ("Sohne, Muller", True), ("Schmidt GmbH", False)],
)
def test_a_copy_for_another_vendor_is_found_where_the_names_say_the_same(name: str, same_vendor: bool) -> None:
    at = original()
    first = {"like": at, "vendor": "A1", "vendor_name": "Müller Söhne GmbH", "number": "RE-5512", "day": 236}
    other = {**first, "vendor": "B2", "vendor_name": name, "day": 240}
    found = find(append(ordinary(), first, other))
    assert (found.surprisal[0] > 1.0) == same_vendor
    assert (len(found.related_invoices[0]) == 1) == same_vendor


def test_a_vendor_that_sends_each_invoice_twice_surprises_less_than_one_that_never_did() -> None:
    at = original(239)
    own = ordinary()[ordinary()["vendor"] == ordinary()["vendor"][at]]
    twice = pd.concat([ordinary(), own.iloc[:60]], ignore_index=True)
    again = {"like": at, "number": "INV-99000001", "day": 241}
    usual = find(append(twice, dict(again), dict(again))).surprisal[0]
    unusual = find(append(ordinary(), dict(again), dict(again))).surprisal[0]
    assert usual < unusual - 3.0


def test_a_common_round_amount_is_less_telling_than_an_odd_one() -> None:
    rng = np.random.default_rng(2)
    fees = company(60, 120, seed=3)
    fees["amount"] = np.where(rng.random(len(fees)) < 0.5, rng.choice([50.0, 100.0, 200.0], len(fees)), fees["amount"])
    vendor = fees["vendor"][len(fees) - 1]

    def raw(amount: float) -> float:
        first = {"like": len(fees) - 1, "vendor": vendor, "amount": amount, "number": "INV-00555121", "day": 121}
        return float(find(append(fees, dict(first), {**first, "number": "INV-00555821", "day": 130})).surprisal[0])

    assert raw(1_234.57) > raw(100.0) + 1.0


def test_a_number_that_falls_back_behind_the_others_is_more_telling_than_one_in_line() -> None:
    of_vendor = np.flatnonzero(ordinary()["vendor"] == "V007")
    latest = int(ordinary()["number"][of_vendor[-1]].removeprefix("INV-"))

    def raw(*numbers: int) -> float:
        given = {"like": of_vendor[-1], "amount": 777.77}
        first, second = ({**given, "number": f"INV-{number:08d}"} for number in numbers)
        return float(find(append(ordinary(), {**first, "day": 241}, {**second, "day": 252})).surprisal[0])

    start = latest // 100 * 100 + 130
    # Both are one digit off; two thousand less is where the vendor's numbers were months ago.
    assert raw(start, start - 2_000) > raw(start, start + 3) + 2.0


def test_a_document_date_that_came_before_speaks_for_a_copy() -> None:
    late = ordinary().assign(
        invoice_date=ordinary()["extract_date"] - pd.to_timedelta(np.arange(len(ordinary())) % 9, "D")
    )
    at = original()
    number = late["number"][at][:-2] + "9" + late["number"][at][-1]
    same = append(late, {"like": at, "number": number, "day": 209})
    other = append(late, {"like": at, "number": number, "day": 209, "dated": 207})
    assert find(same).surprisal[0] > find(other).surprisal[0] > 0.0


def copies() -> pd.DataFrame:
    """The ordinary invoices with copies of some of its late invoices, ten days after each."""
    some = range(5200, 6000, 80)
    day = (ordinary()["extract_date"] - FIRST).dt.days
    return append(ordinary(), *({"like": at, "day": day[at] + 10, "dated": day[at] + 10} for at in some))


def test_nights_judged_at_once_and_one_by_one_give_the_same() -> None:
    planted = copies().sort_values("extract_date", kind="stable", ignore_index=True)
    nights = planted["extract_date"]
    begin = int(np.searchsorted(nights, nights.iloc[-1] - pd.Timedelta(days=25)))
    together = check().find(planted, np.arange(begin, len(planted)))
    assert (together.surprisal > 0).sum() >= 4
    for night in nights.iloc[begin:].unique():
        rows = np.flatnonzero(nights == night)
        alone = check().find(planted.iloc[: rows[-1] + 1], rows)
        np.testing.assert_allclose(alone.surprisal, together.surprisal[rows - begin], atol=1e-9)
        assert [list(related) for related in alone.related_invoices] == [
            list(together.related_invoices[row - begin]) for row in rows
        ]


@cache
def fitted_state() -> DuplicateState:
    return check().fit(ordinary())


@pytest.mark.parametrize("slip", SLIPS.values(), ids=SLIPS.keys())
def test_with_the_rates_of_a_population_fitted_only_the_vendors_own_invoices_matter(slip: Callable[[str], str]) -> None:
    at = original()
    again = append(ordinary(), {"like": at, "number": slip(ordinary()["number"][at]), "day": 212, "dated": 212})
    own = again[again["vendor"] == again["vendor"][at]].reset_index()
    found = check().find(again, np.array([len(again) - 1]), fitted_state())
    alone = check().find(own, np.array([len(own) - 1]), fitted_state())
    assert found.surprisal[0] > 2.0
    assert found.related_invoices[0][0] == own["index"][alone.related_invoices[0][0]] == at
    np.testing.assert_allclose(alone.surprisal, found.surprisal, atol=1e-9)


def test_with_learned_rates_many_copies_are_each_as_surprising_as_the_first() -> None:
    planted = copies()
    query_rows = np.arange(len(ordinary()), len(planted))
    unfitted, found = check().find(planted, query_rows), check().find(planted, query_rows, fitted_state())
    # Without a fitted state, each copy makes the next one less of a surprise.
    assert unfitted.surprisal.min() < 0.5 * found.surprisal.min()
    assert np.ptp(found.surprisal) < 0.5
    assert [list(related) for related in found.related_invoices] == [
        list(related) for related in unfitted.related_invoices
    ]


def at_once(invoices: pd.DataFrame) -> pd.DataFrame:
    """The same invoices, all of the last night; their dates stay."""
    return invoices.assign(extract_date=invoices["extract_date"].max())


def test_a_history_loaded_at_once_teaches_what_its_nights_would_have_taught() -> None:
    rates, by_night = (state.to_arrays() for state in (check().fit(at_once(ordinary())), fitted_state()))
    assert rates.keys() == by_night.keys()
    for name in rates.keys() - {BULK_NIGHTS}:
        np.testing.assert_allclose(rates[name], by_night[name], err_msg=name)


def rents(first: int = 0, months: int = 9) -> pd.DataFrame:
    """Ten vendors that bill one amount a month under running numbers, dated the first of each month."""
    parts = [
        frame_of(
            vendor=f"R{vendor:02d}",
            number=[f"INV-{1000 * vendor + month:05d}" for month in range(first, months)],
            amount=185.0 + vendor,
            day=30 * np.arange(first, months),
        )
        for vendor in range(10)
    ]
    return pd.concat(parts, ignore_index=True)


def without_dates(invoices: pd.DataFrame) -> pd.DataFrame:
    return invoices.assign(invoice_date=pd.Series(pd.NaT, index=invoices.index, dtype="datetime64[us]"))


@pytest.mark.parametrize("dated", [lambda invoices: invoices, without_dates], ids=["dated", "without dates"])
def test_after_a_history_loaded_at_once_a_rent_is_no_copy_and_a_copy_still_is(
    dated: Callable[[pd.DataFrame], pd.DataFrame],
) -> None:
    history = dated(at_once(pd.concat([ordinary(), rents(months=8)], ignore_index=True)))
    some = range(5_500, 6_000, 50)
    later = dated(rents(first=8))
    again = [{"like": at, "number": SLIPS["one character changed"](history["number"][at]), "day": 242} for at in some]
    invoices = append(pd.concat([history, later], ignore_index=True), *again)
    found = check().find(invoices, np.arange(len(history), len(invoices)), check().fit(history))
    assert found.surprisal[: len(later)].max() == 0.0
    assert [list(related[:1]) for related in found.related_invoices[len(later) :]] == [[at] for at in some]


def test_which_nights_were_loaded_at_once_is_learned_and_not_guessed_from_the_book_at_hand() -> None:
    """A vendor with two nights at hand: half of its invoices are of one night, which is a night all the same."""
    late = ordinary().assign(invoice_date=ordinary()["extract_date"] - pd.Timedelta(days=20))
    given = {"like": original(), "number": "INV-77000001", "amount": 912.4, "vendor": "NEW", "vendor_name": "New"}
    first = append(late, {**given, "day": 230, "dated": 130})
    again = append(first, {**given, "day": 236, "dated": 228})
    whole = check(duplicate_days=90)
    state = whole.fit(late)
    alone = again[again["vendor"] == "NEW"].reset_index(drop=True)
    raw = whole.find(again, np.array([len(again) - 1]), state).surprisal[0]
    assert whole.find(alone, np.array([1]), state).surprisal[0] == raw > 1.5


def test_twins_are_earlier_whatever_the_order_of_the_book() -> None:
    mixed = copies().sample(frac=1.0, random_state=4).reset_index(drop=True)
    found = check().find(mixed, np.arange(len(mixed)))
    nights = mixed["extract_date"].to_numpy()
    assert sum(len(related) > 0 for related in found.related_invoices) >= 8
    assert all((nights[related] <= nights[row]).all() for row, related in enumerate(found.related_invoices))
    assert all(
        (len(related) > 0) == (raw > 0) for raw, related in zip(found.surprisal, found.related_invoices, strict=True)
    )


def test_a_night_of_one_vendor_and_one_amount_takes_memory_in_proportion_to_its_rows() -> None:
    def most_bytes(rows: int) -> int:
        invoices = frame_of(vendor="V", number=[f"{n:07d}" for n in range(rows)], amount=50.0, day=np.zeros(rows))
        tracemalloc.start()
        try:
            found = check().find(invoices, np.arange(rows))
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert found.surprisal[rows // 2 :].max() == 0.0
        return most

    # All pairs would be sixteen times as many; what is not done for all of them is held for none.
    assert most_bytes(20_000) < 8 * most_bytes(5_000)


def test_the_same_month_of_last_year_is_no_original_even_where_the_history_was_loaded_at_once() -> None:
    """A subscription: one amount a month under INV-2025-0011, INV-2025-0012, INV-2026-0001, ... INV-2026-0011."""
    months = pd.date_range("2025-11-01", periods=13, freq="MS")
    counts = [11, 12, *range(1, 12)]
    series = frame_of(
        vendor=["subscription"] * 13,
        number=[f"INV-{month.year}-{count:04d}" for month, count in zip(months, counts, strict=True)],
        amount=[150.0] * 13,
        invoice_date=months,
        extract_date=[pd.Timestamp("2026-10-31")] * 12 + [pd.Timestamp("2026-11-02")],
    )
    loaded = ordinary().assign(extract_date=pd.Timestamp("2026-10-31"))
    assert find(pd.concat([loaded, series], ignore_index=True)).surprisal[-1] < 2.0


def test_a_rent_is_no_copy_of_an_older_one_however_near_its_number() -> None:
    """Three rents a month under running numbers: LX0032/26 has the amount of LX0023/26, two digits exchanged."""
    months = pd.date_range("2025-11-01", periods=13, freq="MS")
    rents = [(month, position, amount) for month in months for position, amount in enumerate((936.0, 441.6, 1815.6))]
    series = frame_of(
        vendor=["landlord"] * len(rents),
        number=[f"LX{3 * month.month - 2 + position:04d}/{month.year % 100}" for month, position, _ in rents],
        amount=[amount for _, _, amount in rents],
        invoice_date=[month for month, _, _ in rents],
        extract_date=[pd.Timestamp("2026-10-31")] * 36 + [pd.Timestamp("2026-11-03")] * 3,
    )
    loaded = ordinary().assign(extract_date=pd.Timestamp("2026-10-31"))
    assert find(pd.concat([loaded, series], ignore_index=True), 3).surprisal.max() == 0.0
