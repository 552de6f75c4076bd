"""Bring one night's extract into the warehouse: snapshot, validate, load."""

import logging
from datetime import date
from pathlib import Path

from invoice_anomalies import extract, warehouse
from invoice_anomalies.contract import Contract
from invoice_anomalies.errors import NightRefusedError, StorageUnreachableError
from invoice_anomalies.paths import Paths
from invoice_anomalies.pipeline.payloads import LoadedNight, Snapshot, ValidatedNight
from invoice_anomalies.validation import staged_chunks, staged_report, validate

log = logging.getLogger(__name__)


def take_snapshot(contract: Contract, paths: Paths, extract_date: date, path: str | None, staging: Path) -> Snapshot:
    """Copy the extract into staging, so that the later steps read the same bytes whatever happens to the original."""
    paths.sweep_staging(date.today())
    location = extract.locate(contract, extract_date, paths, path)
    staged = staging / f"extract_{Path(location).name}"
    came = extract.state(location)
    extract.copy(location, staged)
    size = staged.stat().st_size
    log.info("took %s (%s bytes)", extract.shown(location), f"{size:,}")
    return {"file": extract.shown(location), "staged": str(staged), "bytes": size, "came": came}


def newest_snapshot(
    contract: Contract, paths: Paths, extract_date: date, path: str | None, taken: Snapshot
) -> Snapshot:
    """The snapshot that was taken, or a new one where it is gone or another extract has come since.

    A task that is cleared after a correction so reads what was corrected, without its snapshot being cleared too. An
    extract that is archived, still being written or out of reach leaves the snapshot as it is.
    """
    location, staged = extract.locate(contract, extract_date, paths, path), Path(taken["staged"])
    if staged.exists():
        try:
            if extract.state(location) in (None, taken.get("came")):
                return taken
            if not extract.arrived(location, contract.extract.settle_seconds):
                return taken
        except StorageUnreachableError:
            return taken
        log.info("another extract lies there now; it takes the place of the snapshot")
    staged.parent.mkdir(parents=True, exist_ok=True)
    return take_snapshot(contract, paths, extract_date, path, staged.parent)


def validate_snapshot(
    contract: Contract,
    paths: Paths,
    dsn: str,
    extract_date: date,
    snapshot: Snapshot,
    *,
    path: str | None = None,
    record: bool = True,
) -> ValidatedNight:
    """Validate the staged extract, or the one that came since, and stage its valid and its quarantined rows.

    path: where the trigger form says that the extract lies, as for the snapshot.
    A refused night raises NightRefusedError; nothing of it is loaded. It gets its row in validation_runs where
    `record` says so: a dry run leaves what is known of the night alone.
    """
    snapshot = newest_snapshot(contract, paths, extract_date, path, snapshot)
    staged, file = Path(snapshot["staged"]), snapshot["file"]
    delivered = warehouse.Extract(extract_date, file)
    with warehouse.connect(dsn) as connection:
        warehouse.migrate(connection, contract)
        usual = warehouse.usual_rows(connection, extract_date)
    chunks = extract.read(contract, str(staged), name=file)
    docs = paths.data_docs(extract_date)
    outcome = validate(contract, chunks, usual_rows=usual, file=file, docs=docs, staging=staged.parent)
    for warning in outcome.warnings:
        log.warning("%s", warning)
    if not outcome.success:
        if record:
            with warehouse.connect(dsn) as connection:
                warehouse.refuse_night(connection, delivered, outcome.rows_in, outcome.problems, outcome.data_docs)
        # By line: a mail cuts lines that are long, and the last ones say where to look.
        raise NightRefusedError(
            "\n".join(
                [
                    f"the night of {extract_date} is refused and nothing of it was loaded:",
                    *outcome.problems,
                    f"Data Docs: {outcome.data_docs}",
                    "Correct the extract, or the rule in the contract, and clear this task: it reads what is there",
                ]
            )
        )
    log.info("%s rows: %s valid, %s quarantined", outcome.rows_in, outcome.valid_rows, outcome.quarantined_rows)
    return {
        "file": file,
        "staging": str(outcome.folder),
        "rows_in": outcome.rows_in,
        "valid": outcome.valid_rows,
        "quarantined": outcome.quarantined_rows,
    }


def load_night(contract: Contract, dsn: str, extract_date: date, validated: ValidatedNight) -> LoadedNight:
    """Publish the staged rows of a night in one transaction; returns the row counts."""
    folder = Path(validated["staging"])
    report = staged_report(folder)
    with warehouse.connect(dsn) as connection:
        counts = warehouse.load_night(
            connection,
            contract,
            warehouse.Extract(extract_date, validated["file"]),
            staged_chunks(folder),
            rows_in=report.rows_in,
            warnings=report.warnings,
            data_docs=report.data_docs,
        )
    log.info("%s rows in, %s loaded, %s quarantined", counts.rows_in, counts.loaded, counts.quarantined)
    return {
        "extract_date": extract_date.isoformat(),
        "rows_in": counts.rows_in,
        "loaded": counts.loaded,
        "quarantined": counts.quarantined,
    }
