"""The named queries of this folder, and the ways to run them.

A file has the queries of one topic, each below a line "-- name: <name>". Values are bound by the driver; only
identifiers fill the {placeholders}.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class with a lower-case name
from psycopg2.extensions import cursor as Cursor  # noqa: N812

QUERIES = Path(__file__).parent
HEADER = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


@cache
def named_queries(folder: Path = QUERIES) -> dict[str, str]:
    """The text of each query in the .sql files of a folder, by its name; raises ValueError where a name comes twice."""
    found: dict[str, str] = {}
    for path in sorted(folder.glob("*.sql")):
        _, *parts = HEADER.split(path.read_text(encoding="utf-8"))
        for name, text in zip(parts[::2], parts[1::2], strict=True):
            if name in found:
                raise ValueError(f"{path.name}: the query {name} is there twice")
            found[name] = text.rstrip() + "\n"
    return found


def text_of(name: str) -> str:
    """The text of the query of this name."""
    return named_queries()[name]


def statement(name: str, **identifiers: sql.Composable) -> sql.Composable:
    """The query of this name, with its {placeholders} filled by identifiers (never by values)."""
    text = sql.SQL(text_of(name))
    return text.format(**identifiers) if identifiers else text


def execute(cursor: Cursor, name: str, values: Mapping[str, Any] | None = None, **identifiers: sql.Composable) -> None:
    """Execute the query of this name with these values bound."""
    cursor.execute(statement(name, **identifiers), values)


def scalar(cursor: Cursor, name: str, values: Mapping[str, Any] | None = None, **identifiers: sql.Composable) -> int:
    """The number that answers the query of this name; 0 where there is no row."""
    execute(cursor, name, values, **identifiers)
    row = cursor.fetchone()
    return int(row[0]) if row else 0


def fetch_all(connection: Connection, name: str, values: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
    """The rows that answer the query of this name."""
    with connection.cursor() as cursor:
        execute(cursor, name, values)
        return cursor.fetchall()


def fetch_value(connection: Connection, name: str, values: Mapping[str, Any] | None = None) -> Any:
    """The first column of the first row that answers the query of this name; None where there is no row."""
    rows = fetch_all(connection, name, values)
    return rows[0][0] if rows else None
