"""A small company whose stages run in processes that can be killed, and what is left of each."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from invoice_anomalies.paths import PROJECT
from local.postgres import Cluster
from tests.company import HISTORY, NIGHT, Company
from tests.conftest import drop_database
from tests.faults.left import left_by
from tests.shared import Shared

SECONDS = 900  # a net: on a busy machine, ten times of what it takes alone


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            # By a thread: Airflow's own time limits use the alarm that pytest-timeout would, and reset it.
            item.add_marker(pytest.mark.timeout(SECONDS, method="thread"))


@dataclass(frozen=True)
class Outcome:
    """What became of a stage: its result or its error, or that it was killed; the points it came to, and seconds."""

    result: Any = None
    error: dict[str, Any] | None = None
    killed: bool = False
    points: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Workshop:
    """The process that forks a child for each stage (tests/faults/workshop.py)."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.faults.workshop"],
            cwd=PROJECT,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._started: dict[int, float] = {}

    def start(self, stage: str, company: Company, given: Any = None, night: date = NIGHT, **order: Any) -> int:
        """Start a stage and return the number of its process. kill_at, pause, ...: see workshop.py."""
        arguments = {
            "home": str(company.home),
            "dsn": order.pop("dsn", company.dsn),
            "contract": str(company.contract),
            "staging": str(company.home / "staging" / night.isoformat() / "run"),
            "night": night.isoformat(),
            "given": given,
        }
        pid = int(self._ask({"start": stage, "arguments": arguments, **order})["pid"])
        self._started[pid] = time.monotonic()
        return pid

    def wait(self, pid: int) -> Outcome:
        answer = self._ask({"wait": pid})
        return Outcome(**answer, seconds=time.monotonic() - self._started.pop(pid))

    def run(self, stage: str, company: Company, given: Any = None, night: date = NIGHT, **order: Any) -> Outcome:
        """Run a stage to its end, or to where it is killed."""
        return self.wait(self.start(stage, company, given, night, **order))

    def result(self, stage: str, company: Company, given: Any = None, night: date = NIGHT, **order: Any) -> Any:
        """Run a stage, which must succeed."""
        outcome = self.run(stage, company, given, night, **order)
        assert outcome.error is None, outcome.error
        assert not outcome.killed
        return outcome.result

    def kill_after(self, seconds: float, stage: str, company: Company, given: Any, night: date = NIGHT) -> Outcome:
        """Run a stage and kill it so many seconds later, wherever it is by then; it may have ended before."""
        pid = self.start(stage, company, given, night)
        time.sleep(seconds)
        os.kill(pid, signal.SIGKILL)  # it is not waited for yet, so the number is still its own
        return self.wait(pid)

    def interrupted(
        self, happening: Callable[[], None], stage: str, company: Company, given: Any, at: int, night: date = NIGHT
    ) -> Outcome:
        """Run a stage, and let something happen while it stands still at a point, if it comes there."""
        pid = self.start(stage, company, given, night, stop_at=at)
        if self._ask({"wait_stopped": pid})["stopped"]:
            try:
                happening()
            finally:
                os.kill(pid, signal.SIGCONT)
        return self.wait(pid)

    def stop(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(20)

    def _ask(self, order: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


@pytest.fixture(scope="session")
def workshop() -> Iterator[Workshop]:
    shop = Workshop()
    yield shop
    shop.stop()


Run = Callable[..., Any]


def score_night(run: Run, night: date = NIGHT) -> Any:
    """Plan, score and publish a night by calling `run(stage, given)`."""
    scored = [run("score_chunk", chunk, night) for chunk in run("plan_scoring", None, night)]
    return run("publish_night", scored, night)


def load_night(run: Run, night: date = NIGHT) -> Any:
    """Take, validate and load a night by calling `run(stage, given)`."""
    return run("load_night", run("validate_snapshot", run("take_snapshot", None, night), night), night)


def whole_night(run: Run, night: date = NIGHT) -> None:
    """Every stage of the nightly DAGs, in their order."""
    load_night(run, night)
    run("send_alert", score_night(run, night), night)
    run("send_summary", None, night)


def training(run: Run) -> None:
    """Every stage of the training DAG, in its order."""
    trained = run("train", run("stage_training_set", None, HISTORY[1]), HISTORY[1])
    run("promote", run("evaluate_challenger", trained, HISTORY[1]), HISTORY[1])


def undisturbed(workshop: Workshop, company: Company) -> Run:
    """A way to run stages: each must succeed at once."""
    return lambda stage, given, night=NIGHT: workshop.result(stage, company, given, night)


@pytest.fixture(scope="session")
def in_chunks(with_champion: Company, make_company: Callable[..., Company]) -> Callable[[], Company]:
    """Make companies with a history and a champion that score their nights in several chunks."""

    def make() -> Company:
        company = make_company(like=with_champion)
        company.change_contract(detection={"chunk_rows": 8})
        return company

    return make


@pytest.fixture
def companies(in_chunks: Callable[[], Company], postgres: Cluster) -> Iterator[Callable[[], Company]]:
    """Make companies with a history and a champion, alike, whose nights are still to come."""
    made: list[Company] = []

    def make() -> Company:
        made.append(in_chunks())
        return made[-1]

    yield make
    for company in made:
        drop_database(postgres, company.database)
        shutil.rmtree(company.home, ignore_errors=True)


@dataclass(frozen=True)
class Clean:
    """What an undisturbed run leaves, and each of its stages with the points that it came to and its seconds."""

    left: dict[str, Any]
    stages: list[tuple[str, Outcome]]


@pytest.fixture(scope="session")
def clean_night(in_chunks: Callable[[], Company], workshop: Workshop, shared: Shared) -> Clean:
    """One night, undisturbed."""
    return shared.once("clean_night", lambda: undisturbed_run(whole_night, in_chunks(), workshop))


@pytest.fixture(scope="session")
def clean_training(in_chunks: Callable[[], Company], workshop: Workshop, shared: Shared) -> Clean:
    """One training, undisturbed."""
    return shared.once("clean_training", lambda: undisturbed_run(training, in_chunks(), workshop))


def undisturbed_run(work: Callable[[Run], None], company: Company, workshop: Workshop) -> Clean:
    """Run stages to their ends, and note what they leave."""
    stages: list[tuple[str, Outcome]] = []
    work(recorded(workshop, company, stages))
    return Clean(left_by(company), stages)


def recorded(workshop: Workshop, company: Company, stages: list[tuple[str, Outcome]]) -> Run:
    """A way to run stages: each must succeed at once, and its outcome is noted."""

    def run(stage: str, given: Any, night: date = NIGHT) -> Any:
        outcome = workshop.run(stage, company, given, night)
        assert outcome.error is None, (stage, outcome.error)
        stages.append((stage, outcome))
        return outcome.result

    return run


@pytest.fixture(scope="module")
def own_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A Postgres of the module's own, to stop, crash and freeze."""
    folder = Path(tempfile.mkdtemp(prefix="invoices-faults-"))
    folder.chmod(0o755)
    cluster = Cluster(folder / "postgres", fsync=False)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


def wait_until(true: Callable[[], Any], seconds: float = 30) -> None:
    """Wait for something that happens soon."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def ask(dsn: str, query: str) -> list[tuple[Any, ...]]:
    connection = psycopg2.connect(dsn)
    try:
        with connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()
    finally:
        connection.close()
