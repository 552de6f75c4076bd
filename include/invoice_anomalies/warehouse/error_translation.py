"""Errors of the database translated: the pipeline's own error for each, and what to do about it."""

from dataclasses import dataclass
from urllib.parse import urlsplit

import psycopg2

from invoice_anomalies.errors import WarehouseBusyError, WarehouseError, WarehouseUnreachableError


@dataclass(frozen=True)
class Translation:
    """An error of the pipeline, and the remedy in words."""

    kind: type[WarehouseError]
    remedy: str


LOST = Translation(
    WarehouseUnreachableError,
    "nothing half done was kept. Check that Postgres is running and was not restarted; the next try goes on from here",
)
LOCKED = Translation(
    WarehouseBusyError,
    "another task, a migration or a session of somebody else holds what this one waits for; the next try may find it "
    "free. Otherwise look for the session that holds it in pg_locks and pg_stat_activity, and end it",
)
READ_ONLY = Translation(
    WarehouseBusyError,
    "this server takes no changes: it is a standby, or set to be read only. Point the connection invoices_db to the "
    "primary, or wait for the failover to end",
)
# By SQLSTATE, or by its class, the first two characters (https://www.postgresql.org/docs/current/errcodes-appendix.html).
TRANSLATIONS = {
    "08": LOST,
    "57P": LOST,  # shutdown, crash, starting up, idle for too long, the database dropped
    "25P03": LOST,  # idle in a transaction for too long
    "25P04": LOST,
    "25006": READ_ONLY,
    "40": LOCKED,  # deadlock, serialization: one of two had to give way
    "55006": LOCKED,
    "55P03": LOCKED,
    "57014": Translation(
        WarehouseBusyError,
        "the statement was cancelled, by somebody or because it took longer than its time limit. Look at what the "
        "server is busy with (pg_stat_activity); the next try may have it to itself",
    ),
    "53100": Translation(
        WarehouseBusyError, "the server's disk is full. Free room on it or enlarge it; nothing was published meanwhile"
    ),
    "53200": Translation(
        WarehouseBusyError, "the server is out of memory (or of max_locks_per_transaction). Free some, or give it more"
    ),
    "53": Translation(
        WarehouseBusyError,
        "the server is at one of its limits, most often max_connections. Raise it, or lower Airflow's parallelism",
    ),
    "58": Translation(WarehouseBusyError, "the server's own storage failed. Look into the server's log"),
    "42501": Translation(
        WarehouseError,
        "the user of the connection invoices_db may not do this. Give it the role of the pipeline: "
        "GRANT invoice_writer TO <user>, or let the owner of the tables run this",
    ),
    "42P01": Translation(
        WarehouseError,
        "the tables do not fit this code, or are not there yet. Run validate_invoices once: it brings them up to date",
    ),
    "42703": Translation(
        WarehouseError,
        "the tables do not fit this code or this contract. Run validate_invoices once: it brings them up to date",
    ),
    "3F000": Translation(WarehouseError, "the schema is not there. Run validate_invoices once: it makes the tables"),
}


def translate(error: psycopg2.Error, closed: bool, dsn: str) -> WarehouseError | None:
    """The pipeline's error for what went wrong on a connection; None where it is a fault of the code.

    closed: whether the connection is of no use any more.
    """
    code = error.pgcode
    if code is None:  # libpq's own error: the server said nothing any more, or the code asked for nonsense
        found = LOST if closed or isinstance(error, psycopg2.OperationalError) else None
    else:
        found = next((TRANSLATIONS[part] for part in (code, code[:3], code[:2]) if part in TRANSLATIONS), None)
    if found is None:
        return None
    what = "lost the invoices database at" if found is LOST else "refused by the invoices database at"
    return found.kind(f"{what} {address(dsn)}: {_words(error)}; {found.remedy}")


def no_answer(seconds: float, dsn: str) -> WarehouseError:
    """The error where a connection was cut because nothing came over it any more."""
    return WarehouseUnreachableError(
        f"the invoices database at {address(dsn)} gave no answer within {seconds / 60:g} minutes; nothing half done "
        "was kept. Check whether the server, or what lies between (a pool, a firewall), hangs; the next try connects "
        "anew"
    )


def no_connection(error: psycopg2.Error, dsn: str) -> WarehouseError:
    """The pipeline's error where no connection came about; shows nothing of the password."""
    shown = address(dsn)
    if shown == UNCLEAR or not isinstance(error, psycopg2.OperationalError):
        # libpq takes the wrong part of it for a host or a port, and would quote a piece of the password.
        return WarehouseError(
            "the address in the connection invoices_db cannot be read; expected "
            "postgresql://user:password@host:port/database with the special characters of user and password "
            "percent-encoded (@ is %40, / is %2F, % is %25)"
        )
    return WarehouseUnreachableError(
        f"cannot reach the invoices database at {shown}: {_words(error)}; "
        "check the connection invoices_db, and that Postgres is running and has connections to spare"
    )


UNCLEAR = "an unclear address"


def address(dsn: str) -> str:
    """Host, port and database of an address, without user and password."""
    try:
        parts = urlsplit(dsn)
        port = parts.port or 5432
    except ValueError:
        return UNCLEAR
    if parts.netloc.count("@") > 1:
        return UNCLEAR
    return f"{parts.hostname}:{port}{parts.path}" if parts.hostname else "the given address"


def _words(error: psycopg2.Error) -> str:
    return " ".join(str(error).split()) or type(error).__name__
