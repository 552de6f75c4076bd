"""Read a CSV file in blocks, gzipped or not, as text; say where and why one cannot be read.

Rows are told apart here, values by Arrow: a quote opens at the start of a value only, and two of them inside are one.
"""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import pandas as pd

from invoice_anomalies.contract import Contract
from invoice_anomalies.errors import ExtractUnreadableError
from invoice_anomalies.extract.decode import texts
from invoice_anomalies.extract.rows import FIRST_LINE, Cells
from invoice_anomalies.extract.split import LIMITS, Limits

DELIMITERS = {",": "','", ";": "';'", "\t": "a tab ('\\t')", "|": "'|'"}
LONGEST_ROW = 32 << 20  # characters; a longer one is a quote that nothing closes
OPEN = (
    'a quoted value opens with " and does not end; close the quote, or have the extract delivered again if it was cut '
    "off"
)
TOO_LONG = (
    f"the row goes on for more than {LONGEST_ROW >> 20} MB; expected rows of a few hundred characters; where a quoted "
    'value opens with " and does not end, close the quote; else have the extract delivered as CSV'
)
SURPLUS_SHOWN = 10  # surplus values that a sentence lists
VALUE_SHOWN = 60  # characters of each
ARROW_BYTES = 1 << 20  # bytes that Arrow splits at a time; rows that do not fit are taken one by one


def read_csv(contract: Contract, stream: BinaryIO, where: str, limits: Limits = LIMITS) -> Iterator[Cells]:
    """Read every cell as text; a row with more values than the header is kept and its surplus told.

    Yields cells in blocks of text; the first comes with the header, even where no rows do.
    """
    # The header, and rows that do not fit it, are read by this module, which has a limit of its own.
    csv.field_size_limit(LONGEST_ROW)
    header: list[str] | None = None
    line = 1
    for block in _blocks(contract, stream, where, limits):
        if block.fault:
            raise ExtractUnreadableError(f"{where}, line {line}: {block.fault}")
        if header is None:
            header = _header(contract, block.text, where)
        elif not block.text.endswith(("\n", "\r")):
            _refuse_cut_off(contract, header, block.text, line, where)
        cells, lines = _cells(contract, header, block.text, line, where)
        line += lines
        yield cells
    if header is None:
        _header(contract, "", where)


@dataclass(frozen=True)
class Block:
    """Whole rows of the file; or one that is none, and why."""

    text: str
    fault: str = ""


def _blocks(contract: Contract, stream: BinaryIO, where: str, limits: Limits) -> Iterator[Block]:
    """Cut the text behind a row; the last block has a fault where a row does not end, or not for 32 MB."""
    mark = re.escape(contract.extract.delimiter)
    closed = re.compile(rf'(?:[^"]++|{_quoted(mark)})*+')
    kept, size = [""], 0
    for text in texts(contract, stream, where, limits):
        kept, size = [*kept, text], size + len(text)
        if size < limits.block_characters:
            continue
        whole = "".join(kept)
        end = _end_of_rows(closed, whole)
        kept, size = [whole[end:]], len(whole) - end
        if end:
            yield Block(whole[:end])
        if size > LONGEST_ROW:
            yield Block(kept[0], TOO_LONG)
    whole = "".join(kept)
    end = _end_of_rows(closed, whole)
    if end:
        yield Block(whole[:end])
    if end < len(whole):
        yield Block(whole[end:], "" if _is_closed(closed, whole, end) else OPEN)


def _refuse_cut_off(contract: Contract, header: list[str], row: str, line: int, where: str) -> None:
    """Raise where the last row, which has no line end, has too few values: its last one may be half of a number."""
    values = next(csv.reader([row], delimiter=contract.extract.delimiter), [])
    if row.strip(" \t\x00\x1a") and len(values) < len(header):
        raise ExtractUnreadableError(
            f"{where}, line {line}: the file ends within a row, with {len(values)} of {len(header)} values and no line "
            "end; it was cut off or is still being written; have it delivered again"
        )


def _quoted(mark: str) -> str:
    """The pattern of a quoted value, or of a quote that is one character of an unquoted one.

    A quote opens at the start of a value only; there may be line breaks before the next, and two are one character.
    """
    return rf'(?<![^{mark}\r\n])"(?:[^"]++|"")*+"|(?<=[^{mark}\r\n])"'


def _is_closed(closed: re.Pattern[str], text: str, start: int) -> bool:
    found = closed.match(text, start)
    return found is not None and found.end() == len(text)


def _end_of_rows(closed: re.Pattern[str], text: str) -> int:
    """Where the last whole row ends; 0 where none does. closed: matches what comes before a quote that stays open."""
    # A carriage return at the very end may be the first half of a line's end.
    line_end, end = ("\n", len(text)) if "\n" in text else ("\r", len(text) - 1)
    while (line_break := text.rfind(line_end, 0, end)) >= 0:
        found = closed.match(text, 0, line_break + 1) if '"' in text else None
        if found is None or found.end() == line_break + 1:
            return line_break + 1
        end = found.end()
    return 0


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


def _cells(contract: Contract, header: list[str], text: str, line: int, where: str) -> tuple[Cells, int]:
    """The data rows of a block whose first row has this line; returns them and how many lines the block has.

    Blank lines are no rows, but count as lines. A row of delimiters only is a row: validation is to refuse it.
    """
    delimiter, width = contract.extract.delimiter, len(header)
    fitting, others = _split(text, delimiter, max(width, 2), where)
    lines = len(fitting) + len(others)
    surplus: dict[int, str] = {}
    more: dict[int, list[str]] = {}
    for number, row in others.items():
        # Where the header has one column alone, every row is one of the others.
        if row and line + number >= FIRST_LINE:
            values = next(csv.reader([row], delimiter=delimiter), [])
            more[line + number] = (values + [""] * width)[:width]
            if any(values[width:]):
                surplus[line + number] = _surplus(values[width:], width, delimiter)
    blank = _blank(fitting, text, delimiter, others)
    fitting.index = pd.RangeIndex(lines).difference(list(others)) + line if others else pd.RangeIndex(lines) + line
    rows = fitting.loc[max(line, FIRST_LINE) :].iloc[:, :width]
    if blank:
        rows = rows.drop(index=[line + number for number in blank], errors="ignore")
    if more:
        extra = pd.DataFrame.from_dict(more, orient="index", columns=rows.columns, dtype="str")
        rows = pd.concat([rows, extra]).sort_index() if len(rows) else extra
    return Cells(header, rows, surplus), lines


def _blank(fitting: pd.DataFrame, text: str, delimiter: str, others: dict[int, str]) -> list[int]:
    """The lines of the block, from 0, that hold nothing at all; Arrow takes them for rows of empty values."""
    empty = (fitting == "").all(axis=1)
    if not empty.any():
        return []
    value = rf'[^"\r\n]++|{_quoted(re.escape(delimiter))}'
    rows = re.findall(rf"((?:{value})*+)(?:\r\n|\n|\r|\Z)", text)
    return [number for number, row in enumerate(rows[: len(fitting) + len(others)]) if not row and number not in others]


def _surplus(values: list[str], width: int, delimiter: str) -> str:
    told = [value for value in values if value]
    cut = [value if len(value) <= VALUE_SHOWN else value[:VALUE_SHOWN] + "…" for value in told[:SURPLUS_SHOWN]]
    listed = f"{cut!r}" + (f" and {len(told) - SURPLUS_SHOWN:,} more" * (len(told) > SURPLUS_SHOWN))
    return (
        f"the row has more values than the header's {width}: surplus {listed}; expected values that contain "
        f"{delimiter!r} to be quoted"
    )


def _split(text: str, delimiter: str, width: int, where: str) -> tuple[pd.DataFrame, dict[int, str]]:
    """The rows that have `width` values, as texts; and the text of each other row by its line in the block, from 0."""
    import pyarrow as pa
    from pyarrow import csv as arrow

    others: dict[int, str] = {}

    def set_aside(row: Any) -> str:
        others[row.number - 1] = row.text.rstrip("\r\n")
        return "skip"

    names = [str(column) for column in range(width)]
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError as problem:
        around = ascii(text[max(problem.start - 20, 0) : problem.end + 5])
        raise ExtractUnreadableError(
            f"{where}: half of a character (a lone surrogate) came, in {around}; expected whole characters; correct "
            "extract.encoding, or have the extract delivered in utf-8"
        ) from None
    for block_size in (ARROW_BYTES, 2 * LONGEST_ROW * 4):
        others.clear()
        try:
            table = arrow.read_csv(
                pa.BufferReader(data),
                read_options=arrow.ReadOptions(column_names=names, use_threads=False, block_size=block_size),
                parse_options=arrow.ParseOptions(
                    delimiter=delimiter,
                    newlines_in_values='"' in text,
                    ignore_empty_lines=False,
                    invalid_row_handler=set_aside,
                ),
                convert_options=arrow.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.large_string()), strings_can_be_null=False
                ),
            )
        except pa.ArrowInvalid as problem:
            told = problem
            continue
        return table.to_pandas(), others
    raise ExtractUnreadableError(f"{where}: expected CSV; {told}; have the extract delivered again")
