"""Runs of whole DAGs on a small company (tests/company.py), each within its time."""

from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from tests.company import HISTORY, NIGHT, NIGHTS, Company, words

__all__ = ["HISTORY", "NIGHT", "NIGHTS", "Company", "words"]

SECONDS = 900  # a net: on a busy machine, ten times of what it takes alone


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            # By a thread: Airflow's own time limits use the alarm that pytest-timeout would, and reset it.
            item.add_marker(pytest.mark.timeout(SECONDS, method="thread"))


@pytest.fixture
def no_backfill_left(airflow_metadata: str) -> Iterator[None]:
    """Airflow allows one open backfill a DAG, which here no scheduler closes, and passes over nights that had one."""
    yield
    connection = psycopg2.connect(airflow_metadata)
    with connection, connection.cursor() as cursor:
        cursor.execute("UPDATE backfill SET completed_at = now()")
        cursor.execute("DELETE FROM dag_run WHERE backfill_id IS NOT NULL")
    connection.close()
