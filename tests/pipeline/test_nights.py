"""Which night a run may be about, and how long it waits for it."""

from datetime import UTC, date, datetime, timedelta

import pytest

from invoice_anomalies.contract import Contract
from invoice_anomalies.contract.schema import Schedule
from invoice_anomalies.errors import WrongNightError
from invoice_anomalies.pipeline.nights import TODAY, Wait, night_named, night_of_run, possible, today

NIGHT = date(2026, 11, 4)
SCHEDULE = Schedule(start_date=date(2026, 1, 1))


@pytest.fixture(autouse=True)
def some_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TODAY, str(NIGHT))


def night(form: str | None = None, key: str | None = None, *, backfill: bool = False) -> date:
    return night_of_run(SCHEDULE, form, key, NIGHT, backfill=backfill)


def test_nights_from_the_start_date_to_a_week_from_today_are_possible():
    inside = [date(2026, 1, 1), NIGHT, NIGHT + timedelta(days=7)]
    outside = [date(26, 11, 4), date(2025, 12, 31), NIGHT + timedelta(days=8), date(2062, 11, 4)]

    assert [possible(SCHEDULE, each) for each in inside + outside] == [True] * 3 + [False] * 4


def test_today_is_the_date_in_the_time_zone_of_the_contract(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(TODAY)

    dates = {today(Schedule(timezone=zone)) for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago")}

    assert len(dates) == 2, "they are 25 hours apart"


@pytest.mark.parametrize("text", ["0026-11-04", "2062-11-04", "2025-12-31", "4.11.2026", "2026-13-45", "", "tonight"])
def test_what_cannot_be_a_night_is_refused_with_what_was_expected(text: str):
    with pytest.raises(WrongNightError, match=r"^the partition key is .*; expected a (night|date).*Trigger the DAG"):
        night_named(SCHEDULE, text, "the partition key")


def test_the_form_comes_before_the_due_date_and_so_does_the_partition_key():
    assert night(form="2026-11-03") == night(key="2026-11-03") == date(2026, 11, 3)
    assert night(key="2026-11-03T00:00:00") == date(2026, 11, 3)
    assert night(form="2026-11-03", key="2026-11-03", backfill=True) == date(2026, 11, 3)
    assert night() == NIGHT


def test_a_backfill_with_a_date_in_its_form_is_refused_with_what_to_do():
    with pytest.raises(WrongNightError, match=r"start it again with the extract date left empty$"):
        night(form="2026-11-03", key="2026-11-01", backfill=True)


def test_a_form_and_a_partition_key_that_differ_are_refused():
    with pytest.raises(WrongNightError, match="with one of them"):
        night(form="2026-11-03", key="2026-11-01")


def test_a_run_waits_from_the_moment_it_was_due(contract: Contract):
    due = datetime(2026, 11, 4, 2, tzinfo=UTC)

    wait = Wait(NIGHT, "scheduled", due)

    assert wait.until(contract) == due + timedelta(hours=contract.extract.deadline_hours)
    assert wait.words(contract) == "until 2026-11-04 08:00 UTC"
    assert Wait(NIGHT, "scheduled", datetime(2020, 1, 1, tzinfo=UTC)).over(contract)
    assert not Wait(NIGHT, "scheduled", datetime.now(UTC)).over(contract)


def test_days_of_the_week_and_holidays_bring_no_extract():
    weekdays = Schedule(days=["mon", "tue", "wed", "thu", "fri"], holidays=[date(2026, 12, 25)])

    assert weekdays.why_none(date(2026, 11, 6)) is None
    assert weekdays.why_none(date(2026, 11, 7)) == "schedule.days of the contract has no sat"
    assert weekdays.why_none(date(2026, 12, 25)) == "schedule.holidays of the contract names the date"
    assert [Schedule().why_none(date(2026, 11, day)) for day in range(1, 31)] == [None] * 30
