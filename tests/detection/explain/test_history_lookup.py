"""HistoryLookup are what was known before, of the same entity, of others, and of the days around."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from invoice_anomalies.contract import Contract
from invoice_anomalies.detection.explain.history_lookup import MOST_ROWS, HistoryLookup
from invoice_anomalies.detection.result import ScoringResult

START = pd.Timestamp(2026, 3, 2)


def invoices(*rows: tuple[str, str, int]) -> pd.DataFrame:
    """Invoices by vendor, number and day, each extracted a day after its date."""
    dates = [START + pd.Timedelta(days=day) for _, _, day in rows]
    return pd.DataFrame(
        {
            "vendor_id": [vendor for vendor, _, _ in rows],
            "invoice_number": pd.array([number for _, number, _ in rows], dtype="str"),
            "invoice_date": dates,
            "posting_date": dates,
            "gross_amount": np.arange(len(rows), dtype=float),
            "extract_date": [date + pd.Timedelta(days=1) for date in dates],
        },
        index=pd.Index([f"{vendor}|{number}" for vendor, number, _ in rows], name="invoice_key"),
    )


def precedents(contract: Contract, asked: pd.DataFrame, history: pd.DataFrame) -> HistoryLookup:
    result = ScoringResult.__new__(ScoringResult)
    object.__setattr__(result, "history", history)
    object.__setattr__(result, "invoices", asked)
    return HistoryLookup(contract, result)


def test_what_came_before_is_of_the_same_vendor_and_of_earlier_nights_oldest_first(contract: Contract) -> None:
    history = invoices(("A", "3", 3), ("B", "9", 1), ("A", "1", 1))
    asked = invoices(("A", "7", 7), ("A", "8", 8), ("A", "also 8", 8), ("C", "1", 8))
    known = precedents(contract, asked, history)

    numbers = [known.values("invoice_number", known.rows(row)) for row in range(4)]

    assert numbers == [["1", "3"], ["1", "3", "7"], ["1", "3", "7"], []]


def test_without_a_history_the_other_invoices_of_a_book_are_what_came_before(contract: Contract) -> None:
    asked = invoices(("A", "1", 1), ("A", "2", 1), ("A", "3", 1), ("B", "1", 1))
    known = precedents(contract, asked, asked.iloc[:0])

    assert known.values("invoice_number", known.rows(1)) == ["1", "3"]


def test_no_more_than_the_latest_invoices_are_looked_at(contract: Contract) -> None:
    history = invoices(*(("A", str(number), number) for number in range(MOST_ROWS + 50)))
    known = precedents(contract, invoices(("A", "x", 500)), history)

    numbers = known.values("invoice_number", known.rows(0))

    assert (len(numbers), numbers[-1]) == (MOST_ROWS, str(MOST_ROWS + 49))


def test_missing_values_are_left_out(contract: Contract) -> None:
    history = invoices(("A", "1", 1), ("A", "2", 2))
    history.loc["A|1", ["invoice_number", "gross_amount"]] = None
    history["invoice_date"] = history["invoice_date"].where(history.index != "A|1")
    known = precedents(contract, invoices(("A", "x", 5)), history)

    for name in ("invoice_number", "gross_amount", "invoice_date"):
        assert len(known.values(name, known.rows(0))) == 1
    assert known.shapes("invoice_number", known.rows(0)) == ["9"]


SCHEMES = invoices(
    *(("A", f"UM-{number}", number) for number in range(100, 110)),
    *(("B", f"{number}/26", number) for number in range(100, 110)),
    *(("C", f"RE{number}", number) for number in range(100, 110)),
    *(("D", f"RE{number + 500}", number) for number in range(100, 110)),
    ("A", "777/26", 50),
)


@pytest.mark.parametrize(
    ("text", "vendor", "owner", "owners", "number"),
    [
        ("UM-103", "B", "A", 1, "UM-103"),
        ("107/26", "C", "B", 1, "107/26"),  # that A wrote so once makes it no way of A's
        ("RE604", "B", "D", 2, "RE604"),
        ("XY104", "B", "C", 2, "RE104"),  # nobody has these letters, two have the shape
        ("UM-555", "new", "A", 1, "UM-109"),
    ],
)
def test_a_number_is_recognised_as_another_vendors(
    contract: Contract, text: str, vendor: str, owner: str, owners: int, number: str
) -> None:
    scheme = precedents(contract, invoices((vendor, text, 300)), SCHEMES).scheme("invoice_number", text, vendor)

    assert scheme is not None
    assert (scheme.owner, scheme.owners, scheme.number) == (owner, owners, number)
    assert scheme.night.year == 2026


@pytest.mark.parametrize(("text", "vendor"), [("UM-300", "A"), ("RE300", "C"), ("nobody's", "A"), ("RE1", "C")])
def test_a_number_of_the_own_kind_or_of_nobodys_is_no_other_vendors(contract: Contract, text: str, vendor: str) -> None:
    known = precedents(contract, invoices((vendor, text, 300)), SCHEMES)

    assert known.scheme("invoice_number", text, vendor) is None


def test_numbers_with_line_breaks_and_of_other_alphabets_have_their_schemes(contract: Contract) -> None:
    history = invoices(*(("A", f"發票\n{number}", number) for number in range(10, 15)), ("B", "1", 3))
    known = precedents(contract, invoices(("B", "發票\n77", 300)), history)

    scheme = known.scheme("invoice_number", "發票\n77", "B")

    assert scheme is not None
    assert scheme.owner == "A"


def test_the_invoices_of_others_on_a_day_are_counted_as_they_were_seen_then(contract: Contract) -> None:
    # Ten invoices of others each Monday; they arrive a day later.
    history = invoices(*((f"V{week}", f"{week}-{number}", 7 * week) for week in range(8) for number in range(10)))
    known = precedents(contract, invoices(("A", "1", 63)), history)
    ninth_monday, holiday = date(2026, 4, 20), date(2026, 4, 27)
    nobody = np.zeros(0, dtype=np.intp)

    assert known.others_on("invoice_date", ninth_monday, date(2026, 4, 30), nobody)[0] == 10
    here, before = known.others_on("invoice_date", holiday, date(2026, 4, 30), nobody)
    assert here == 0
    assert before[:3] == [10, 10, 10]
    # On the day itself nothing of any Monday had arrived, so that nothing can be said.
    assert known.others_on("invoice_date", holiday, holiday, nobody) == (0, [0] * 8)


def test_newcomers_are_counted_among_the_latest_invoices(contract: Contract) -> None:
    history = invoices(*(("A", str(day), day) for day in range(8)), ("B", "1", 8), ("C", "1", 9))

    assert precedents(contract, invoices(("D", "1", 20)), history).newcomers == (2, 5)
