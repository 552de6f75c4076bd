"""A small company with a trained model, made once by the DAGs themselves; every test gets a copy of its own."""

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import yaml
from psycopg2 import sql

from invoice_anomalies.paths import PROJECT
from invoice_anomalies.synthetic import SampleFiles, write_sample
from local.dag_runs import NightRun, run_dag
from local.postgres import Cluster
from tests.conftest import copy_database, drop_database, forget_contract
from tests.shared import Shared

# In the past whenever the tests run: Airflow backfills no future.
HISTORY = (date(2025, 3, 1), date(2025, 5, 30))
NIGHTS = [date(2025, 6, 2), date(2025, 6, 3), date(2025, 6, 4)]
NIGHT = NIGHTS[0]
TABLES = """
    SELECT table_name FROM information_schema.tables
    WHERE table_schema = 'invoice_anomalies' AND table_type = 'BASE TABLE' ORDER BY table_name
"""


@dataclass(frozen=True)
class Company:
    """One deployment: its folder, its invoices database, and the runs of its DAGs in this process."""

    home: Path
    dsn: str
    contract: Path

    @property
    def database(self) -> str:
        return self.dsn.rsplit("/", 1)[1]

    def run(self, dag_id: str, night: date = NIGHT, **conf: Any) -> NightRun:
        """Run a DAG for a night, whatever becomes of it."""
        with self.environment():
            return run_dag(dag_id, night, **conf)

    def succeed(self, dag_id: str, night: date = NIGHT, **conf: Any) -> NightRun:
        """Run a DAG for a night, which must succeed."""
        done = self.run(dag_id, night, **conf)
        assert done.state == "success", done.states
        return done

    def clear(self, dag_id: str, task_id: str, night: date = NIGHT) -> dict[str, str]:
        """Clear a task of the night's run and what follows, as the web UI does, and go on; the states of its tasks."""
        with self.environment():
            return clear_and_go_on(dag_id, task_id, night)

    def rows(self, query: str | sql.Composable, *values: Any) -> list[tuple[Any, ...]]:
        connection = psycopg2.connect(self.dsn)
        try:
            with connection.cursor() as cursor:
                cursor.execute(query, values)
                return cursor.fetchall()
        finally:
            connection.close()

    def count(self, table: str, night: date | None = None) -> int:
        """Rows of a table, of one night or of all."""
        where = "" if night is None else f" WHERE extract_date = '{night}'"
        return int(self.rows(f"SELECT count(*) FROM invoice_anomalies.{table}{where}")[0][0])

    def tables(self) -> dict[str, list[str]]:
        """Every row of every table as text, timestamps and all."""
        names = [name for (name,) in self.rows(TABLES)]
        return {
            name: sorted(row for (row,) in self.rows(f"SELECT t::text FROM invoice_anomalies.{name} AS t"))
            for name in names
        }

    def outbox(self, kind: str = "*") -> list[EmailMessage]:
        """The mails of one kind (alert, summary, failure) that went to files."""
        return [
            message_from_bytes(path.read_bytes(), policy=policy.default)
            for path in sorted(self.home.glob(f"outbox/*_{kind}_*.eml"))
        ]

    def extract(self, night: date = NIGHT) -> Path:
        return self.home / "landing" / f"invoices_{night}.csv.gz"

    def change_contract(self, **changes: dict[str, Any]) -> None:
        """Change sections of the contract, for the runs after this."""
        document = yaml.safe_load(self.contract.read_text())
        for section, values in changes.items():
            document[section] = {**document.get(section, {}), **values}
        self.contract.write_text(yaml.safe_dump(document, sort_keys=False))

    @contextmanager
    def environment(self) -> Iterator[None]:
        """What the DAGs of this deployment find around them."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("INVOICES_HOME", str(self.home))
            patch.setenv("INVOICES_CONTRACT", str(self.contract))
            # A test may have set another one, e.g. of a server that is down.
            patch.setenv("AIRFLOW_CONN_INVOICES_DB", os.environ.get("AIRFLOW_CONN_INVOICES_DB", self.dsn))
            forget_contract()
            try:
                yield
            finally:
                forget_contract()


def clear_and_go_on(dag_id: str, task_id: str, night: date) -> dict[str, str]:
    """Clear a task and what follows in the newest run of the night, and run what is to be run, without retries."""
    from airflow.dag_processing.dagbag import DagBag
    from airflow.models.dagrun import DagRun
    from airflow.models.taskinstance import clear_task_instances
    from airflow.sdk.definitions.dag import _run_task
    from airflow.serialization.serialized_objects import DagSerialization
    from airflow.utils.session import create_session
    from airflow.utils.state import DagRunState, TaskInstanceState
    from sqlalchemy import select

    dag = DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"]).dags[dag_id]
    for task in dag.tasks:
        task.retries = 0
    again = {task_id, *dag.get_task(task_id).get_flat_relative_ids(upstream=False)}
    with create_session() as session:
        runs = session.scalars(select(DagRun).where(DagRun.dag_id == dag_id).order_by(DagRun.id.desc()))
        run = next(run for run in runs if (run.conf or {}).get("extract_date") == night.isoformat())
        cleared = [ti for ti in run.get_task_instances(session=session) if ti.task_id in again]
        clear_task_instances(cleared, session, dag_run_state=DagRunState.RUNNING)
        run.dag = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))
        session.commit()
        while run.state == DagRunState.RUNNING:
            session.expire_all()
            ready, _ = run.update_state(session=session)
            for ti in ready:
                ti.try_number += 1
                ti.state = TaskInstanceState.SCHEDULED
            session.commit()
            for ti in ready:
                _run_task(ti=ti, task=dag.task_dict[ti.task_id], run_triggerer=True)
        session.expire_all()
        return {ti.task_id: str(ti.state) for ti in run.get_task_instances(session=session)}


def words(mail: EmailMessage, kind: str = "plain") -> str:
    """The text (or html) part of a mail, on one line."""
    body = mail.get_body((kind,))
    assert body is not None, mail["Subject"]
    return " ".join(str(body.get_content()).split())


@pytest.fixture(scope="session")
def sample(shared: Shared) -> SampleFiles:
    """A history, and three nights with planted anomalies and broken rows."""

    def make() -> SampleFiles:
        folder = shared.folder / "sample"
        return write_sample(folder, vendors=15, rows_per_day=20, history=HISTORY, nights=NIGHTS, broken_rows=3)

    return shared.once("sample", make)


@pytest.fixture(scope="session")
def make_company(
    postgres: Cluster,
    airflow_metadata: str,
    pages_cost_little: None,
    sample: SampleFiles,
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[..., Company]:
    """Make a deployment, new or in the state of another one."""

    def make(like: Company | None = None) -> Company:
        name = f"company_{uuid.uuid4().hex}"
        copy_database(postgres, name, like.database if like else "template1")
        home = tmp_path_factory.mktemp("home")
        shutil.copytree(sample.history.parent, home / "landing")
        contract = home / "invoices.yaml"
        shutil.copy(PROJECT / "include" / "invoices.yaml", contract)
        company = Company(home, postgres.dsn(name), contract)
        # A model of seconds that flags something every night: its quality is judged elsewhere.
        company.change_contract(
            detection={"epochs": 3, "hidden_units": [16], "minimum_rows": 200, "threshold_quantile": 0.9}
        )
        return company

    return make


@pytest.fixture(scope="session")
def with_champion(make_company: Callable[..., Company], shared: Shared) -> Company:
    """The history, loaded, and the champion trained on it. Not for use: companies are copied from it."""

    def make() -> Company:
        company = make_company()
        company.succeed("validate_invoices", HISTORY[1])
        company.succeed("train_autoencoder", HISTORY[1])
        return company

    return shared.once("with_champion", make)


@pytest.fixture(scope="session")
def one_night(make_company: Callable[..., Company], with_champion: Company, shared: Shared) -> Company:
    """A company after NIGHT was validated, scored and summarised. Not to be changed; companies are copied from it."""

    def make() -> Company:
        company = make_company(like=with_champion)
        for dag_id in ("validate_invoices", "score_invoices", "summarise_anomalies"):
            company.succeed(dag_id)
        return company

    return shared.once("one_night", make)


@pytest.fixture
def company(make_company: Callable[..., Company], with_champion: Company, postgres: Cluster) -> Iterator[Company]:
    """A company with its history loaded and a champion trained on it; its nights are still to come."""
    made = make_company(like=with_champion)
    yield made
    drop_database(postgres, made.database)


@pytest.fixture
def night_later(make_company: Callable[..., Company], one_night: Company, postgres: Cluster) -> Iterator[Company]:
    """A company whose NIGHT is done, with its files and mails."""
    made = make_company(like=one_night)
    yield made
    drop_database(postgres, made.database)


@pytest.fixture
def new_company(make_company: Callable[..., Company], postgres: Cluster) -> Iterator[Company]:
    """A company on its first day: extracts, an empty database, no model."""
    made = make_company()
    yield made
    drop_database(postgres, made.database)
