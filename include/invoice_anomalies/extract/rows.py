"""From cells to the raw frame: headers matched with the contract's fields, blank values made missing."""

from collections.abc import Sequence
from dataclasses import dataclass

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
    surplus: sentence by line, for the rows that have more values than the header.
    """

    header: list[str]
    rows: pd.DataFrame
    surplus: dict[int, str]


def raw_frame(contract: Contract, cells: Cells, where: str) -> pd.DataFrame:
    """Name the columns by field and make blank texts and the contract's empty values missing."""
    frame = cells.rows.set_axis(_names(contract, cells.header, where), axis=1)
    empty = {"", *(text.strip() for text in contract.extract.empty_values)}
    for name in frame.columns:
        frame[name] = _without_blanks(frame[name], empty)
    if cells.surplus:
        frame[STRUCTURE_ERROR] = pd.Series(cells.surplus, dtype="str").reindex(frame.index)
    return frame.rename_axis("line")


def _names(contract: Contract, header: Sequence[str], where: str) -> list[str]:
    """Column names: the field's where the header is a field's, exactly or but for its case; else the header."""
    headers = [text.removeprefix("\ufeff").strip() for text in header]
    columns: dict[int, str] = {}
    for name in contract.fields:
        wanted = contract.header(name)
        positions = [i for i, text in enumerate(headers) if text == wanted]
        positions = positions or [i for i, text in enumerate(headers) if text.casefold() == wanted.casefold()]
        if len(positions) > 1:
            raise ExtractUnreadableError(
                f"{where}, line 1: the header names {wanted!r} {len(positions)} times (columns "
                f"{', '.join(str(i + 1) for i in positions)}), so it is unclear which is meant; rename or drop the "
                "others"
            )
        if positions:
            columns[positions[0]] = name
    taken = {*contract.fields, STRUCTURE_ERROR}
    for i, text in enumerate(headers):
        if i not in columns:
            columns[i] = _free(text or f"column {i + 1}", taken, i)
            taken.add(columns[i])
    return [columns[i] for i in range(len(headers))]


def _free(text: str, taken: set[str], position: int) -> str:
    return text if text not in taken else f"{text} (column {position + 1})"


def _without_blanks(column: pd.Series, empty: set[str]) -> pd.Series:
    if isinstance(column.dtype, pd.StringDtype):
        return column.mask(column.str.strip().isin(empty))
    if column.dtype == object:
        return column.mask(column.map(lambda value: isinstance(value, str) and value.strip() in empty).astype(bool))
    return column
