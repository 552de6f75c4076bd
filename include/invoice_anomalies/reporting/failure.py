"""The word that a task failed or an extract did not come: what, why, and what to do next."""

import re
from dataclasses import dataclass
from datetime import date

from invoice_anomalies.contract import Contract
from invoice_anomalies.errors import (
    ArtefactError,
    BeforeTrainingError,
    ContractError,
    ExtractNotArrivedError,
    ExtractOverdueError,
    ExtractUnreadableError,
    MailNotSentError,
    NightNotLoadedError,
    NightRefusedError,
    NoModelError,
    PipelineError,
    StagingError,
    StorageFullError,
    StorageUnreachableError,
    TooFewInvoicesError,
    UnknownModelError,
    WarehouseBusyError,
    WarehouseError,
    WarehouseUnreachableError,
    WrongNightError,
)
from invoice_anomalies.reporting.message import Message
from invoice_anomalies.reporting.rendering import render
from invoice_anomalies.text import long_date, one_line, web_address

MOST_LINES = 25  # of an error; the log has the rest
CLEAR = (
    "Then clear the failed task in the Airflow UI: it takes what is there now, and the run goes on from there and "
    "repeats nothing that is done."
)


@dataclass(frozen=True)
class Advice:
    """What failed in words, and what to do about it, in order."""

    title: str
    steps: tuple[str, ...]


def _then_clear(title: str, step: str) -> Advice:
    return Advice(title, (step, CLEAR))


NOT_ARRIVED = _then_clear(
    "The extract did not arrive",
    "Ask the ERP's operators for the file, or put it where the contract expects it.",
)

# The first kind that fits counts.
ADVICE: dict[type[BaseException], Advice] = {
    ContractError: _then_clear("The data contract has mistakes", "Correct each line that the error names."),
    ExtractOverdueError: NOT_ARRIVED,
    ExtractNotArrivedError: NOT_ARRIVED,
    WrongNightError: Advice(
        "The run is about no night that there can be",
        ("Trigger the DAG again, as the error says; this run stays failed and does no harm.",),
    ),
    NightNotLoadedError: _then_clear(
        "The night is not loaded",
        "Run validate_invoices for that night, or see why its run failed.",
    ),
    StorageUnreachableError: _then_clear(
        "The storage of the extracts does not answer",
        "Check the storage, its permissions and the network.",
    ),
    StorageFullError: _then_clear(
        "There is no room left on a disk", "Free room where the error says, or enlarge the volume."
    ),
    StagingError: Advice(
        "What an earlier task left is gone",
        ("Clear the whole run in the Airflow UI, from its first task on: what is gone is made again.",),
    ),
    ExtractUnreadableError: _then_clear(
        "The extract cannot be read",
        "Have it delivered again, or correct the contract's extract section as the error says; make contract tries it.",
    ),
    NightRefusedError: _then_clear(
        "The night was refused",
        "Nothing of it was loaded. The Data Docs show the rules with lines and rows: have the extract corrected, or "
        "the contract if the extract is right. validate_invoices comes first, score_invoices after it.",
    ),
    BeforeTrainingError: Advice(
        "The night is older than the first model",
        (
            "Nothing need be done: nights before the first training are history, and are not scored.",
            "To have it scored all the same, trigger score_invoices anew with its date and the model that the error "
            "names.",
        ),
    ),
    UnknownModelError: Advice(
        "The model that was asked for is not there",
        ("Trigger score_invoices anew, with a version of the view v_model_health, or without one.",),
    ),
    NoModelError: _then_clear(
        "No model may judge this night",
        "Run the DAG train_autoencoder once enough nights before this one are loaded, with an extract date before it.",
    ),
    TooFewInvoicesError: _then_clear(
        "Too few invoices to train on",
        "Load more nights (a backfill of validate_invoices), or lower detection.minimum_rows.",
    ),
    ArtefactError: Advice(
        "The model's files are incomplete or altered",
        (
            "Restore the folder from a backup. " + CLEAR,
            "Where there is no backup, run train_autoencoder with an extract date before the night; then clear the "
            "task plan of score_invoices and what follows, so that the new model is chosen.",
        ),
    ),
    MailNotSentError: _then_clear(
        "A mail could not be sent",
        "What it tells is in the database all the same. Check the connection smtp_default: host, port, login and the "
        "extras disable_ssl and disable_tls.",
    ),
    WarehouseUnreachableError: _then_clear(
        "The database does not answer",
        "Check that Postgres is running and that the connection invoices_db leads to it.",
    ),
    WarehouseBusyError: _then_clear(
        "The database could not do it now",
        "Nothing was published. The error says what stood in the way; see to that first.",
    ),
    WarehouseError: _then_clear(
        "The database refused",
        "Nothing was published. Check the connection invoices_db and what the error says.",
    ),
}
UNEXPECTED = _then_clear("A task failed", "Open the log; its last lines tell where. Nothing half done was published.")


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
    advice = _advice(error)
    title = advice.title
    facts = [
        ("DAG", one_line(dag_id, 120)),
        *([("Task", one_line(task_id, 120))] if task_id else []),
        *([("Extract of", long_date(extract_date))] if extract_date else []),
        ("Run", one_line(run_id, 160)),
        *([("Attempt", str(attempt))] if attempt else []),
    ]
    text, html = render(
        "failure",
        preheader=advice.steps[0],
        headline=title,
        day=long_date(extract_date) if extract_date else "",
        facts=facts,
        error_lines=_error_lines(error),
        expected_at=_expected_at(contract, error, extract_date),
        steps=list(advice.steps),
        log_url=web_address(log_url),
        data_set=contract.name,
    )
    where = ".".join(part for part in (dag_id, task_id) if part)
    night = f"invoices of {extract_date.isoformat()}, " if extract_date else ""
    subject = f"FAILED: {title[0].lower()}{title[1:]} ({night}{where})"
    return Message("failure", extract_date, subject, text, html, tuple(contract.report.told_of_failures))


def _advice(error: BaseException | str | None) -> Advice:
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
