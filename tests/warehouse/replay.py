"""The database as version 0.1.0 made it: its eight migrations in released/, run in order with what its code added."""

from pathlib import Path

from psycopg2.extensions import connection as Connection  # noqa: N812

from invoice_anomalies.contract import Contract
from invoice_anomalies.warehouse.schema.columns import fit_columns
from invoice_anomalies.warehouse.schema.migrate import ROLES
from invoice_anomalies.warehouse.schema.vendor_totals import fit_vendors

RELEASED = sorted((Path(__file__).parent / "released").glob("0*.sql"))
BEGIN = """
    CREATE SCHEMA IF NOT EXISTS invoice_anomalies;
    COMMENT ON SCHEMA invoice_anomalies
        IS 'Invoices, their validation, their scores and anomalies; BI reads the views (v_...).';
    CREATE TABLE IF NOT EXISTS invoice_anomalies.schema_migrations (
        name text PRIMARY KEY,
        applied_at timestamptz NOT NULL DEFAULT now()
    );
    COMMENT ON TABLE invoice_anomalies.schema_migrations IS 'Migrations that this database has had; one row each.';
"""
NAME_ENTITIES = """
    UPDATE invoice_anomalies.anomalies AS anomaly
    SET entity_name = invoice.vendor_name
    FROM invoice_anomalies.invoices AS invoice
    WHERE invoice.invoice_key = anomaly.invoice_key AND anomaly.entity_name IS NULL
"""


def replay(connection: Connection, contract: Contract, last: int = len(RELEASED)) -> None:
    """Bring a database to the migration of this number as version 0.1.0 did, from wherever it is."""
    with connection.cursor() as cursor:
        cursor.execute(BEGIN)
        cursor.execute("SELECT name FROM invoice_anomalies.schema_migrations")
        known = {name for (name,) in cursor.fetchall()}
        new = [path for path in RELEASED[:last] if path.stem not in known]
        for path in new:
            cursor.execute(path.read_text(encoding="utf-8"))
            cursor.execute("INSERT INTO invoice_anomalies.schema_migrations (name) VALUES (%s)", (path.stem,))
        fit_columns(cursor, contract)
        fit_vendors(cursor, contract)
        if "0007_what_is_shown" in (path.stem for path in new):
            cursor.execute(NAME_ENTITIES)
        cursor.execute(ROLES.read_text(encoding="utf-8"))
    connection.commit()
