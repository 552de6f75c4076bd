"""The word that a task failed or an extract did not come: what, why, and what to do next."""

import re
from datetime import date

from include.contract import Contract
from include.errors import (
    ArtefactError,
    ContractError,
    ExtractNotArrivedError,
    ExtractOverdueError,
    ExtractUnreadableError,
    NightNotLoadedError,
    NightRefusedError,
    NoModelError,
    PipelineError,
    StagingError,
    StorageFullError,
    StorageUnreachableError,
    TooFewInvoicesError,
    WarehouseBusyError,
    WarehouseError,
    WarehouseUnreachableError,
    WrongNightError,
)
from include.reporting.message import Message
from include.reporting.rendering import render
from include.reporting.wording import long_date, one_line, web_address

MOST_LINES = 25  # of an error; the log has the rest
RUN_AGAIN = (
    "Then clear the failed task in the Airflow UI: the run goes on from there, and repeats nothing that is done."
)

NOT_ARRIVED = (
    "The extract did not arrive",
    "Ask the ERP's operators for the file, or put it where the contract expects it.",
)

# What failed in words, and the step before running again; the first kind that fits.
ADVICE: dict[type[BaseException], tuple[str, str]] = {
    ContractError: ("The data contract has mistakes", "Correct each line that the error names."),
    ExtractOverdueError: NOT_ARRIVED,
    ExtractNotArrivedError: NOT_ARRIVED,
    WrongNightError: (
        "The run is about no night that there can be",
        "Trigger the DAG again, as the error says; this run stays failed and does no harm.",
    ),
    NightNotLoadedError: (
        "The night is not loaded",
        "Run validate_invoices for that night, or see why its run failed.",
    ),
    StorageUnreachableError: (
        "The storage of the extracts does not answer",
        "Check the storage, its permissions and the network.",
    ),
    StorageFullError: ("There is no room left on a disk", "Free room where the error says, or enlarge the volume."),
    StagingError: (
        "What an earlier task left is gone",
        "Clear the whole run, from its first task on, rather than this task alone.",
    ),
    ExtractUnreadableError: (
        "The extract cannot be read",
        "Compare the file with the contract's extract section: format, delimiter, encoding.",
    ),
    NightRefusedError: (
        "The night was refused",
        "Nothing of it was loaded. Look at the Data Docs, then have the extract corrected, or the contract if the "
        "extract is right.",
    ),
    NoModelError: ("No model may judge this night", "Run the DAG train_autoencoder once enough nights are loaded."),
    TooFewInvoicesError: (
        "Too few invoices to train on",
        "Load more nights (a backfill of validate_invoices), or lower detection.minimum_rows.",
    ),
    ArtefactError: (
        "The model's files are incomplete or altered",
        "Restore the folder from a backup, or run train_autoencoder for a new version.",
    ),
    WarehouseUnreachableError: (
        "The database does not answer",
        "Check that Postgres is running and that the connection invoices_db leads to it.",
    ),
    WarehouseBusyError: (
        "The database could not do it now",
        "Nothing was published. The error says what stood in the way; see to that first.",
    ),
    WarehouseError: (
        "The database refused",
        "Nothing was published. Check the connection invoices_db and what the error says.",
    ),
}
UNEXPECTED = ("A task failed", "Open the log; its last lines tell where. Nothing half done was published.")


def failure_message(
    contract: Contract,
    dag_id: str,
    task_id: str | None,
    run_id: str,
    error: BaseException | str | None,
    log_url: str | None,
    *,
    extract_date: date | None = None,
    attempt: int | None = None,
) -> Message:
    """Write what failed, the error in words, what to do next, and where the log is."""
    title, advice = _advice(error)
    facts = [
        ("DAG", one_line(dag_id, 120)),
        *([("Task", one_line(task_id, 120))] if task_id else []),
        *([("Extract of", long_date(extract_date))] if extract_date else []),
        ("Run", one_line(run_id, 160)),
        *([("Attempt", str(attempt))] if attempt else []),
    ]
    text, html = render(
        "failure",
        preheader=advice,
        headline=title,
        day=long_date(extract_date) if extract_date else "",
        facts=facts,
        error_lines=_error_lines(error),
        expected_at=_expected_at(contract, error, extract_date),
        steps=[advice] if isinstance(error, WrongNightError) else [advice, RUN_AGAIN],
        log_url=web_address(log_url),
        data_set=contract.name,
        links=[],
    )
    where = ".".join(part for part in (dag_id, task_id) if part)
    night = f"invoices of {extract_date.isoformat()}, " if extract_date else ""
    subject = f"FAILED: {title[0].lower()}{title[1:]} ({night}{where})"
    return Message("failure", extract_date, subject, text, html, tuple(contract.report.recipients))


def _advice(error: BaseException | str | None) -> tuple[str, str]:
    return next((advice for kind, advice in ADVICE.items() if isinstance(error, kind)), UNEXPECTED)


def _error_lines(error: BaseException | str | None) -> list[str]:
    """The error's message by line, without passwords of connection URLs and not too long."""
    if error is None:
        return ["Airflow gave no error; see the log."]
    words = str(error).strip()
    if isinstance(error, BaseException) and not isinstance(error, PipelineError):
        words = f"{type(error).__name__}: {words}" if words else type(error).__name__
    words = re.sub(r"(?<=://)([^\s:/@]*):[^\s/@]+@", r"\1:***@", words)
    words = re.sub(r"(?i)\b(password\s*=\s*)\S+", r"\1***", words)
    lines = [line for line in map(one_line, words.splitlines()) if line]
    return lines[:MOST_LINES] + (["…"] if len(lines) > MOST_LINES else [])


def _expected_at(contract: Contract, error: BaseException | str | None, extract_date: date | None) -> str:
    if isinstance(error, ExtractNotArrivedError) and extract_date:
        return contract.extract.path.format(extract_date=extract_date)
    return ""
