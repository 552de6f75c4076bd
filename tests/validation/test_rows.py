"""Which rows are quarantined, and with which reasons."""

import json
import random
from pathlib import Path

import pandas as pd
import pytest

from invoice_anomalies.extract import read
from tests.validation.conftest import HEADER, Judge, assert_nothing_lost, contract_of, judged_in, only_reasons


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("x,B,2024-01-31,1,std,", r"vendor: 'x' does not match the pattern; expected V\d+ for the whole value"),
        ("V1x,B,2024-01-31,1,std,", r"vendor: 'V1x' does not match the pattern; expected V\d+ for the whole value"),
        ("V1,,2024-01-31,1,std,", "number: empty, but a value is required"),
        ("V1,NULL,2024-01-31,1,std,", "number: empty, but a value is required"),
        ("V1,B,31.01.2024,1,std,", "day: '31.01.2024' is not a date; expected e.g. 2024-01-31 (%Y-%m-%d)"),
        ("V1,B,today,1,std,", "day: 'today' is not a date; expected e.g. 2024-01-31 (%Y-%m-%d)"),
        ("V1,B,2024-02-30,1,std,", "day: '2024-02-30' is not a date; expected e.g. 2024-01-31 (%Y-%m-%d)"),
        ("V1,B,2019-12-31,1,std,", "day: '2019-12-31' is below the minimum; expected at least 2020-01-01"),
        ("V1,B,2024-01-31,12x,std,", "amount: '12x' is not a number; expected e.g. 1234.56 with decimal mark '.'"),
        ("V1,B,2024-01-31,$5,std,", "amount: '$5' is not a number; expected e.g. 1234.56 with decimal mark '.'"),
        ("V1,B,2024-01-31,nan,std,", "amount: 'nan' is not a number; expected e.g. 1234.56 with decimal mark '.'"),
        ("V1,B,2024-01-31,-inf,std,", "amount: '-inf' is not a number; expected e.g. 1234.56 with decimal mark '.'"),
        ("V1,B,2024-01-31,1e3,std,", "amount: '1e3' is not a number; expected e.g. 1234.56 with decimal mark '.'"),
        (
            "V1,B,2024-01-31,2000000000000000,std,",
            "amount: '2000000000000000' is beyond 1e+15, too large to be right; expected e.g. 1234.56",
        ),
        ("V1,B,2024-01-31,1000.01,std,", "amount: '1000.01' is above the maximum; expected at most 1000"),
        ("V1,B,2024-01-31,-100.5,std,", "amount: '-100.5' is below the minimum; expected at least -100"),
        ("V1,B,2024-01-31,1,STD,", "kind: 'STD' is not allowed; expected one of std, fee"),
        ("V1,B\x07,2024-01-31,1,std,", r"number: 'B\x07' contains a control character; expected plain text"),
        ("V1,B\x00C,2024-01-31,1,std,", r"number: 'B\x00C' contains a control character; expected plain text"),
        ("V1,B,2024-01-31,1,std,a\x00b", r"note: 'a\x00b' contains a control character; expected plain text"),
        ("V1,A3,2024-01-31,1,std,", "vendor, number: same key as line 5; expected each invoice once"),
    ],
)
def test_a_broken_rule_quarantines_its_row_with_one_reason(judge: Judge, row: str, reason: str) -> None:
    assert only_reasons(judge(row)) == [reason]


def test_every_reason_that_applies_is_listed(judge: Judge) -> None:
    outcome = judge("x,A3,2019-01-01,12x,other,,surplus", "V1,A3,,,std,")

    first, second = outcome.quarantined["reasons"]
    assert [reason.split(":")[0] for reason in first[1:]] == ["vendor", "day", "amount", "kind"]
    assert "surplus ['surplus']" in first[0]
    assert second == [
        "day: empty, but a value is required",
        "amount: empty, but a value is required",
        "vendor, number: same key as line 5; expected each invoice once",
    ]


def test_the_first_fit_row_keeps_its_key_and_a_broken_one_before_it_does_not(judge: Judge) -> None:
    outcome = judge("V1,B,2024-01-31,12x,std,", "V1,B,2024-01-31,1,std,", "V1,B,2024-01-31,2,std,")

    assert outcome.valid["amount"].iloc[-1] == 1
    assert outcome.quarantined.index.tolist() == [22, 24]
    assert all("same key as line 23" in reasons[-1] for reasons in outcome.quarantined["reasons"])


def test_a_row_is_kept_as_it_came(judge: Judge) -> None:
    outcome = judge('V1,"B ""1""",2024-01-31,12x,std,=2+3', header=HEADER.replace("note", "NOTE"))

    assert json.loads(outcome.quarantined["raw"].iloc[0]) == {
        "vendor": "V1",
        "number": 'B "1"',
        "day": "2024-01-31",
        "amount": "12x",
        "kind": "std",
        "note": "=2+3",
    }


def test_long_values_are_cut_in_a_reason(judge: Judge) -> None:
    (reason,) = only_reasons(judge(f"V1,B,2024-01-31,{'9x' * 500},std,"))

    assert len(reason) < 150
    assert "…" in reason


def test_line_breaks_are_text_but_rows_swallowed_by_a_stray_quote_are_not(judge: Judge) -> None:
    outcome = judge('V1,B,2024-01-31,1,std,"two\nlines"', 'V1,C,2024-01-31,1,std,"a\nV1,D,2024-01-31,1,std,b"')

    assert outcome.valid["note"].iloc[-1] == "two\nlines"
    assert "looks like several rows in one value" in only_reasons(outcome)[0]


def test_severities_let_a_row_stay_or_refuse_the_night(judge: Judge) -> None:
    warned = judge("V1,B,2024-01-31,5000,std,", contract=contract_of(fields={"amount": {"severity": "warn"}}))
    assert len(warned.valid) == 21
    assert warned.warnings == ["1 row (line 22): amount: '5000' is above the maximum; expected at most 1000"]

    refused = judge("V1,B,2024-01-31,5000,std,", contract=contract_of(fields={"amount": {"severity": "abort"}}))
    assert not refused.success
    assert refused.problems == warned.warnings
    assert (len(refused.valid), len(refused.quarantined), refused.rows_in) == (0, 0, 21)


def test_a_row_without_its_key_does_not_stay_even_where_the_field_only_warns(judge: Judge) -> None:
    outcome = judge("V1,,2024-01-31,1,std,", contract=contract_of(fields={"number": {"severity": "warn"}}))

    assert only_reasons(outcome) == ["number: empty, but a value is required"]


def test_no_row_of_a_messy_file_is_lost_or_counted_twice(tmp_path: Path) -> None:
    draw = random.Random(3)
    cells = {
        "vendor": ["V1", "V2", "", "x", " V1 ", "V\x00"],
        "number": [*map(str, range(40)), "", "NULL"],
        "day": ["2024-01-31", "2024-01-31", "9999-12-31", "0001-01-01", "now", ""],
        "amount": ["1", "-5", "1e400", "9" * 400, "inf", "1,5", ".5", "5."],
        "kind": ["std", "fee", "Std"],
        "note": ["", '"a\nb"', "=cmd()", '"', "é\u202e", ",,,,"],
    }
    lines = [",".join(draw.choice(values) for values in cells.values()) for _ in range(400)]
    # A quote that nothing closes would end the file early, which is the reader's to refuse.
    text = "\n".join([HEADER, *(line.rstrip('"') if line.count('"') % 2 else line for line in lines), ",,", "", ""])
    path = tmp_path / "messy.csv"
    path.write_text(text, encoding="utf-8")
    contract = contract_of(max_quarantined_share=1)
    raw = pd.concat(list(read(contract, str(path))))

    outcome = judged_in(tmp_path, contract, [raw], file="messy.csv")

    assert len(raw) == 401
    assert outcome.success
    assert_nothing_lost(outcome, raw)
    assert 0 < len(outcome.valid) < len(raw)
    assert all(outcome.quarantined["reasons"].map(len))
    assert outcome.valid[["vendor", "number", "day", "amount", "kind"]].notna().all(axis=None)
    assert not outcome.valid.duplicated(["vendor", "number"]).any()
    assert not outcome.quarantined["raw"].str.contains("\x00", regex=False).any()
