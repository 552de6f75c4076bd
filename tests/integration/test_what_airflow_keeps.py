"""What is left in Airflow's own database and logs after a night: paths and counts, no frames and no secrets."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import pytest
from psycopg2 import sql

from tests.conftest import AIRFLOW_HOME
from tests.integration.conftest import HISTORY, Company

MOST_BYTES = 2_000


def everything(dsn: str) -> dict[str, str]:
    """Every row of every table of a database, as text, by table."""
    connection = psycopg2.connect(dsn)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            texts = {}
            for (table,) in cursor.fetchall():
                cursor.execute(sql.SQL("SELECT t::text FROM {} AS t").format(sql.Identifier(table)))
                texts[table] = "\n".join(row for (row,) in cursor.fetchall())
            return texts
    finally:
        connection.close()


def values(found: Any) -> list[Any]:
    """The values in a JSON document, without its containers."""
    if isinstance(found, dict):
        return [value for inner in found.values() for value in values(inner)]
    if isinstance(found, list):
        return [value for inner in found for value in values(inner)]
    return [found]


def test_the_password_of_the_database_is_nowhere(
    company: Company, airflow_metadata: str, capfd: pytest.CaptureFixture[str]
):
    for dag_id in ("validate_invoices", "score_invoices", "summarise_anomalies"):
        company.succeed(dag_id)
    company.run("score_invoices", HISTORY[1])  # one that fails
    password = urlsplit(company.dsn).password
    said = capfd.readouterr()

    kept = everything(airflow_metadata)
    assert "validate_invoices" in kept["rendered_task_instance_fields"], "else this test looks in the wrong place"
    assert "validate_invoices" in kept["xcom"]
    assert "DagRun Finished" in said.out + said.err
    assert password
    assert [table for table, text in kept.items() if password in text] == []
    assert password not in said.out + said.err
    files = [path for folder in (company.home, AIRFLOW_HOME) for path in folder.rglob("*") if path.is_file()]
    assert [path for path in files if password.encode() in path.read_bytes()] == []


def test_tasks_hand_on_paths_and_counts_and_no_frames(one_night: Company, airflow_metadata: str):
    connection = psycopg2.connect(airflow_metadata)
    with connection.cursor() as cursor:
        cursor.execute("SELECT task_id, value::text FROM xcom WHERE key = 'return_value'")
        handed = cursor.fetchall()
    connection.close()
    assert {"snapshot", "validate", "load", "plan", "score", "publish"} <= {task_id for task_id, _ in handed}
    for task_id, text in handed:
        assert len(text) < MOST_BYTES, task_id
        for value in values(json.loads(text)):
            assert value is None or isinstance(value, bool | int | float | str), task_id
    paths = [value for _, text in handed for value in values(json.loads(text)) if str(value).startswith("/")]
    assert any(Path(path).exists() for path in paths)
