"""A connection, the statements in sql/, and transactions that are whole or not at all."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class with a lower-case name
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from include.errors import WarehouseUnreachableError

SCHEMA = "invoice_anomalies"
STATEMENTS = Path(__file__).parent / "sql"
CONNECT_SECONDS = 10


@contextmanager
def connect(dsn: str) -> Iterator[Connection]:
    """Open a connection; commit at the end, roll back on an error, close in any case.

    dsn: postgresql://user:password@host:port/database. Raises WarehouseUnreachableError.
    """
    # SQLAlchemy and Airflow name the driver in the scheme; libpq knows none.
    plain = dsn.replace("postgresql+psycopg2://", "postgresql://", 1)
    try:
        connection = psycopg2.connect(plain, connect_timeout=CONNECT_SECONDS)
    except psycopg2.OperationalError as error:
        raise WarehouseUnreachableError(
            f"cannot reach the invoices database at {_place(plain)}: {str(error).strip()}; "
            "check the connection invoices_db and that Postgres is running"
        ) from None
    try:
        with connection, connection.cursor() as cursor:
            # Dates and times come and go as ISO in UTC, whatever the server's habits are.
            cursor.execute("SET datestyle TO ISO, YMD; SET timezone TO 'UTC'")
        with connection:
            yield connection
    finally:
        connection.close()


def _place(dsn: str) -> str:
    """The address without the password."""
    parts = urlsplit(dsn)
    return f"{parts.hostname}:{parts.port or 5432}{parts.path}" if parts.hostname else "the given address"


@contextmanager
def whole(connection: Connection) -> Iterator[Cursor]:
    """Give a cursor whose statements are undone together when one fails, even if the caller catches the error."""
    with connection.cursor() as cursor:
        cursor.execute("SAVEPOINT whole")
        try:
            yield cursor
        except BaseException:
            # A lost connection has undone everything already.
            if not connection.closed:
                cursor.execute("ROLLBACK TO SAVEPOINT whole")
            raise
        cursor.execute("RELEASE SAVEPOINT whole")


@cache
def text_of(name: str) -> str:
    """The text of sql/<name>.sql."""
    return (STATEMENTS / f"{name}.sql").read_text(encoding="utf-8")


def statement(name: str, **identifiers: sql.Composable) -> sql.Composable:
    """The statement sql/<name>.sql, with its {placeholders} filled by identifiers (never by values)."""
    text = sql.SQL(text_of(name))
    return text.format(**identifiers) if identifiers else text


def run(cursor: Cursor, name: str, values: Mapping[str, Any] | None = None, **identifiers: sql.Composable) -> None:
    """Run sql/<name>.sql with these values bound."""
    cursor.execute(statement(name, **identifiers), values)


def ask(connection: Connection, name: str, values: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
    """Rows that answer sql/<name>.sql."""
    with connection.cursor() as cursor:
        run(cursor, name, values)
        return cursor.fetchall()


def ask_one(connection: Connection, name: str, values: Mapping[str, Any] | None = None) -> Any:
    """First column of the first row that answers sql/<name>.sql; None where there is no row."""
    rows = ask(connection, name, values)
    return rows[0][0] if rows else None
