"""Two schedulers' tasks on one night at once, nights side by side and in any order: as after one run, one by one."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import psycopg2
import pytest

from invoice_anomalies.contract import load_contract
from invoice_anomalies.pipeline.notify import send_alert
from invoice_anomalies.reporting import Message
from tests.company import NIGHT, NIGHTS, Company
from tests.faults.conftest import Clean, Outcome, Workshop, load_night, score_night, undisturbed, whole_night
from tests.faults.left import left_by, same, tables_of

CONDITIONINGS = (
    "SELECT table_name FROM information_schema.views WHERE table_schema = 'invoice_anomalies' ORDER BY table_name"
)
SEED = 20


def at_once(workshop: Workshop, stage: str, company: Company, given: Any, many: int = 2, **order: Any) -> list[Outcome]:
    """Run a stage in several processes at the same time."""
    running = [workshop.start(stage, company, given, **order) for _ in range(many)]
    return [workshop.wait(pid) for pid in running]


def all_well(outcomes: list[Outcome]) -> Any:
    """None of them failed; what the last one returned."""
    assert [outcome.error for outcome in outcomes] == [None] * len(outcomes)
    return outcomes[-1].result


def test_a_night_whose_every_task_runs_twice_at_once_ends_as_an_undisturbed_one(
    companies: Callable[[], Company], workshop: Workshop, clean_night: Clean
):
    company = companies()

    whole_night(lambda stage, given, night=NIGHT: all_well(at_once(workshop, stage, company, given)))

    same(left_by(company), clean_night.left)


@pytest.mark.slow
@pytest.mark.timeout(900, method="thread")
@pytest.mark.parametrize("pause", [0.0, 0.001, 0.002, 0.005, 0.01])
def test_a_night_whose_every_task_runs_four_times_at_once_ends_as_an_undisturbed_one(
    companies: Callable[[], Company], workshop: Workshop, clean_night: Clean, pause: float
):
    company = companies()

    whole_night(lambda stage, given, night=NIGHT: all_well(at_once(workshop, stage, company, given, 4, pause=pause)))

    same(left_by(company), clean_night.left)


def test_the_tables_are_made_once_where_four_tasks_find_none(make_company: Callable[..., Company], workshop: Workshop):
    for _ in range(2):
        company = make_company()

        outcomes = at_once(workshop, "migrate", company, None, many=4)

        all_well(outcomes)
        assert sum(bool(outcome.result) for outcome in outcomes) == 1


@pytest.fixture(scope="module")
def three_nights(in_chunks: Callable[[], Company], workshop: Workshop) -> dict[str, Any]:
    """What three nights leave that were loaded and scored one after the other."""
    company = in_chunks()
    for night in NIGHTS:
        load_night(undisturbed(workshop, company), night)
    for night in NIGHTS:
        score_night(undisturbed(workshop, company), night)
    return tables_of(company)


def test_three_nights_at_the_same_time_end_as_one_after_the_other(
    companies: Callable[[], Company], workshop: Workshop, three_nights: dict[str, Any]
):
    company = companies()

    for path in (load_night, score_night):
        side_by_side(workshop, company, path)

    same(without_order(tables_of(company)), without_order(three_nights))


@pytest.mark.slow
def test_nights_in_any_order_end_as_in_the_order_of_their_dates(
    companies: Callable[[], Company], workshop: Workshop, three_nights: dict[str, Any]
):
    company = companies()
    order = random.Random(SEED).sample(NIGHTS, len(NIGHTS))
    assert order != NIGHTS

    for night in order:
        load_night(undisturbed(workshop, company), night)
    for night in order:
        score_night(undisturbed(workshop, company), night)

    same(without_order(tables_of(company)), without_order(three_nights))


def without_order(tables: dict[str, Any]) -> dict[str, Any]:
    """The tables without the two that say in which order nights were loaded, which is what differs."""
    return {name: rows for name, rows in tables.items() if name not in ("loads", "scoring_runs")}


def side_by_side(workshop: Workshop, company: Company, path: Callable[..., Any]) -> None:
    """Take all nights along a path of stages, each stage of all nights at once."""
    gates: dict[date, list[Any]] = {night: [] for night in NIGHTS}
    lock = threading.Lock()  # one order at a time on the workshop's pipe; the stages themselves run at once
    problems: list[BaseException] = []

    def run(stage: str, given: Any, night: date) -> Any:
        with lock:
            pid = workshop.start(stage, company, given, night)
        return workshop_result(workshop, lock, pid, stage)

    def take(night: date) -> None:
        try:
            gates[night].append(path(run, night))
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=take, args=(night,)) for night in NIGHTS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems, problems


def workshop_result(workshop: Workshop, lock: threading.Lock, pid: int, stage: str) -> Any:
    with lock:
        outcome = workshop.wait(pid)
    assert outcome.error is None, (stage, outcome.error)
    return outcome.result


def test_two_tasks_that_alert_of_one_night_at_once_send_one_mail(companies: Callable[[], Company], workshop: Workshop):
    company = companies()
    run = undisturbed(workshop, company)
    load_night(run)
    published = score_night(run)
    contract = load_contract(company.contract)
    sent, said = [], []

    def send(message: Message) -> str:
        time.sleep(0.3)  # a mail server takes its time
        sent.append(message)
        return "smtp"

    def alert() -> None:
        said.append(send_alert(contract, company.dsn, published, send))

    threads = [threading.Thread(target=alert) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(sent) == 1
    assert sorted(said) == ["sent by smtp", "this alert was sent before"]
    assert company.count("alerts") == 1


@pytest.fixture
def looked_at(companies: Callable[[], Company]) -> Iterator[Callable[[Company], "Onlooker"]]:
    onlookers: list[Onlooker] = []

    def look(company: Company) -> Onlooker:
        onlookers.append(Onlooker(company))
        return onlookers[-1]

    yield look
    for onlooker in onlookers:
        onlooker.stop()


class Onlooker(threading.Thread):
    """Somebody's dashboard: asks every view again and again, and keeps what each one showed."""

    def __init__(self, company: Company) -> None:
        super().__init__(daemon=True)
        self._connection = psycopg2.connect(company.dsn)
        self._connection.autocommit = True
        self._ended = threading.Event()
        self.views = [name for (name,) in company.rows(CONDITIONINGS)]
        self.looks = 0
        self.shown: dict[str, set[Any]] = {view: set() for view in self.views}
        self.start()

    def run(self) -> None:
        with self._connection.cursor() as cursor:
            while not self._ended.is_set():
                for view in self.views:
                    cursor.execute(
                        "SELECT count(*), md5(string_agg(v::text, '|' ORDER BY v::text)) "
                        f"FROM invoice_anomalies.{view} AS v"
                    )
                    self.shown[view].add(cursor.fetchone())
                self.looks += 1

    def stop(self) -> None:
        self._ended.set()
        self.join(20)
        self._connection.close()


@pytest.mark.parametrize("stage", ["load_night", "publish_night"])
def test_who_looks_while_a_night_is_published_sees_it_before_or_after_but_never_half(
    companies: Callable[[], Company],
    workshop: Workshop,
    looked_at: Callable[[Company], Onlooker],
    stage: str,
):
    company = companies()
    run = undisturbed(workshop, company)
    validated = run("validate_snapshot", run("take_snapshot", None))
    given = validated
    if stage == "publish_night":
        run("load_night", validated)
        given = [run("score_chunk", chunk) for chunk in run("plan_scoring", None)]
    onlooker = looked_at(company)

    published = workshop.run(stage, company, given, pause=0.03)

    looks = onlooker.looks
    onlooker.stop()
    assert published.error is None, published.error
    assert looks > 10, "it was looked at while it was published"
    seen = {view: len(shown) for view, shown in onlooker.shown.items()}
    assert max(seen.values()) == 2, "it was seen before and after"
    assert all(states <= 2 for states in seen.values()), seen
