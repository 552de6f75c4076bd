"""A database of an owner."""

from collections.abc import Iterator

import pytest

from invoice_anomalies import warehouse
from invoice_anomalies.contract import Contract
from local.postgres import Cluster
from tests.warehouse.roles.logins import Database, a_database, score_a_night


@pytest.fixture(scope="module")
def database(postgres: Cluster, contract: Contract) -> Iterator[Database]:
    """A database of an owner, hardened as docs/roles.md says, with a scored night; tests leave it as it is."""
    with a_database(postgres, contract) as made:
        with warehouse.connect(made.dsn(made.owner)) as connection:
            score_a_night(connection, contract)
        yield made


@pytest.fixture
def own_database(postgres: Cluster, contract: Contract) -> Iterator[Database]:
    """A database of an owner for a test that changes it."""
    with a_database(postgres, contract) as made:
        yield made
