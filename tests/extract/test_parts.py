"""An extract is read in parts, whose number changes nothing; what would need too much memory is refused."""

import gzip
import io
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from invoice_anomalies import extract
from invoice_anomalies.contract import Contract
from invoice_anomalies.errors import ExtractUnreadableError
from invoice_anomalies.extract import LIMITS, Limits, csv_file, decode
from tests.extract.whole import read

HEADER = "Vendor No,number,amount,note"


@pytest.fixture
def small() -> Contract:
    fields = {"vendor": {"type": "category", "column": "Vendor No"}, "number": {"type": "identifier"}}
    return Contract.model_validate(
        {
            "name": "small",
            "key": ["number"],
            "extract": {"path": "small_{extract_date}.csv"},
            "fields": {**fields, "amount": {"type": "amount"}, "note": {"type": "text", "required": False}},
            "report": {"recipients": ["a@example.com"]},
        }
    )


# Blocks of a few rows, so that a small file has many.
SMALL_BLOCKS = Limits(block_characters=200, piece_bytes=61, unpacked_bytes=61)


def assert_parts_equal_the_whole(contract: Contract, path: Path, limits: Limits = LIMITS) -> pd.DataFrame:
    whole = read(contract, str(path), limits=limits)
    for size in (1, 7):
        parts = list(extract.read(contract, str(path), limits=replace(limits, chunk_rows=size)))
        assert all(len(part) == size for part in parts[:-1])
        pd.testing.assert_frame_equal(pd.concat(parts)[whole.columns], whole, check_index_type=False)
    return whole


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("suffix", [".csv", ".csv.gz"])
def test_parts_and_blocks_change_nothing(small: Contract, tmp_path: Path, line_end: str, suffix: str) -> None:
    draw = random.Random(5)
    kinds = ["1,A{},5,é", '2,"A{}",,"a, ""b"""', '3,A{},1,"two{end}lines"', '4,A{},7" pipe,x"', "5,A{}", ",,,", ""]
    rows = [draw.choice([*kinds, "6,A{},1,x,surplus"]).format(i, end=line_end) for i in range(120)]
    path = tmp_path / f"a{suffix}"
    data = line_end.join([HEADER, *rows, "", ""]).encode()
    path.write_bytes(gzip.compress(data) if suffix.endswith(".gz") else data)

    whole = assert_parts_equal_the_whole(small, path, SMALL_BLOCKS)

    assert whole.index.tolist() == [line for line, row in enumerate(rows, start=2) if row]
    assert whole[extract.STRUCTURE_ERROR].notna().sum() == sum("surplus" in row for row in rows)
    assert set(whole["note"].dropna()) == {"é", 'a, "b"', f"two{line_end}lines", 'x"', "x"}


def test_parquet_comes_in_parts_too(small: Contract, tmp_path: Path) -> None:
    frame = pd.DataFrame({"Vendor No": ["1"] * 50, "number": range(50), "amount": 1.5, "note": [None, "x"] * 25})
    frame.astype({"number": "Int64"}).to_parquet(tmp_path / "a.parquet", row_group_size=20)

    whole = assert_parts_equal_the_whole(small, tmp_path / "a.parquet")

    assert whole.index.tolist() == list(range(2, 52))


def test_a_part_is_not_larger_than_its_share_of_memory(small: Contract, tmp_path: Path) -> None:
    limits = Limits(chunk_bytes=10_000, block_characters=2000, piece_bytes=1000)
    path = tmp_path / "a.csv"
    path.write_text("\n".join([HEADER, *(f"1,A{i},2,{'x' * 1000}" for i in range(100))]))

    parts = list(extract.read(small, str(path), limits=limits))

    assert len(parts) > 5
    assert sum(map(len, parts)) == 100


def test_a_field_of_ten_megabytes_is_read(small: Contract, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"{HEADER}\n1,A,2,{'x' * 10_000_000}\n1,B,2,y\n")

    assert read(small, str(path))["note"].str.len().tolist() == [10_000_000, 1]


@pytest.mark.parametrize("row", ['1,B,2,"' + "x" * 999 + "\n", "x" * 1000])
def test_a_row_without_an_end_is_refused_before_it_fills_the_memory(
    small: Contract, tmp_path: Path, row: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[int] = []
    path = tmp_path / "a.csv.gz"
    with gzip.open(path, "wt", compresslevel=1) as file:
        file.write(f"{HEADER}\n1,A,2,y\n{row}")
        for _ in range(100):
            file.write("x" * 1_000_000 + "\n" * row.endswith("\n"))

    def counted(*given: Any) -> Iterator[str]:
        for piece in decode.texts(*given):
            taken.append(len(piece))
            yield piece

    monkeypatch.setattr(csv_file, "texts", counted)

    with pytest.raises(ExtractUnreadableError, match="line 3: the row goes on for more than 32 MB"):
        read(small, str(path))

    assert sum(taken) < 60_000_000


def test_the_stated_places_of_faults_hold_in_later_blocks(small: Contract, tmp_path: Path) -> None:
    rows = "\n".join([HEADER, *(f"1,A{i},2,x" for i in range(500))]) + "\n"
    faults = {
        "line 502: expected text in utf-8; byte 0xe9": (rows + "Café,A,2,x\n").encode("latin-1"),
        "line 502: a quoted value opens": (rows + '1,"B,2\n').encode(),
        "ends too early, after [0-9]+ lines": gzip.compress(rows.encode())[:-9],
    }
    for expected, data in faults.items():
        path = tmp_path / ("a.csv.gz" if "early" in expected else "a.csv")
        path.write_bytes(data)
        with pytest.raises(ExtractUnreadableError, match=expected):
            read(small, str(path), limits=SMALL_BLOCKS)


def test_values_are_split_as_pandas_splits_them(small: Contract) -> None:
    draw = random.Random(1)
    pieces = ['"', '"', ",", ",", "a", "\n", "\n", "\r\n", " ", '""', "é"]
    for _ in range(300):
        content = f"{HEADER}\n" + "".join(draw.choice(pieces) for _ in range(draw.randint(1, 25))) + "\n"
        try:
            cells = list(csv_file.read_csv(small, io.BytesIO(content.encode()), "a.csv"))
        except ExtractUnreadableError as refusal:
            # That a file was cut off is not seen by pandas.
            if "ends within a row" not in str(refusal):
                with pytest.raises(pd.errors.ParserError):
                    peer(content)
            continue
        rows = pd.concat([block.rows for block in cells])
        expected = peer(content).loc[lambda frame: (frame != "").any(axis=1)]
        came = rows.loc[(rows != "").any(axis=1)].set_axis(range(4), axis=1)
        # A row of which only the surplus is not empty has no values among the first four.
        expected = expected.iloc[:, :4].loc[lambda frame: (frame != "").any(axis=1)]
        assert came.to_dict() == expected.to_dict(), content


def peer(content: str) -> pd.DataFrame:
    frame = pd.read_csv(
        io.StringIO(content, newline=""),
        header=None,
        names=list(range(40)),
        index_col=False,
        dtype="str",
        keep_default_na=False,
        skip_blank_lines=False,
    )
    return frame.set_axis(pd.RangeIndex(1, len(frame) + 1)).iloc[1:]


def gzip_of(*members: bytes) -> bytes:
    return b"".join(map(gzip.compress, members))


GZIP_ROWS = [f"1,A{i},2,x\n".encode() for i in range(500)]
GZIP_WHOLE = gzip_of(HEADER.encode() + b"\n", *GZIP_ROWS)


@pytest.mark.parametrize("limits", [LIMITS, SMALL_BLOCKS], ids=["at once", "in pieces"])
@pytest.mark.parametrize(
    "data",
    [GZIP_WHOLE, GZIP_WHOLE + bytes(3000), gzip_of(b"", HEADER.encode() + b"\n") + bytes(9) + gzip_of(*GZIP_ROWS, b"")],
    ids=["many members", "zeros behind", "empty members, and zeros between"],
)
def test_the_members_of_a_gzip_file_are_one_text(small: Contract, tmp_path: Path, data: bytes, limits: Limits) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(data)

    assert read(small, str(path), limits=limits)["number"].tolist() == [f"A{i}" for i in range(500)]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (GZIP_WHOLE + b"\x1f\x8b\x08", "ends too early, after 501 lines of text; it was cut off"),
        (GZIP_WHOLE[:-3], "ends too early, after 501 lines of text; it was cut off"),
        (GZIP_WHOLE + b"junk", "is damaged after 501 lines of text: .*; have it delivered again"),
        (GZIP_WHOLE + bytes(3000) + b"junk", "is damaged after 501 lines of text: .*; have it delivered again"),
        (GZIP_WHOLE[:-6] + bytes(2) + GZIP_WHOLE[-4:], "is damaged after 501 lines of text: .*; have it delivered"),
    ],
    ids=["cut in a header", "cut in a checksum", "junk behind", "zeros and junk behind", "a wrong checksum"],
)
def test_a_gzip_file_that_is_cut_off_or_damaged_is_refused_with_the_lines_before(
    small: Contract, tmp_path: Path, data: bytes, expected: str
) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(data)

    for limits in (LIMITS, SMALL_BLOCKS):
        with pytest.raises(ExtractUnreadableError, match=expected):
            read(small, str(path), limits=limits)


def test_a_gzip_file_that_was_packed_a_thousandfold_is_unpacked_in_bounded_pieces(small: Contract) -> None:
    data = gzip_of(f"{HEADER}\n".encode() + b"\n" * 50_000_000)

    pieces = [len(text) for text in decode.texts(small, io.BytesIO(data), "a.csv.gz", LIMITS)]

    assert sum(pieces) == len(HEADER) + 50_000_001
    assert max(pieces) <= LIMITS.unpacked_bytes
