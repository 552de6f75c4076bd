"""Each role can do what it needs and nothing else; whatever else is tried is refused."""

import uuid

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812

from invoice_anomalies import warehouse
from tests.warehouse.roles.logins import (
    ROLES,
    VIEWS,
    Database,
    commands,
)
from tests.warehouse.rows import ask, every_row

# What the DAGs write, and how; everything else of a table is the owner's.
WRITTEN = {
    "invoices": {"insert", "update", "delete"},
    "quarantined_invoices": {"insert", "update", "delete"},
    "validation_runs": {"insert", "update"},
    "loads": {"insert"},
    "withdrawals": {"insert"},
    "days_without_extract": {"insert", "delete"},
    "model_versions": {"insert", "update"},
    "scoring_runs": {"insert", "update", "delete"},
    "scores": {"insert", "update", "delete"},
    "anomalies": {"insert", "delete"},
    "anomaly_fields": {"insert", "update", "delete"},
    "alerts": {"insert"},
}
# Tried on every table and view; none of them does anything where it is allowed.
ACTIONS = {
    "select": "SELECT * FROM {} WHERE false",
    "insert": "INSERT INTO {} DEFAULT VALUES",
    "update": "UPDATE {} SET {column} = NULL WHERE false",
    "delete": "DELETE FROM {} WHERE false",
    "truncate": "TRUNCATE {} CASCADE",
    "alter": "ALTER {kind} {} RENAME COLUMN {column} TO other",
    "drop": "DROP {kind} {} CASCADE",
    "comment": "COMMENT ON {kind} {} IS 'mine'",
    "grant": "GRANT ALL ON {} TO PUBLIC",
    "own": "ALTER {kind} {} OWNER TO CURRENT_USER",
    "rule": "CREATE RULE mine AS ON INSERT TO {} DO INSTEAD NOTHING",
    "trigger": "CREATE TRIGGER mine BEFORE INSERT ON {} EXECUTE FUNCTION invoice_anomalies.refuse_change()",
    "disable": "ALTER TABLE {} DISABLE TRIGGER ALL",
    "index": "CREATE INDEX ON {} ({column})",
}
VERDICT = """
    INSERT INTO invoice_anomalies.reviews (invoice_key, model_version, verdict{}) VALUES ('V00000|a', 'm1', 'normal'{})
"""
# Tried by every role, and refused to each.
FORBIDDEN = [
    "CREATE TABLE invoice_anomalies.mine (a int)",
    "CREATE VIEW invoice_anomalies.v_mine AS SELECT 1",
    "CREATE FUNCTION invoice_anomalies.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE SEQUENCE invoice_anomalies.mine",
    "CREATE TABLE public.mine (a int)",
    "CREATE SCHEMA mine",
    "CREATE EXTENSION file_fdw",
    "DROP SCHEMA invoice_anomalies CASCADE",
    "ALTER SCHEMA invoice_anomalies RENAME TO mine",
    "SELECT invoice_anomalies.record_verdict()",
    "SELECT invoice_anomalies.refuse_change()",
    "SELECT invoice_anomalies.wait_for_verdicts()",
    "ALTER FUNCTION invoice_anomalies.record_verdict() SECURITY INVOKER",
    "CREATE OR REPLACE FUNCTION invoice_anomalies.refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'",
    "DROP FUNCTION invoice_anomalies.refuse_change() CASCADE",
    "SELECT setval('invoice_anomalies.reviews_id_seq', 1)",
    "SELECT nextval('invoice_anomalies.reviews_id_seq')",
    VERDICT.format(", reviewer", ", 'bob'"),
    VERDICT.format(", recorded_by", ", 'bob'"),
    VERDICT.format(", reviewed_at", ", '2020-01-01'"),
    "UPDATE invoice_anomalies.anomalies SET status = 'normal'",
    "UPDATE invoice_anomalies.anomalies SET flagged_at = now()",
    "UPDATE invoice_anomalies.reviews SET verdict = 'normal'",
    "DELETE FROM invoice_anomalies.reviews",
    "SET session_replication_role = replica",
    "SET ROLE {owner}",
    "SET SESSION AUTHORIZATION {owner}",
    "CREATE ROLE mine",
    "ALTER ROLE CURRENT_USER SUPERUSER",
    "GRANT {owner} TO CURRENT_USER",
    "GRANT invoice_writer, invoice_reviewer, bi_reader TO CURRENT_USER",
    "ALTER DATABASE {database} RENAME TO mine",
    "DROP OWNED BY {owner}",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "COPY (SELECT 1) TO '/dev/null'",
    "SELECT pg_read_file('PG_VERSION')",
    "SELECT passwd FROM pg_shadow",
    "VACUUM FULL invoice_anomalies.invoices",
]  # fmt: skip


def test_a_login_with_bi_reader_reads_every_view(database: Database) -> None:
    with warehouse.connect(database.dsn(database.login("bi_reader"))) as connection:
        for view in VIEWS:
            assert ask(connection, f"SELECT * FROM invoice_anomalies.{view}"), view


def test_the_commands_that_make_logins_work(database: Database) -> None:
    names = {name: f"{name}_{uuid.uuid4().hex[:8]}" for name in ("invoices_nightly", "ann", "dashboards")}
    database.logins.extend(names.values())
    database.as_administrator(*commands("logins", **names, **{"'...'": "'pw'"}))

    with warehouse.connect(database.dsn(names["dashboards"])) as connection:
        assert ask(connection, "SELECT count(*) FROM invoice_anomalies.v_daily_summary") == [(1,)]
        assert ask(connection, "SHOW default_transaction_read_only") == [("on",)]
    with warehouse.connect(database.dsn(names["ann"])) as connection:
        assert ask(connection, "SHOW idle_in_transaction_session_timeout") == [("1min",)]


def refusal(connection: Connection, command: str) -> str:
    """What the database says against a command; empty where the user may give it. Nothing of it stays."""
    del connection.notices[:]
    try:
        with connection.cursor() as cursor:
            cursor.execute(command)
    except psycopg2.errors.NotNullViolation:
        return ""  # it would have been written, were it anything
    except psycopg2.Error as error:
        return str(error)
    finally:
        connection.rollback()
    return "".join(notice for notice in connection.notices if "no privileges were granted" in notice)


def allowed(role: str, name: str, kind: str) -> set[str]:
    """What a role may do with a table or view."""
    if (role, name) == ("invoice_reviewer", "reviews"):
        return {"insert"}
    reads = {"select"} if role == "invoice_writer" or name in VIEWS else set()
    return reads | (WRITTEN.get(name, set()) if role == "invoice_writer" and kind == "TABLE" else set())


@pytest.mark.parametrize("role", ROLES)
def test_a_role_does_with_each_table_what_it_needs_and_nothing_else(database: Database, role: str) -> None:
    relations = (
        "SELECT c.relname, CASE c.relkind WHEN 'r' THEN 'TABLE' ELSE 'VIEW' END, "
        "array_agg(a.attname::text ORDER BY attnum) "
        "FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
        "WHERE c.relnamespace = 'invoice_anomalies'::regnamespace AND c.relkind NOT IN ('i', 'S') GROUP BY 1, 2"
    )
    login = database.login(role)
    with warehouse.connect(database.dsn(database.owner)) as connection:
        there = ask(connection, relations)
        before = every_row(connection)
    assert len(there) >= 19

    found, wanted = {}, {}
    with warehouse.connect(database.dsn(login)) as connection:
        for name, kind, columns in there:
            target = f"invoice_anomalies.{name}"
            found[name] = {
                action
                for action, command in ACTIONS.items()
                if not refusal(connection, command.format(target, kind=kind, column=columns[0]))
            }
            wanted[name] = allowed(role, str(name), str(kind))
    assert found == wanted

    with warehouse.connect(database.dsn(database.owner)) as connection:
        assert every_row(connection) == before


def test_the_columns_that_a_role_writes_one_by_one_are_those_that_it_may(database: Database) -> None:
    rights = (
        "SELECT table_name || '.' || column_name FROM information_schema.columns AS c, pg_roles AS r "
        "WHERE table_schema = 'invoice_anomalies' AND table_name = %s AND r.rolname = %s "
        "AND has_column_privilege(r.rolname, 'invoice_anomalies.' || table_name, column_name, %s)"
    )
    with warehouse.connect(database.dsn(database.owner)) as connection:
        judged = {name for (name,) in ask(connection, rights, "reviews", "invoice_reviewer", "INSERT")}
        updated = {name for (name,) in ask(connection, rights, "anomalies", "invoice_writer", "UPDATE")}
        every = {name for (name,) in ask(connection, rights, "anomalies", "invoice_writer", "SELECT")}

    assert judged == {"reviews.invoice_key", "reviews.model_version", "reviews.verdict", "reviews.note"}
    assert every - updated == {f"anomalies.{n}" for n in ("invoice_key", "model_version", "status", "flagged_at")}


@pytest.mark.parametrize("role", ROLES)
def test_what_no_role_may_is_refused(database: Database, role: str) -> None:
    login = database.login(role)
    tried = [command.format(owner=database.owner, database=database.name) for command in FORBIDDEN]
    if role != "invoice_writer":
        tried += ["CREATE TEMPORARY TABLE mine (a int)", "SELECT * FROM invoice_anomalies.invoices"]
    if role != "invoice_reviewer":
        tried.append(VERDICT.format("", ""))
    with warehouse.connect(database.dsn(database.owner)) as connection:
        before = every_row(connection)

    with warehouse.connect(database.dsn(login)) as connection:
        assert [command for command in tried if not refusal(connection, command)] == []

    with warehouse.connect(database.dsn(database.owner)) as connection:
        assert every_row(connection) == before


def test_the_functions_of_the_schema_are_not_for_everybody_and_those_of_the_owner_have_a_fixed_path(
    database: Database,
) -> None:
    with warehouse.connect(database.dsn(database.owner)) as connection:
        functions = ask(
            connection,
            "SELECT proname, has_function_privilege('bi_reader', oid, 'EXECUTE'), prosecdef, proconfig FROM pg_proc "
            "WHERE pronamespace = 'invoice_anomalies'::regnamespace",
        )

    assert len(functions) >= 4
    for name, callable_by_all, as_owner, settings in functions:
        assert not callable_by_all, name
        assert not as_owner or settings == ["search_path=pg_catalog, pg_temp"], name
