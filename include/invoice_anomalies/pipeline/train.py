"""Train on the warehouse's invoices, evaluate, and decide which model judges from now on."""

import json
import logging
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from invoice_anomalies import warehouse
from invoice_anomalies.contract import Contract
from invoice_anomalies.detection import enough_to_train
from invoice_anomalies.errors import ArtefactError
from invoice_anomalies.files import read_staged, write_staged
from invoice_anomalies.paths import Paths
from invoice_anomalies.training import Evaluation, evaluate, is_better, load_model, new_version, train_model
from invoice_anomalies.training.evaluate import hold_out

log = logging.getLogger(__name__)

Promote = Literal["if better", "always", "never"]


def stage_training_set(contract: Contract, dsn: str, until: date, staging: Path) -> dict[str, Any]:
    """Stage the invoices of the training window that ends with the night `until`, and name the model to be trained.

    Raises TooFewInvoicesError.
    The name is given here, so that training it again after a crash makes no second model.
    """
    with warehouse.connect(dsn) as connection:
        warehouse.migrate(connection, contract)
        invoices = warehouse.training_set(
            connection, contract, until + timedelta(days=1), contract.detection.training_days
        )
    # Here and not in the next task alone: clearing the one that failed is to read the invoices anew.
    enough_to_train(contract, len(hold_out(invoices)[0]))
    path = write_staged(invoices, staging / "training_set.parquet")
    nights = invoices["extract_date"]
    log.info("%s invoices of the nights from %s to %s", f"{len(invoices):,}", nights.min(), nights.max())
    return {"path": str(path), "rows": len(invoices), "until": until.isoformat(), "version": new_version()}


def train(contract: Contract, paths: Paths, training_set: dict[str, Any]) -> dict[str, Any]:
    """Train a challenger and write its artefact."""
    invoices = read_staged(Path(training_set["path"]))
    version, checksum = train_model(contract, invoices, paths.models, log.info, training_set["version"])
    log.info("wrote model %s to %s", version, paths.models / version)
    return {**training_set, "version": version, "checksum": checksum}


def evaluate_challenger(contract: Contract, dsn: str, paths: Paths, trained: dict[str, Any]) -> dict[str, Any]:
    """Judge the challenger, and the champion beside it, on the held-out invoices; record the challenger."""
    invoices = read_staged(Path(trained["path"]))
    history, held_out = hold_out(invoices)
    version = trained["version"]
    challenger = evaluate(load_model(contract, paths.models, version, trained["checksum"]), history, held_out)
    metadata = json.loads((paths.models / version / "metadata.json").read_text())
    with warehouse.connect(dsn) as connection:
        champion = _champion_evaluation(contract, paths, connection, history, held_out)
        warehouse.register_model(
            connection,
            warehouse.ModelRecord(
                version=version,
                status="challenger",
                trained_from=date.fromisoformat(metadata["trained_from"]),
                trained_until=date.fromisoformat(metadata["trained_until"]),
                rows=metadata["rows"],
                metrics=challenger.as_metrics(),
                artefact=str(paths.models / version),
                checksum=trained["checksum"],
            ),
        )
    _report("challenger", challenger)
    if champion is not None:
        _report("champion", champion)
    return {
        "version": version,
        "better": is_better(challenger, champion),
        "average_precision": round(challenger.average_precision, 4),
        "champion_average_precision": None if champion is None else round(champion.average_precision, 4),
    }


def promote(dsn: str, evaluated: dict[str, Any], rule: Promote) -> dict[str, Any]:
    """Make the challenger the champion, or reject it; `rule` is what the trigger form asks for."""
    promoted = rule == "always" or (rule == "if better" and evaluated["better"])
    with warehouse.connect(dsn) as connection:
        if promoted:
            warehouse.promote_model(connection, evaluated["version"])
        else:
            warehouse.reject_model(connection, evaluated["version"])
    log.info("model %s is %s", evaluated["version"], "the champion" if promoted else f"not promoted (rule: {rule})")
    return {"version": evaluated["version"], "promoted": promoted}


def _champion_evaluation(
    contract: Contract, paths: Paths, connection: Any, history: pd.DataFrame, held_out: pd.DataFrame
) -> Evaluation | None:
    record = warehouse.champion(connection)
    if record is None:
        return None
    try:
        champion = load_model(contract, Path(record.artefact).parent, record.version, record.checksum)
    except ArtefactError as problem:
        # A champion that cannot be read cannot defend its place; scoring would fail with the same message.
        log.warning("the champion %s cannot be evaluated: %s", record.version, problem)
        return None
    return evaluate(champion, history, held_out)


def _report(role: str, result: Evaluation) -> None:
    log.info(
        "%s: average precision %.3f, ROC AUC %.3f, right field first %.0f %%, alerts on unplanted %.2f %%",
        role,
        result.average_precision,
        result.roc_auc,
        100 * result.right_field_first,
        100 * result.alert_rate,
    )
    for name, figures in result.baselines.items():
        log.info("  beside it %s: average precision %.3f", name, figures["average_precision"])
