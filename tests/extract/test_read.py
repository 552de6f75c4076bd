"""extract.read on real files: what comes out is what lay in the file, and what cannot be read is said."""

import gzip
import re
from datetime import date, datetime
from pathlib import Path

import pandas as pd
import pytest

from invoice_anomalies.contract import Contract
from invoice_anomalies.errors import ExtractNotArrivedError, ExtractUnreadableError
from invoice_anomalies.extract import STRUCTURE_ERROR, arrived, locate
from invoice_anomalies.paths import Paths
from tests.extract.whole import read


def contract_of(**extract: object) -> Contract:
    return Contract.model_validate(
        {
            "name": "small",
            "key": ["number"],
            "extract": {"path": "landing/small_{extract_date}.csv", **extract},
            "fields": {
                "vendor": {"type": "category", "column": "Vendor No"},
                "number": {"type": "identifier"},
                "amount": {"type": "amount", "required": False},
            },
            "report": {"recipients": ["a@example.com"]},
        }
    )


def written(folder: Path, name: str, content: bytes | str) -> str:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def refusal(contract: Contract, location: str) -> str:
    with pytest.raises(ExtractUnreadableError) as caught:
        read(contract, location)
    return str(caught.value)


def test_values_stay_as_they_came_and_columns_are_named_by_field(tmp_path: Path) -> None:
    location = written(tmp_path, "a.csv", "vendor no, NUMBER ,amount,Memo\n 007 ,=1+1,NULL,-\n8,NA,,@SUM(A1)\n")

    raw = read(contract_of(), location)

    assert list(raw.columns) == ["vendor", "number", "amount", "Memo"]
    assert raw.index.name == "line"
    assert raw.index.tolist() == [2, 3]
    assert raw["vendor"].tolist() == [" 007 ", "8"]
    assert raw["number"].tolist() == ["=1+1", "NA"]
    assert raw["Memo"].tolist() == ["-", "@SUM(A1)"]
    assert raw["amount"].isna().all()


def test_blank_lines_are_no_rows_but_keep_their_place_and_rows_of_delimiters_stay(tmp_path: Path) -> None:
    raw = read(contract_of(), written(tmp_path, "a.csv", "Vendor No,number,amount\r\n1,2,3\r\n\r\n,,\r\n4,5,6\r\n\r\n"))

    assert raw.index.tolist() == [2, 4, 5]
    assert raw.loc[4].isna().all()


def test_a_row_with_more_values_than_headers_is_kept_and_told(tmp_path: Path) -> None:
    raw = read(contract_of(), written(tmp_path, "a.csv", "Vendor No,number,amount\n1,2,1,50\n1,3,1\n1,4,1,5,0,x\n"))

    assert raw["number"].tolist() == ["2", "3", "4"]
    assert "surplus ['50']" in str(raw.loc[2, STRUCTURE_ERROR])
    assert "surplus ['5', '0', 'x']" in str(raw.loc[4, STRUCTURE_ERROR])
    assert raw[STRUCTURE_ERROR].isna().tolist() == [False, True, False]


def test_a_header_alone_is_an_extract_without_rows(tmp_path: Path) -> None:
    raw = read(contract_of(), written(tmp_path, "a.csv", "Vendor No,number,amount\n"))

    assert len(raw) == 0
    assert list(raw.columns) == ["vendor", "number", "amount"]


@pytest.mark.parametrize(
    ("encoding", "name"), [("utf-8", "utf-8-sig"), ("utf-16", "utf-16"), ("latin-1", "latin-1"), ("cp1252", "cp1252")]
)
def test_encodings_and_byte_order_marks(tmp_path: Path, encoding: str, name: str) -> None:
    location = written(tmp_path, "a.csv", "Vendor No,number,amount\nCafé,1,2\n".encode(name))

    raw = read(contract_of(encoding=encoding), location)

    assert list(raw.columns) == ["vendor", "number", "amount"]
    assert raw["vendor"].tolist() == ["Café"]


def test_several_gzip_members_are_one_file(tmp_path: Path) -> None:
    data = gzip.compress(b"Vendor No,number,amount\n1,2,3\n") + gzip.compress(b"4,5,6\n")

    assert len(read(contract_of(), written(tmp_path, "a.csv.gz", data))) == 2


def test_headers_that_name_a_field_twice_are_refused_but_an_exact_one_wins_over_another_case(tmp_path: Path) -> None:
    twice = written(tmp_path, "a.csv", "Vendor No,number,amount,amount\n1,2,3,4\n")
    assert "'amount' 2 times (columns 3, 4)" in refusal(contract_of(), twice)

    raw = read(contract_of(), written(tmp_path, "b.csv", "Vendor No,vendor,number,Amount,amount\n1,x,2,3,4\n"))
    assert raw["amount"].tolist() == ["4"]
    assert raw["Amount"].tolist() == ["3"]
    assert raw["vendor"].tolist() == ["1"]
    assert raw["vendor (column 2)"].tolist() == ["x"]


CSV = b"Vendor No,number,amount\n1,2,3\n"


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.csv", b"", "empty (0 bytes)"),
        ("a.csv", b"\n\n", "line 1: expected the header"),
        ("a.csv", b"Vendor No;number;amount\n1;2;3\n", "the file seems to use ';'; set extract.delimiter"),
        ("a.csv", b"Vendor No\tnumber\n", r"a tab ('\t')"),
        ("a.csv.gz", CSV, "expected gzip"),
        ("a.csv.gz", gzip.compress(CSV * 1000)[:-20], "ends too early"),
        ("a.csv.gz", gzip.compress(CSV * 1000)[:30] + b"\x00" * 50, "gzip file"),
        ("a.csv.gz", gzip.compress(b""), "holds nothing"),
        ("a.csv", gzip.compress(CSV), "let its name end in .gz"),
        ("a.csv", b"PK\x03\x04" + bytes(100), "Excel"),
        ("a.csv", bytes(200), "binary file"),
        ("a.csv", CSV + "Café,1,2\n".encode("latin-1"), "line 3: expected text in utf-8; byte 0xe9"),
        ("a.csv", CSV + b'1,"2,3\n', "a quoted value opens"),
        ("a.parquet", CSV, "expected Parquet"),
        ("a.xlsx", CSV, "expected an Excel workbook"),
        ("a.dat", CSV, "set extract.format"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_place_and_a_remedy(
    tmp_path: Path, name: str, content: bytes, expected: str
) -> None:
    message = refusal(contract_of(), written(tmp_path, name, content))

    assert expected in message
    assert message.startswith(str(tmp_path / name))
    assert re.search(r"; (set|have|deliver|compress|close|let|unpack|save)|\b(set|have|let|unpack) ", message)


def test_parquet_and_excel_bring_their_own_types(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"Vendor No": [7, None], "number": ["001", "002"], "amount": [1.5, None], "day": [datetime(2024, 1, 2), None]}
    ).astype({"Vendor No": "Int64"})
    frame.to_parquet(tmp_path / "a.parquet")
    frame.to_excel(tmp_path / "a.xlsx", index=False)

    for name in ("a.parquet", "a.xlsx"):
        raw = read(contract_of(), str(tmp_path / name))
        assert raw.index.tolist() == [2, 3]
        assert raw["vendor"].iloc[0] == 7
        assert raw["vendor"].isna().tolist() == [False, True]
        assert raw["number"].tolist() == ["001", "002"]
        assert raw["amount"].iloc[0] == 1.5
        assert raw["day"].iloc[0] == pd.Timestamp(2024, 1, 2)


def test_a_sheet_that_is_not_there_is_refused_with_the_sheets_that_are(tmp_path: Path) -> None:
    pd.DataFrame({"number": ["1"]}).to_excel(tmp_path / "a.xlsx", sheet_name="Invoices", index=False)

    assert "the workbook has 'Invoices'" in refusal(contract_of(sheet="May"), str(tmp_path / "a.xlsx"))


def test_the_place_is_below_the_root_unless_absolute_or_a_url(tmp_path: Path) -> None:
    night, paths = date(2024, 5, 1), Paths(tmp_path)

    assert locate(contract_of(), night, paths) == str(tmp_path / "landing/small_2024-05-01.csv")
    assert locate(contract_of(), night, paths, "other.csv") == str(tmp_path / "other.csv")
    assert locate(contract_of(), night, paths, "/data/other.csv") == "/data/other.csv"
    assert locate(contract_of(path="s3://b/{extract_date:%Y%m%d}.csv"), night, paths) == "s3://b/20240501.csv"


def test_an_extract_has_arrived_once_it_has_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    assert not arrived(str(path))
    path.touch()
    assert not arrived(str(path))
    path.write_bytes(CSV)
    assert arrived(str(path))


def test_object_storage_is_read_through_fsspec() -> None:
    import fsspec

    with fsspec.open("memory://landing/a.csv", "wb") as file:
        file.write(CSV)

    assert arrived("memory://landing/a.csv")
    assert read(contract_of(), "memory://landing/a.csv")["number"].tolist() == ["2"]


def test_a_missing_extract_and_unknown_storage_say_so_without_credentials(tmp_path: Path) -> None:
    with pytest.raises(ExtractNotArrivedError, match="there is no extract here"):
        read(contract_of(), str(tmp_path / "none.csv"))
    message = refusal(contract_of(), "nostore://user:secret@bucket/a.csv")
    assert "secret" not in message
    assert "fsspec package" in message
