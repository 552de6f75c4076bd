"""31/02/2026, year 0001 and 9999, day-month swaps: a date is read by the contract's format or quarantined."""

from datetime import date, datetime

import pytest
from pydantic import ValidationError

from tests.bad_input.conftest import Answer, Desk, contract_of, rows_of, texts_of

ISO_REFUSED = [
    pytest.param("31/02/2026", id="31/02/2026"),
    pytest.param("2026-02-31", id="a day that the month has not"),
    pytest.param("2026-02-29", id="29 February of a common year"),
    pytest.param("2026-13-01", id="a thirteenth month"),
    pytest.param("2026-00-10", id="a month zero"),
    pytest.param("0000-01-01", id="year 0000"),
    pytest.param("10000-01-01", id="year 10000"),
    pytest.param("-2026-01-01", id="a negative year"),
    pytest.param("26-01-31", id="two digits of the year"),
    pytest.param("20260131", id="no marks"),
    pytest.param("31.01.2026", id="another country's marks"),
    pytest.param("01/31/2026", id="the month first"),
    pytest.param("45000", id="a spreadsheet's day number"),
    pytest.param("2026-01-31 13:45", id="a time behind"),
    pytest.param("2026-01-31T00:00:00Z", id="a time and zone behind"),
    pytest.param("2026-W05", id="a week"),
    pytest.param("Jan 31, 2026", id="a month's name"),
    pytest.param("today", id="today"),
    pytest.param("now", id="now"),
    pytest.param("NaT", id="NaT"),
    pytest.param("infinity", id="Postgres's infinity"),
    pytest.param("epoch", id="Postgres's epoch"),
    pytest.param("2026-01-31 BC", id="before Christ"),
    pytest.param("2026-01-31\x00", id="a NUL behind"),
]
PLACEHOLDERS = [
    pytest.param("0001-01-01", "before 1900-01-01", id="year 0001"),
    pytest.param("1899-12-30", "before 1900-01-01", id="a spreadsheet's day zero"),
    pytest.param("9999-12-31", "after 2199-12-31", id="year 9999"),
    pytest.param("2262-04-12", "after 2199-12-31", id="beyond what nanoseconds reach"),
]
LINES = {text: line for line, text in enumerate(texts_of(ISO_REFUSED + PLACEHOLDERS), start=2)}


@pytest.fixture(scope="module")
def answer(desk: Desk) -> Answer:
    """All the values in one file, under a contract with ISO dates and no bounds."""
    return desk.taken(rows_of("day", *LINES), contract_of(), rows=len(LINES))


@pytest.mark.parametrize("text", ISO_REFUSED)
def test_what_is_no_date_of_the_format_is_quarantined_with_what_came_and_an_example(answer: Answer, text: str):
    assert answer.reasons[LINES[text]] == [f"day: {text!r} is not a date; expected e.g. 2024-01-31 (%Y-%m-%d)"]
    assert answer.raw[LINES[text]]["day"] == text.replace("\x00", "␀")


@pytest.mark.parametrize(("text", "words"), PLACEHOLDERS)
def test_a_placeholder_for_no_date_is_quarantined(answer: Answer, text: str, words: str):
    assert answer.reasons[LINES[text]] == [f"day: {text!r} is {words}, no day of an invoice; expected e.g. 2024-01-31"]


def test_the_contracts_own_bounds_take_the_place_of_the_built_in_ones(desk: Desk):
    content = rows_of("day", "0001-01-01", "1850-01-01", "2026-01-31", "9999-12-31", "0000-01-01")

    wide = desk.taken(content, contract_of(fields={"day": {"min": "0001-01-01", "max": "9999-12-31"}}), rows=5)
    narrow = desk.taken(content, contract_of(fields={"day": {"min": "2015-01-01", "max": "2026-12-31"}}), rows=5)

    assert wide.values("day") == [date(1, 1, 1), date(1850, 1, 1), date(2026, 1, 31), date(9999, 12, 31)]
    assert "is not a date" in wide.reasons[6][0]
    assert narrow.values("day") == [date(2026, 1, 31)]
    assert narrow.reasons[2] == ["day: '0001-01-01' is below the minimum; expected at least 2015-01-01"]
    assert narrow.reasons[5] == ["day: '9999-12-31' is above the maximum; expected at most 2026-12-31"]


def test_day_and_month_exchanged_are_found_where_no_such_month_is_and_read_by_the_contract_elsewhere(desk: Desk):
    content = rows_of("day", "03/04/2026", "13/04/2026", "04/13/2026")

    days_first = desk.taken(content, contract_of(extract={"date_format": "%d/%m/%Y"}), rows=3)
    months_first = desk.taken(content, contract_of(extract={"date_format": "%m/%d/%Y"}), rows=3)

    # Nothing tells whether 03/04 was meant as the 3rd of April: the contract says so.
    assert days_first.values("day") == [date(2026, 4, 3), date(2026, 4, 13)]
    assert days_first.reasons == {4: ["day: '04/13/2026' is not a date; expected e.g. 31/01/2024 (%d/%m/%Y)"]}
    assert months_first.values("day") == [date(2026, 3, 4), date(2026, 4, 13)]
    assert months_first.reasons == {3: ["day: '13/04/2026' is not a date; expected e.g. 01/31/2024 (%m/%d/%Y)"]}


def test_a_night_of_exchanged_days_and_months_is_refused_for_its_share(desk: Desk):
    content = rows_of("day", *(f"2026-{day:02}-05" for day in range(1, 29)))

    message = desk.refused(content, contract_of(max_quarantined_share=0.3))

    assert "16 of 28 rows (57.1%) are unfit" in message
    assert "day: '2026-13-05' is not a date; expected e.g. 2024-01-31 (%Y-%m-%d)" in message


def test_31_february_is_quarantined_in_the_contracts_own_format_too(desk: Desk):
    content = rows_of("day", "31/02/2026", "29/02/2028", "1/2/2026", " 01/02/2026 ")

    answer = desk.taken(content, contract_of(extract={"date_format": "%d/%m/%Y"}), rows=4)

    assert answer.reasons == {2: ["day: '31/02/2026' is not a date; expected e.g. 31/01/2024 (%d/%m/%Y)"]}
    assert answer.values("day") == [date(2028, 2, 29), date(2026, 2, 1), date(2026, 2, 1)]


def test_dates_without_marks_need_all_their_digits(desk: Desk):
    # strptime reads 260131 as the year 2601, and 2026013 as the 3rd of January.
    content = rows_of("day", "20260131", "260131", "2026013", "20261301", "45000", "2026-01-31")

    answer = desk.taken(content, contract_of(extract={"date_format": "%Y%m%d"}), rows=6)

    assert answer.values("day") == [date(2026, 1, 31)]
    assert all("is not a date; expected e.g. 20240131" in reasons[0] for reasons in answer.reasons.values())


def test_dates_with_times_are_the_day_where_the_format_names_the_time(desk: Desk):
    content = rows_of("day", "2026-01-31 23:59", "2026-01-31", "2026-01-31 24:00", "2026-01-31 25:00")

    answer = desk.taken(content, contract_of(extract={"date_format": "%Y-%m-%d %H:%M"}), rows=4)

    assert answer.values("day") == [date(2026, 1, 31)]
    assert sorted(answer.reasons) == [3, 4, 5]


def test_native_dates_of_a_workbook_are_taken_and_its_day_numbers_are_not(desk: Desk, tmp_path):
    import pandas as pd

    days = [datetime(2026, 1, 31), date(2026, 2, 1), datetime(2026, 2, 2, 13, 45), 45000, "2026-02-31"]
    frame = pd.DataFrame({"vendor": "V1", "number": "A1", "day": days, "amount": 1.5, "note": "x"})
    frame.to_excel(tmp_path / "night.xlsx", index=False)

    answer = desk.taken((tmp_path / "night.xlsx").read_bytes(), contract_of(), rows=5, name="night.xlsx")

    assert answer.values("day") == [date(2026, 1, 31), date(2026, 2, 1), date(2026, 2, 2)]
    assert answer.reasons[5] == ["day: 45000 is not a date; expected e.g. 2024-01-31 (%Y-%m-%d)"]
    assert "is not a date" in answer.reasons[6][0]


@pytest.mark.parametrize("date_format", ["%Q", "%", "", "%H:%M", "mixed", "ISO8601", "%m/%Y"])
def test_a_date_format_that_names_no_day_is_refused_with_the_contract_and_not_at_night(date_format: str):
    with pytest.raises(ValidationError, match=r"use e\.g\. %Y-%m-%d or %d\.%m\.%Y"):
        contract_of(extract={"date_format": date_format})
