"""Runs show their night: run ids and partition keys of runs by hand name it.

Airflow makes the id of a run by hand before it looks at the form. So the night is put in when the run is first stored.
"""

import logging
from typing import Any

DAGS = {"validate_invoices", "train_autoencoder", "score_invoices", "summarise_anomalies"}

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
    from invoice_anomalies.airflow.runs import contract
    from invoice_anomalies.pipeline.nights import day_of

    named = (run.conf or {}).get("extract_date")
    return str(named or day_of(contract().schedule, run.logical_date or run.run_after))
