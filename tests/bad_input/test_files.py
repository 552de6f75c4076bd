"""Empty, header only, truncated, binary, with NUL bytes or unbalanced quotes, and still being written."""

import bz2
import gzip
import random
import re
import threading
import time
from io import BytesIO
from pathlib import Path

import pytest

from invoice_anomalies import extract
from tests.bad_input.conftest import FIT, HEADER, Desk, contract_of, table

CSV = table(FIT, FIT.replace("A1", "A2")).encode()
LARGE = table(*(f"V{i},A{i},2026-01-31,{i}.50,paper" for i in range(2000))).encode()
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + random.Random(1).randbytes(4000)


def workbook() -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    book.active.append(HEADER.split(","))
    file = BytesIO()
    book.save(file)
    return file.getvalue()


UNREADABLE = [
    pytest.param("a.csv", b"", "the file is empty (0 bytes), not even a header came", id="empty file"),
    pytest.param("a.csv", b"\xef\xbb\xbf", "line 1: expected the header there", id="a BOM and nothing else"),
    pytest.param("a.csv", b"\r\n\r\n", "line 1: expected the header there; the line is blank", id="blank lines only"),
    pytest.param("a.csv.gz", gzip.compress(b""), "holds nothing, not even a header", id="gzip of an empty file"),
    pytest.param("a.csv.gz", gzip.compress(LARGE)[:-4000], "ends too early, after", id="truncated gzip"),
    pytest.param("a.csv.gz", gzip.compress(CSV)[:12], "ends too early, after 0 lines", id="gzip cut in its header"),
    pytest.param("a.csv.gz", gzip.compress(CSV)[:-4], "ends too early, after 3 lines", id="gzip cut in its checksum"),
    pytest.param("a.csv.gz", gzip.compress(CSV)[:-8] + bytes(8), "gzip file is damaged", id="gzip of a wrong checksum"),
    pytest.param("a.csv.gz", gzip.compress(CSV) + b"junk", "the gzip file is damaged", id="gzip with junk behind"),
    pytest.param(
        "a.csv.gz", gzip.compress(CSV) + gzip.compress(LARGE)[:-99], "ends too early", id="the second gzip truncated"
    ),
    pytest.param("a.csv.gz", gzip.compress(gzip.compress(CSV)), "compressed twice", id="gzip of gzip"),
    pytest.param("a.csv.gz", CSV, "expected gzip, as the name ends in .gz", id="text named .gz"),
    pytest.param("a.csv.gz", bz2.compress(CSV), "expected gzip, as the name ends in .gz", id="bzip2 named .gz"),
    pytest.param("a.csv", gzip.compress(CSV), "a gzip file; let its name end in .gz", id="gzip named .csv"),
    pytest.param("a.csv", workbook(), "a zip or Excel file", id="a workbook named .csv"),
    pytest.param(
        "a.csv", b"\xd0\xcf\x11\xe0" + bytes(500), "an old Excel file (.xls)", id="an old workbook named .csv"
    ),
    pytest.param("a.csv", b"PAR1" + bytes(99), "a Parquet file; set extract.format", id="a Parquet file named .csv"),
    pytest.param("a.csv", b"%PDF-1.4\n%\xe2\xe3", "a PDF file", id="a PDF named .csv"),
    pytest.param("a.csv", b"\x7fELF" + bytes(300), "this is a binary file", id="a binary file named .csv"),
    pytest.param("a.csv", PNG, "this is a binary file", id="a picture named .csv"),
    pytest.param("a.csv", random.Random(2).randbytes(5000), "this is a binary file", id="random bytes named .csv"),
    pytest.param("a.xlsx", CSV, "expected an Excel workbook", id="text named .xlsx"),
    pytest.param("a.xlsx", workbook()[:-100], "expected an Excel workbook", id="truncated workbook"),
    pytest.param("a.parquet", b"PAR1" + bytes(99), "expected Parquet; it cannot be read", id="truncated Parquet"),
    pytest.param(
        "a.csv",
        CSV + b'V1,A3,2026-01-31,1,"open\nV1,A4,2026-01-31,1,x\n',
        'line 4: a quoted value opens with " and does not end; close the quote',
        id="quotes unbalanced to the end",
    ),
    pytest.param("a.dat", CSV, "the format cannot be told from the name; set extract.format", id="an unknown suffix"),
]


@pytest.mark.parametrize(("name", "content", "expected"), UNREADABLE)
def test_a_file_that_cannot_be_read_is_refused_with_its_name_the_fault_and_a_remedy(
    desk: Desk, name: str, content: bytes, expected: str
):
    message = desk.refused(content, name=name)

    assert expected in message
    assert len(message) < 1000


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_a_picture_is_no_text_in_an_encoding_that_has_a_letter_for_every_byte_either(desk: Desk, encoding: str):
    assert "this is a binary file" in desk.refused(PNG, contract_of(extract={"encoding": encoding}))


def test_a_header_only_refuses_the_night_unless_the_contract_lets_a_night_be_empty(desk: Desk):
    assert "no rows came; expected at least 1 row" in desk.refused(table())
    assert "no rows came; expected at least 1 row" in desk.refused(HEADER)

    assert desk.taken(table(), contract_of(rows={"min": 0}), rows=0).loaded == {}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("<html><body>Please log in, and try again</body></html>\n", id="a login page named .csv"),
        pytest.param('{"error": "timeout", "code": 504}\n', id="an error in JSON named .csv"),
        pytest.param("\n".join([FIT] * 3), id="no header at all"),
    ],
)
def test_text_that_is_no_extract_is_refused_with_the_headers_that_came(desk: Desk, content: str):
    message = desk.refused(content)

    assert "5 expected columns are missing: 'vendor', 'number', 'day', 'amount', 'note'" in message
    assert f"the headers that came are '{content[:2]}" in message


def test_a_gzip_file_is_read_whatever_the_case_of_its_name_and_however_many_members_it_has(desk: Desk):
    members = gzip.compress(CSV) + gzip.compress(FIT.encode() + b"\n") + bytes(512)

    assert desk.taken(members, rows=3, name="a.csv.gz").values("number") == ["A1", "A2", "A1"]
    assert desk.taken(members, rows=3, name="A.CSV.GZ").values("number") == ["A1", "A2", "A1"]


def test_nul_bytes_quarantine_their_rows_and_no_other(desk: Desk):
    fit = [FIT] * 20  # among which the NULs are stray ones: a file full of them is none of text
    rows = ["V\0,B,2026-01-31,1,x", "V1,B\0C,2026-01-31,1,x", "V1,B,2026-\0,1,x", "V1,B,2026-01-31,1\0,x"]
    content = table(*fit, *rows, "V1,B,2026-01-31,1,a\0b") + "\0\0\0\0"

    answer = desk.taken(content, rows=26)

    assert sorted(answer.loaded) == list(range(2, 22))
    assert [answer.reasons[line][0].split(":")[0] for line in range(22, 28)] == [
        *("vendor", "number", "day", "amount", "note", "vendor")
    ]
    assert answer.reasons[23] == [r"number: 'B\x00C' contains a control character; expected plain text"]
    assert answer.raw[23]["number"] == "B␀C"


def test_nul_bytes_in_the_header_are_told(desk: Desk):
    message = desk.refused(table(FIT, header=HEADER.replace("day", "d\0ay")))

    assert r"missing: 'day' (is it 'd\x00ay'?" in message


def test_a_quote_within_a_value_is_a_character_like_others(desk: Desk):
    answer = desk.taken(table('V1,A1,2026-01-31,1,5" pipe', 'V1,A2,2026-01-31,1,6" pipe'), rows=2)

    assert answer.values("note") == ['5" pipe', '6" pipe']


def test_rows_that_unbalanced_quotes_swallow_are_quarantined_with_all_their_text(desk: Desk):
    rows = [f"V1,A{i},2026-01-31,1,n{i}" for i in range(6)]
    content = table(*rows).replace("n1", '"n1').replace("n3", 'n3"')

    answer = desk.taken(content, rows=4)

    assert answer.values("number") == ["A0", "A4", "A5"]
    assert answer.reasons == {
        3: [
            "note: 'n1\\nV1,A2,2026-01-31,1,n2\\nV1,A3,2026-01-31,1,n3' looks like several rows in one value; expected "
            "every opened quote to be closed"
        ]
    }
    assert answer.raw[3]["note"] == "n1\nV1,A2,2026-01-31,1,n2\nV1,A3,2026-01-31,1,n3"


@pytest.mark.parametrize("seed", range(6))
def test_stray_quotes_anywhere_never_make_an_invoice_that_was_not_in_the_file(desk: Desk, seed: int):
    draw = random.Random(seed)
    meant = [[f"V{i}", f"A{i}", "2026-01-31", f"{i}.5", f"n{i}"] for i in range(300)]
    letters = list(table(*(",".join(row) for row in meant)))
    for place in draw.sample(range(len(HEADER) + 1, len(letters)), 8):
        letters[place] = '"' + letters[place]
    content = "".join(letters)

    # A quote may have joined rows, so their number is not known before.
    answer = desk.hand_in(content, rows=None)

    assert answer.refusal or answer.loaded
    known = {(vendor, number, day, float(amount), note) for vendor, number, day, amount, note in meant}
    for row in answer.loaded.values():
        vendor, number, note = (row[name].replace('"', "") for name in ("vendor", "number", "note"))
        assert (vendor, number, str(row["day"]), float(row["amount"]), note) in known
    if not answer.refusal:
        kept = " ".join(str(value) for row in answer.raw.values() for value in row.values())
        kept += " ".join(reason for reasons in answer.reasons.values() for reason in reasons)
        found = {row["number"].replace('"', "") for row in answer.loaded.values()}
        found |= set(re.findall(r"A\d+", kept.replace('"', "")))
        assert found == {row[1] for row in meant}


class Writer(threading.Thread):
    """Somebody who goes on appending rows to a file until told that it is enough."""

    def __init__(self, path: Path) -> None:
        super().__init__(daemon=True)
        self.path, self.enough, self.rows = path, threading.Event(), 0

    def run(self) -> None:
        with self.path.open("a") as file:
            while not self.enough.is_set():
                file.write(f"V1,W{self.rows},2026-01-31,1,x\n")
                file.flush()
                self.rows += 1
                time.sleep(0.001)

    def __enter__(self) -> "Writer":
        self.start()
        while self.rows < 3:
            time.sleep(0.001)
        return self

    def __exit__(self, *_: object) -> None:
        self.enough.set()
        self.join()


def test_an_extract_that_is_still_being_written_is_waited_for_and_then_taken_as_a_whole(desk: Desk):
    night = desk.skip_night()
    landed = desk.paths.root / "landing" / "growing.csv"
    landed.write_bytes(CSV)
    contract = contract_of(extract={"settle_seconds": 0.2})

    # The sensor asks this; that a file which grows while it is copied is not taken is shown in tests/extract.
    with Writer(landed) as writer:
        assert not extract.arrived(str(landed), settle_seconds=0.2)

    assert extract.arrived(str(landed), settle_seconds=0.2)
    assert len(desk.taken(None, contract, rows=2 + writer.rows, night=night, at=landed).loaded) == 2 + writer.rows


def test_an_extract_that_ends_within_a_row_was_cut_off_and_is_refused(desk: Desk):
    # Its last amount may be 1 of 10.50: nothing but the missing end of the line tells.
    for rest in ("V1,A3,2026-01-31,1", "V1,A3,20"):
        message = desk.refused(CSV + rest.encode())
        assert "line 4" in message
        assert "cut off or is still being written" in message


def test_a_last_row_without_a_line_end_is_taken_where_all_its_values_are_there(desk: Desk):
    assert len(desk.taken(CSV.removesuffix(b"\n"), rows=2).loaded) == 2
