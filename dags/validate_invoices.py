"""### Validate the night's extract and load it

Runs nightly. Waits for the extract, takes a snapshot of it, validates it with Great Expectations, and loads the valid
rows; unfit rows go to `quarantined_invoices` with every reason. Rows in = rows loaded + rows quarantined, always.

**By hand:** trigger with an extract date, and a path where the file is not at its usual place; the file must be there.
**A day without an extract** (`schedule.days`, `schedule.holidays`, or an old file that a backfill does not find) is
recorded, and the run is skipped. **A range of nights:**
backfill this DAG, then `score_invoices`: `airflow backfill create --dag-id validate_invoices --from-date 2026-01-05
--to-date 2026-01-07T23:59` (the end is a moment: without an hour the last night is left out). Running a night again
leaves the same rows. **A history** in one file: switch `history` on and give its path; it is cut by day and loaded
night by night, a task a month. **A corrected extract** takes the place of the night's former one, whatever its path;
what was scored before the correction is scored again, night by night (`repeat`). **A night loaded by mistake**, e.g.
under a wrong date: trigger with its extract date and a reason under *Take back*; later nights have what they delivered
too.

**When it fails:** `wait_for_extract` - the extract did not arrive in time, `extract.deadline_hours` after the run was
due: deliver it and clear the task. `validate` -
the night was refused as a whole; the log says which rule, what was expected and what came, and the Data Docs show it:
have the extract corrected, or change the rule in the contract, and clear `validate`: it reads what is there then.
`load` - another night has these rows already: the log says which, and what to do.
"""

from typing import Any

from airflow.sdk import Param, dag, task

from invoice_anomalies.airflow import history as histories
from invoice_anomalies.airflow import repeats, runs
from invoice_anomalies.pipeline.payloads import LoadedNight, Snapshot, ValidatedNight

CONTRACT = runs.contract()


@dag(
    **runs.settings(CONTRACT.schedule.validate_invoices, "nightly"),
    doc_md=__doc__,
    params=runs.form(
        "The night to validate.",
        extract_path=Param(
            None,
            type=["null", "string"],
            title="Extract path",
            description="File or URL to read instead of the contract's; it takes the place of what the night had.",
        ),
        **histories.PARAMS,
        take_back=repeats.TAKE_BACK,
        dry_run=runs.DRY_RUN,
    ),
)
def validate_invoices() -> None:
    @task.sensor(**runs.waiting())  # type: ignore[untyped-decorator]
    @runs.fail_without_retry
    def wait_for_extract() -> bool:
        from invoice_anomalies.pipeline.arrival import extract_awaited

        repeats.unless_taken_back()
        return extract_awaited(CONTRACT, runs.paths(), runs.dsn(), runs.wait(), runs.param("extract_path"))

    @task
    @runs.fail_without_retry
    def snapshot() -> Snapshot:
        from invoice_anomalies.pipeline.validate import take_snapshot

        return take_snapshot(CONTRACT, runs.paths(), runs.extract_date(), runs.param("extract_path"), runs.staging())

    @task
    @runs.fail_without_retry
    def validate(taken: Snapshot) -> ValidatedNight:
        from invoice_anomalies.pipeline.validate import validate_snapshot

        histories.go_on_if(history=False)
        how = {"path": runs.param("extract_path"), "record": not runs.param("dry_run")}
        return validate_snapshot(CONTRACT, runs.paths(), runs.dsn(), runs.extract_date(), taken, **how)

    @task.short_circuit
    def unless_dry_run(validated: ValidatedNight) -> bool:
        return not runs.param("dry_run")

    @task(outlets=[runs.INVOICES])
    @runs.fail_without_retry
    def load(validated: ValidatedNight, *, outlet_events: Any = None) -> LoadedNight:
        from invoice_anomalies.pipeline.validate import load_night

        counts = load_night(CONTRACT, runs.dsn(), runs.extract_date(), validated)
        outlet_events[runs.INVOICES].extra = counts
        return counts

    taken = snapshot()
    validated = validate(taken)
    wait_for_extract() >> taken
    loaded = load(validated)
    unless_dry_run(validated) >> loaded  # type: ignore[arg-type]
    history = histories.load_history(CONTRACT, taken)
    repeats.repeats_after_load(loaded, history, repeats.taken_back())


validate_invoices()
