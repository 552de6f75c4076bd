"""### Send the morning summary

Runs daily, after scoring. Sends what became of the night: rows in, loaded, quarantined, scored and flagged, money at
risk, the anomalies with their explanations, and the last thirty nights as a plot. It is sent also where the night was
refused, is missing or has no anomalies, so that no mail means that something is wrong with the mail. A day that has no
extract by the contract's calendar has no mail.

**By hand:** trigger with an extract date; a dry run writes the message to the outbox folder only.
"""

from airflow.sdk import dag, task

from invoice_anomalies.airflow import mail, runs

CONTRACT = runs.contract()


@dag(
    **runs.settings(CONTRACT.schedule.summarise_anomalies, "daily"),
    doc_md=__doc__,
    params=runs.form("The night to summarise.", dry_run=runs.DRY_RUN),
)
def summarise_anomalies() -> None:
    @task(inlets=[runs.ANOMALIES])
    @runs.fail_without_retry
    def summarise() -> str:
        from invoice_anomalies.pipeline.notify import send_summary

        only_file = runs.is_backfill() or runs.param("dry_run")
        send, wait = mail.write if only_file else mail.send, runs.wait()
        return send_summary(CONTRACT, runs.dsn(), wait.night, send, asked=wait.kind != "scheduled")

    summarise()


summarise_anomalies()
