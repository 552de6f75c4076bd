"""The baseline and the repeatable files make what the migrations of version 0.1.0 made, and take its databases over."""

import re

import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812

from invoice_anomalies import warehouse
from invoice_anomalies.contract import Contract
from invoice_anomalies.errors import WarehouseError
from invoice_anomalies.warehouse.schema.migrate import BASELINE, TABLES, numbered_files, repeatable_files
from invoice_anomalies.warehouse.schema.migrate import RELEASED as NAMES
from tests.warehouse.replay import BEGIN, RELEASED, replay
from tests.warehouse.rows import ask, every_row

# All that a database says of the schema, each as (what, of what, how it is).
CATALOG = """
    WITH relation AS (
        SELECT oid, relname, relkind, relacl, relowner FROM pg_class
        WHERE relnamespace = 'invoice_anomalies'::regnamespace AND relkind IN ('r', 'v')
    )
    SELECT 'relation', relname, relkind::text || ' ' || coalesce(obj_description(oid, 'pg_class'), '') FROM relation
    UNION ALL
    SELECT 'column', relname || '.' || attname, concat_ws(
        ' | ', format_type(atttypid, atttypmod), attnotnull, attidentity, pg_get_expr(adbin, adrelid),
        col_description(relation.oid, attnum)
    )
    FROM relation
    JOIN pg_attribute ON attrelid = relation.oid AND attnum > 0 AND NOT attisdropped
    LEFT JOIN pg_attrdef ON adrelid = relation.oid AND adnum = attnum
    UNION ALL
    SELECT 'order', relname, string_agg(attname, ', ' ORDER BY attnum)
    FROM relation JOIN pg_attribute ON attrelid = relation.oid AND attnum > 0 AND NOT attisdropped
    GROUP BY relname
    UNION ALL
    SELECT 'constraint', conrelid::regclass || ' ' || conname, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'invoice_anomalies'::regnamespace
    UNION ALL
    SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'invoice_anomalies'
    UNION ALL
    SELECT 'view', relname, pg_get_viewdef(oid) FROM relation WHERE relkind = 'v'
    UNION ALL
    SELECT 'function', proname, concat_ws(
        ' | ', pg_get_functiondef(oid), proacl, obj_description(oid, 'pg_proc')
    )
    FROM pg_proc WHERE pronamespace = 'invoice_anomalies'::regnamespace
    UNION ALL
    SELECT 'trigger', relname || ' ' || tgname, pg_get_triggerdef(pg_trigger.oid)
    FROM relation JOIN pg_trigger ON tgrelid = relation.oid AND NOT tgisinternal
    UNION ALL
    SELECT 'right', relname, concat_ws(' ', pg_get_userbyid(grantee), privilege_type, is_grantable)
    FROM relation CROSS JOIN LATERAL aclexplode(coalesce(relacl, acldefault('r', relowner)))
    UNION ALL
    SELECT 'right', relname || '.' || attname, concat_ws(' ', pg_get_userbyid(grantee), privilege_type)
    FROM relation JOIN pg_attribute ON attrelid = relation.oid CROSS JOIN LATERAL aclexplode(attacl)
    UNION ALL
    SELECT 'schema', nspname, concat_ws(' ', obj_description(oid, 'pg_namespace'), nspacl)
    FROM pg_namespace WHERE nspname = 'invoice_anomalies'
"""
NUMBERS = ("observed_number", "expected_number", "low_number", "high_number")


def catalog(connection: Connection) -> set[tuple[object, ...]]:
    """What the database says of its tables, views, functions, triggers and rights, without comments within a body."""
    return {(what, name, re.sub(r" *--[^\n]*\n", "", str(how))) for what, name, how in ask(connection, CATALOG)}


def of_this_version(what: object, name: object) -> bool:
    """Tell what version 0.1.0 had not, or had otherwise."""
    relation, _, column = str(name).partition(".")
    return (
        relation == "schema_migrations"
        or column in NUMBERS
        or (what in ("view", "order") and relation == "v_anomaly_fields")
        or (what == "order" and relation == "anomaly_fields")
    )


def test_a_database_of_0_1_0_becomes_the_same_as_a_new_one(
    dsn: str, contract: Contract, connection_to_new: Connection
) -> None:
    with warehouse.connect(dsn) as connection:
        replay(connection, contract)
        before = catalog(connection)
        applied = warehouse.migrate(connection, contract)
        after = catalog(connection)

    assert len(before) > 400
    assert {what for what, _, _ in before} == {
        "relation", "column", "order", "constraint", "index", "view", "function", "trigger", "right", "schema"
    }  # fmt: skip
    assert {line for line in before ^ after if not of_this_version(*line[:2])} == set()
    assert after ^ catalog(connection_to_new) == set()
    assert [*applied[:1], *applied[-1:]] == ["0002_numbers_of_fields", "views/v_withdrawals"]
    assert BASELINE not in applied


def test_the_baseline_alone_makes_the_tables_of_0_1_0(dsn: str, contract: Contract) -> None:
    tables = ("relation", "column", "order", "constraint", "index")
    found = []
    for migrations in (RELEASED, [TABLES / f"{BASELINE}.sql"]):
        with warehouse.connect(dsn) as connection:
            with connection.cursor() as cursor:
                cursor.execute("DROP SCHEMA IF EXISTS invoice_anomalies CASCADE")
                cursor.execute(BEGIN)
                for path in migrations:
                    cursor.execute(path.read_text())
                cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'v' AND relname <> 'schema_migrations'")
                views = {name for (name,) in cursor.fetchall()}
            found.append({line for line in catalog(connection) if line[0] in tables})
            found[-1] -= {line for line in found[-1] if str(line[1]).split(".")[0] in views}

    assert len(found[0]) > 150
    assert found[0] == found[1]


def test_what_a_database_of_0_1_0_holds_stays(dsn: str, contract: Contract) -> None:
    with warehouse.connect(dsn) as connection:
        replay(connection, contract)
        with connection.cursor() as cursor:
            cursor.execute(PUBLISHED)
        before = every_row(connection)
        warehouse.migrate(connection, contract)
        after = every_row(connection)

    recorded = {row[0] for row in after.pop("schema_migrations")}
    assert recorded == {*NAMES, *(file.name for file in [*numbered_files(), *repeatable_files()])}
    assert {row[0] for row in before.pop("schema_migrations")} == set(NAMES)
    fields = after.pop("anomaly_fields")
    assert fields == [(*row, None, None, None, None) for row in before.pop("anomaly_fields")]
    assert len(fields) == 1
    assert after == before


PUBLISHED = """
    INSERT INTO invoice_anomalies.model_versions
        (version, status, trained_from, trained_until, rows, metrics, artefact, checksum)
    VALUES ('m1', 'champion', '2024-01-01', '2024-02-01', 1, '{}', '', '');
    INSERT INTO invoice_anomalies.invoices (invoice_key, extract_date, file, line, vendor_id)
    VALUES ('a', '2024-03-05', 'f', 1, 'V1');
    INSERT INTO invoice_anomalies.quarantined_invoices (extract_date, file, line, raw, reasons)
    VALUES ('2024-03-05', 'f', 2, '', '{no date}');
    INSERT INTO invoice_anomalies.anomalies
        (invoice_key, model_version, extract_date, rank_of_day, rank_by_amount, score, threshold, top_field,
         explanation)
    VALUES ('a', 'm1', '2024-03-05', 1, 1, 9, 2, 'f', 'e');
    INSERT INTO invoice_anomalies.anomaly_fields
        (invoice_key, model_version, field, position, error, rarity, share, sentence, observed)
    VALUES ('a', 'm1', 'f', 1, 1, 1, 1, 's', '12.50');
    INSERT INTO invoice_anomalies.reviews (invoice_key, model_version, verdict) VALUES ('a', 'm1', 'normal');
"""


@pytest.mark.parametrize("last", [1, 5, 7])
def test_a_database_from_before_0_1_0_is_refused_with_the_remedy(dsn: str, contract: Contract, last: int) -> None:
    with warehouse.connect(dsn) as connection:
        with connection.cursor() as cursor:
            cursor.execute(BEGIN)
            for name in NAMES[:last]:
                cursor.execute("INSERT INTO invoice_anomalies.schema_migrations (name) VALUES (%s)", (name,))
        connection.commit()
        before = every_row(connection)
        with pytest.raises(WarehouseError) as refusal:
            warehouse.migrate(connection, contract)

        assert every_row(connection) == before
    assert ", ".join(NAMES[last:]) in str(refusal.value)
    assert "with version 0.1.0 first (make migrate in its folder)" in str(refusal.value)


def test_rights_on_views_are_kept_when_a_database_is_taken_over(dsn: str, contract: Contract) -> None:
    with warehouse.connect(dsn) as connection:
        replay(connection, contract)
        with connection.cursor() as cursor:
            cursor.execute("GRANT SELECT ON invoice_anomalies.v_anomaly_fields TO PUBLIC")
            cursor.execute("CREATE VIEW public.of_bi AS SELECT sentence FROM invoice_anomalies.v_anomaly_fields")
        warehouse.migrate(connection, contract)

        assert ask(
            connection, "SELECT has_table_privilege('public', 'invoice_anomalies.v_anomaly_fields', 'SELECT')"
        ) == [(True,)]
        assert ask(connection, "SELECT count(*) FROM public.of_bi") == [(0,)]
