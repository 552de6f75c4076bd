"""A login with invoice_writer does the whole nightly work, and the owner brings the database up to date."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from invoice_anomalies import warehouse
from invoice_anomalies.contract import Contract
from invoice_anomalies.errors import WarehouseError
from invoice_anomalies.warehouse import Extract, ScoreCounts
from invoice_anomalies.warehouse.schema import migrate as schema
from tests.warehouse.roles.logins import KEYS, Database, load_night, publish, score_a_night
from tests.warehouse.rows import NIGHT, a_model, every_row


def test_a_login_with_invoice_writer_does_the_whole_nightly_work(own_database: Database, contract: Contract) -> None:
    with warehouse.connect(own_database.dsn(own_database.login("invoice_writer"))) as connection:
        assert warehouse.migrate(connection, contract) == []
        load_night(connection, contract, NIGHT - timedelta(days=1), "x", "y")
        score_a_night(connection, contract)
        warehouse.register_model(connection, a_model("m2", date(2024, 3, 1)))
        warehouse.promote_model(connection, "m2")
        warehouse.register_model(connection, a_model("m3", date(2024, 3, 2)))
        warehouse.reject_model(connection, "m3")
        # A corrected extract without an invoice that was flagged, judged by the next model, and one that is refused.
        load_night(connection, contract, NIGHT, "a", "c", line9=["no amount"], line10=["no date"])
        keys = [KEYS[0], "V00001|c"]
        assert publish(connection, "m2", keys, keys[:1]) == ScoreCounts(scored=2, flagged=1)
        assert publish(connection, "m2", keys, keys[1:]) == ScoreCounts(scored=2, flagged=1)
        tomorrow = NIGHT + timedelta(days=1)
        warehouse.refuse_night(connection, Extract(tomorrow, "landing/x.csv"), 3, ["too few rows"], "docs.html")
        found = warehouse.night_anomalies(connection, NIGHT, "m2")
        warehouse.record_alert(connection, NIGHT, "m2", "email", found, "digest")

        assert [anomaly.invoice_key for anomaly in found] == keys[1:]
        assert warehouse.alert_sent(connection, "digest")
        assert warehouse.day_counts(connection, NIGHT)["loaded"] == 2
        assert warehouse.night_status(connection, tomorrow) == "refused"
        assert warehouse.usual_rows(connection, tomorrow) is None
        assert len(warehouse.training_set(connection, contract, tomorrow, 30)) == 4
        assert len(warehouse.read_chunk(connection, contract, NIGHT, 0, 1)) == 2
        assert len(warehouse.read_history(connection, contract, NIGHT, 30, 0, 1)) == 2
        assert warehouse.read_lookalikes(connection, contract, NIGHT, 0, 1).empty
        assert (judge_of_tomorrow := warehouse.model_for_night(connection, tomorrow))
        assert judge_of_tomorrow.version == "m2"
        # An earlier night delivers what this one holds; the night before goes without it.
        load_night(connection, contract, NIGHT - timedelta(days=2), "a", "x")
        assert warehouse.stale_nights(connection, NIGHT) == [NIGHT]
        assert warehouse.nights_to_score_again(connection, NIGHT)[0].extract_date == NIGHT
        # Taken back, what the night before goes without is its own again.
        done = warehouse.take_back(connection, contract, NIGHT - timedelta(days=2), "wrong date", "ann")
        assert sum(done.given_back.values()) > 0
        assert warehouse.give_back_all(connection, contract) == ({}, [])


@pytest.mark.parametrize("behind", ["contract", "comment", "migration", "grant"])
def test_a_writer_is_told_that_the_owner_must_migrate_and_nothing_changes(
    own_database: Database, contract: Contract, behind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = contract.model_dump()
    if behind == "contract":
        data["fields"]["quantity"] = {"type": "number", "required": False}
    elif behind == "comment":
        data["fields"]["tax_amount"]["description"] = "VAT"
    elif behind == "migration":
        for file in schema.numbered_files():
            (tmp_path / file.path.name).write_text(file.text)
        (tmp_path / "9999_next.sql").write_text("ALTER TABLE invoice_anomalies.alerts ADD COLUMN more text;")
        monkeypatch.setattr(schema, "TABLES", tmp_path)
    else:
        own_database.as_administrator("REVOKE SELECT ON invoice_anomalies.v_daily_summary FROM bi_reader")
    with warehouse.connect(own_database.dsn(own_database.owner)) as connection:
        before = every_row(connection)

    with (
        warehouse.connect(own_database.dsn(own_database.login("invoice_writer"))) as connection,
        pytest.raises(WarehouseError, match="let the owner of the tables run python -m invoice_anomalies"),
    ):
        warehouse.migrate(connection, Contract.model_validate(data))

    with warehouse.connect(own_database.dsn(own_database.owner)) as connection:
        assert every_row(connection) == before
        warehouse.migrate(connection, Contract.model_validate(data))
    with warehouse.connect(own_database.dsn(own_database.logins[-1])) as connection:
        assert warehouse.migrate(connection, Contract.model_validate(data)) == []


def test_a_user_without_temporary_tables_is_told_before_the_work_begins(database: Database, contract: Contract) -> None:
    login = database.login("invoice_writer")
    database.as_administrator(f"REVOKE TEMPORARY ON DATABASE {database.name} FROM invoice_writer")
    try:
        with (
            warehouse.connect(database.dsn(login)) as connection,
            pytest.raises(WarehouseError, match=f"GRANT TEMPORARY ON DATABASE {database.name} TO {login}"),
        ):
            warehouse.migrate(connection, contract)
    finally:
        with warehouse.connect(database.dsn(database.owner)) as connection:
            assert warehouse.migrate(connection, contract) == []
    with warehouse.connect(database.dsn(login)) as connection:
        assert warehouse.migrate(connection, contract) == []


def test_the_command_brings_the_database_up_to_date_and_shows_no_password(
    own_database: Database, contract: Contract, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from invoice_anomalies.warehouse.__main__ import main

    monkeypatch.delenv("AIRFLOW_CONN_INVOICES_DB", raising=False)
    assert main() == 1
    own_database.as_administrator("REVOKE SELECT ON invoice_anomalies.v_daily_summary FROM bi_reader")
    writer = own_database.login("invoice_writer")
    for user, code in ((writer, 1), (own_database.owner, 0), (writer, 0)):
        monkeypatch.setenv("AIRFLOW_CONN_INVOICES_DB", own_database.dsn(user).replace(":pw@", ":hidden@"))
        own_database.as_administrator(f"ALTER ROLE {user} PASSWORD 'hidden'")
        assert main() == code

    said = capsys.readouterr()
    assert "AIRFLOW_CONN_INVOICES_DB is not set" in said.err
    assert "let the owner of the tables run python -m invoice_anomalies.warehouse" in said.err
    assert said.out.splitlines()[-1] == "up to date"
    assert "hidden" not in said.out + said.err
