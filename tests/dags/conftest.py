"""The DAGs as Airflow's DAG processor sees them."""

from collections.abc import Iterator

import pytest
from airflow.dag_processing.dagbag import DagBag

from invoice_anomalies.paths import PROJECT
from tests.conftest import forget_contract


@pytest.fixture(scope="session")
def dag_bag() -> DagBag:
    """All DAG files, imported with the project's contract."""
    forget_contract()
    return DagBag(PROJECT / "dags")


@pytest.fixture
def fresh_contract() -> Iterator[None]:
    """Have the DAG files read the contract again, now and afterwards."""
    forget_contract()
    yield
    forget_contract()
