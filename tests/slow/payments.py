"""The deployment of the slow tests: its runs, its tables, its workers, and how to lose one of them."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg2

from local.deployment import INVOICES, METADATA, Deployment
from tests.e2e.api import Api
from tests.e2e.conftest import Shell

HISTORY = date(2010, 1, 31)  # January as one extract
FIRST, LAST = date(2010, 2, 1), date(2010, 4, 1)  # the sixty nights with the most payments that leave it a history
NIGHTS = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]
SMALL = [LAST + timedelta(days=n) for n in (1, 2, 3)]
SMALL_ROWS = 10

DAGS = ("validate_invoices", "score_invoices", "train_autoencoder")
ENDED = ("success", "failed")
# No measure: a machine that is busy with other things may take its time.
RUN_SECONDS, BACKFILL_SECONDS, WORKER_SECONDS = 1200, 3600, 1200
TABLES = """
    SELECT table_name FROM information_schema.tables
    WHERE table_schema = 'invoice_anomalies' AND table_type = 'BASE TABLE' ORDER BY table_name
"""
RUNNING_TASKS = """
    SELECT task.id::text, task.pid, run.run_id
    FROM task_instance AS task JOIN dag_run AS run USING (dag_id, run_id)
    WHERE task.dag_id = %s AND task.task_id = %s AND task.state = 'running' AND task.pid IS NOT NULL
    ORDER BY task.start_date
"""
WAITING_FOR_A_LOCK = """
    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""
TASKS_OF_BACKFILLS = """
    SELECT task.dag_id, task.task_id, count(*), sum(task.duration),
        percentile_cont(0.5) WITHIN GROUP (ORDER BY task.duration), max(task.duration)
    FROM task_instance AS task JOIN dag_run AS run USING (dag_id, run_id)
    WHERE run.run_type = 'backfill' AND task.state = 'success'
    GROUP BY task.dag_id, task.task_id ORDER BY task.dag_id DESC, min(task.start_date)
"""


def say(text: str = "") -> None:
    """Tell whoever looks on (`make test-slow` shows it)."""
    print(text, flush=True)  # noqa: T201 - with -s, as here


def wait_for(what: str, seconds: float, found: Callable[[], Any], every: float = 1.0) -> Any:
    """Ask until the answer is true, and return it; fail with `what` when the time is over."""
    deadline = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        time.sleep(every)
    return answer


@dataclass(frozen=True)
class LostWorker:
    """A worker that was killed in the middle of a task."""

    dag_id: str
    task_id: str
    run_id: str
    pid: int
    runner: int


@dataclass
class Payments:
    """One running deployment."""

    shell: Shell
    api: Api
    began: float = field(default_factory=time.monotonic)

    @property
    def deployment(self) -> Deployment:
        return Deployment(self.shell.home)

    def progress(self, what: str) -> None:
        say(f"  {time.monotonic() - self.began:6.1f} s  {what}")

    # Runs

    def wait_for_dags(self) -> None:
        """Wait until the DAG files are read, and switch the DAGs on."""

        def known() -> bool:
            found = {dag["dag_id"] for dag in self.api.ask("GET", "/api/v2/dags?tags=invoices")["dags"]}
            return found >= set(DAGS)

        wait_for("the DAGs", RUN_SECONDS, known)
        for dag_id in DAGS:
            self.api.ask("PATCH", f"/api/v2/dags/{dag_id}", {"is_paused": False})

    def succeed(self, dag_id: str, night: date) -> str:
        """Trigger a run for a night, which must succeed; returns its id."""
        run_id = self.api.trigger(dag_id, extract_date=str(night))
        state = self.api.wait_for(dag_id, run_id, RUN_SECONDS)
        assert state == "success", self.tasks(dag_id, run_id)
        self.progress(f"{dag_id} {night}")
        return run_id

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        return list(self.api.ask("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances")["task_instances"])

    def backfill(self, dag_id: str, *options: str) -> None:
        """Ask for the sixty nights as the documentation says; does not wait."""
        arguments = f"--dag-id {dag_id} --from-date {FIRST} --to-date {LAST}T23:59 {' '.join(options)}"
        self.shell.succeed(f"make -s airflow ARGS='backfill create {arguments}'")
        assert len(self.runs(dag_id)) == len(NIGHTS)
        self.progress(f"{dag_id}: backfill of {len(NIGHTS)} nights asked for")

    def runs(self, dag_id: str) -> dict[str, str]:
        """States of the backfill's runs by their id."""
        runs = self.api.ask("GET", f"/api/v2/dags/{dag_id}/dagRuns?run_type=backfill&limit=100")["dag_runs"]
        return {run["dag_run_id"]: run["state"] for run in runs}

    def wait_for_backfill(self, dag_id: str) -> None:
        """Wait until all runs of the backfill, and those that its tasks started, have ended."""
        shown = 0

        def ended() -> bool:
            nonlocal shown
            states = list(self.runs(dag_id).values())
            done = sum(state in ENDED for state in states)
            if done // 10 > shown // 10:
                self.progress(f"{dag_id}: {done} nights done")
            shown = done
            return done == len(NIGHTS)

        wait_for(f"the backfill of {dag_id}", BACKFILL_SECONDS, ended, every=3)
        wait_for("the runs that it started", BACKFILL_SECONDS, lambda: not self.triggered_and_open(), every=3)

    def triggered_and_open(self) -> int:
        """Runs that have not ended, but for the scheduled ones: they wait for extracts that nobody delivers here."""
        question = "SELECT count(*) FROM dag_run WHERE run_type <> 'scheduled' AND state NOT IN ('success', 'failed')"
        return int(self.metadata(question)[0][0])

    # Tables

    def rows(self, question: str, *values: Any) -> list[tuple[Any, ...]]:
        return _ask(self.deployment.cluster.dsn(INVOICES), question, values)

    def metadata(self, question: str, *values: Any) -> list[tuple[Any, ...]]:
        return _ask(self.deployment.cluster.dsn(METADATA), question, values)

    def counts(self) -> dict[str, int]:
        """Rows of every table."""
        names = [name for (name,) in self.rows(TABLES)]
        return {name: int(self.rows(f"SELECT count(*) FROM invoice_anomalies.{name}")[0][0]) for name in names}

    def contents(self) -> dict[str, str]:
        """A fingerprint of every table, over all rows and columns, timestamps and all."""
        question = "SELECT md5(string_agg(t::text, E'\\n' ORDER BY t::text)) FROM invoice_anomalies.{} AS t"
        return {name: str(self.rows(question.format(name))[0][0]) for name in self.counts()}

    # Workers

    def lose_worker(self, dag_id: str, task_id: str, table: str, *, with_its_task: bool) -> LostWorker:
        """Kill a worker in the middle of a task, its transaction open: the task is made to wait for the table.

        The worker watches over the process of its task, a child: killed alone it leaves that one behind, working on.
        """
        with self.locked(table):
            task, runner, run_id = wait_for(
                f"a {task_id} that waits for {table}", WORKER_SECONDS, lambda: self._waiting(dag_id, task_id), every=0.1
            )
            worker = _parent(runner)
            assert _is_worker(worker, self.deployment.process(), task), f"process {worker} is no worker with {task}"
            os.kill(worker, signal.SIGKILL)
            if with_its_task:
                os.kill(runner, signal.SIGKILL)
            wait_for("the end of the worker", 10, lambda: not _is_alive(worker), every=0.1)
        lost = LostWorker(dag_id, task_id, run_id, worker, runner)
        self.progress(f"{dag_id}: killed worker {worker}{' and its task' if with_its_task else ''} in {task_id}")
        return lost

    def _waiting(self, dag_id: str, task_id: str) -> tuple[str, int, str] | None:
        """A task that waits for a lock, if all tasks of its kind do."""
        running = self.metadata(RUNNING_TASKS, dag_id, task_id)
        ((waiting,),) = self.rows(WAITING_FOR_A_LOCK)
        return running[0] if 0 < len(running) <= waiting else None

    @contextmanager
    def locked(self, table: str) -> Iterator[None]:
        """Keep everybody from writing to a table; reading goes on."""
        connection = psycopg2.connect(self.deployment.cluster.dsn(INVOICES))
        try:
            with connection.cursor() as cursor:
                cursor.execute(f"LOCK TABLE invoice_anomalies.{table} IN EXCLUSIVE MODE")
            yield
        finally:
            connection.close()

    def cpu_seconds(self) -> float:
        """CPU time of the deployment up to now: its living processes, and those that they have waited for."""
        ticks = 0
        for stat in _stats():
            if int(stat[2]) == self.deployment.process():
                ticks += sum(map(int, stat[11:15]))
        return ticks / os.sysconf("SC_CLK_TCK")


def seconds_of(moment: str) -> float:
    """A moment of the API in seconds since 1970."""
    return datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp()


def _ask(dsn: str, question: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    connection = psycopg2.connect(dsn)
    try:
        with connection.cursor() as cursor:
            cursor.execute(question, values or None)
            return cursor.fetchall()
    finally:
        connection.close()


def _stats() -> Iterator[list[str]]:
    """Of each process what follows its name in /proc/PID/stat: state, parent, group, ..."""
    for process in Path("/proc").glob("[0-9]*/stat"):
        try:
            yield process.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue  # ended meanwhile


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()


def _parent(pid: int) -> int:
    return int(_stat(pid)[1])


def _is_worker(pid: int, group: int | None, task: str) -> bool:
    """Whether a process is a worker of this very deployment and busy with this very task: none other may be killed."""
    command = Path(f"/proc/{pid}/cmdline").read_text()
    return int(_stat(pid)[2]) == group and "worker" in command and task in command


def _is_alive(pid: int) -> bool:
    try:
        return _stat(pid)[0] != "Z"
    except OSError:
        return False
