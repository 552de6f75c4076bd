"""What the database says in its own words is told in the pipeline's: what it was, where, and what to do."""

import re
import threading
from collections.abc import Iterator

import psycopg2
import pytest
from psycopg2 import sql

from invoice_anomalies import warehouse
from invoice_anomalies.contract import Contract
from invoice_anomalies.errors import WarehouseBusyError, WarehouseError, WarehouseUnreachableError
from invoice_anomalies.warehouse import connection as of_warehouse
from local.postgres import Cluster
from tests.conftest import drop_database
from tests.faults.conftest import ask, wait_until


def said(dsn: str, statement: str) -> WarehouseError:
    """The error that a statement ends in."""
    with (
        pytest.raises(WarehouseError) as error,
        warehouse.connect(dsn) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert re.search(r"127\.0\.0\.1:\d+/test_", str(error.value)), "it says where"
    return error.value


@pytest.mark.parametrize(
    ("code", "kind", "remedy"),
    [
        ("53100", WarehouseBusyError, "disk is full. Free room"),
        ("53200", WarehouseBusyError, "out of memory"),
        ("53300", WarehouseBusyError, "max_connections"),
        ("40001", WarehouseBusyError, "the next try may find it free"),
        ("40P01", WarehouseBusyError, "pg_stat_activity"),
        ("55P03", WarehouseBusyError, "pg_locks"),
        ("58030", WarehouseBusyError, "server's log"),
        ("25006", WarehouseBusyError, "Point the connection invoices_db to the primary"),
        ("57P01", WarehouseUnreachableError, "Check that Postgres is running"),
        ("57P03", WarehouseUnreachableError, "Check that Postgres is running"),
        ("08006", WarehouseUnreachableError, "Check that Postgres is running"),
    ],
)
def test_what_may_pass_by_itself_is_tried_again_and_says_what_to_do(
    dsn: str, code: str, kind: type[WarehouseError], remedy: str
):
    error = said(dsn, f"DO $$ BEGIN RAISE EXCEPTION 'as the server says it' USING ERRCODE = '{code}'; END $$")

    assert type(error) is kind
    assert error.retryable
    assert "as the server says it" in str(error)
    assert remedy in str(error)


def test_a_server_that_takes_no_changes_is_named_so(dsn: str):
    with warehouse.connect(dsn) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        cursor.execute(
            sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(
                sql.Identifier(cursor.fetchall()[0][0])
            )
        )

    error = said(dsn, "CREATE TABLE t (a int)")

    assert error.retryable
    assert "it is a standby, or set to be read only" in str(error)


def test_a_statement_that_takes_too_long_is_ended(dsn: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(of_warehouse, "STATEMENT_SECONDS", 0.2)

    error = said(dsn, "SELECT pg_sleep(20)")

    assert error.retryable
    assert "longer than its time limit" in str(error)


def test_a_session_that_was_ended_by_an_administrator_is_tried_again(dsn: str):
    error = said(dsn, "SELECT pg_terminate_backend(pg_backend_pid())")

    assert isinstance(error, WarehouseUnreachableError)


def test_of_two_that_wait_for_each_other_one_is_told_to_try_again(dsn: str):
    errors: list[WarehouseError] = []
    both_hold = threading.Barrier(2, timeout=20)

    def take(first: int, second: int) -> None:
        try:
            with warehouse.connect(dsn) as connection, connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", (first,))
                both_hold.wait()
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", (second,))
        except WarehouseError as error:
            errors.append(error)

    threads = [threading.Thread(target=take, args=pair) for pair in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    (error,) = errors
    assert error.retryable
    assert "deadlock" in str(error)


@pytest.fixture
def clerk(dsn: str, postgres: Cluster) -> Iterator[str]:
    """Connection string of somebody who may do nothing."""
    name = f"clerk_{dsn.rsplit('_', 1)[1]}"
    run_as_owner(dsn, f"CREATE ROLE {name} LOGIN PASSWORD 's3cret'")
    yield re.sub(r"//[^@]*@", f"//{name}:s3cret@", dsn)
    drop_database(postgres, dsn.rsplit("/", 1)[1])
    postgres.create_database(dsn.rsplit("/", 1)[1])
    run_as_owner(dsn, f"DROP ROLE {name}")


def run_as_owner(dsn: str, statement: str) -> None:
    with warehouse.connect(dsn) as connection, connection.cursor() as cursor:
        cursor.execute(statement)


def test_a_right_that_is_missing_is_not_tried_again(dsn: str, clerk: str, contract: Contract):
    with warehouse.connect(dsn) as connection:
        warehouse.migrate(connection, contract)

    error = said(clerk, "SELECT count(*) FROM invoice_anomalies.invoices")

    assert not error.retryable
    assert "GRANT invoice_writer TO" in str(error)
    assert "s3cret" not in str(error)


def test_a_server_out_of_connections_says_so(dsn: str, clerk: str):
    run_as_owner(dsn, f"ALTER ROLE {clerk.split('//')[1].split(':', maxsplit=1)[0]} CONNECTION LIMIT 0")

    with pytest.raises(WarehouseUnreachableError, match=r"too many connections.*connections to spare"), \
            warehouse.connect(clerk):  # fmt: skip
        pass


def test_tables_that_are_not_there_yet_are_named_with_the_dag_that_makes_them(dsn: str):
    error = said(dsn, "SELECT count(*) FROM invoice_anomalies.invoices")

    assert not error.retryable
    assert "Run validate_invoices once" in str(error)


def test_a_fault_of_the_code_is_shown_as_it_is(dsn: str):
    with (
        pytest.raises(psycopg2.errors.DivisionByZero),
        warehouse.connect(dsn) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT 1 / 0")


def test_an_error_in_the_middle_undoes_what_came_before_it_and_closes_the_connection(dsn: str):
    before = ask(dsn, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
    with pytest.raises(ZeroDivisionError), warehouse.connect(dsn) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE half (a int)")
        _ = 1 / 0

    assert ask(dsn, "SELECT to_regclass('half') IS NULL") == [(True,)]
    wait_until(lambda: ask(dsn, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()") == before)


@pytest.mark.parametrize("password", ["s3cr@t", "s3c/ret", "s3c%ret", "s3c%zzret", "s3c:ret@x/y", "s3c#ret", "s3c?ret"])
@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg2", "postgres"])
def test_no_piece_of_a_password_that_was_written_wrongly_is_shown(password: str, scheme: str):
    with pytest.raises(WarehouseError) as error, warehouse.connect(f"{scheme}://clerk:{password}@127.0.0.1:1/invoices"):
        pass

    shown = str(error.value) + str(error.value.__cause__ or "")
    for piece in re.split(r"[@/%:#?]", password):
        if len(piece) > 1:
            assert piece not in shown
