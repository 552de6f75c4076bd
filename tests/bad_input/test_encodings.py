"""A byte order mark, Latin-1, UTF-16, line ends: right where the contract says so, and told where it does not."""

from typing import Any

import pytest
from pydantic import ValidationError

from tests.bad_input.conftest import FIT, Desk, contract_of, table

TEXT = table("V1,A1,2026-01-31,10.50,Café", "V1,A2,2026-01-31,11.50,Öl")
BOM = b"\xef\xbb\xbf"


def semicolons(text: str) -> str:
    return text.replace(",", ";").replace(".", ",")


LOADED = [
    pytest.param(TEXT.encode(), {}, id="utf-8"),
    pytest.param(BOM + TEXT.encode(), {}, id="BOM"),
    pytest.param(
        BOM + semicolons(TEXT).encode(), {"delimiter": ";", "decimal": ","}, id="BOM with semicolons and commas"
    ),
    pytest.param(BOM + TEXT.replace("vendor", '"vendor"', 1).encode(), {}, id="BOM before a quoted header"),
    pytest.param(TEXT.encode("latin-1"), {"encoding": "latin-1"}, id="Latin-1"),
    pytest.param(TEXT.encode("cp1252"), {"encoding": "cp1252"}, id="Windows' western"),
    pytest.param(TEXT.encode("utf-16"), {"encoding": "utf-16"}, id="UTF-16"),
    pytest.param(b"\xfe\xff" + TEXT.encode("utf-16-be"), {"encoding": "utf-16"}, id="UTF-16 of the other byte order"),
    pytest.param(TEXT.encode("utf-16-le"), {"encoding": "utf-16-le"}, id="UTF-16 without BOM"),
    pytest.param(TEXT.encode("utf-16"), {"encoding": "utf-16-le"}, id="UTF-16 with a BOM that the contract leaves out"),
    pytest.param(
        semicolons(TEXT).encode("utf-16"), {"encoding": "utf-16", "delimiter": ";", "decimal": ","}, id="UTF-16 with ;"
    ),
    pytest.param(TEXT.encode("utf-32"), {"encoding": "utf-32"}, id="UTF-32"),
    pytest.param(TEXT.replace("\n", "\r\n").encode(), {}, id="Windows' line ends"),
    pytest.param(TEXT.replace("\n", "\r").encode(), {}, id="old Macs' line ends"),
    pytest.param(TEXT.replace("\n", "\n\n").encode(), {}, id="blank lines between"),
    pytest.param(BOM + TEXT.replace("\n", "\r").encode(), {}, id="BOM and old Macs' line ends"),
]
REFUSED = [
    pytest.param(TEXT.encode("latin-1"), {}, "line 2: expected text in utf-8; byte 0xe9 is not", id="Latin-1"),
    pytest.param(TEXT.encode("latin-1"), {}, "set extract.encoding to the right one, e.g. cp1252", id="Latin-1 remedy"),
    pytest.param(TEXT.encode("utf-16"), {}, "text in UTF-16; set extract.encoding to utf-16", id="UTF-16"),
    pytest.param(TEXT.encode("utf-16-le"), {}, "set extract.encoding to utf-16-le", id="UTF-16 without BOM"),
    pytest.param(TEXT.encode("utf-16-be"), {}, "set extract.encoding to utf-16-be", id="big-endian UTF-16 without BOM"),
    pytest.param(TEXT.encode("utf-32"), {}, "text in UTF-32; set extract.encoding to utf-32", id="UTF-32"),
    pytest.param(TEXT.encode(), {"encoding": "utf-16"}, "e.g. utf-8", id="UTF-8 where UTF-16 is expected"),
    pytest.param(TEXT.encode("utf-16")[:-1], {"encoding": "utf-16"}, "cut off", id="UTF-16 cut within a character"),
    pytest.param(TEXT.encode()[:-3], {}, "cut off", id="UTF-8 cut within a character"),
    pytest.param(
        TEXT.replace("Öl", "a\udc80b").encode("utf-8", "surrogatepass"), {}, "byte 0xed is not", id="a lone surrogate"
    ),
    pytest.param(
        TEXT.replace("Öl", "a\udc80b").encode("utf-16", "surrogatepass"),
        {"encoding": "utf-16"},
        "line 3: expected text in utf-16",
        id="a lone surrogate in UTF-16",
    ),
    pytest.param(
        TEXT.replace("Öl", "a+3IA-b").replace("Café", "x").encode(),
        {"encoding": "utf-7"},
        "half of a character",
        id="a lone surrogate in UTF-7",
    ),
    pytest.param(TEXT.encode("cp037"), {}, "expected text in utf-8", id="a mainframe's EBCDIC"),
]


@pytest.mark.parametrize(("content", "extract"), LOADED)
def test_an_extract_in_the_contracts_encoding_is_loaded_letter_by_letter(
    desk: Desk, content: bytes, extract: dict[str, Any]
):
    answer = desk.taken(content, contract_of(extract=extract), rows=2)

    assert answer.values("vendor") == ["V1", "V1"]
    assert answer.values("note") == ["Café", "Öl"]
    assert [float(amount) for amount in answer.values("amount")] == [10.5, 11.5]


@pytest.mark.parametrize(("content", "extract", "expected"), REFUSED)
def test_another_encoding_is_told_with_its_line_and_the_setting_to_change(
    desk: Desk, content: bytes, extract: dict[str, Any], expected: str
):
    assert expected in desk.refused(content, contract_of(extract=extract))


def test_utf_8_read_as_latin_1_cannot_be_told_and_loads_its_letters_as_the_contract_says(desk: Desk):
    answer = desk.taken(TEXT.encode(), contract_of(extract={"encoding": "latin-1"}), rows=2)

    assert answer.values("note") == ["CafÃ©"]
    # The second half of some letters is a control character there, which is told.
    assert answer.reasons == {3: [r"note: 'Ã\x96l' contains a control character; expected plain text"]}


def test_a_wrong_byte_far_down_is_told_with_its_line(desk: Desk):
    content = table(*[FIT] * 3000).encode() + b"V1,A1,2026-01-31,1,\xff\n"

    assert "line 3002: expected text in utf-8; byte 0xff is not" in desk.refused(content)


@pytest.mark.parametrize("encoding", ["klingon", "base64", "undefined", "utf\0", ""])
def test_an_encoding_that_is_none_of_text_is_refused_with_the_contract(encoding: str):
    with pytest.raises(ValidationError, match=r"is not an encoding of text; use e\.g\. utf-8, cp1252 or utf-16"):
        contract_of(extract={"encoding": encoding})
