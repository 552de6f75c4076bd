"""Read a CSV file, gzipped or not, as text; say where and why one cannot be read."""

import csv
import io
import re
import zlib

import pandas as pd

from include.contract import Contract
from include.errors import ExtractUnreadableError
from include.extract.frame import FIRST_LINE, Cells

GZIP = b"\x1f\x8b"
KINDS = {
    GZIP: "a gzip file; let its name end in .gz",
    b"PK\x03\x04": "a zip or Excel file; unpack it, or set extract.format to excel",
    b"PAR1": "a Parquet file; set extract.format to parquet",
    b"\xd0\xcf\x11\xe0": "an old Excel file (.xls); save it as .xlsx and set extract.format to excel",
    b"%PDF": "a PDF file; have the extract delivered as CSV",
    b"\xff\xfe": "text in UTF-16; set extract.encoding to utf-16",
    b"\xfe\xff": "text in UTF-16; set extract.encoding to utf-16",
}
DELIMITERS = {",": "','", ";": "';'", "\t": "a tab ('\\t')", "|": "'|'"}
BINARY_SHARE = 0.05  # of NUL bytes in the first 4 KB; text has none or a stray one
WIDENINGS = 8  # how often the table is read again with more columns before the file counts as garbled


def read_csv(contract: Contract, data: bytes, where: str) -> Cells:
    """Read every cell as text; a row with more values than the header is kept and its surplus told."""
    text = _decoded(contract, _unzipped(data, where), where)
    header = _header(contract, text, where)
    # Blank lines at the end are cut here, as behind values with line breaks no row tells its line.
    text = text.rstrip("\r\n")
    table = _table(contract, text, len(header), where)
    table.index = pd.RangeIndex(1, len(table) + 1)
    rows = table.iloc[FIRST_LINE - 1 :]
    rows = rows.drop(index=_blank_lines(rows, text))
    surplus = rows.iloc[:, len(header) :]
    misfits = {
        int(line): f"the row has more values than the header's {len(header)}: surplus {list(filter(None, values))!r}; "
        f"expected values that contain {contract.extract.delimiter!r} to be quoted"
        for line, *values in surplus[(surplus != "").any(axis=1)].itertuples()
    }
    return Cells(header, rows.iloc[:, : len(header)], misfits)


def _unzipped(data: bytes, where: str) -> bytes:
    if not where.lower().endswith(".gz"):
        return data
    if not data.startswith(GZIP):
        raise ExtractUnreadableError(
            f"{where}: expected gzip, as the name ends in .gz; it starts with {data[:20]!r}; "
            "compress it, or let its name end in .csv"
        )
    whole = bytearray()
    try:
        while data:
            # gzip files may be several gzip members after one another.
            member = zlib.decompressobj(wbits=31)
            whole += member.decompress(data)
            if not member.eof:
                raise ExtractUnreadableError(
                    f"{where}: the gzip file ends too early, after {_lines(whole)} lines of text; it was cut off or is "
                    "still being written; have it delivered again"
                )
            data = member.unused_data.lstrip(b"\x00")
    except zlib.error as problem:
        raise ExtractUnreadableError(
            f"{where}: the gzip file is damaged after {_lines(whole)} lines of text: {problem}; have it delivered again"
        ) from None
    if not whole:
        raise ExtractUnreadableError(f"{where}: the gzip file holds nothing, not even a header; deliver it again")
    return bytes(whole)


def _lines(data: bytes | bytearray) -> int:
    return data.count(b"\n")


def _decoded(contract: Contract, data: bytes, where: str) -> str:
    encoding = contract.extract.encoding
    wide = encoding.lower().replace("_", "-").startswith(("utf-16", "utf-32"))
    kind = next((kind for magic, kind in KINDS.items() if data.startswith(magic)), None)
    head = data[:4096]
    if not wide and (kind or head.count(0) > BINARY_SHARE * len(head)):
        raise ExtractUnreadableError(
            f"{where}: expected CSV text in {encoding}; this is "
            f"{kind or f'a binary file (it starts with {data[:20]!r}); have the extract delivered as CSV'}"
        )
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as problem:
        line = _lines(data[: problem.start]) + 1
        came = data[problem.start : problem.start + 1]
        raise ExtractUnreadableError(
            f"{where}, line {line}: expected text in {encoding}; byte 0x{came.hex()} is not "
            f"({_around(data, problem.start)}); set extract.encoding to the right one, e.g. {_other(data, encoding)}"
        ) from None
    except LookupError:
        raise ExtractUnreadableError(
            f"{where}: extract.encoding {encoding!r} is not an encoding of text; use e.g. utf-8, cp1252 or utf-16"
        ) from None


def _around(data: bytes, place: int) -> str:
    line_start = data.rfind(b"\n", 0, place) + 1
    return repr(data[max(line_start, place - 20) : place + 10].split(b"\n")[0])[1:]


def _other(data: bytes, encoding: str) -> str:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252 or latin-1" if encoding.lower() != "cp1252" else "latin-1"
    return "utf-8"


def _header(contract: Contract, text: str, where: str) -> list[str]:
    first, delimiter = text[: text.find("\n") if "\n" in text else None], contract.extract.delimiter
    try:
        header = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), [])
    except csv.Error as problem:
        raise ExtractUnreadableError(
            f"{where}, line 1: expected a header; {problem}; have it delivered as CSV"
        ) from None
    if not any(cell.strip() for cell in header):
        raise ExtractUnreadableError(
            f"{where}, line 1: expected the header there; the line is blank; deliver the extract with its header"
        )
    if len(header) == 1 and len(contract.fields) > 1:
        used = max(DELIMITERS, key=first.count)
        hint = f"the file seems to use {DELIMITERS[used]}; set extract.delimiter to it"
        raise ExtractUnreadableError(
            f"{where}, line 1: expected {len(contract.fields)} columns separated by {delimiter!r}; one came: "
            f"{first.strip()[:100]!r}; {hint if first.count(used) else 'deliver the extract with its header'}"
        )
    return header


def _table(contract: Contract, text: str, columns: int, where: str) -> pd.DataFrame:
    """The whole file, header row included, as text; wider than the header where a row is."""
    width = columns
    for _ in range(WIDENINGS):
        try:
            return pd.read_csv(
                io.StringIO(text, newline=""),
                sep=contract.extract.delimiter,
                header=None,
                names=list(range(width)),
                index_col=False,
                dtype="str",
                keep_default_na=False,
                skip_blank_lines=False,  # so that a row's place tells its line
            )
        except pd.errors.ParserError as problem:
            width = _wider(str(problem), where)
    raise ExtractUnreadableError(
        f"{where}: rows have up to {width} values where the header has {columns}; have the extract delivered again"
    )


def _wider(problem: str, where: str) -> int:
    if match := re.search(r"Expected \d+ fields in line \d+, saw (\d+)", problem):
        return int(match[1])
    if match := re.search(r"EOF inside string starting at row (\d+)", problem):
        raise ExtractUnreadableError(
            f'{where}, line {int(match[1]) + 1}: a quoted value opens with " and does not end; close the quote, or '
            "have the extract delivered again if it was cut off"
        )
    raise ExtractUnreadableError(f"{where}: expected CSV; {problem.strip()}; have the extract delivered again")


def _blank_lines(rows: pd.DataFrame, text: str) -> list[int]:
    """Lines that hold nothing at all. A row of delimiters only is a row: it stays, for validation to refuse."""
    empty = rows.index[(rows == "").all(axis=1)]
    if empty.empty:
        return []
    lines = text.split("\n") if "\n" in text else text.split("\r")
    return [int(line) for line in empty if line > len(lines) or not lines[line - 1].strip()]
