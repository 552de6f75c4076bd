"""Who waits for a night and how long, and what is on record where there is nothing to wait for."""

import os
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pytest

from invoice_anomalies import warehouse
from invoice_anomalies.contract import Contract
from invoice_anomalies.errors import ExtractNotArrivedError, ExtractOverdueError, NightNotLoadedError
from invoice_anomalies.paths import Paths
from invoice_anomalies.pipeline.arrival import extract_awaited, night_awaited
from invoice_anomalies.pipeline.nights import Kind, NoExtractThatDay, Wait

SATURDAY, MONDAY = date(2025, 6, 7), date(2025, 6, 9)
LONG_AGO, NOW = datetime(2025, 6, 9, 2, tzinfo=UTC), datetime.now(UTC)


@pytest.fixture
def weekdays(contract: Contract) -> Contract:
    """The contract of a company whose ERP writes no extract at weekends."""
    schedule = contract.schedule.model_copy(update={"days": ["mon", "tue", "wed", "thu", "fri"]})
    return contract.model_copy(update={"schedule": schedule})


class Desk:
    """A landing folder and a database."""

    def __init__(self, home: Path, dsn: str, contract: Contract) -> None:
        self.home, self.dsn, self.contract = home, dsn, contract
        (home / "landing").mkdir()

    def extract(self, kind: Kind, night: date = MONDAY, due: datetime = LONG_AGO, path: str | None = None) -> bool:
        return extract_awaited(self.contract, Paths(self.home), self.dsn, Wait(night, kind, due), path)

    def night(self, kind: Kind, night: date = MONDAY, due: datetime = LONG_AGO, validating: bool = False) -> bool:
        return night_awaited(self.contract, self.dsn, Wait(night, kind, due), lambda: validating)

    def deliver(self, night: date, content: bytes = b"a,b\n1,2\n") -> None:
        file = self.home / "landing" / f"invoices_{night}.csv.gz"
        file.write_bytes(content)
        os.utime(file, (0, 0))  # so that it has settled

    def status(self, night: date) -> str:
        with warehouse.connect(self.dsn) as connection:
            warehouse.migrate(connection, self.contract)
            return warehouse.night_status(connection, night)


@pytest.fixture
def desk(tmp_path: Path, dsn: str, weekdays: Contract) -> Desk:
    return Desk(tmp_path, dsn, weekdays)


@pytest.mark.parametrize("kind", ["scheduled", "backfill", "manual"])
def test_an_extract_that_is_there_is_taken_whatever_the_calendar_says(desk: Desk, kind: Kind):
    desk.deliver(SATURDAY)

    assert desk.extract(kind, SATURDAY)


def test_a_scheduled_run_waits_until_its_deadline_and_says_until_when(desk: Desk, caplog: pytest.LogCaptureFixture):
    caplog.set_level("INFO")

    assert not desk.extract("scheduled", due=NOW)

    assert "is not there yet; waiting until 20" in caplog.text
    assert desk.status(MONDAY) == "missing"


def test_the_deadline_counts_from_the_schedule_and_then_the_run_fails_at_once(desk: Desk):
    with pytest.raises(ExtractOverdueError, match=r"within 6 hours .*until 2025-06-09 08:00 UTC.*schedule.holidays"):
        desk.extract("scheduled", due=LONG_AGO)


@pytest.mark.parametrize("path", [None, "landing/mistyped.csv"])
def test_a_run_by_hand_waits_for_no_file_that_is_not_there(desk: Desk, path: str | None):
    for night in (SATURDAY, MONDAY):
        with pytest.raises(ExtractOverdueError, match=f"{path or f'invoices_{night}.csv.gz'}: there is no extract"):
            desk.extract("manual", night, due=NOW, path=path)
        assert desk.status(night) == "missing"


def test_a_day_that_the_calendar_leaves_out_is_on_record_at_once(desk: Desk):
    for kind in ("scheduled", "backfill"):
        with pytest.raises(NoExtractThatDay, match=r"no extract that day: schedule.days of the contract has no sat"):
            desk.extract(kind, SATURDAY, due=NOW)

    assert desk.status(SATURDAY) == "no extract"


def test_a_backfill_takes_an_absent_old_file_for_a_day_without_extract_and_waits_for_one_that_may_still_come(
    desk: Desk,
):
    assert not desk.extract("backfill", due=NOW)
    assert desk.status(MONDAY) == "missing"

    with pytest.raises(NoExtractThatDay, match=r"a backfill found no extract at .*invoices_2025-06-09"):
        desk.extract("backfill", due=LONG_AGO)
    assert desk.status(MONDAY) == "no extract"


def test_a_file_that_is_still_empty_is_no_day_without_extract(desk: Desk):
    desk.deliver(MONDAY, b"")

    assert not desk.extract("scheduled", due=NOW)
    with pytest.raises(ExtractOverdueError, match="empty or still being written"):
        desk.extract("scheduled", due=LONG_AGO)
    for kind in ("backfill", "manual"):
        with pytest.raises(ExtractNotArrivedError, match="empty or still being written") as raised:
            desk.extract(kind)
        assert raised.value.retryable
    assert desk.status(MONDAY) == "missing"


def test_an_extract_that_comes_after_all_takes_the_record_away_and_is_not_recorded_over(desk: Desk):
    with pytest.raises(NoExtractThatDay):
        desk.extract("scheduled", SATURDAY)
    night = warehouse.Extract(SATURDAY, "landing/invoices.csv")
    nothing = (pd.DataFrame(columns=list(desk.contract.fields)), pd.DataFrame({"raw": [], "reasons": []}))

    with warehouse.connect(desk.dsn) as connection:
        warehouse.load_night(connection, desk.contract, night, [nothing], 0, [], "docs.html")
    assert desk.status(SATURDAY) == "loaded"

    with warehouse.connect(desk.dsn) as connection:
        assert warehouse.day_without_extract(connection, SATURDAY) is None
        warehouse.record_day_without_extract(connection, SATURDAY, "a run that was late")
        assert warehouse.day_without_extract(connection, SATURDAY) is None
        warehouse.refuse_night(connection, night, 5, ["no column"], "docs.html")
    assert desk.status(SATURDAY) == "refused"


@pytest.mark.parametrize("kind", ["scheduled", "backfill", "manual"])
def test_scoring_has_nothing_to_do_on_a_day_without_extract(desk: Desk, kind: Kind):
    with pytest.raises(NoExtractThatDay):
        desk.night(kind, SATURDAY)
    with pytest.raises(NoExtractThatDay):
        desk.extract("backfill", MONDAY)
    with pytest.raises(NoExtractThatDay):
        desk.night(kind, MONDAY)


@pytest.mark.parametrize("kind", ["backfill", "manual"])
def test_a_night_that_was_never_loaded_is_scored_by_hand_only_while_its_validation_is_at_work(desk: Desk, kind: Kind):
    assert not desk.night(kind, validating=True)

    with pytest.raises(NightNotLoadedError, match=r"was never loaded.*Run validate_invoices for that night"):
        desk.night(kind)


def test_a_scheduled_scoring_waits_until_its_deadline(desk: Desk):
    assert not desk.night("scheduled", due=NOW)
    with pytest.raises(NightNotLoadedError, match="not loaded within 6 hours"):
        desk.night("scheduled", due=LONG_AGO, validating=True)
