"""Sixty nights of real payments, backfilled through the real scheduler while workers are killed."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.slow.payments import (
    FIRST,
    HISTORY,
    LAST,
    NIGHTS,
    TASKS_OF_BACKFILLS,
    LostWorker,
    Payments,
    say,
    wait_for,
)

BACKFILLED = ("validate_invoices", "score_invoices")
OF_THE_NIGHTS = f"extract_date BETWEEN '{FIRST}' AND '{LAST}'"


@dataclass(frozen=True)
class Backfilled:
    """The sixty nights after their backfills, and what was done to them."""

    payments: Payments
    before: dict[str, int]
    after: dict[str, int]
    lost: list[LostWorker]


@pytest.fixture(scope="module")
def backfilled(payments: Payments) -> Backfilled:
    before = payments.counts()
    # Backwards, several at once: the nights come in any order but the right one.
    payments.backfill("validate_invoices", "--run-backwards")
    # The worker alone: the task it watched over goes on by itself, and publishes, before it is tried again.
    loading = payments.lose_worker("validate_invoices", "load", "invoices", with_its_task=False)
    payments.wait_for_backfill("validate_invoices")
    payments.backfill("score_invoices")
    publishing = payments.lose_worker("score_invoices", "publish", "scores", with_its_task=True)
    payments.wait_for_backfill("score_invoices")
    after = payments.counts()
    _show_counts(before, after)
    _show_tasks(payments)
    return Backfilled(payments, before, after, [loading, publishing])


def test_every_run_succeeds(backfilled: Backfilled):
    for dag_id in BACKFILLED:
        states = backfilled.payments.runs(dag_id)
        assert Counter(states.values()) == {"success": len(NIGHTS)}, states


def test_the_task_of_a_killed_worker_was_tried_again(backfilled: Backfilled):
    tried_again = backfilled.payments.metadata(
        """
        SELECT task.dag_id, task.task_id, run_id, task.state
        FROM task_instance AS task JOIN dag_run AS run USING (dag_id, run_id)
        WHERE run.run_type = 'backfill' AND task.try_number > 1
        """
    )

    # On a machine that is overloaded others may have been too.
    assert {(worker.dag_id, worker.task_id, worker.run_id, "success") for worker in backfilled.lost} <= set(tried_again)


def test_each_row_of_the_extracts_is_in_the_tables_once(backfilled: Backfilled, book: pd.DataFrame):
    """By values, not by counts. An invoice that came before, in its night or an earlier one, is in quarantine."""
    nights = book[book["night"] <= str(LAST)]
    key = nights.assign(amount=nights["amount"].astype(float))[["vendor_id", "invoice_number", "amount"]]
    again = key.duplicated(keep="first")

    loaded = backfilled.payments.rows(
        "SELECT extract_date, vendor_id, invoice_number, amount FROM invoice_anomalies.invoices"
        f" WHERE extract_date <= '{LAST}'"
    )
    quarantined = backfilled.payments.rows(
        f"SELECT extract_date, raw FROM invoice_anomalies.quarantined_invoices WHERE extract_date <= '{LAST}'"
    )

    assert _differences(_values(loaded), _of_book(nights[~again])) == {}
    assert _differences(_values(_parsed(quarantined)), _of_book(nights[again])) == {}
    assert again.sum() > 500
    assert (again & ~key.assign(night=nights["night"]).duplicated()).sum() > 50, "none came again in another night"


def test_the_counts_of_each_night_add_up(backfilled: Backfilled, book: pd.DataFrame):
    delivered = book["night"].value_counts()
    nights = backfilled.payments.rows(
        f"""
        SELECT run.extract_date, run.rows_in, run.valid, run.quarantined,
            (SELECT count(*) FROM invoice_anomalies.invoices AS i WHERE i.extract_date = run.extract_date),
            (SELECT count(*) FROM invoice_anomalies.quarantined_invoices AS q WHERE q.extract_date = run.extract_date),
            (SELECT count(*) FROM invoice_anomalies.scores AS s WHERE s.extract_date = run.extract_date),
            scoring.scored
        FROM invoice_anomalies.validation_runs AS run
        JOIN invoice_anomalies.scoring_runs AS scoring USING (extract_date)
        WHERE run.success AND {OF_THE_NIGHTS} ORDER BY 1
        """
    )

    assert [night for night, *_ in nights] == NIGHTS
    for night, rows_in, valid, quarantined, loaded, in_quarantine, scores, scored in nights:
        assert rows_in == delivered[str(night)] == loaded + in_quarantine
        assert (valid, quarantined) == (loaded, in_quarantine)
        assert scored == scores == loaded


def test_each_anomaly_has_its_fields_and_its_score(backfilled: Backfilled):
    ((anomalies, without_field, without_score, without_anomaly),) = backfilled.payments.rows(
        """
        SELECT
            (SELECT count(*) FROM invoice_anomalies.anomalies),
            (SELECT count(*) FROM invoice_anomalies.anomalies AS a WHERE NOT EXISTS (
                SELECT FROM invoice_anomalies.anomaly_fields AS f
                WHERE (f.invoice_key, f.model_version) = (a.invoice_key, a.model_version))),
            (SELECT count(*) FROM invoice_anomalies.anomalies AS a WHERE NOT EXISTS (
                SELECT FROM invoice_anomalies.scores AS s
                WHERE (s.invoice_key, s.model_version) = (a.invoice_key, a.model_version) AND s.score > s.threshold)),
            (SELECT coalesce(sum(flagged), 0) FROM invoice_anomalies.scoring_runs)
                - (SELECT count(*) FROM invoice_anomalies.anomalies)
        """
    )

    assert anomalies > 60
    assert (without_field, without_score, without_anomaly) == (0, 0, 0)


def test_no_night_is_stale(backfilled: Backfilled):
    assert backfilled.payments.rows("SELECT * FROM invoice_anomalies.stale_nights") == []


def test_nobody_was_woken(backfilled: Backfilled):
    mails = [path.name for path in (backfilled.payments.shell.home / "outbox").glob("*.eml")]

    assert backfilled.after["alerts"] == 0
    assert [name for name in mails if str(FIRST) <= name[:10] <= str(LAST)] == []


def test_a_task_that_lost_its_worker_does_not_live_on(backfilled: Backfilled):
    runners = {worker.runner for worker in backfilled.lost}

    wait_for("the end of the orphan", 60, lambda: not any(map(_is_of_airflow, runners)))


def test_running_the_killed_nights_again_changes_nothing(backfilled: Backfilled):
    payments = backfilled.payments
    contents = payments.contents()

    for worker in backfilled.lost:
        ((night,),) = payments.metadata("SELECT partition_key FROM dag_run WHERE run_id = %s", worker.run_id)
        for dag_id in BACKFILLED:
            payments.succeed(dag_id, night)
    again = payments.contents()

    # Run by hand, the nights of a backfill send the alert that it did not.
    assert {name for name in contents if contents[name] != again[name]} <= {"alerts"}
    assert payments.counts()["alerts"] <= len(backfilled.lost)


def _of_book(rows: pd.DataFrame) -> Counter[Any]:
    return _values(rows[["night", "vendor_id", "invoice_number", "amount"]].itertuples(index=False))


def _values(rows: Iterable[Any]) -> Counter[Any]:
    """How often each row comes, however its amount is written."""
    return Counter((str(night), vendor, number.strip(), float(amount)) for night, vendor, number, amount in rows)


def _parsed(quarantined: Iterable[Any]) -> Iterable[Any]:
    for night, raw in quarantined:
        row = json.loads(raw)
        yield night, row["vendor_id"], row["invoice_number"], row["amount"]


def _differences(found: Counter[Any], expected: Counter[Any]) -> dict[str, list[Any]]:
    """Rows that are missing and rows that are too many, some of them."""
    both = {"missing": expected - found, "too many": found - expected}
    return {what: list(rows.items())[:10] for what, rows in both.items() if rows}


def _is_of_airflow(pid: int) -> bool:
    try:
        return b"airflow" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _show_counts(before: dict[str, int], after: dict[str, int]) -> None:
    say(f"\n{'rows of':<24}{'before':>10}{'after':>10}   before: the history of {HISTORY} and its model")
    for name, rows in after.items():
        say(f"{name:<24}{before.get(name, 0):>10,}{rows:>10,}")


def _show_tasks(payments: Payments) -> None:
    say(f"\n{'task of the backfills':<36}{'runs':>6}{'all, s':>9}{'median':>9}{'longest':>9}")
    for dag_id, task_id, runs, seconds, median, longest in payments.metadata(TASKS_OF_BACKFILLS):
        say(f"{dag_id + '.' + task_id:<36}{runs:>6}{seconds:>9.0f}{median:>9.2f}{longest:>9.2f}")
    say()
