"""Write docs/data-dictionary.md from the comments in the database, so that the two cannot differ.

    python -m local.dictionary

Migrates an empty database of a Postgres of its own, for the contract that comes with the project, and describes it.
"""

import shutil
import tempfile
from pathlib import Path

from psycopg2.extensions import connection as Connection  # noqa: N812

from invoice_anomalies import warehouse
from invoice_anomalies.contract import load_contract
from invoice_anomalies.paths import PROJECT
from local.postgres import Cluster

PAGE = PROJECT / "docs" / "data-dictionary.md"
INTRODUCTION = """\
# Data dictionary

Every table, view and column of the schema `invoice_anomalies`, from the comments in the database. This page is
generated: `make docs`.

BI tools read the views whose names begin with `v_` ([bi.md](bi.md)); who may read and write what is in
[roles.md](roles.md). The columns of `invoices` after `loaded_at` come from the data contract, here
`include/invoices.yaml`; yours has your own."""
SECTIONS = {"v": "Views", "r": "Tables"}
# The views for BI first: kind, name, comment.
RELATIONS = """
    SELECT relkind, relname, coalesce(obj_description(oid, 'pg_class'), '')
    FROM pg_class
    WHERE relnamespace = 'invoice_anomalies'::regnamespace AND relkind IN ('r', 'v')
    ORDER BY relkind DESC, relname NOT LIKE 'v\\_%', relname COLLATE "C"
"""
# Of all columns: relation, name, type, whether it must have a value, place in the key, what it refers to, comment.
COLUMNS = """
    SELECT
        class.relname, attribute.attname, format_type(attribute.atttypid, attribute.atttypmod), attribute.attnotnull,
        array_position(key.conkey, attribute.attnum),
        (
            SELECT string_agg(DISTINCT refers.confrelid::regclass::text, ', ')
            FROM pg_constraint AS refers
            WHERE refers.conrelid = class.oid AND refers.contype = 'f' AND attribute.attnum = ANY (refers.conkey)
        ),
        coalesce(col_description(class.oid, attribute.attnum), '')
    FROM pg_class AS class
    JOIN pg_attribute AS attribute
        ON attribute.attrelid = class.oid AND attribute.attnum > 0 AND NOT attribute.attisdropped
    LEFT JOIN pg_constraint AS key ON key.conrelid = class.oid AND key.contype = 'p'
    WHERE class.relnamespace = 'invoice_anomalies'::regnamespace AND class.relkind IN ('r', 'v')
    ORDER BY class.relname, attribute.attnum
"""
TYPES = {"timestamp with time zone": "timestamptz"}


def dictionary(connection: Connection) -> str:
    """The whole of docs/data-dictionary.md, for a migrated database."""
    with connection.cursor() as cursor:
        cursor.execute(RELATIONS)
        relations = cursor.fetchall()
        cursor.execute(COLUMNS)
        rows: dict[str, list[str]] = {}
        for relation, *column in cursor.fetchall():
            rows.setdefault(relation, []).append(_row(*column))
    lines = [INTRODUCTION, ""]
    for kind, section in SECTIONS.items():
        lines += [f"## {section}", ""]
        for _, name, comment in (relation for relation in relations if relation[0] == kind):
            header = ["| column | type | key | meaning |", "|---|---|---|---|"]
            lines += [f"### `{name}`", "", comment, "", *header, *rows[name], ""]
    return "\n".join(lines)


def missing(connection: Connection) -> list[str]:
    """Tables, views and columns without a comment."""
    with connection.cursor() as cursor:
        cursor.execute(RELATIONS)
        without = [name for _, name, comment in cursor.fetchall() if not comment.strip()]
        cursor.execute(COLUMNS)
        return without + [f"{row[0]}.{row[1]}" for row in cursor.fetchall() if not row[-1].strip()]


def write() -> None:
    """Bring the page up to date."""
    folder = Path(tempfile.mkdtemp(prefix="invoices-dictionary-"))
    folder.chmod(0o755)  # as root the server runs as another user
    cluster = Cluster(folder / "postgres", fsync=False)
    try:
        cluster.start()
        with warehouse.connect(cluster.dsn()) as connection:
            warehouse.migrate(connection, load_contract(PROJECT / "include" / "invoices.yaml"))
            PAGE.write_text(dictionary(connection), encoding="utf-8")
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _row(name: str, kind: str, required: bool, place: int | None, refers: str | None, comment: str) -> str:
    parts = [f"key {place}" if place else "", "" if place or not required else "never empty"]
    if refers:
        parts.append(f"in {refers.replace('invoice_anomalies.', '')}")
    cells = [f"`{name}`", TYPES.get(kind, kind), ", ".join(part for part in parts if part), comment]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    write()
