"""Score a night: plan its chunks, score each, publish all in one transaction."""

import logging
import math
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from invoice_anomalies import warehouse
from invoice_anomalies.contract import Contract
from invoice_anomalies.detection import explain, score
from invoice_anomalies.errors import BeforeTrainingError, NoModelError, UnknownModelError
from invoice_anomalies.files import read_staged, write_staged
from invoice_anomalies.training import load_model

log = logging.getLogger(__name__)

FRAMES = ("scores", "anomalies", "fields")


def plan_scoring(
    contract: Contract,
    dsn: str,
    extract_date: date,
    version: str | None,
    staging: Path,
    *,
    only_if_stale: bool = False,
) -> list[dict[str, Any]]:
    """Choose the model that may judge the night and cut the night into chunks, all of an entity in one chunk.

    Returns no chunk where `only_if_stale` and the scores still rest on what is loaded now. Raises NoModelError with the
    way out where no model was trained before the night.
    """
    detection = contract.detection
    history_from = extract_date - timedelta(days=max(detection.history_days, detection.duplicate_days))
    with warehouse.connect(dsn) as connection:
        if only_if_stale and extract_date not in warehouse.stale_nights(connection, extract_date):
            log.info("the night of %s has been scored again already", extract_date)
            return []
        model = warehouse.model(connection, version) if version else warehouse.model_for_night(connection, extract_date)
        if model is None:
            raise _no_model(connection, extract_date, version)
        # Asked before the invoices are read: a load after this makes the night stale, whether seen or not.
        known_load = warehouse.last_load(connection, history_from, extract_date)
        rows = warehouse.night_rows(connection, extract_date)
    chunks = max(1, math.ceil(rows / detection.chunk_rows))
    log.info("%s invoices of %s, model %s, %s chunk(s)", f"{rows:,}", extract_date, model.version, chunks)
    return [
        {
            "extract_date": extract_date.isoformat(),
            "version": model.version,
            "known_load": known_load,
            "history_from": history_from.isoformat(),
            "chunk": chunk,
            "chunks": chunks,
            "staging": str(staging),
        }
        for chunk in range(chunks)
    ]


def score_chunk(contract: Contract, dsn: str, chunk: dict[str, Any]) -> dict[str, Any]:
    """Score one chunk and explain what it flags; the results wait in staging until all chunks are done."""
    extract_date = date.fromisoformat(chunk["extract_date"])
    place = (chunk["chunk"], chunk["chunks"])
    with warehouse.connect(dsn) as connection:
        record = warehouse.model(connection, chunk["version"])
        if record is None:
            raise NoModelError(
                f"model {chunk['version']} is no longer in model_versions; clear the task plan and what follows"
            )
        invoices = warehouse.read_chunk(connection, contract, extract_date, *place)
        history = warehouse.read_history(connection, contract, extract_date, contract.detection.history_days, *place)
        lookalikes = warehouse.read_lookalikes(connection, contract, extract_date, *place)
    detector = load_model(contract, Path(record.artefact).parent, record.version, record.checksum)
    # They are of other entities, so no invoice is in both.
    result = score(detector, invoices, pd.concat([history, lookalikes]))
    anomalies, fields = explain(detector, result, result.flagged(contract.detection.review_budget))
    for name, frame in zip(FRAMES, (result.scores, anomalies, fields), strict=True):
        write_staged(frame, _staged_path(chunk, name))
    log.info(
        "%s scored against %s earlier invoices and %s of others with the same amounts, %s flagged",
        *(f"{len(frame):,}" for frame in (invoices, history, lookalikes, anomalies)),
    )
    return {**chunk, "scored": len(invoices), "flagged": len(anomalies)}


def publish_night(contract: Contract, dsn: str, scored: list[dict[str, Any]]) -> dict[str, Any]:
    """Publish the scores of all chunks of a night at once; returns the counts."""
    anomalies, fields = (pd.concat([read_staged(_staged_path(chunk, name)) for chunk in scored]) for name in FRAMES[1:])
    budget = contract.detection.review_budget
    if budget is not None:
        anomalies = anomalies.rename_axis("invoice_key").sort_values(["score", "invoice_key"], ascending=[False, True])
        anomalies = anomalies.head(budget)
        fields = fields[fields["invoice_key"].isin(anomalies.index)]
    plan = scored[0]
    scoring = warehouse.Scoring(
        extract_date=date.fromisoformat(plan["extract_date"]),
        version=plan["version"],
        known_load=plan["known_load"],
        history_from=date.fromisoformat(plan["history_from"]),
    )
    scores = (read_staged(_staged_path(chunk, "scores")) for chunk in scored)
    with warehouse.connect(dsn) as connection:
        counts = warehouse.publish_scores(connection, scoring, scores, anomalies, fields)
    log.info("%s scored, %s flagged", counts.scored, counts.flagged)
    return {
        "extract_date": plan["extract_date"],
        "version": plan["version"],
        "scored": counts.scored,
        "flagged": counts.flagged,
    }


def _staged_path(chunk: dict[str, Any], name: str) -> Path:
    return Path(chunk["staging"]) / f"{name}_{chunk['chunk']}.parquet"


def _no_model(connection: Any, extract_date: date, version: str | None) -> NoModelError:
    """The error for a night that no model may judge, with the way out."""
    if version:
        return UnknownModelError(
            f"there is no model {version!r} in model_versions; trigger score_invoices anew with a version of the view "
            "v_model_health, or without one, to take the night's champion"
        )
    champion = warehouse.champion(connection)
    if champion is None:
        return NoModelError(
            "there is no champion model yet, so nothing can be scored. Run train_autoencoder once enough nights before "
            f"{extract_date} are loaded, with an extract date of {extract_date - timedelta(days=1)} or before, then "
            "clear this task"
        )
    return BeforeTrainingError(
        f"the champion {champion.version} was trained on invoices up to {champion.trained_until}, and the night of "
        f"{extract_date} is not after that: it would be judged by its own future. Nights before the first training are "
        "not scored; to do so all the same, trigger score_invoices anew for it with "
        f"model_version = {champion.version}"
    )
