"""A migrated database, and a way to load a night into it."""

import uuid
from collections.abc import Callable, Iterator
from datetime import date

import pandas as pd
import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812

from invoice_anomalies import warehouse
from invoice_anomalies.contract import Contract
from invoice_anomalies.warehouse import Extract, LoadCounts
from local.postgres import Cluster
from tests.conftest import MIGRATED, copy_database, drop_database
from tests.warehouse.rows import EMPTY_QUARANTINE, NIGHT


@pytest.fixture
def dsn_like(request: pytest.FixtureRequest) -> str:
    """Where a test asks for a connection, the tables are there."""
    return MIGRATED if "connection" in request.fixturenames else "template1"


@pytest.fixture
def connection(dsn: str) -> Iterator[Connection]:
    """A connection to a migrated, empty warehouse."""
    with warehouse.connect(dsn) as opened:
        yield opened


@pytest.fixture
def connection_to_new(postgres: Cluster) -> Iterator[Connection]:
    """A connection to a database that this version made, beside the one of the test."""
    name = f"test_new_{uuid.uuid4().hex}"
    copy_database(postgres, name, MIGRATED)
    with warehouse.connect(postgres.dsn(name)) as opened:
        yield opened
    drop_database(postgres, name)


@pytest.fixture
def load(connection: Connection, contract: Contract) -> Callable[..., LoadCounts]:
    """Load a night as the nightly DAG does."""

    def load(
        valid: pd.DataFrame,
        quarantined: pd.DataFrame = EMPTY_QUARANTINE,
        extract_date: date = NIGHT,
        file: str = "",
        contract: Contract = contract,
    ) -> LoadCounts:
        extract = Extract(extract_date, file or f"landing/invoices_{extract_date}.csv")
        rows_in = len(valid) + len(quarantined)
        parts = [(valid, quarantined)]
        return warehouse.load_night(connection, contract, extract, parts, rows_in, ["a warning"], "docs.html")

    return load
