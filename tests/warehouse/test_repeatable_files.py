"""Files of triggers and views run again when they change, and an applied numbered file is not to be edited."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812

from invoice_anomalies import warehouse
from invoice_anomalies.contract import Contract
from invoice_anomalies.errors import WarehouseError
from invoice_anomalies.warehouse.schema import migrate as schema
from tests.warehouse.rows import ask, every_row

STALE, SUMMARY = "stale_nights", "v_daily_summary"
READS = "SELECT has_{}_privilege({!r}, 'invoice_anomalies.v_vendors', {})"


@pytest.fixture
def edit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str, str], None]:
    """Change a file of a copy of schema/, which migrations read from then on: edit("views/v_vendors", old, new)."""
    copy = tmp_path / "schema"
    shutil.copytree(schema.SCHEMA_FOLDER, copy)
    monkeypatch.setattr(schema, "TABLES", copy / "tables")
    monkeypatch.setattr(schema, "REPEATABLE", (copy / "triggers", copy / "views"))

    def edit(name: str, old: str, new: str) -> None:
        path = copy / f"{name}.sql"
        text = path.read_text() if path.exists() else ""
        assert old in text
        path.write_text(text.replace(old, new, 1) if old else text + new)

    return edit


def test_only_the_file_that_changed_runs_again(
    connection: Connection, contract: Contract, edit: Callable[[str, str, str], None]
) -> None:
    assert warehouse.migrate(connection, contract) == []

    edit("views/v_vendors", "AS total;", "AS total WHERE total.invoices > 0;")
    assert warehouse.migrate(connection, contract) == ["views/v_vendors"]
    edit("triggers/append_only", "instead of changing", "and do not change")
    assert warehouse.migrate(connection, contract) == ["triggers/append_only"]
    assert warehouse.migrate(connection, contract) == []
    assert "invoices > 0" in str(ask(connection, "SELECT pg_get_viewdef('invoice_anomalies.v_vendors'::regclass)"))
    assert "do not change" in str(ask(connection, "SELECT prosrc FROM pg_proc WHERE proname = 'refuse_change'"))


def test_a_view_that_loses_a_column_is_made_anew_with_those_that_build_on_it_and_all_rights(
    connection: Connection, contract: Contract, edit: Callable[[str, str, str], None]
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("GRANT SELECT ON invoice_anomalies.v_vendors TO pg_monitor WITH GRANT OPTION")
        cursor.execute("GRANT SELECT (entity) ON invoice_anomalies.v_vendors TO pg_read_all_stats")
        cursor.execute("GRANT SELECT ON invoice_anomalies.v_daily_summary TO PUBLIC")
    views = "SELECT relname FROM pg_class WHERE relnamespace = 'invoice_anomalies'::regnamespace AND relkind = 'v'"
    there = set(ask(connection, views))
    edit("views/stale_nights", ", newest.id AS newest_load", ", newest.id + 0.5 AS newest_load")

    assert warehouse.migrate(connection, contract) == ["views/stale_nights"]

    assert set(ask(connection, views)) == there
    for question, answer in {
        READS.format("table", "pg_monitor", "'SELECT WITH GRANT OPTION'"): True,
        "SELECT has_column_privilege('pg_read_all_stats', 'invoice_anomalies.v_vendors', 'entity', 'SELECT')": True,
        READS.format("table", "pg_read_all_stats", "'SELECT'"): False,
        READS.format("table", "bi_reader", "'SELECT'"): True,
        "SELECT has_table_privilege('public', 'invoice_anomalies.v_daily_summary', 'SELECT')": True,
    }.items():
        assert ask(connection, question) == [(answer,)], question
    assert warehouse.migrate(connection, contract) == []


def test_a_right_on_a_column_that_went_with_its_view_is_not_given_again(
    connection: Connection, contract: Contract, edit: Callable[[str, str, str], None]
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("GRANT SELECT (newest_load, extract_date) ON invoice_anomalies.stale_nights TO pg_monitor")
    edit("views/stale_nights", ", newest.id AS newest_load", ", newest.id AS last_load")
    edit("views/stale_nights", "stale_nights.newest_load IS", "stale_nights.last_load IS")

    assert warehouse.migrate(connection, contract) == ["views/stale_nights"]

    reads = "SELECT has_column_privilege('pg_monitor', 'invoice_anomalies.stale_nights', {!r}, 'SELECT')"
    assert ask(connection, reads.format("extract_date")) == [(True,)]
    assert ask(connection, reads.format("last_load")) == [(False,)]


def test_a_view_that_is_replaced_in_place_keeps_who_gave_a_right(
    connection: Connection, contract: Contract, edit: Callable[[str, str, str], None]
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("GRANT USAGE ON SCHEMA invoice_anomalies TO pg_monitor")
        cursor.execute("GRANT SELECT ON invoice_anomalies.v_vendors TO pg_monitor WITH GRANT OPTION")
        cursor.execute("SET LOCAL ROLE pg_monitor")
        cursor.execute("GRANT SELECT ON invoice_anomalies.v_vendors TO pg_read_all_stats")
        cursor.execute("RESET ROLE")
    connection.commit()
    rights = "SELECT relacl::text FROM pg_class WHERE oid = 'invoice_anomalies.v_vendors'::regclass"
    before = ask(connection, rights)
    assert "pg_read_all_stats=r/pg_monitor" in str(before)
    edit("views/v_vendors", "AS total;", "AS total WHERE total.invoices > 0;")

    assert warehouse.migrate(connection, contract) == ["views/v_vendors"]

    assert ask(connection, rights) == before


def test_a_view_of_somebody_else_is_named_and_not_dropped(
    connection: Connection, contract: Contract, edit: Callable[[str, str, str], None]
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE VIEW public.of_bi AS SELECT newest_load FROM invoice_anomalies.stale_nights")
    connection.commit()
    before = every_row(connection)
    edit("views/stale_nights", ", newest.id AS newest_load", ", newest.id + 0.5 AS newest_load")

    with pytest.raises(
        WarehouseError, match=r"view of_bi depends on view .*stale_nights; drop that, migrate, and make"
    ):
        warehouse.migrate(connection, contract)

    assert every_row(connection) == before
    assert ask(connection, "SELECT count(*) FROM public.of_bi") == [(0,)]


def test_a_numbered_file_may_drop_a_view_that_is_in_its_way(
    connection: Connection, contract: Contract, edit: Callable[[str, str, str], None]
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("GRANT SELECT ON invoice_anomalies.v_vendors TO pg_monitor")
    edit(
        "tables/9999_wider",
        "",
        "DROP VIEW invoice_anomalies.v_vendors;"
        "ALTER TABLE invoice_anomalies.vendor_totals ALTER COLUMN invoices TYPE bigint;",
    )

    assert warehouse.migrate(connection, contract)[0] == "9999_wider"
    assert ask(connection, READS.format("table", "pg_monitor", "'SELECT'")) == [(True,)]
    assert ask(connection, "SELECT count(*) FROM invoice_anomalies.v_vendors") == [(0,)]


def test_a_numbered_file_that_was_edited_is_refused_with_the_remedy(
    connection: Connection, contract: Contract, edit: Callable[[str, str, str], None]
) -> None:
    before = every_row(connection)
    edit("tables/0001_baseline", "Identifies the invoice", "Is the invoice")

    with pytest.raises(
        WarehouseError, match=r"0001_baseline\.sql.*restore the file as it was \(git checkout\).*next number"
    ):
        warehouse.migrate(connection, contract)

    assert every_row(connection) == before


def test_line_ends_are_no_edit(
    connection: Connection, contract: Contract, edit: Callable[[str, str, str], None], tmp_path: Path
) -> None:
    for path in (tmp_path / "schema").rglob("*.sql"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))

    assert warehouse.migrate(connection, contract) == []


def test_a_database_that_a_later_version_migrated_keeps_its_views(
    connection: Connection, contract: Contract, edit: Callable[[str, str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    edit("tables/9999_later", "", "ALTER TABLE invoice_anomalies.vendor_totals ADD COLUMN more text;")
    edit("views/v_vendors", "    total.extract_date\n", "    total.extract_date,\n    total.more\n")
    warehouse.migrate(connection, contract)
    monkeypatch.undo()

    assert warehouse.migrate(connection, contract) == []
    assert ask(connection, "SELECT more FROM invoice_anomalies.v_vendors") == []


def test_the_files_run_in_an_order_in_which_each_finds_what_it_builds_on() -> None:
    names = [file.name for file in schema.repeatable_files()]

    assert names == sorted(names)
    assert names.index("views/night_versions") < names.index("views/stale_nights") < names.index(f"views/{SUMMARY}")
    assert schema.numbered_files()[0].name == schema.BASELINE
