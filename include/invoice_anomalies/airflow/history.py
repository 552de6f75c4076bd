"""The tasks of validate_invoices that load a history: one file, cut into its nights, a mapped task a month."""

from typing import Any

from airflow.sdk import Param, task
from airflow.sdk.exceptions import AirflowSkipException

from invoice_anomalies.airflow import runs
from invoice_anomalies.contract import Contract
from invoice_anomalies.pipeline.payloads import LoadedHistory, LoadedMonth, MonthPlan, Snapshot

PARAMS = {
    "history": Param(
        False,
        type="boolean",
        title="History",
        description="The file at the extract path is a history: cut it by day, and load it night by night.",
    ),
    "history_date": Param(
        None,
        type=["null", "string"],
        title="History date",
        description="Field whose date tells the night of a row; the one that no other date judges where empty.",
    ),
}


def go_on_if(history: bool) -> None:
    """Skip the task, and what follows, unless the run is one of a history, or is none."""
    if runs.param("history") is not history:
        raise AirflowSkipException(f"the run is {'no' if history else 'one of a'} history")


def load_history(contract: Contract, taken: Any) -> Any:
    """Add the tasks to the DAG that is being defined; returns the last, which has the counts."""

    @task
    @runs.fail_without_retry
    def validate_history(taken: Snapshot) -> list[MonthPlan]:
        from invoice_anomalies.pipeline.history import validate_history as validated
        from invoice_anomalies.pipeline.validate import newest_snapshot

        go_on_if(history=True)
        taken = newest_snapshot(contract, runs.paths(), runs.extract_date(), runs.param("extract_path"), taken)
        by, dry_run = runs.param("history_date"), runs.param("dry_run")
        plan = validated(contract, runs.paths(), runs.dsn(), taken, by, dry_run=dry_run)
        return plan["months"]

    # One at a time: two nights are never loaded at once, and these would hold the workers of others.
    @task(map_index_template="{{ task.op_kwargs['month']['month'] }}", max_active_tis_per_dagrun=1)
    @runs.fail_without_retry
    def load_month(month: MonthPlan) -> LoadedMonth:
        from invoice_anomalies.pipeline.history import load_month as load

        return load(contract, runs.dsn(), month)

    @task(outlets=[runs.INVOICES])
    @runs.fail_without_retry
    def finish_history(
        months: list[MonthPlan], loaded: list[LoadedMonth], *, outlet_events: Any = None
    ) -> LoadedHistory:
        from invoice_anomalies.pipeline.history import finish_history as finish

        counts = finish(contract, runs.dsn(), months[0], list(loaded))
        outlet_events[runs.INVOICES].extra = counts
        return counts

    months = validate_history(taken)
    return finish_history(months, load_month.expand(month=months))
