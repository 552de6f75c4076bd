"""Corrections ask for each night that is to be scored again about once, however many there are, and forget none."""

from collections import deque
from datetime import date, timedelta
from typing import Any

import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812

from invoice_anomalies import warehouse
from invoice_anomalies.contract import Contract
from invoice_anomalies.pipeline.repeat import after_load, after_scoring
from invoice_anomalies.warehouse import Scoring
from tests.warehouse.rows import NIGHT, Load, a_model, ask, invoices, scored

HISTORY = timedelta(days=365)
TODAY = date(2024, 12, 1)


class Desk:
    """Loads, scores and asks as the DAGs do; runs wait in a queue, and one of a known name is not asked for again."""

    def __init__(self, dsn: str, connection: Connection, contract: Contract, load: Load) -> None:
        self.dsn, self.connection, self.contract, self._load = dsn, connection, contract, load
        self.queue: deque[dict[str, Any]] = deque()
        self.names: set[str] = set()
        self.scored = self.alerts = 0

    def load(self, night: date, *numbers: str, **values: object) -> None:
        self._load(invoices(self.contract, *numbers, **values), extract_date=night)
        self.connection.commit()
        self.ask(after_load(self.contract, self.dsn, night, TODAY))

    def ask(self, asked: list[dict[str, Any]]) -> None:
        for run in asked:
            if run["trigger_run_id"] not in self.names:
                self.names.add(run["trigger_run_id"])
                self.queue.append(run["conf"])

    def score(self, night: date, *, only_if_stale: bool = False) -> None:
        if only_if_stale and night not in warehouse.stale_nights(self.connection, night):
            self.connection.commit()
            return
        loaded = "SELECT invoice_key FROM invoice_anomalies.invoices WHERE extract_date = %s ORDER BY 1"
        keys = [str(key) for (key,) in ask(self.connection, loaded, night)]
        known = warehouse.last_load(self.connection, night - HISTORY, night)
        scores, anomalies, fields = scored(keys, [])
        scoring = Scoring(night, "m1", known, night - HISTORY)
        warehouse.publish_scores(self.connection, scoring, [scores], anomalies, fields)
        self.connection.commit()
        self.scored += 1
        self.alerts += not only_if_stale
        self.ask(after_scoring(self.dsn, night, TODAY, only_if_stale=only_if_stale))

    def work(self, most: int | None = None) -> None:
        """Run what waits, up to so many."""
        while self.queue and most != 0:
            conf = self.queue.popleft()
            self.score(date.fromisoformat(conf["extract_date"]), only_if_stale=conf["only_if_stale"])
            most = None if most is None else most - 1

    def stale(self) -> list[date]:
        return warehouse.stale_nights(self.connection, date.min)


@pytest.fixture
def desk(dsn: str, connection: Connection, contract: Contract, load: Load) -> Desk:
    warehouse.register_model(connection, a_model("m1", date(2024, 2, 1)))
    return Desk(dsn, connection, contract, load)


def scored_nights(desk: Desk, many: int) -> list[date]:
    """So many nights, loaded and scored in order."""
    nights = [NIGHT + timedelta(days=day) for day in range(many)]
    for night in nights:
        desk.load(night, f"{night} a", f"{night} b")
        desk.score(night)
    assert (desk.names, desk.stale()) == (set(), [])
    desk.scored = desk.alerts = 0
    return nights


@pytest.mark.parametrize("at_once", [0, 1, 2], ids=["before any scoring", "scored as fast", "scored twice as fast"])
@pytest.mark.parametrize("many", [25, pytest.param(200, marks=pytest.mark.slow)])
def test_corrections_in_a_row_ask_for_about_one_run_a_night(desk: Desk, many: int, at_once: int) -> None:
    nights = scored_nights(desk, many)

    for night in nights:
        desk.load(night, f"{night} a", f"{night} b", gross_amount=7.5)
        desk.work(at_once)
    desk.work()

    assert desk.stale() == []
    assert many <= len(desk.names) <= (1 + 2 * (at_once > 0)) * many
    assert desk.alerts >= many


def test_the_nights_after_one_correction_follow_one_another_in_silence(desk: Desk) -> None:
    nights = scored_nights(desk, 12)

    desk.load(nights[2], "more")
    assert [conf["extract_date"] for conf in desk.queue] == [str(nights[2])]
    desk.work()

    assert desk.stale() == []
    assert (len(desk.names), desk.scored, desk.alerts) == (10, 10, 1)


def test_what_failed_is_asked_for_again_by_the_next_ordinary_run(desk: Desk) -> None:
    nights = scored_nights(desk, 4)
    desk.load(nights[0], "more")
    desk.queue.clear()  # the run fails, for good

    desk.load(nights[3] + timedelta(days=1), "next")
    desk.score(nights[3] + timedelta(days=1))
    assert not desk.queue, "not on the same day: it would fail again"
    tomorrow = TODAY + timedelta(days=1)
    desk.ask(after_scoring(desk.dsn, nights[3] + timedelta(days=1), tomorrow, only_if_stale=False))
    desk.work()

    assert desk.stale() == []


def test_a_night_that_has_invoices_back_is_scored_with_an_alert(desk: Desk) -> None:
    first, second, _ = scored_nights(desk, 3)
    desk.load(second, f"{first} a", f"{second} b")
    desk.work()
    desk.alerts = 0

    warehouse.take_back(desk.connection, desk.contract, first, "wrong date", "ann")
    desk.connection.commit()
    desk.ask(after_load(desk.contract, desk.dsn, first, TODAY))
    desk.work()

    assert desk.stale() == []
    assert desk.alerts == 1  # the second; of the third only the history changed
    assert warehouse.night_rows(desk.connection, second) == 2
