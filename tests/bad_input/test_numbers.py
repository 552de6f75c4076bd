"""1.234,56 and 1,234.56; currency signs; negative, zero, 1e308, NaN and inf amounts. A number is never guessed."""

import pytest

from tests.bad_input.conftest import Answer, Desk, contract_of, rows_of, texts_of

# How a contract may say that its extract writes numbers.
MARKS = {
    "1234.56": {},
    "1,234.56": {"thousands": ","},
    "1234,56": {"decimal": ","},
    "1.234,56": {"decimal": ",", "thousands": "."},
}
NO = None  # it is quarantined
# What came, and what is loaded under each of the four contracts.
SPELLINGS = {
    #                        1234.56  1,234.56  1234,56  1.234,56
    "1234.56": (1234.56, 1234.56, NO, NO),
    "1,234.56": (NO, 1234.56, NO, NO),
    "1234,56": (NO, NO, 1234.56, 1234.56),
    "1.234,56": (NO, NO, NO, 1234.56),
    # Read as the contract says: nothing in the value itself tells that it was meant otherwise.
    "1.234": (1.234, 1.234, NO, 1234),
    "1,234": (NO, 1234, 1.234, 1.234),
    "12.345.678": (NO, NO, NO, 12345678),
    "1.23.4": (NO, NO, NO, NO),
    "1 234.56": (NO, NO, NO, NO),
    "1'234.56": (NO, NO, NO, NO),
}
REFUSED = [
    pytest.param("€ 12", id="a currency sign before"),
    pytest.param("12 €", id="a currency sign behind"),
    pytest.param("$12", id="a dollar sign"),
    pytest.param("12 EUR", id="a currency code"),
    pytest.param("12.00 CR", id="a mark of credit"),
    pytest.param("(12.00)", id="an accountant's brackets"),
    pytest.param("- 12", id="a minus that stands apart"),
    pytest.param("−12", id="a typographer's minus"),
    pytest.param("１２", id="full-width digits"),
    pytest.param("१२", id="Devanagari digits"),
    pytest.param("1e308", id="1e308"),
    pytest.param("1e-400", id="1e-400"),
    pytest.param("1.5E3", id="a spreadsheet's power of ten"),
    pytest.param("9" * 400, id="four hundred digits"),
    pytest.param("1000000000000001", id="a quadrillion and one"),
    pytest.param("NaN", id="NaN"),
    pytest.param("nan", id="nan"),
    pytest.param("inf", id="inf"),
    pytest.param("-inf", id="minus inf"),
    pytest.param("Infinity", id="Infinity"),
    pytest.param("#REF!", id="a spreadsheet's error"),
    pytest.param("#####", id="a column that was too narrow"),
    pytest.param("N/A", id="N/A"),
    pytest.param("12%", id="a share"),
    pytest.param("0x1F", id="hexadecimal"),
    pytest.param("1_000", id="underscores"),
    pytest.param("=1+1", id="a formula"),
    pytest.param("TRUE", id="a truth value"),
    pytest.param("1\u200b2", id="an invisible character"),
    pytest.param("12\x00", id="a NUL"),
]
LOADED = [
    pytest.param("-12", -12, id="negative"),
    pytest.param("12.00-", -12, id="negative as SAP writes it"),
    pytest.param("0", 0, id="zero"),
    pytest.param("-0", 0, id="minus zero"),
    pytest.param("+12", 12, id="a plus"),
    pytest.param("  12\t", 12, id="spaces around"),
    pytest.param(".5", 0.5, id="no digit before the mark"),
    pytest.param("5.", 5, id="no digit behind the mark"),
    pytest.param("0.005", 0.005, id="more than cents"),
    pytest.param("1000000000000000", 1e15, id="a quadrillion"),
    pytest.param("0." + "0" * 400 + "1", 0, id="less than a float can hold"),
]
LINES = {text: line for line, text in enumerate(texts_of(REFUSED + LOADED), start=2)}


@pytest.fixture(scope="module", params=MARKS)
def under_marks(desk: Desk, request: pytest.FixtureRequest) -> tuple[int, Answer]:
    """Every spelling in one file, under one of the contracts; and which one."""
    answer = desk.taken(rows_of("amount", *SPELLINGS), contract_of(extract=MARKS[request.param]), rows=len(SPELLINGS))
    return list(MARKS).index(request.param), answer


@pytest.fixture(scope="module")
def answer(desk: Desk) -> Answer:
    """All the other values in one file, under the contract with a point."""
    return desk.taken(rows_of("amount", *LINES), contract_of(), rows=len(LINES))


@pytest.mark.parametrize("text", SPELLINGS)
def test_a_number_is_read_by_the_marks_of_the_contract_or_quarantined(under_marks: tuple[int, Answer], text: str):
    place, answer = under_marks
    line, expected = 2 + list(SPELLINGS).index(text), SPELLINGS[text][place]

    if expected is NO:
        (reason,) = answer.reasons[line]
        assert reason.startswith("amount: ")
        assert text in reason
        assert f"is not a number; expected e.g. {list(MARKS)[place]} with decimal mark" in reason
        assert answer.raw[line]["amount"] == text
    else:
        assert float(answer.loaded[line]["amount"]) == expected


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_plain_number_is_quarantined_with_what_came_and_an_example(answer: Answer, text: str):
    (reason,) = answer.reasons[LINES[text]]

    assert reason.startswith("amount: ")
    assert text[:20] in reason or repr(text)[1:-1] in reason
    assert "expected e.g. 1234.56" in reason
    assert answer.raw[LINES[text]]["amount"] == text.replace("\x00", "␀")


@pytest.mark.parametrize(("text", "expected"), LOADED)
def test_a_number_in_another_form_is_loaded_as_the_number_it_is(answer: Answer, text: str, expected: float):
    amount = answer.loaded[LINES[text]]["amount"]

    assert float(amount) == expected
    assert not str(amount).startswith("-") or expected < 0


def test_negative_and_zero_amounts_are_refused_only_where_the_contract_bounds_them(desk: Desk):
    content = rows_of("amount", "-5", "0", "-0", "0.01", "100", "100.01")

    free = desk.taken(content, contract_of(), rows=6)
    bound = desk.taken(content, contract_of(fields={"amount": {"min": 0.01, "max": 100}}), rows=6)

    assert [float(amount) for amount in free.values("amount")] == [-5, 0, 0, 0.01, 100, 100.01]
    assert bound.reasons == {
        2: ["amount: '-5' is below the minimum; expected at least 0.01"],
        3: ["amount: '0' is below the minimum; expected at least 0.01"],
        4: ["amount: '-0' is below the minimum; expected at least 0.01"],
        7: ["amount: '100.01' is above the maximum; expected at most 100"],
    }


def test_a_rate_may_have_a_power_of_ten_and_an_amount_may_not(desk: Desk):
    fields = {"rate": {"type": "number"}}
    header = "vendor,number,day,amount,note,rate"
    texts = ["1e-05", "1e308", "inf", "nan"]
    content = "\n".join([header, *(f"V1,A1,2026-01-31,1,x,{text}" for text in texts), ""])

    answer = desk.taken(content, contract_of(fields=fields), rows=4)

    assert answer.values("rate") == [1e-05]
    assert answer.reasons[3] == ["rate: '1e308' is beyond 1e+15, too large to be right; expected e.g. 1234.56"]
    assert all("is not a number" in answer.reasons[line][0] for line in (4, 5))


def test_native_infinities_and_nans_of_parquet_files_are_quarantined_too(desk: Desk, tmp_path):
    import pandas as pd

    amounts = [1.5, float("inf"), float("-inf"), float("nan"), 1e308]
    frame = pd.DataFrame({"vendor": "V1", "number": "A1", "day": pd.Timestamp(2026, 1, 31), "amount": amounts})
    frame.assign(note="x").to_parquet(tmp_path / "night.parquet")

    answer = desk.taken((tmp_path / "night.parquet").read_bytes(), contract_of(), rows=5, name="night.parquet")

    assert answer.values("amount") == [1.5]
    assert ["is not a number" in answer.reasons[line][0] for line in (3, 4, 5, 6)] == [True, True, False, False]
    assert answer.reasons[5] == ["amount: empty, but a value is required"]
    assert "is beyond 1e+15" in answer.reasons[6][0]


def test_a_night_whose_numbers_are_all_in_another_notation_is_refused_with_an_example(desk: Desk):
    content = rows_of("amount", *["1.234,56"] * 20)

    message = desk.refused(content, contract_of(max_quarantined_share=0.3))

    assert "20 of 20 rows (100.0%) are unfit" in message
    assert "20 rows (lines 2, 3, 4, 5, 6, …): amount: '1.234,56' is not a number; expected e.g. 1234.56" in message
