"""Read Parquet and Excel files, whose cells bring their own types."""

import zipfile
from collections.abc import Iterator
from typing import BinaryIO

import pandas as pd

from invoice_anomalies.contract import Contract
from invoice_anomalies.errors import ExtractUnreadableError
from invoice_anomalies.extract.rows import FIRST_LINE, Cells
from invoice_anomalies.extract.split import LIMITS, Limits

BATCH = 65_536  # rows of a Parquet file that are unpacked at a time


def read_parquet(contract: Contract, stream: BinaryIO, where: str, limits: Limits = LIMITS) -> Iterator[Cells]:
    """Read a Parquet file in batches; whole numbers stay whole where the column has missing values."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    line = FIRST_LINE
    try:
        file = pq.ParquetFile(stream)
        # Names may come twice, which only positions survive.
        header = [str(name) for name in file.schema_arrow.names]
        yield Cells(header, pd.DataFrame(columns=range(len(header)), index=pd.RangeIndex(line, line)), {})
        for batch in file.iter_batches(BATCH):
            table = pa.Table.from_batches([batch]).rename_columns([str(i) for i in range(len(header))])
            rows = table.to_pandas(ignore_metadata=True, integer_object_nulls=True)
            rows.index = pd.RangeIndex(line, line + len(rows))
            line += len(rows)
            yield Cells(header, rows, {})
    except (pa.ArrowException, OSError) as problem:
        raise ExtractUnreadableError(
            f"{where}: expected Parquet; it cannot be read: {_first_line(problem)}; have it delivered again, or set "
            "extract.format to what it is"
        ) from None


def read_excel(contract: Contract, stream: BinaryIO, where: str, limits: Limits = LIMITS) -> Iterator[Cells]:
    """Read one sheet of an Excel workbook, its first row as the header; rows without any value are no rows.

    The sheet is read whole: its format ends at 1,048,576 rows.
    """
    try:
        with pd.ExcelFile(stream, engine="openpyxl") as book:
            sheet = _sheet(contract, [str(name) for name in book.sheet_names], where)
            table = book.parse(sheet, header=None, dtype=object, keep_default_na=False, na_values=[])
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, EOFError) as problem:
        raise ExtractUnreadableError(
            f"{where}: expected an Excel workbook (.xlsx); it cannot be read: {_first_line(problem)}; save it as .xlsx "
            "again, or set extract.format to what it is"
        ) from None
    if table.empty:
        raise ExtractUnreadableError(
            f"{where}, sheet {sheet!r}: the sheet is empty, not even a header came; set extract.sheet, or deliver again"
        )
    table.index = pd.RangeIndex(1, len(table) + 1)
    header = ["" if pd.isna(cell) else str(cell) for cell in table.iloc[0]]
    rows = table.iloc[FIRST_LINE - 1 :]
    blank = (rows.isna() | (rows == "")).all(axis=1)
    yield Cells(header, rows[~blank], {})


def _sheet(contract: Contract, sheets: list[str], where: str) -> str:
    wanted = contract.extract.sheet
    if wanted is not None and wanted not in sheets:
        raise ExtractUnreadableError(
            f"{where}: expected the sheet {wanted!r}; the workbook has {', '.join(map(repr, sheets))}; "
            "correct extract.sheet in the contract"
        )
    return wanted or sheets[0]


def _first_line(problem: Exception) -> str:
    return (str(problem).splitlines() or [type(problem).__name__])[0].rstrip(".")
