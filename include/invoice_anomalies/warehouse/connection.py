"""A connection that does not wait for ever, and savepoints: transactions that are whole or not at all."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class with a lower-case name
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from invoice_anomalies.warehouse.error_translation import no_answer, no_connection, translate
from invoice_anomalies.warehouse.queries import execute

SCHEMA = "invoice_anomalies"
CONNECT_SECONDS = 10
# Another task holds a lock for the time of one publication, a minute for a million invoices.
LOCK_SECONDS = 10 * 60
STATEMENT_SECONDS = 30 * 60
CONNECTION_SECONDS = 45 * 60
# A server, or a way to it, that is gone without a word is noticed within two minutes.
KEEPALIVE_IDLE_SECONDS, KEEPALIVE_INTERVAL_SECONDS, KEEPALIVE_COUNT = 30, 10, 6
UNACKNOWLEDGED_MILLISECONDS = 120_000


@contextmanager
def connect(dsn: str) -> Iterator[Connection]:
    """Open a connection; commit at the end, roll back on an error, close in any case.

    dsn: postgresql://user:password@host:port/database. A database error that the block lets out is raised as the
    WarehouseError that it means, see error_translation.py; retryable where it may pass by itself.
    """
    # SQLAlchemy and Airflow name the driver in the scheme; libpq knows none.
    plain = dsn.replace("postgresql+psycopg2://", "postgresql://", 1)
    try:
        connection = psycopg2.connect(
            plain,
            connect_timeout=CONNECT_SECONDS,
            keepalives=1,
            keepalives_idle=KEEPALIVE_IDLE_SECONDS,
            keepalives_interval=KEEPALIVE_INTERVAL_SECONDS,
            keepalives_count=KEEPALIVE_COUNT,
            tcp_user_timeout=UNACKNOWLEDGED_MILLISECONDS,
        )
    except psycopg2.Error as error:
        raise no_connection(error, plain) from None
    cut = threading.Event()
    try:
        with cut_after(CONNECTION_SECONDS, connection, cut):
            with connection.cursor() as cursor:
                execute(cursor, "session", {"lock_timeout": LOCK_SECONDS, "statement_timeout": STATEMENT_SECONDS})
            connection.commit()
            yield connection
            connection.commit()
    except psycopg2.Error as error:
        answer = (
            no_answer(CONNECTION_SECONDS, plain) if cut.is_set() else translate(error, connection.closed != 0, plain)
        )
        if answer is None:
            raise
        raise answer from error
    finally:
        connection.close()  # what was not committed is undone


@contextmanager
def cut_after(seconds: float, connection: Connection, cut: threading.Event) -> Iterator[None]:
    """Cut a connection that has been in use for so long, and say so in `cut`: the other end no longer answers.

    libpq waits for an answer without end, and while it does Python runs no signal handler: Airflow's own time limit
    (execution_timeout) does not end a task that waits for the database.
    """
    # A handle of its own: the connection's number may belong to another file by the time it is cut.
    line = socket.socket(fileno=os.dup(connection.fileno()))

    def end() -> None:
        cut.set()
        line.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        line.close()


@contextmanager
def savepoint(connection: Connection) -> Iterator[Cursor]:
    """Give a cursor whose statements are undone together when one fails, even if the caller catches the error."""
    with connection.cursor() as cursor:
        cursor.execute("SAVEPOINT before_this")
        try:
            yield cursor
        except BaseException:
            # A lost connection has undone everything already.
            if not connection.closed:
                cursor.execute("ROLLBACK TO SAVEPOINT before_this")
            raise
        cursor.execute("RELEASE SAVEPOINT before_this")
