"""What every test may ask for: one embedded Postgres and one Airflow for the session, a fresh database per test.

Airflow reads its settings when it is imported, so they are set here, before any test module is.
"""

import atexit
import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from aiosmtpd.controller import Controller
from psycopg2 import sql

from include.contract import Contract, load_contract
from include.places import PROJECT
from local.postgres import Cluster
from tests.plugins.mailbox import Mailbox, free_port, smtp_connection

AIRFLOW_HOME = Path(tempfile.mkdtemp(prefix="invoices-test-airflow-"))
atexit.register(shutil.rmtree, AIRFLOW_HOME, ignore_errors=True)
for name in [name for name in os.environ if name.startswith(("AIRFLOW", "INVOICES_HOME", "INVOICES_CONTRACT"))]:
    del os.environ[name]  # the shell's deployment is not the tests' to touch
os.environ |= {
    "AIRFLOW_HOME": str(AIRFLOW_HOME),
    "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
    "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT / "plugins"),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
}
sys.path.append(str(PROJECT / "plugins"))  # as Airflow does, but for tests that import a plugin first

pytest_plugins = ["tests.trained_detector", "tests.company"]


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name bytes by their argument: what gzip writes holds the second, and workers must collect the same ids."""
    return argname if isinstance(val, bytes) else None


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
    drop_database(postgres, name)


def drop_database(postgres: Cluster, name: str) -> None:
    connection = psycopg2.connect(postgres.dsn())
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
    connection.close()


@pytest.fixture(scope="session")
def airflow_metadata(postgres: Cluster) -> Iterator[str]:
    """Connection string of Airflow's metadata database, migrated, which Airflow in this process uses from now on."""
    from airflow import settings
    from airflow.utils.db import initdb

    postgres.create_database("airflow")
    metadata = postgres.dsn("airflow")
    os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = metadata.replace("postgresql:", "postgresql+psycopg2:", 1)
    settings.dispose_orm()
    settings.configure_vars()
    settings.configure_orm()
    initdb()
    yield metadata
    settings.dispose_orm()


def forget_contract() -> None:
    """Have the DAG files read the contract again: it is read once a process."""
    # Not by an import on top: Airflow, loading its plugins, puts another copy of the module in its place.
    module = sys.modules.get("invoice_runs")
    if module is not None:
        module.contract.cache_clear()


@pytest.fixture(scope="session")
def contract() -> Contract:
    """The contract that comes with the project."""
    return load_contract(PROJECT / "include" / "invoices.yaml")


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    """A real mail server on loopback that keeps what it takes."""
    box = Mailbox()
    box.port = free_port()
    controller = Controller(box, hostname="127.0.0.1", port=box.port)
    controller.start()
    yield box
    controller.stop()


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Give Airflow the connection smtp_default."""

    def connect(port: int, **extra: Any) -> None:
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", smtp_connection(port, **extra))

    return connect
