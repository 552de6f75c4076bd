"""From cells to the raw frame: headers matched with the contract's fields, blank values made missing."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import pandas as pd

from invoice_anomalies.contract import Contract
from invoice_anomalies.errors import ExtractUnreadableError

# The column that tells what is wrong with the shape of a row; no header of a field can be this.
STRUCTURE_ERROR = "(misfit)"
FIRST_LINE = 2  # line 1 is the header


@dataclass(frozen=True)
class Cells:
    """What a file holds: its header, its data rows by position, and where a row does not fit the header.

    rows: one column for each header, any names; index: line in the file.
    misfits: sentence by line, for the rows that have more values than the header.
    """

    header: list[str]
    rows: pd.DataFrame
    misfits: dict[int, str]


def parts_of(blocks: Iterable[Cells], part_rows: int, part_bytes: int) -> Iterator[Cells]:
    """Regroup blocks into parts of part_rows rows, or fewer where they would be larger than part_bytes.

    The last part has what is left; there is one, without rows, where the file has none.
    """
    kept: list[Cells] = []
    rows = size = 0
    empty, given = None, False
    for block in blocks:
        if block.rows.empty:
            empty = empty or block
            continue
        kept.append(block)
        rows, size = rows + len(block.rows), size + int(block.rows.memory_usage(index=False).sum())
        while rows and (rows >= part_rows or size >= part_bytes):
            whole = _joined(kept)
            given = True
            yield _between(whole, 0, part_rows)
            kept = [_between(whole, part_rows, rows)]
            left = len(kept[0].rows)
            rows, size = left, size * left // rows
    if rows or (not given and empty):
        yield _joined(kept) if rows else cast(Cells, empty)


def _joined(blocks: list[Cells]) -> Cells:
    if len(blocks) == 1:
        return blocks[0]
    misfits = {line: sentence for block in blocks for line, sentence in block.misfits.items()}
    return Cells(blocks[0].header, pd.concat([block.rows for block in blocks]), misfits)


def _between(cells: Cells, first: int, end: int) -> Cells:
    rows = cells.rows.iloc[first:end]
    lines = set(rows.index) if cells.misfits else set()
    return Cells(cells.header, rows, {line: text for line, text in cells.misfits.items() if line in lines})


def raw_frame(contract: Contract, cells: Cells, where: str) -> pd.DataFrame:
    """Name the columns by field and make blank texts and the contract's empty values missing."""
    frame = cells.rows.set_axis(_names(contract, cells.header, where), axis=1)
    empty = {"", *(text.strip() for text in contract.extract.empty_values)}
    for name in frame.columns:
        frame[name] = _without_blanks(frame[name], empty)
    if cells.misfits:
        frame[STRUCTURE_ERROR] = pd.Series(cells.misfits, dtype="str").reindex(frame.index)
    return frame.rename_axis("line")


def _names(contract: Contract, header: Sequence[str], where: str) -> list[str]:
    """Column names: the field's where the header is a field's, exactly or but for its case; else the header."""
    headers = [text.removeprefix("\ufeff").strip() for text in header]
    columns: dict[int, str] = {}
    for name in contract.fields:
        wanted = contract.header(name)
        places = [i for i, text in enumerate(headers) if text == wanted]
        places = places or [i for i, text in enumerate(headers) if text.casefold() == wanted.casefold()]
        if len(places) > 1:
            raise ExtractUnreadableError(
                f"{where}, line 1: the header names {wanted!r} {len(places)} times (columns "
                f"{', '.join(str(i + 1) for i in places)}), so it is unclear which is meant; rename or drop the others"
            )
        if places:
            columns[places[0]] = name
    taken = {*contract.fields, STRUCTURE_ERROR}
    for i, text in enumerate(headers):
        if i not in columns:
            columns[i] = _free(text or f"column {i + 1}", taken, i)
            taken.add(columns[i])
    return [columns[i] for i in range(len(headers))]


def _free(text: str, taken: set[str], place: int) -> str:
    return text if text not in taken else f"{text} (column {place + 1})"


def _without_blanks(column: pd.Series, empty: set[str]) -> pd.Series:
    if isinstance(column.dtype, pd.StringDtype):
        return column.mask(column.str.strip().isin(empty))
    if column.dtype == object:
        return column.mask(column.map(lambda value: isinstance(value, str) and value.strip() in empty).astype(bool))
    return column
