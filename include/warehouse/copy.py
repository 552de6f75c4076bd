"""Frames into and out of Postgres by COPY: the fastest way there is, and no value is ever part of a statement."""

import csv
import io
from collections.abc import Iterator, Mapping
from tempfile import TemporaryFile
from typing import Any

import pandas as pd
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812

# Bounds the memory for the CSV text; larger chunks are not faster.
CHUNK_ROWS = 20_000


class CsvOfFrame(io.RawIOBase):
    """A frame as a CSV file without a header that is written while it is read."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._chunks = self._write(frame)
        self._rest = b""

    @staticmethod
    def _write(frame: pd.DataFrame) -> Iterator[bytes]:
        for start in range(0, len(frame), CHUNK_ROWS):
            chunk = frame.iloc[start : start + CHUNK_ROWS]
            # Quote every text: a bare \. would end the copy, and a bare line break in one would end the row.
            text = chunk.to_csv(
                header=False, index=False, lineterminator="\n", date_format="%Y-%m-%d", quoting=csv.QUOTE_NONNUMERIC
            )
            yield text.encode()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        parts, length = [self._rest], len(self._rest)
        while size < 0 or length < size:
            part = next(self._chunks, None)
            if part is None:
                break
            parts.append(part)
            length += len(part)
        text = b"".join(parts)
        end = length if size < 0 else size
        self._rest = text[end:]
        return text[:end]


def copy_in(cursor: Cursor, table: str, frame: pd.DataFrame) -> None:
    """Append a frame to a table of the session; missing values and empty texts become NULL."""
    columns = sql.SQL(", ").join(map(sql.Identifier, frame.columns))
    # A missing value among quoted texts is written as "", which is NULL only where it is forced.
    command = sql.SQL("COPY {table} ({columns}) FROM STDIN (FORMAT csv, ENCODING 'UTF8', FORCE_NULL ({columns}))")
    cursor.copy_expert(command.format(table=sql.Identifier(table), columns=columns), CsvOfFrame(frame))


def copy_out(
    cursor: Cursor, question: sql.Composable, values: Mapping[str, Any], types: dict[str, str]
) -> pd.DataFrame:
    """Read the answer to a question as a frame with the columns named in types (str, float64, datetime64[us])."""
    bound = cursor.mogrify(question, values).decode()
    dates = [name for name, kind in types.items() if kind.startswith("datetime")]
    with TemporaryFile() as file:
        # ";" ends a file's statement, but not one within COPY ( ).
        cursor.copy_expert(f"COPY ({bound}) TO STDOUT (FORMAT csv, ENCODING 'UTF8')", file)
        file.seek(0)
        frame = pd.read_csv(
            file,
            header=None,
            names=list(types),
            dtype={name: "str" if name in dates else kind for name, kind in types.items()},
            # "NA" and "null" are texts like others; only nothing is missing.
            keep_default_na=False,
            na_values=[""],
            # Otherwise the last digit of an amount may differ from the one that was loaded.
            float_precision="round_trip",
        )
    for name in dates:
        frame[name] = pd.to_datetime(frame[name], format="%Y-%m-%d").astype("datetime64[us]")
    return frame
