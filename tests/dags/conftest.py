"""The DAGs as Airflow's DAG processor sees them."""

from collections.abc import Iterator

import invoice_runs
import pytest
from airflow.dag_processing.dagbag import DagBag

from include.places import PROJECT


@pytest.fixture(scope="session")
def dag_bag() -> DagBag:
    """All DAG files, imported with the project's contract."""
    invoice_runs.contract.cache_clear()
    return DagBag(PROJECT / "dags")


@pytest.fixture
def fresh_contract() -> Iterator[None]:
    """Have the DAG files read the contract again, now and afterwards: it is read once a process."""
    invoice_runs.contract.cache_clear()
    yield
    invoice_runs.contract.cache_clear()
