"""How values are read by the contract's types, whatever the file's format."""

import sys
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from invoice_anomalies.extract import read
from invoice_anomalies.validation.parse import parse, shown
from tests.validation.conftest import contract_of, judged_in


def parsed(field: str, values: list[Any], dtype: Any = object, **extract: Any) -> list[Any]:
    """What the values of one field are read as; the sentence where one cannot be."""
    raw = pd.DataFrame({field: pd.Series(values, dtype=dtype)})
    result = parse(contract_of(extract), raw)
    sentences = result.unreadable[field]
    typed = result.values[field].astype(object)
    return typed.where(sentences.isna(), sentences).tolist()


@pytest.mark.parametrize(
    ("marks", "text", "expected"),
    [
        ({}, "1234.56", 1234.56),
        ({}, " +5 ", 5.0),
        ({}, "-.5", -0.5),
        ({}, "100.00-", -100.0),
        ({"decimal": ",", "thousands": "."}, "1.234,56", 1234.56),
        ({"decimal": ",", "thousands": "."}, "1234,56", 1234.56),
        ({"decimal": ",", "thousands": " "}, "1\u202f234\u00a0567,8", 1234567.8),
        ({"thousands": "'"}, "1’234'567.80", 1234567.8),
        ({"thousands": ","}, "1,234.50", 1234.5),
    ],
)
def test_marks_of_numbers(marks: dict[str, str], text: str, expected: float) -> None:
    assert parsed("amount", [text], "str", **marks) == [expected]


@pytest.mark.parametrize(
    ("marks", "text"),
    [
        ({}, "1,234.56"),
        ({"decimal": ",", "thousands": "."}, "1.23,5"),
        ({"decimal": ",", "thousands": "."}, "1.2345,5"),
        ({}, "--5"),
        ({}, "-5-"),
        ({}, "."),
        ({}, "0x10"),
        ({}, "1_000"),
        ({}, "٣"),
        ({}, "10%"),
        ({}, "(5)"),
    ],
)
def test_a_number_is_never_guessed(marks: dict[str, str], text: str) -> None:
    assert "is not a number" in parsed("amount", [text], "str", **marks)[0]


def test_native_numbers_are_taken_and_other_things_are_not() -> None:
    assert parsed("amount", [1, 2.5, Decimal("3.10"), np.int64(4)]) == [1, 2.5, 3.1, 4]
    assert all("is not a number" in each for each in parsed("amount", [True, float("inf"), date(2024, 1, 1), [1]]))
    assert "beyond 1e+15" in parsed("amount", [10**400])[0]
    assert "is not a number" in parsed("amount", [True, False], bool)[0]


def test_dates_are_days_of_the_writers_clock() -> None:
    east = timezone(timedelta(hours=9))
    native = [date(2024, 1, 2), datetime(2024, 1, 2, 23, 30), datetime(2024, 1, 2, 1, tzinfo=east)]
    assert parsed("day", native) == [pd.Timestamp(2024, 1, 2)] * 3
    assert parsed("day", [datetime(2024, 1, 2, 1, tzinfo=UTC)], "datetime64[us, UTC]") == [pd.Timestamp(2024, 1, 2)]
    assert parsed("day", ["20240102", 20240102], date_format="%Y%m%d") == [pd.Timestamp(2024, 1, 2)] * 2
    zoned = ["2024-01-02T01:00+0900", "2024-01-02T23:00-0500"]
    assert parsed("day", zoned, "str", date_format="%Y-%m-%dT%H:%M%z") == [pd.Timestamp(2024, 1, 2)] * 2
    assert parsed("day", ["2199-12-31"], "str") == [pd.Timestamp(2199, 12, 31)]
    assert "is not a date" in parsed("day", [45000])[0]


def test_native_values_become_the_text_a_csv_file_would_hold() -> None:
    assert parsed("number", [7, 7.0, "007", 7.5, date(2024, 1, 2)]) == ["7", "7", "007", "7.5", "2024-01-02"]
    assert parsed("number", [7, 8], "int64") == ["7", "8"]
    assert parsed("vendor", ["V1", "V2"], "category") == ["V1", "V2"]


def test_a_value_is_shown_on_one_line_and_cut() -> None:
    assert shown("a\nb") == r"'a\nb'"
    assert len(shown("x" * 1000)) == 60
    assert shown(np.float64(1.5)) == "1.5"
    assert shown(datetime(2024, 1, 2)) == "2024-01-02"
    assert shown(None) == shown(float("nan")) == "empty"


def test_csv_parquet_and_excel_give_the_same_typed_frame(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "vendor": ["V1", "V2", "V3"],
            "number": [1, 2, 3],
            "day": [datetime(2024, 1, 2), datetime(2024, 1, 3), datetime(2024, 1, 4)],
            "amount": [1.5, -2, 1000],
            "kind": ["std", "fee", "std"],
            "note": ["a", None, "=1+1"],
        }
    )
    frame.to_csv(tmp_path / "a.csv", index=False, date_format="%Y-%m-%d")
    frame.to_parquet(tmp_path / "a.parquet")
    # A text that starts with = would be a formula to Excel, so its cell is told to be a text.
    with pd.ExcelWriter(tmp_path / "a.xlsx", engine="openpyxl") as writer:
        frame.to_excel(writer, index=False)
        writer.book.active["F4"].data_type = "s"
    contract = contract_of()

    valid = {}
    for name in ("a.csv", "a.parquet", "a.xlsx"):
        parts = read(contract, str(tmp_path / name))
        outcome = judged_in(tmp_path / "judged" / name, contract, parts, file=name)
        assert outcome.success, outcome.problems
        valid[name] = outcome.valid

    pd.testing.assert_frame_equal(valid["a.parquet"], valid["a.csv"], check_index_type=False)
    pd.testing.assert_frame_equal(valid["a.xlsx"], valid["a.csv"], check_index_type=False)
    assert list(valid["a.csv"].columns) == list(contract.fields)
    assert [str(dtype) for dtype in valid["a.csv"].dtypes] == ["str", "str", "datetime64[us]", "float64", "str", "str"]
    assert valid["a.csv"]["note"].tolist()[::2] == ["a", "=1+1"]


def test_unreadable_amounts_are_told_with_work_in_proportion_to_their_number() -> None:
    def calls(rows: int) -> int:
        raw = pd.DataFrame({"amount": pd.Series(["12x"] * rows, dtype="str")})
        done = 0

        def count(frame: object, event: str, argument: object) -> None:
            nonlocal done
            done += event in ("call", "c_call")

        before = sys.getprofile()
        sys.setprofile(count)
        try:
            result = parse(contract_of(), raw)
        finally:
            sys.setprofile(before)
        assert result.unreadable["amount"].notna().all()
        return done

    calls(10)
    assert calls(20_000) < 12 * calls(2_000)
