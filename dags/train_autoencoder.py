"""### Train the autoencoder on the company's own invoices

Runs weekly. Trains on the contract's training window up to the run's date, holds the newest nights out, plants
anomalies in them, and evaluates the new model beside the champion and beside simple peers. It becomes champion if it is
not worse. Models are folders below `models/` and rows of `model_versions`.

**First use:** load a history of invoices with `validate_invoices`, then trigger this DAG; scoring needs its champion.

**When it fails:** too few invoices - validate more nights, or widen `detection.training_days` in the contract. To go
back to an older model, trigger `score_invoices` with its version.
"""

from typing import Any

from airflow.sdk import Param, dag, task

from invoice_anomalies.airflow import runs

CONTRACT = runs.contract()


@dag(
    **runs.settings(CONTRACT.schedule.train_autoencoder, "weekly", max_active_runs=1),
    doc_md=__doc__,
    params=runs.form(
        "The last night to train on.",
        promote=Param(
            "if better",
            enum=["if better", "always", "never"],
            title="Promote",
            description="Whether the new model becomes champion.",
        ),
    ),
)
def train_autoencoder() -> None:
    @task(inlets=[runs.INVOICES])
    @runs.fail_without_retry
    def training_set() -> dict[str, Any]:
        from invoice_anomalies.pipeline.train import stage_training_set

        return stage_training_set(CONTRACT, runs.dsn(), runs.extract_date(), runs.staging())

    @task
    @runs.fail_without_retry
    def train(staged: dict[str, Any]) -> dict[str, Any]:
        from invoice_anomalies.pipeline.train import train as train_challenger

        return train_challenger(CONTRACT, runs.paths(), staged)

    @task
    @runs.fail_without_retry
    def evaluate(trained: dict[str, Any]) -> dict[str, Any]:
        from invoice_anomalies.pipeline.train import evaluate_challenger

        return evaluate_challenger(CONTRACT, runs.dsn(), runs.paths(), trained)

    @task(outlets=[runs.MODELS])
    @runs.fail_without_retry
    def promote(evaluated: dict[str, Any], *, outlet_events: Any = None) -> dict[str, Any]:
        from invoice_anomalies.pipeline.train import promote as promote_challenger

        outcome = promote_challenger(runs.dsn(), evaluated, runs.param("promote"))
        outlet_events[runs.MODELS].extra = outcome
        runs.note(f"{outcome['version']} {'is champion' if outcome['promoted'] else 'was not promoted'}")
        return outcome

    promote(evaluate(train(training_set())))


train_autoencoder()
