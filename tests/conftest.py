"""What every test may ask for: one embedded Postgres for the session, a fresh database per test, the contract."""

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
from psycopg2 import sql

from include.contract import Contract, load_contract
from include.places import PROJECT
from local.postgres import Cluster


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """One embedded cluster for the whole session, on a free port, in a folder of its own."""
    # Not below tmp_path: as root that is closed to the server's user.
    folder = Path(tempfile.mkdtemp(prefix="invoices-test-"))
    folder.chmod(0o755)
    cluster = Cluster(folder / "postgres", fsync=False)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def dsn(postgres: Cluster) -> Iterator[str]:
    """Connection string of an empty database that nobody else uses."""
    name = f"test_{uuid.uuid4().hex}"
    postgres.create_database(name)
    yield postgres.dsn(name)
    connection = psycopg2.connect(postgres.dsn())
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
    connection.close()


@pytest.fixture(scope="session")
def contract() -> Contract:
    """The contract that comes with the project."""
    return load_contract(PROJECT / "include" / "invoices.yaml")
