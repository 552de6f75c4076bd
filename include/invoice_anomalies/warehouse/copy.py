"""Frames into and out of Postgres by COPY: the fastest way there is, and no value is ever part of a statement."""

import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryFile, gettempdir
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv as arrow_csv
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from invoice_anomalies.files import disk_full_errors

CHUNK_ROWS = 50_000  # bounds the memory for the CSV text; larger chunks are not faster
BLOCK_BYTES = 1 << 20
ARROW_TYPES = {"str": pa.large_string(), "float64": pa.float64(), "datetime64[us]": pa.date32()}


class CsvOfFrame(io.RawIOBase):
    """A frame as a CSV file without a header that is written while it is read."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._chunks = self._write(frame)
        self._rest = memoryview(b"")

    @staticmethod
    def _write(frame: pd.DataFrame) -> Iterator[memoryview]:
        # Quote every text: a bare \. would end the copy, and a bare line break in one would end the row.
        options = arrow_csv.WriteOptions(include_header=False, quoting_style="all_valid")
        for start in range(0, len(frame), CHUNK_ROWS):
            table = pa.Table.from_pandas(frame.iloc[start : start + CHUNK_ROWS], preserve_index=False)
            dates = [_as_date(column) for column in table.columns]
            text = pa.BufferOutputStream()
            arrow_csv.write_csv(table.from_arrays(dates, names=table.column_names), text, options)
            yield memoryview(text.getvalue())

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if size < 0:
            return self._rest.tobytes() + b"".join(self._chunks)
        if not self._rest:
            self._rest = next(self._chunks, memoryview(b""))
        # Fewer bytes than asked for are no end of the file; none are.
        given, self._rest = self._rest[:size], self._rest[size:]
        return given.tobytes()


def _as_date(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.date32()) if pa.types.is_timestamp(column.type) else column


def copy_in(cursor: Cursor, table: str, frame: pd.DataFrame) -> None:
    """Append a frame to a table of the session; missing values and empty texts become NULL."""
    columns = sql.SQL(", ").join(map(sql.Identifier, frame.columns))
    command = sql.SQL("COPY {table} ({columns}) FROM STDIN (FORMAT csv, ENCODING 'UTF8', FORCE_NULL ({columns}))")
    cursor.copy_expert(command.format(table=sql.Identifier(table), columns=columns), CsvOfFrame(frame), BLOCK_BYTES)


def copy_out(
    cursor: Cursor, question: sql.Composable, values: Mapping[str, Any], types: dict[str, str]
) -> pd.DataFrame:
    """Read the answer to a question as a frame with the columns named in types (str, float64, datetime64[us])."""
    bound = cursor.mogrify(question, values).decode()
    with disk_full_errors(Path(gettempdir())), TemporaryFile() as file:
        # ";" ends a file's statement, but not one within COPY ( ).
        cursor.copy_expert(f"COPY ({bound}) TO STDOUT (FORMAT csv, ENCODING 'UTF8')", file)
        size = file.tell()
        file.seek(0)
        table = _table(file, types) if size else _empty(types)
    texts = {pa.large_string(): pd.StringDtype(na_value=float("nan"))}
    frame: pd.DataFrame = table.to_pandas(types_mapper=texts.get)
    return frame.astype(types)


def _empty(types: dict[str, str]) -> pa.Table:
    return pa.table({name: pa.array([], ARROW_TYPES[kind]) for name, kind in types.items()})


def _table(file: Any, types: dict[str, str]) -> pa.Table:
    return arrow_csv.read_csv(
        file,
        arrow_csv.ReadOptions(column_names=list(types)),
        arrow_csv.ParseOptions(newlines_in_values=True),
        # "NA" and "null" are texts like others, and so is a quoted nothing; only nothing at all is missing.
        arrow_csv.ConvertOptions(
            column_types={name: ARROW_TYPES[kind] for name, kind in types.items()},
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
