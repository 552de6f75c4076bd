"""Postgres crashed, restarted or gone during every stage: a clear error, and a retry that ends as if nothing was."""

import os
import shutil
import signal
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from invoice_anomalies import warehouse
from invoice_anomalies.contract import load_contract
from invoice_anomalies.errors import WarehouseBusyError, WarehouseUnreachableError
from invoice_anomalies.warehouse import connection as of_warehouse
from invoice_anomalies.warehouse.queries import execute
from local.postgres import Cluster
from tests.airflow.mailbox import free_port
from tests.company import HISTORY, NIGHT, Company
from tests.conftest import drop_database
from tests.faults.conftest import (
    Clean,
    Outcome,
    Run,
    Workshop,
    ask,
    load_night,
    training,
    undisturbed,
    wait_until,
    whole_night,
)
from tests.faults.left import left_by, same

NOT_OF_THE_DATABASE = ("take_snapshot", "train")


def crash(cluster: Cluster) -> None:
    """End the server as a power cut would, and start it again."""
    stop(cluster, "immediate")
    cluster.start()


def restart(cluster: Cluster) -> None:
    """Have the server end its sessions and start it again."""
    stop(cluster, "fast")
    cluster.start()


def stop(cluster: Cluster, how: str) -> None:
    assert cluster._pg_ctl("stop", "-w", "-m", how).returncode == 0


@pytest.fixture(scope="module")
def trained_on_its_own(
    own_cluster: Cluster, make_company: Callable[..., Company], with_champion: Company, workshop: Workshop
) -> Company:
    """A company on the module's own server, with the history of `with_champion` and its champion. Not for use."""
    made = make_company()
    own_cluster.create_database("own")
    company = Company(made.home, own_cluster.dsn("own"), made.contract)
    company.change_contract(detection={"chunk_rows": 8})
    load_night(undisturbed(workshop, company), HISTORY[1])
    with warehouse.connect(with_champion.dsn) as theirs, warehouse.connect(company.dsn) as ours:
        champion = warehouse.champion(theirs)
        assert champion is not None
        warehouse.register_model(ours, warehouse.ModelRecord(**{**vars(champion), "status": "challenger"}))
        warehouse.promote_model(ours, champion.version)
    return company


@pytest.fixture
def on_its_own(
    trained_on_its_own: Company, own_cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Company]:
    """A company on the module's own server, whose nights are still to come."""
    name, home = f"own_{uuid.uuid4().hex}", tmp_path_factory.mktemp("home")
    run_on(own_cluster, f"CREATE DATABASE {name} TEMPLATE own")
    shutil.copytree(trained_on_its_own.home, home, dirs_exist_ok=True)
    yield Company(home, own_cluster.dsn(name), home / trained_on_its_own.contract.name)
    drop_database(own_cluster, name)


def run_on(cluster: Cluster, statement: str) -> None:
    connection = psycopg2.connect(cluster.dsn())
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()


def interrupted_by(
    event: Callable[[Cluster], None],
    cluster: Cluster,
    workshop: Workshop,
    company: Company,
    clean: list[tuple[str, Outcome]],
    choose: Callable[[list[int]], list[int]],
) -> Run:
    """A way to run stages: each has the server taken away at some of its points, then is run to its end."""
    expected = iter(clean)

    def run(stage: str, given: Any, night: date = NIGHT) -> Any:
        _, undisturbed = next(expected)
        # Before what only an open connection can do.
        points = [place for place, name in enumerate(undisturbed.points, 1) if name.startswith(("before a", "within"))]
        if stage not in NOT_OF_THE_DATABASE:
            for point in choose(points):
                lost = workshop.interrupted(lambda: event(cluster), stage, company, given, point, night)
                if len(lost.points) < point:
                    break  # what an earlier try has done is not done again
                assert lost.error is not None, (stage, undisturbed.points[point - 1])
                assert lost.error["type"] == "WarehouseUnreachableError", lost.error
                assert lost.error["retryable"]
                assert "Check that Postgres is running" in lost.error["message"]
                assert password(company) not in lost.error["message"]
        return workshop.result(stage, company, given, night)

    return run


def password(company: Company) -> str:
    return company.dsn.split("@")[0].rsplit(":", 1)[1]


def of_the_night(left: dict[str, Any]) -> dict[str, Any]:
    """All tables, and the files of the night: those of the history were made here, not copied."""
    return {name: content for name, content in left.items() if "/" not in name or str(NIGHT) in name}


def a_late_one(points: list[int]) -> list[int]:
    """Where most is done and nothing is kept yet."""
    return [points[-1 - len(points) // 5]]


def test_a_night_whose_server_crashes_in_every_stage_ends_as_an_undisturbed_one(
    on_its_own: Company, own_cluster: Cluster, workshop: Workshop, clean_night: Clean
):
    whole_night(interrupted_by(crash, own_cluster, workshop, on_its_own, clean_night.stages, a_late_one))

    same(of_the_night(left_by(on_its_own)), of_the_night(clean_night.left))


@pytest.mark.slow
def test_a_training_whose_server_restarts_in_every_stage_makes_one_model(
    on_its_own: Company, own_cluster: Cluster, workshop: Workshop, clean_training: Clean
):
    before = on_its_own.count("model_versions")

    training(
        interrupted_by(restart, own_cluster, workshop, on_its_own, clean_training.stages, lambda points: points[-1:])
    )

    assert on_its_own.count("model_versions") == before + 1
    assert on_its_own.rows("SELECT count(*) FROM invoice_anomalies.model_versions WHERE status = 'champion'") == [(1,)]


@pytest.mark.slow
@pytest.mark.timeout(1500, method="thread")
@pytest.mark.parametrize("event", [crash, restart])
def test_a_night_whose_server_is_lost_before_every_statement_ends_as_an_undisturbed_one(
    on_its_own: Company,
    own_cluster: Cluster,
    workshop: Workshop,
    clean_night: Clean,
    event: Callable[[Cluster], None],
):
    whole_night(interrupted_by(event, own_cluster, workshop, on_its_own, clean_night.stages, lambda points: points))

    same(of_the_night(left_by(on_its_own)), of_the_night(clean_night.left))


def test_every_stage_says_so_where_the_server_is_not_there_at_all(workshop: Workshop, companies: Callable[[], Company]):
    company, outcomes = companies(), {}
    gone = f"postgresql://clerk:s3cret@127.0.0.1:{free_port()}/invoices"

    def run(stage: str, given: Any, night: date = NIGHT) -> Any:
        if stage not in NOT_OF_THE_DATABASE:
            outcomes[stage] = workshop.run(stage, company, given, night, dsn=gone)
        return workshop.result(stage, company, given, night)

    whole_night(run)

    assert len(outcomes) == 7
    for stage, outcome in outcomes.items():
        assert outcome.error is not None, stage
        assert outcome.error["retryable"], outcome.error
        assert "cannot reach the invoices database at 127.0.0.1" in outcome.error["message"]
        assert "check the connection invoices_db" in outcome.error["message"]
        assert "s3cret" not in outcome.error["message"]


def test_a_server_that_takes_the_call_and_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(of_warehouse, "CONNECT_SECONDS", 2)
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(WarehouseUnreachableError, match="timeout expired"),
        warehouse.connect(f"postgresql://u:s3cret@127.0.0.1:{silent.getsockname()[1]}/invoices"),
    ):
        pass


def test_a_server_that_hangs_in_the_middle_is_given_up_and_the_lock_is_free_again_later(
    own_cluster: Cluster, monkeypatch: pytest.MonkeyPatch
):
    """Airflow's execution_timeout does not help: Python runs no signal handler while libpq waits."""
    monkeypatch.setattr(of_warehouse, "CONNECTION_SECONDS", 1.5)
    own_cluster.create_database("hanging")
    dsn = own_cluster.dsn("hanging")
    with (
        pytest.raises(WarehouseUnreachableError, match=r"gave no answer within 0\.025 minutes"),
        warehouse.connect(dsn) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT pg_advisory_xact_lock(1), pg_backend_pid()")
        backend = int(cursor.fetchall()[0][1])
        os.kill(backend, signal.SIGSTOP)
        try:
            cursor.execute("SELECT 1")
        finally:
            os.kill(backend, signal.SIGCONT)

    wait_until(lambda: ask(dsn, "SELECT pg_try_advisory_lock(1)") == [(True,)])


def test_the_lock_of_a_killed_task_is_free_at_once(on_its_own: Company, workshop: Workshop, clean_night: Clean):
    run = undisturbed(workshop, on_its_own)
    validated = run("validate_snapshot", run("take_snapshot", None))
    clean = dict(clean_night.stages)["load_night"]
    pid = workshop.start("load_night", on_its_own, validated, stop_at=len(clean.points) - 3)
    wait_until(lambda: ask(on_its_own.dsn, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == [(1,)])

    os.kill(pid, signal.SIGKILL)

    wait_until(lambda: ask(on_its_own.dsn, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == [(0,)], 5)
    assert workshop.wait(pid).killed
    assert run("load_night", validated)["loaded"] > 0


def test_a_task_that_waits_for_the_lock_of_another_gives_up_with_the_reason(
    on_its_own: Company, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(of_warehouse, "LOCK_SECONDS", 0.3)
    contract = load_contract(Path(on_its_own.contract))
    with psycopg2.connect(on_its_own.dsn) as holder, holder.cursor() as cursor:
        execute(cursor, "lock_migrations")

        with (
            pytest.raises(WarehouseBusyError, match=r"lock timeout.*pg_locks") as refused,
            warehouse.connect(on_its_own.dsn) as connection,
        ):
            warehouse.migrate(connection, contract)
    holder.close()
    assert refused.value.retryable


def test_a_connection_in_use_for_long_leaves_no_thread_behind(dsn: str):
    before = threading.active_count()

    for _ in range(20):
        with warehouse.connect(dsn):
            pass

    wait_until(lambda: threading.active_count() <= before)
