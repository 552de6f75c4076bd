"""What every test may ask for: one embedded Postgres for all workers, an Airflow for each, a fresh database per test.

Airflow reads its settings when it is imported, so they are set here, before any test module is.
"""

import atexit
import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from aiosmtpd.controller import Controller
from jinja2.bccache import Bucket, BytecodeCache
from psycopg2 import sql

from invoice_anomalies import warehouse
from invoice_anomalies.contract import Contract, load_contract
from invoice_anomalies.paths import PROJECT
from local.postgres import Cluster
from tests.airflow.mailbox import Mailbox, free_port, smtp_connection
from tests.shared import Shared

MIGRATED = "migrated"
AIRFLOW_HOME = Path(tempfile.mkdtemp(prefix="invoices-test-airflow-"))
atexit.register(shutil.rmtree, AIRFLOW_HOME, ignore_errors=True)
for name in [name for name in os.environ if name.startswith(("AIRFLOW", "INVOICES_HOME", "INVOICES_CONTRACT"))]:
    del os.environ[name]  # the shell's deployment is not the tests' to touch
# The workers take all cores together: threads within each would only wait for one another, and models would differ with
# the number of cores.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
for name in THREADS:
    os.environ.setdefault(name, "1")
os.environ |= {
    "AIRFLOW_HOME": str(AIRFLOW_HOME),
    "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
    "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT / "plugins"),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    "PYTHONPATH": f"{PROJECT / 'include'}{os.pathsep}{PROJECT}",  # of the programs that tests start
}

LONGEST = (
    "e2e", "faults/test_kills", "faults/test_database_lost", "faults/test_races", "faults",
    "detection/test_detector", "detection/test_quality", "detection/test_training", "detection/test_degenerate_input",
    "integration", "pipeline", "lifecycle", "benchmarks/test_detection", "bad_input", "detection/test_judged_fields",
)  # fmt: skip

pytest_plugins = ["tests.shared", "tests.trained_detector", "tests.company"]


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name bytes by their argument: what gzip writes holds the second, and workers must collect the same ids."""
    return argname if isinstance(val, bytes) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that no worker is left alone with one of them at the end."""

    def place(item: pytest.Item) -> int:
        path = item.path.as_posix().removeprefix(f"{PROJECT.as_posix()}/tests/")
        return next((at for at, start in enumerate(LONGEST) if path.startswith(start)), len(LONGEST))

    items.sort(key=place)


@pytest.fixture(scope="session")
def postgres(shared: Shared) -> Cluster:
    """One embedded cluster for all workers, on a free port; the roles that a migration makes are there."""
    cluster = Cluster(shared.folder / "postgres", fsync=False)
    cluster.start()
    shared.once("migrated", lambda: migrate_a_template(cluster))
    return cluster


def migrate_a_template(cluster: Cluster) -> str:
    """Make a database with the tables of the project's contract, to copy: a copy costs a third of a migration."""
    cluster.create_database(MIGRATED)
    with warehouse.connect(cluster.dsn(MIGRATED)) as connection:
        warehouse.migrate(connection, load_contract(PROJECT / "include" / "invoices.yaml"))
    return MIGRATED


@pytest.fixture
def dsn_like() -> str:
    """The database that `dsn` is a copy of."""
    return "template1"


@pytest.fixture
def dsn(postgres: Cluster, dsn_like: str) -> Iterator[str]:
    """Connection string of an empty database that nobody else uses."""
    name = f"test_{uuid.uuid4().hex}"
    copy_database(postgres, name, dsn_like)
    yield postgres.dsn(name)
    drop_database(postgres, name)


def copy_database(postgres: Cluster, name: str, like: str = "template1") -> None:
    """Make a database like another one: file by file, which costs half of a copy by the log."""
    connection = psycopg2.connect(postgres.dsn())
    connection.autocommit = True
    with connection.cursor() as cursor:
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
        cursor.execute(statement.format(sql.Identifier(name), sql.Identifier(like)))
    connection.close()


def drop_database(postgres: Cluster, name: str) -> None:
    connection = psycopg2.connect(postgres.dsn())
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
    connection.close()


@pytest.fixture(scope="session")
def airflow_metadata(postgres: Cluster, shared: Shared) -> Iterator[str]:
    """Connection string of Airflow's metadata database, migrated, which Airflow in this process uses from now on."""
    from airflow import settings

    name = f"airflow_{shared.worker}"
    copy_database(postgres, name, shared.once("airflow", lambda: migrate_airflow(postgres)))
    use_metadata(postgres.dsn(name))
    yield postgres.dsn(name)
    settings.dispose_orm()


def migrate_airflow(postgres: Cluster) -> str:
    """Make a metadata database to copy, and return its name: each worker has runs of its own."""
    from airflow import settings
    from airflow.utils.db import initdb

    postgres.create_database("airflow")
    use_metadata(postgres.dsn("airflow"))
    initdb()
    settings.dispose_orm()
    return "airflow"


def use_metadata(dsn: str) -> None:
    from airflow import settings

    os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = dsn.replace("postgresql:", "postgresql+psycopg2:", 1)
    settings.dispose_orm()
    settings.configure_vars()
    settings.configure_orm()


class CompiledTemplates(BytecodeCache):
    """Templates that were compiled in this process."""

    def __init__(self) -> None:
        self.known: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self.known:
            bucket.bytecode_from_string(self.known[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.known[bucket.key] = bucket.bytecode_to_string()


@pytest.fixture(scope="session")
def pages_cost_little() -> Iterator[None]:
    """Have Great Expectations compile the templates of its pages once: anew for each night, it is half of the time."""
    from great_expectations.render.view import view

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(view, "Environment", partial(view.Environment, bytecode_cache=CompiledTemplates()))
        yield


def forget_contract() -> None:
    """Have the DAG files read the contract again: it is read once a process."""
    module = sys.modules.get("invoice_anomalies.airflow.runs")  # imported by those tests alone that run a DAG
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
