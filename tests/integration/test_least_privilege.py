"""The DAGs as a user that has the role invoice_writer and nothing else."""

import uuid
from collections.abc import Iterator

import psycopg2
import pytest

from local.postgres import Cluster
from tests.integration.conftest import NIGHT, Company, words


@pytest.fixture
def writer(company: Company, postgres: Cluster) -> Iterator[str]:
    """Address for a login in the company's database, which its owner has brought up to date."""
    login = f"writer_{uuid.uuid4().hex[:8]}"

    def as_administrator(command: str) -> None:
        connection = psycopg2.connect(company.dsn)
        with connection, connection.cursor() as cursor:
            cursor.execute(command)
        connection.close()

    as_administrator(f"CREATE ROLE {login} LOGIN PASSWORD 'pw' IN ROLE invoice_writer")
    yield f"postgresql://{login}:pw@127.0.0.1:{postgres.port}/{company.database}"
    as_administrator(f"DROP ROLE {login}")


def test_a_night_runs_from_extract_to_summary_as_invoice_writer(
    company: Company, writer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_INVOICES_DB", writer)

    for dag_id in ("validate_invoices", "score_invoices", "summarise_anomalies"):
        company.succeed(dag_id)

    assert company.count("scores", NIGHT) == company.count("invoices", NIGHT) > 0
    assert company.count("anomalies", NIGHT) > 0
    assert company.count("alerts") == 1
    assert len(company.outbox("summary")) == 1


def test_the_run_stops_before_the_work_where_the_owner_has_not_migrated(
    company: Company, writer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    company.change_contract(fields={"description": {"type": "text", "description": "Something else"}})
    before = company.tables()
    monkeypatch.setenv("AIRFLOW_CONN_INVOICES_DB", writer)

    assert company.run("validate_invoices").state == "failed"

    assert company.tables() == before
    (mail,) = company.outbox("failure")
    assert "let the owner of the tables run python -m invoice_anomalies.warehouse" in words(mail)
