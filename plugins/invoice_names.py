"""Runs show their night: run ids and partition keys of runs by hand name it, and a note says what came of a run.

Airflow makes the id of a run by hand before it looks at the form, and lets no task write a note. So the night is put
in when the run is first stored, and the note by a listener in the scheduler, from what the tasks left
(`invoice_runs.note`).
"""

import logging
from typing import Any

from airflow.listeners import hookimpl
from airflow.plugins_manager import AirflowPlugin
from sqlalchemy import event, select
from sqlalchemy.orm import Mapper, object_session

from include.errors import PipelineError

DAGS = {"validate_invoices", "train_autoencoder", "score_invoices", "summarise_anomalies"}
NOTE = "note"
MOST_CHARACTERS = 1000  # of a note, as Airflow has it

log = logging.getLogger(__name__)


def show_night(mapper: Any, connection: Any, run: Any) -> None:
    """Give a run by hand that is about to be stored its night as partition key, and its id that night in front."""
    if type(run).__name__ != "DagRun" or run.dag_id not in DAGS or run.run_type in ("scheduled", "backfill"):
        return
    try:
        run.partition_key = run.partition_key or _night(run)
        if run.run_id.startswith(f"manual__{run.run_after.isoformat()}"):  # made by Airflow, not named by a person
            run.run_id = f"{run.partition_key}__{run.run_id}"
    except Exception:
        log.exception("The run %s stays without its night", run.run_id)  # the run matters more than its name


def _night(run: Any) -> str:
    from invoice_runs import contract

    from include.pipeline.nights import day_of

    named = (run.conf or {}).get("extract_date")
    return str(named or day_of(contract().schedule, run.logical_date or run.run_after))


class Notes:
    """Notes what became of a run when it has ended."""

    @hookimpl
    def on_dag_run_success(self, dag_run: Any, msg: str) -> None:
        """Note what the run did."""
        _note(dag_run)

    @hookimpl
    def on_dag_run_failed(self, dag_run: Any, msg: str) -> None:
        """Note why the run failed."""
        _note(dag_run)


def _note(run: Any) -> None:
    session = object_session(run)
    if run.dag_id not in DAGS or session is None:
        return
    from airflow.models.xcom import XComModel

    left = session.scalars(
        select(XComModel)
        .where(XComModel.dag_id == run.dag_id, XComModel.run_id == run.run_id, XComModel.key == NOTE)
        .order_by(XComModel.timestamp.desc())
        .limit(1)
    ).first()
    words = XComModel.deserialize_value(left) if left else str(run.state)
    ours = f"{run.partition_key} · {run.run_type}: {words}"
    theirs = [line for line in (run.note or "").splitlines() if not line.startswith(f"{run.partition_key} · ")]
    run.note = "\n".join([*theirs, ours])[:MOST_CHARACTERS]


class InvoiceNames(AirflowPlugin):
    """Tells Airflow of both."""

    name = "invoice_names"
    listeners = [Notes()]  # noqa: RUF012 - as Airflow spells it

    @classmethod
    def on_load(cls, *_: Any, **__: Any) -> None:
        """Watch for new runs in this process, and know which nights a form may name."""
        event.listen(Mapper, "before_insert", show_night)
        from invoice_nights import know_nights
        from invoice_runs import contract

        try:
            know_nights(contract().schedule)
        except PipelineError:
            log.exception("The form takes any date, since the contract has mistakes")  # the DAGs are missing anyway
