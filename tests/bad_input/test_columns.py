"""Missing, extra, renamed or reordered columns, and the wrong delimiter."""

from datetime import date
from decimal import Decimal

import pytest

from tests.bad_input.conftest import FIT, HEADER, Desk, contract_of, table

MEANT = {"vendor": "V1", "number": "A1", "day": date(2026, 1, 31), "amount": Decimal("10.5"), "note": "paper"}
REFUSED = [
    pytest.param(
        "vendor,number,day,note", "V1,A1,2026-01-31,paper", "1 expected column is missing: 'amount';", id="missing"
    ),
    pytest.param(HEADER.replace("amount", "amounts"), FIT, "'amount' (is it 'amounts'? then set column:", id="renamed"),
    pytest.param(
        HEADER.replace("amount", "sum"),
        FIT,
        "the headers that came are 'vendor', 'number', 'day', 'sum', 'note'",
        id="renamed beyond recognition",
    ),
    pytest.param(
        HEADER.replace("note", "amount"),
        FIT,
        "the header names 'amount' 2 times (columns 4, 5)",
        id="twice in the header",
    ),
    pytest.param(
        HEADER.replace("note", "Amount").replace("amount", "AMOUNT"),
        FIT,
        "the header names 'amount' 2 times",
        id="twice in other cases",
    ),
    pytest.param(
        "sep=,", HEADER, "the headers that came are 'sep=', 'column 2'", id="a spreadsheet's line before the header"
    ),
    pytest.param(
        "", HEADER, "line 1: expected the header there; the line is blank", id="a blank line before the header"
    ),
]
LOADED = [
    pytest.param("note,amount,day,number,vendor", "paper,10.50,2026-01-31,A1,V1", id="reordered"),
    pytest.param("x," + HEADER + ",y", f"1,{FIT},2", id="extra before and behind"),
    pytest.param("x," + HEADER + ",x", f"1,{FIT},2", id="two extra ones of one name"),
    pytest.param(
        HEADER + ",line,reasons,raw,(misfit),invoice_key,extract_date",
        f"{FIT},1,2,3,4,5,6",
        id="extra ones named like the tables' own",
    ),
    pytest.param(HEADER + ",'; DROP TABLE invoices; --", f"{FIT},x", id="an extra one that is SQL"),
    pytest.param(HEADER.upper(), FIT, id="header in capitals"),
    pytest.param(" vendor ,number\t, day,amount,note ", FIT, id="spaces around the headers"),
    pytest.param('"vendor","number","day","amount","note"', FIT, id="quoted header"),
    pytest.param(HEADER + ",", FIT + ",", id="trailing delimiter everywhere"),
    pytest.param(HEADER, FIT + ",", id="trailing delimiter in the rows only"),
    pytest.param(HEADER + ",", FIT, id="trailing delimiter in the header only"),
    pytest.param(HEADER, FIT + "," * 300, id="a spreadsheet's empty columns"),
]


@pytest.mark.parametrize(("header", "row", "expected"), REFUSED)
def test_a_header_that_is_not_the_contracts_refuses_the_night_and_says_which_came(
    desk: Desk, header: str, row: str, expected: str
):
    assert expected in desk.refused(table(row, header=header))


@pytest.mark.parametrize(("header", "row"), LOADED)
def test_columns_are_found_by_their_names_wherever_they_stand(desk: Desk, header: str, row: str):
    assert desk.taken(table(row, header=header), rows=1).loaded == {2: MEANT}


@pytest.mark.parametrize(
    ("mark", "name"),
    [
        pytest.param(";", "';'", id="semicolons"),
        pytest.param("\t", r"a tab ('\t')", id="tabs"),
        pytest.param("|", "'|'", id="bars"),
    ],
)
def test_the_wrong_delimiter_is_named_with_the_setting_to_change(desk: Desk, mark: str, name: str):
    content = table(FIT).replace(",", mark)

    message = desk.refused(content)

    assert "line 1: expected 5 columns separated by ','; one came: 'vendor" in message
    assert f"the file seems to use {name}; set extract.delimiter to it" in message
    assert desk.taken(content, contract_of(extract={"delimiter": mark}), rows=1).loaded == {2: MEANT}


def test_a_delimiter_that_nobody_uses_is_shown_with_the_line_that_came(desk: Desk):
    assert "one came: 'vendor^number^day^amount^note'" in desk.refused(table(FIT).replace(",", "^"))


def test_a_delimiter_within_an_unquoted_value_quarantines_its_row_alone(desk: Desk):
    content = table(FIT, "V1,A2,2026-01-31,1,50,paper", "V1,A3,2026-01-31,1.50,paper, A4", 'V1,A4,2026-01-31,1,"a, b"')

    answer = desk.taken(content, rows=4)

    assert answer.values("note") == ["paper", "a, b"]
    for line, surplus in ((3, "paper"), (4, " A4")):
        assert answer.reasons[line] == [
            f"the row has more values than the header's 5: surplus [{surplus!r}]; expected values that contain ',' to "
            "be quoted"
        ]


def test_rows_that_are_too_short_are_quarantined_for_the_required_values_that_they_lack(desk: Desk):
    answer = desk.taken(table("V1,A1,2026-01-31,1", "V1,A2,2026-01-31", "V1", ",,,,", "", FIT), rows=5)

    assert answer.values("number") == ["A1", "A1"]
    assert answer.reasons[3] == ["amount: empty, but a value is required"]
    assert len(answer.reasons[4]) == 3
    assert len(answer.reasons[5]) == 4


def test_a_header_that_is_repeated_among_the_rows_is_quarantined(desk: Desk):
    answer = desk.taken(table(FIT, HEADER, FIT), rows=3)

    assert list(answer.reasons) == [3]
    assert answer.reasons[3][0] == "day: 'day' is not a date; expected e.g. 2024-01-31 (%Y-%m-%d)"


def test_a_field_without_its_column_refuses_the_night_even_where_it_may_be_empty(desk: Desk):
    assert "1 expected column is missing: 'note'" in desk.refused(table("V1,A1,2026-01-31,1", header=HEADER[:-5]))


def test_a_hostile_header_is_shown_harmless(desk: Desk):
    message = desk.refused(table("V1,A1", header="vendor,number,\x1b[31m<script>\u202eabc\x00"))

    assert r"'\x1b[31m<script>\u202eabc\x00'" in message
