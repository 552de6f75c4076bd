import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812

from invoice_anomalies import warehouse
from invoice_anomalies.contract import Contract
from invoice_anomalies.errors import WarehouseError
from invoice_anomalies.warehouse.schema import migrate as schema
from local.postgres import Cluster
from tests.warehouse.replay import replay
from tests.warehouse.rows import Load, ask, every_row, invoices, typed

ALL_COLUMNS = """
    SELECT class.relname, attribute.attname, col_description(class.oid, attribute.attnum)
    FROM pg_class AS class
    JOIN pg_attribute AS attribute ON attribute.attrelid = class.oid AND attribute.attnum > 0 AND NOT attisdropped
    WHERE class.relnamespace = 'invoice_anomalies'::regnamespace AND class.relkind IN ('r', 'v')
"""


PUBLISHED_BEFORE = """
    INSERT INTO invoice_anomalies.model_versions
        (version, status, trained_from, trained_until, rows, metrics, artefact, checksum)
    VALUES ('m1', 'champion', '2024-01-01', '2024-02-01', 1, '{}', '', '');
    INSERT INTO invoice_anomalies.invoices (invoice_key, extract_date, file)
    SELECT key, '2024-03-05', 'f' FROM unnest('{a,b,c,d}'::text[]) AS key;
    INSERT INTO invoice_anomalies.anomalies
        (invoice_key, model_version, extract_date, rank_of_day, score, threshold, amount_at_risk, top_field,
         explanation)
    VALUES
        ('a', 'm1', '2024-03-05', 1, 9, 2, 10, 'f', 'e'), ('b', 'm1', '2024-03-05', 2, 8, 2, NULL, 'f', 'e'),
        ('c', 'm1', '2024-03-05', 3, 7, 2, 900, 'f', 'e'), ('d', 'm1', '2024-03-05', 4, 6, 2, 10, 'f', 'e');
"""


def changed(contract: Contract, name: str, **values: object) -> Contract:
    """The contract with one field changed or added."""
    data = contract.model_dump()
    data["fields"][name] = {**data["fields"].get(name, {}), **values}
    return Contract.model_validate(data)


def test_migrations_apply_once(dsn: str, contract: Contract) -> None:
    with warehouse.connect(dsn) as connection:
        first = warehouse.migrate(connection, contract)
        before = every_row(connection)
        second = warehouse.migrate(connection, contract)

        assert first[:2] == ["0001_baseline", "0002_numbers_of_fields"]
        assert "invoices.gross_amount numeric" in first
        assert second == []
        assert every_row(connection) == before


def test_two_migrations_at_once_do_not_meet(dsn: str, contract: Contract) -> None:
    results: list[list[str] | Exception] = []
    gate = threading.Barrier(3)

    def migrate() -> None:
        with warehouse.connect(dsn) as connection:
            gate.wait()
            try:
                results.append(warehouse.migrate(connection, contract))
            except Exception as error:
                results.append(error)

    threads = [threading.Thread(target=migrate) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(len(result) for result in results if isinstance(result, list))[:2] == [0, 0]
    assert len([result for result in results if isinstance(result, list) and result]) == 1
    assert not [result for result in results if isinstance(result, Exception)]


def test_a_failed_migration_leaves_nothing_behind(
    dsn: str, contract: Contract, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in schema.numbered_files():
        (tmp_path / file.path.name).write_text(file.text)
    (tmp_path / "9999_broken.sql").write_text("CREATE TABLE invoice_anomalies.half (a int); SELECT 1 / 0;")
    monkeypatch.setattr(schema, "TABLES", tmp_path)

    with warehouse.connect(dsn) as connection:
        with pytest.raises(psycopg2.errors.DivisionByZero):
            warehouse.migrate(connection, contract)
        assert ask(connection, "SELECT to_regnamespace('invoice_anomalies')") == [(None,)]


def test_anomalies_of_before_get_their_rank_by_amount(dsn: str, contract: Contract) -> None:
    with warehouse.connect(dsn) as connection:
        replay(connection, contract, last=2)
        with connection.cursor() as cursor:
            cursor.execute(PUBLISHED_BEFORE)
        replay(connection, contract)

        assert warehouse.migrate(connection, contract)[0] == "0002_numbers_of_fields"

        ranks = ask(connection, "SELECT invoice_key, rank_by_amount FROM invoice_anomalies.anomalies ORDER BY 2")
        assert ranks == [("c", 1), ("a", 2), ("d", 3), ("b", 4)]


def test_the_columns_have_the_types_of_the_contract(connection: Connection) -> None:
    types = dict(
        ask(
            connection,
            "SELECT column_name, data_type FROM information_schema.columns "
            "WHERE table_schema = 'invoice_anomalies' AND table_name = 'invoices'",
        )
    )

    assert types["gross_amount"] == "numeric"
    assert types["invoice_date"] == "date"
    assert types["invoice_number"] == "text"
    assert types["loaded_at"] == "timestamp with time zone"


def test_a_new_field_adds_a_column_and_breaks_no_view(connection: Connection, contract: Contract, load: Load) -> None:
    load(invoices(contract, "a"))
    wider = changed(contract, "quantity", type="number", description="Pieces", required=False)

    assert warehouse.migrate(connection, wider) == ["invoices.quantity double precision"]

    load(typed(wider, [{"invoice_number": "a", "quantity": 2.5}]), contract=wider)
    assert ask(connection, "SELECT quantity FROM invoice_anomalies.invoices") == [(2.5,)]
    assert ask(connection, "SELECT loaded FROM invoice_anomalies.v_daily_summary") == [(1,)]


def test_a_field_that_left_the_contract_keeps_its_column(connection: Connection, contract: Contract) -> None:
    data = contract.model_dump()
    del data["fields"]["description"]

    assert warehouse.migrate(connection, Contract.model_validate(data)) == []
    assert ask(connection, "SELECT description FROM invoice_anomalies.invoices") == []


def test_a_changed_type_is_refused_with_the_remedy(connection: Connection, contract: Contract) -> None:
    retyped = changed(contract, "cost_center", type="number")

    with pytest.raises(WarehouseError) as refusal:
        warehouse.migrate(connection, retyped)

    message = str(refusal.value)
    assert "invoices.cost_center is text" in message
    assert "category or identifier or text" in message
    assert "ALTER TABLE invoice_anomalies.invoices ALTER COLUMN cost_center TYPE double precision" in message


def test_every_table_view_and_column_has_a_comment(connection: Connection) -> None:
    without = ask(
        connection,
        "SELECT relname FROM pg_class WHERE relnamespace = 'invoice_anomalies'::regnamespace "
        "AND relkind IN ('r', 'v') AND coalesce(obj_description(oid), '') = ''",
    )
    columns = ask(connection, ALL_COLUMNS)

    assert without == []
    assert len(columns) > 150
    assert [(table, column) for table, column, comment in columns if not comment] == []


def test_the_comment_of_a_field_follows_its_description(connection: Connection, contract: Contract) -> None:
    warehouse.migrate(connection, changed(contract, "tax_amount", description="The vendor's VAT; 50% of it"))

    comments = {(table, column): comment for table, column, comment in ask(connection, ALL_COLUMNS)}
    assert comments["invoices", "tax_amount"] == "The vendor's VAT; 50% of it"


def test_bi_reader_reads_the_views_and_nothing_else(connection: Connection) -> None:
    names = ask(
        connection,
        "SELECT relname, relkind FROM pg_class WHERE relnamespace = 'invoice_anomalies'::regnamespace "
        "AND relkind IN ('r', 'v')",
    )
    connection.commit()

    readable = set()
    for name, _ in names:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL ROLE bi_reader")
            try:
                cursor.execute(f"SELECT * FROM invoice_anomalies.{name}")
                readable.add(name)
            except psycopg2.errors.InsufficientPrivilege:
                pass
        connection.rollback()

    assert readable == {
        "v_open_anomalies",
        "v_anomaly_fields",
        "v_daily_summary",
        "v_vendor_risk",
        "v_model_health",
        "v_data_quality",
        "v_anomalies",
        "v_night_currency",
        "v_vendors",
        "v_quarantine",
        "v_withdrawals",
    }


def test_no_view_makes_bi_parse_json(connection: Connection) -> None:
    assert (
        ask(
            connection,
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'invoice_anomalies' "
            "AND table_name LIKE 'v\\_%%' AND data_type IN ('json', 'jsonb', 'ARRAY')",
        )
        == []
    )


@pytest.fixture
def own_cluster() -> Iterator[Cluster]:
    """A cluster of its own: a role belongs to all databases of a cluster."""
    folder = Path(tempfile.mkdtemp(prefix="invoices-test-"))
    folder.chmod(0o755)
    cluster = Cluster(folder / "postgres", fsync=False)
    cluster.start()
    yield cluster
    cluster.stop()
    shutil.rmtree(folder)


def test_without_the_right_to_create_schemas_or_roles_it_says_what_to_ask_for(
    own_cluster: Cluster, contract: Contract
) -> None:
    own_cluster.create_database("invoices")
    admin_dsn = own_cluster.dsn("invoices")
    app_dsn = f"postgresql://app:pw@127.0.0.1:{own_cluster.port}/invoices"

    def as_admin(command: str) -> None:
        with warehouse.connect(admin_dsn) as admin, admin.cursor() as cursor:
            cursor.execute(command)

    as_admin("CREATE ROLE app LOGIN PASSWORD 'pw'")
    with warehouse.connect(app_dsn) as connection, pytest.raises(WarehouseError, match="GRANT CREATE ON DATABASE"):
        warehouse.migrate(connection, contract)

    as_admin("GRANT CREATE ON DATABASE invoices TO app")
    with warehouse.connect(app_dsn) as connection:
        assert "views/v_daily_summary" in warehouse.migrate(connection, contract)
        assert "CREATE ROLE bi_reader NOLOGIN" in "".join(connection.notices)

    as_admin("CREATE ROLE bi_reader NOLOGIN")
    with warehouse.connect(app_dsn) as connection:
        warehouse.migrate(connection, contract)
        assert ask(
            connection, "SELECT has_table_privilege('bi_reader', 'invoice_anomalies.v_daily_summary', 'SELECT')"
        ) == [(True,)]


def test_an_unreachable_database_is_named_without_its_password() -> None:
    with (
        pytest.raises(WarehouseError) as refusal,
        warehouse.connect("postgresql://someone:secret@127.0.0.1:1/invoices"),
    ):
        pass

    assert "127.0.0.1:1/invoices" in str(refusal.value)
    assert "secret" not in str(refusal.value)
