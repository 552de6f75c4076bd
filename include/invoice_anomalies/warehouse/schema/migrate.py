"""The invoices database brought to this code and the contract in force.

tables/ has numbered files, each applied once. triggers/ and views/ have files that run again when they change, so that
what a view is today stands in one place. roles.sql runs every time: an administrator may have made a role since.
"""

import contextlib
import hashlib
from dataclasses import dataclass
from pathlib import Path

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from invoice_anomalies.contract import Contract
from invoice_anomalies.errors import WarehouseError
from invoice_anomalies.warehouse.connection import SCHEMA, savepoint
from invoice_anomalies.warehouse.queries import execute
from invoice_anomalies.warehouse.schema.columns import fit_columns
from invoice_anomalies.warehouse.schema.vendor_totals import fit_vendors

SCHEMA_FOLDER = Path(__file__).parent
TABLES = SCHEMA_FOLDER / "tables"
ROLES = SCHEMA_FOLDER / "roles.sql"
# In the order in which they run; within a folder by name: the views that others build on come before v_...
REPEATABLE = (SCHEMA_FOLDER / "triggers", SCHEMA_FOLDER / "views")
BASELINE = "0001_baseline"
# The migrations by which version 0.1.0 made the tables of the baseline.
RELEASED = (
    "0001_tables",
    "0002_views",
    "0003_rank_by_amount",
    "0004_loads",
    "0005_roles_and_indexes",
    "0006_repeats_and_withdrawals",
    "0007_what_is_shown",
    "0008_days_without_extract",
)


@dataclass(frozen=True)
class SqlFile:
    """A file of the schema: a numbered one by its name (0001_baseline), a repeatable one by folder and name."""

    name: str
    path: Path

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


def migrate(connection: Connection, contract: Contract) -> list[str]:
    """Bring the database to this code and this contract, commit, and return what was applied (empty: nothing to do).

    One at a time, under an advisory lock; all in one transaction, so a failure leaves the database as it was. A
    database of version 0.1.0 is taken over. A database that a later version has migrated keeps that version's triggers
    and views. With nothing to do, any user with the role invoice_writer may call it. Raises WarehouseError where a
    field changed its type, an applied file was edited, or the user may not make a change that is needed.
    """
    try:
        with savepoint(connection) as cursor:
            execute(cursor, "lock_migrations")
            execute(cursor, "create_schema")
            applied = _apply(cursor, contract)
            cursor.execute(ROLES.read_text(encoding="utf-8"))
    except psycopg2.errors.InsufficientPrivilege as error:
        raise WarehouseError(
            f"the database is not up to date, and its user may not change it: {str(error).strip()}; let the owner of "
            "the tables run python -m invoice_anomalies.warehouse, or, where there are no tables yet, an administrator "
            "GRANT CREATE ON DATABASE <database> TO <user>"
        ) from error
    # Commit here: the lock is held until then, and what comes next may take long.
    connection.commit()
    return applied


def numbered_files() -> list[SqlFile]:
    """The files that are applied once, in order."""
    return [SqlFile(path.stem, path) for path in sorted(TABLES.glob("*.sql"))]


def repeatable_files() -> list[SqlFile]:
    """The files that run again when they change, in order."""
    return [
        SqlFile(f"{folder.name}/{path.stem}", path) for folder in REPEATABLE for path in sorted(folder.glob("*.sql"))
    ]


def _apply(cursor: Cursor, contract: Contract) -> list[str]:
    execute(cursor, "applied_migrations")
    recorded: dict[str, str | None] = dict(cursor.fetchall())
    tables = numbered_files()
    if BASELINE not in recorded and _made_by_0_1_0(recorded):
        _record(cursor, next(file for file in tables if file.name == BASELINE), recorded)
    _refuse_edited(tables, recorded)
    new = [file for file in tables if file.name not in recorded]
    # A view may have to give way to a change of a table: after a numbered file all of them run.
    repeated = [file for file in repeatable_files() if new or recorded.get(file.name) != file.checksum]
    if _is_ahead(tables, recorded):
        repeated = []
    grants = _view_grants(cursor) if repeated else []
    for file in new:
        cursor.execute(file.text)
        _record(cursor, file, recorded)
    columns = fit_columns(cursor, contract)
    _run_again(cursor, repeated)
    for file in repeated:
        _record(cursor, file, recorded)
    _give_again(cursor, grants)
    return [*(file.name for file in new), *columns, *(file.name for file in repeated), *fit_vendors(cursor, contract)]


def _made_by_0_1_0(recorded: dict[str, str | None]) -> bool:
    """Tell whether version 0.1.0 made the tables; raises WarehouseError where its migrations are there in part."""
    missing = [name for name in RELEASED if name not in recorded]
    if missing and len(missing) < len(RELEASED):
        raise WarehouseError(
            f"the tables are those of a version before 0.1.0: {', '.join(missing)} never ran on this database, and "
            "this version begins with the tables of 0.1.0. Bring it there with version 0.1.0 first (make migrate in "
            "its folder), then run this again; nothing was changed"
        )
    return not missing


def _refuse_edited(tables: list[SqlFile], recorded: dict[str, str | None]) -> None:
    """Raise WarehouseError where a file differs from what was applied under its name."""
    edited = [str(file.path) for file in tables if recorded.get(file.name) not in (None, file.checksum)]
    if edited:
        raise WarehouseError(
            f"edited since this database had it: {', '.join(edited)}. A numbered file runs once, so the edit would "
            "never arrive here: restore the file as it was (git checkout), and put the change into a new file with the "
            "next number; nothing was changed"
        )


def _is_ahead(tables: list[SqlFile], recorded: dict[str, str | None]) -> bool:
    """Tell whether a later version has migrated this database: its triggers and views are newer than these."""
    ours = {file.name for file in tables} | set(RELEASED)
    return any("/" not in name and name not in ours for name in recorded)


def _view_grants(cursor: Cursor) -> list[str]:
    """The rights on the views, each as the command that gives it."""
    execute(cursor, "view_grants")
    return [command for (command,) in cursor.fetchall()]


def _give_again(cursor: Cursor, grants: list[str]) -> None:
    """Give the rights that views lost when they were made anew, but for those on columns that went with it."""
    there = set(_view_grants(cursor)) if grants else set()
    for command in grants:
        if command not in there:
            with contextlib.suppress(psycopg2.errors.UndefinedColumn), savepoint(cursor.connection):
                cursor.execute(command)


def _run_again(cursor: Cursor, files: list[SqlFile]) -> None:
    """Run repeatable files; views that cannot be replaced in place are dropped, all of them, and made again."""
    try:
        with savepoint(cursor.connection):
            for file in files:
                cursor.execute(file.text)
    except psycopg2.errors.InvalidTableDefinition:  # a column has gone, or has another name, type or place
        views = [
            sql.Identifier(SCHEMA, file.path.stem) for file in repeatable_files() if file.path.parent.name == "views"
        ]
        try:
            cursor.execute(sql.SQL("DROP VIEW IF EXISTS {}").format(sql.SQL(", ").join(views)))
        except psycopg2.errors.DependentObjectsStillExist as error:
            raise WarehouseError(
                f"a view has to be made anew, and something else depends on it: {error.diag.message_detail}; "
                "drop that, migrate, and make it again with its rights; nothing was changed"
            ) from error
        for file in repeatable_files():
            cursor.execute(file.text)


def _record(cursor: Cursor, file: SqlFile, recorded: dict[str, str | None]) -> None:
    execute(cursor, "record_migration", {"name": file.name, "checksum": file.checksum})
    recorded[file.name] = file.checksum
