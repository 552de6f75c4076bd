"""Tasks of the DAGs that undo and repeat: a night taken back, and runs for nights that are to be scored again."""

from datetime import date
from typing import Any

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import Param, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

from invoice_anomalies.airflow import runs
from invoice_anomalies.pipeline.nights import today

TAKE_BACK = Param(
    None,
    type=["null", "string"],
    title="Take back",
    description="A reason: the night is taken out of the tables instead of loaded. The reason stays on record.",
)


def only_if_stale() -> bool:
    """Whether the run repeats what other runs did: it works on what is loaded, waits for nothing, and wakes nobody."""
    return bool(runs.param("only_if_stale"))


def unless_taken_back() -> None:
    """Skip the task where the run is to take its night back instead of loading it."""
    if runs.param("take_back") is not None:
        raise AirflowSkipException("the night is taken back instead")


def taken_back() -> Any:
    """A task that takes the night back where the trigger form gives a reason."""

    @task
    @runs.fail_without_retry
    def take_back() -> dict[str, Any]:
        from invoice_anomalies.pipeline.withdraw import take_night_back

        reason, named, run = runs.param("take_back"), runs.param("extract_date"), get_current_context()["dag_run"]
        if reason is None or runs.param("dry_run"):
            raise AirflowSkipException("no night is taken back: no reason is given, or this is a dry run")
        night = date.fromisoformat(named) if named else None
        who = getattr(run, "triggering_user_name", None) or f"run {run.run_id}"
        return take_night_back(runs.contract(), runs.dsn(), night, reason, who)

    return take_back()


def repeats_after_load(*loads: Any) -> None:
    """Ask for the first night that is to be scored again, after whichever of these tasks changed invoices.

    loads: each returns the first night that it changed, as extract_date.
    """

    @task(trigger_rule="none_failed_min_one_success")
    @runs.fail_without_retry
    def runs_to_repeat(loads: list[dict[str, Any] | None]) -> list[dict[str, Any]]:
        from invoice_anomalies.pipeline.repeat import after_load

        nights = [date.fromisoformat(load["extract_date"]) for load in loads if load]
        return after_load(runs.contract(), runs.dsn(), min(nights), today(runs.contract().schedule))

    _ask_for(runs_to_repeat(list(loads)))


def repeats_after_scoring(published: Any) -> None:
    """Ask for the next nights that are to be scored again, after a night was scored."""

    @task
    @runs.fail_without_retry
    def runs_to_repeat(published: dict[str, Any]) -> list[dict[str, Any]]:
        from invoice_anomalies.pipeline.repeat import after_scoring

        night = date.fromisoformat(published["extract_date"])
        return after_scoring(runs.dsn(), night, today(runs.contract().schedule), only_if_stale=only_if_stale())

    _ask_for(runs_to_repeat(published))


def _ask_for(asked: Any) -> None:
    # One that was asked for before, by whichever run, is left as it is.
    TriggerDagRunOperator.partial(
        task_id="repeat", trigger_dag_id="score_invoices", skip_when_already_exists=True
    ).expand_kwargs(asked)
