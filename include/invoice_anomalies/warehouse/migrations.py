"""The tables in their current form: numbered migrations, the contract's columns, the rights of the roles."""

from pathlib import Path

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812

from invoice_anomalies.contract import Contract
from invoice_anomalies.errors import WarehouseError
from invoice_anomalies.warehouse.columns import fit_columns
from invoice_anomalies.warehouse.connection import run, whole
from invoice_anomalies.warehouse.vendors import fit_vendors, name_entities

MIGRATIONS = Path(__file__).parent / "migrations"
NAMED_SINCE = "0007_what_is_shown"


def migrate(connection: Connection, contract: Contract) -> list[str]:
    """Bring the database to this code and this contract, commit, and return what was applied (empty: nothing to do).

    One at a time, under an advisory lock; all in one transaction, so a failure leaves the database as it was.
    Where there is nothing to do, any user with the role invoice_writer may call it. Raises WarehouseError where a field
    changed its type or the user may not make a change that is needed.
    """
    try:
        with whole(connection) as cursor:
            run(cursor, "lock_migrations")
            run(cursor, "create_schema")
            run(cursor, "applied_migrations")
            known = {name for (name,) in cursor.fetchall()}
            applied = [path for path in sorted(MIGRATIONS.glob("*.sql")) if path.stem not in known]
            for path in applied:
                cursor.execute(path.read_text(encoding="utf-8"))
                run(cursor, "record_migration", {"name": path.stem})
            columns = [*fit_columns(cursor, contract), *fit_vendors(cursor, contract)]
            if NAMED_SINCE in (path.stem for path in applied):
                name_entities(cursor, contract)
            run(cursor, "grant_roles")
    except psycopg2.errors.InsufficientPrivilege as error:
        raise WarehouseError(
            f"the database is not up to date, and its user may not change it: {str(error).strip()}; let the owner of "
            "the tables run python -m invoice_anomalies.warehouse, or, where there are no tables yet, an administrator "
            "GRANT CREATE ON DATABASE <database> TO <user>"
        ) from error
    # Commit here: the lock is held until then, and what comes next may take long.
    connection.commit()
    return [*(path.stem for path in applied), *columns]
