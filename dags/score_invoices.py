"""### Score the night's invoices and alert

Runs daily, after validation. Waits until the night is loaded, scores it in chunks with the champion of that night (the
newest model trained on earlier nights only), publishes scores and anomalies in one transaction, and alerts the
recipients of the contract. Rows loaded = rows scored, always. A backfill publishes but wakes nobody.

**By hand:** trigger with an extract date; name a model version to judge a night with another model - its scores are
added beside the others. Scoring a night again leaves the same rows and sends no second alert. Where invoices
of the night or before it change later, it is scored again: each run asks for the next such nights (`repeat`).

**When it fails:** *never loaded* - run `validate_invoices` for that night; a run by hand waits only while that is at
work. *no champion model yet* - run `train_autoencoder` first. *refused by validation* - see
`validate_invoices`. Otherwise clear the failed task; nothing is published by halves.
"""

from typing import Any

from airflow.sdk import Param, dag, task
from airflow.sdk.exceptions import AirflowSkipException

from invoice_anomalies.airflow import mail, repeats, runs

CONTRACT = runs.contract()


@dag(
    **runs.settings(CONTRACT.schedule.score_invoices, "daily"),
    doc_md=__doc__,
    params=runs.form(
        "The night to score.",
        model_version=Param(
            None, type=["null", "string"], title="Model version", description="The night's champion where empty."
        ),
        only_if_stale=Param(
            False,
            type="boolean",
            title="Only if stale",
            description="Do nothing unless invoices that the scores rest on changed since; send no alert.",
        ),
        dry_run=runs.DRY_RUN,
    ),
)
def score_invoices() -> None:
    @task.sensor(**runs.waiting())  # type: ignore[untyped-decorator]
    @runs.fail_without_retry
    def wait_for_night() -> bool:
        from invoice_anomalies.pipeline.arrival import night_awaited

        return repeats.only_if_stale() or night_awaited(CONTRACT, runs.dsn(), runs.wait(), runs.validating)

    @task(inlets=[runs.INVOICES, runs.MODELS])
    @runs.fail_without_retry
    def plan() -> list[dict[str, Any]]:
        from invoice_anomalies.pipeline.score import plan_scoring

        return plan_scoring(
            CONTRACT,
            runs.dsn(),
            runs.extract_date(),
            runs.param("model_version"),
            runs.staging(),
            only_if_stale=repeats.only_if_stale(),
        )

    @task(map_index_template="{{ task.op_kwargs['chunk']['chunk'] + 1 }} of {{ task.op_kwargs['chunk']['chunks'] }}")
    @runs.fail_without_retry
    def score(chunk: dict[str, Any]) -> dict[str, Any]:
        from invoice_anomalies.pipeline.score import score_chunk

        return score_chunk(CONTRACT, runs.dsn(), chunk)

    @task(outlets=[runs.ANOMALIES])
    @runs.fail_without_retry
    def publish(scored: list[dict[str, Any]], *, outlet_events: Any = None) -> dict[str, Any]:
        from invoice_anomalies.pipeline.score import publish_night

        if runs.param("dry_run"):
            runs.note(f"dry run: {sum(chunk['flagged'] for chunk in scored)} would be flagged")
            raise AirflowSkipException("a dry run publishes nothing")
        counts = publish_night(CONTRACT, runs.dsn(), list(scored))
        outlet_events[runs.ANOMALIES].extra = counts
        return counts

    @task
    @runs.fail_without_retry
    def alert(published: dict[str, Any]) -> str:
        from invoice_anomalies.pipeline.notify import send_alert

        if runs.is_backfill() or repeats.only_if_stale():
            raise AirflowSkipException("this repeats history, so nobody is woken; see v_open_anomalies")
        return send_alert(CONTRACT, runs.dsn(), published, mail.send)

    planned = plan()
    wait_for_night() >> planned
    alert(published := publish(score.expand(chunk=planned)))
    repeats.repeats_after_scoring(published)


score_invoices()
