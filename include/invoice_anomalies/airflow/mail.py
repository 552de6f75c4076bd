"""How messages leave: by the Airflow connection `smtp_default`, or into the outbox folder where there is none.

`send` and `write` are for tasks; `InvoiceFailureNotifier` is an `on_failure_callback` of a task or a DAG, best of the
tasks (`default_args`): Airflow hands the exception to a task's callback only.
"""

import logging
import os
import smtplib
from datetime import date
from email.message import EmailMessage
from typing import Any

from airflow.providers.smtp.hooks.smtp import SmtpHook
from airflow.sdk import BaseHook, BaseNotifier
from airflow.sdk.exceptions import AirflowFailException, AirflowNotFoundException, AirflowSensorTimeout

from invoice_anomalies import errors
from invoice_anomalies.airflow.nights import night_of
from invoice_anomalies.contract import Contract, load_contract
from invoice_anomalies.errors import MailNotSentError
from invoice_anomalies.paths import Paths, contract_path
from invoice_anomalies.reporting import Message, failure_message, write_to_outbox

CONNECTION = "smtp_default"
SMTP = "smtp"

log = logging.getLogger(__name__)


class InvoiceSmtpHook(SmtpHook):
    """Airflow's hook, for a message that is made already: its own way to send takes HTML only."""

    def send_message(self, mail: EmailMessage, recipients: tuple[str, ...]) -> None:
        """Send one mail; raises unless the server takes it for at least one recipient."""
        client = self._smtp_client  # tests/airflow/test_sending.py tells when the provider renames it
        if not isinstance(client, smtplib.SMTP):
            raise RuntimeError("open the connection first: `with InvoiceSmtpHook(...) as hook`")
        refused = client.send_message(mail, to_addrs=list(recipients))
        for recipient, (code, reason) in refused.items():
            # Not raised: a retry would send the mail again to everybody who has it.
            log.error(
                "The mail server refused the recipient %s: %s %s", recipient, code, reason.decode(errors="replace")
            )


def send(message: Message, contract: Contract | None = None, paths: Paths | None = None) -> str:
    """Send by SMTP where the connection `smtp_default` exists, else write to the outbox.

    Returns the channel: "smtp" or the path of the file. Raises MailNotSentError, so that the task is tried again.
    """
    contract = contract or load_contract(contract_path())
    if not _connection_exists():
        log.info("There is no connection %s, so the message goes to a file.", CONNECTION)
        return write(message, contract, paths)
    hook = InvoiceSmtpHook(CONNECTION)
    try:
        with hook:
            hook.send_message(message.as_email(hook.from_email or contract.report.sender), message.recipients)
    except Exception as error:
        raise MailNotSentError(
            f"The mail '{message.subject}' to {', '.join(message.recipients)} was not sent by the connection "
            f"{CONNECTION} ({_address(hook)}): {type(error).__name__}: {error}. Check host, port, login and the "
            "extras disable_ssl and disable_tls of the connection, and that the server takes mail for these recipients."
        ) from error
    log.info("Sent '%s' to %s, Message-ID %s", message.subject, ", ".join(message.recipients), message.message_id)
    return SMTP


def write(message: Message, contract: Contract | None = None, paths: Paths | None = None) -> str:
    """Write to the outbox whatever the connections say (dry runs, backfills); returns the path of the .eml."""
    contract = contract or load_contract(contract_path())
    path = write_to_outbox(message, (paths or Paths.from_environment()).outbox, contract.report.sender)
    log.info("Wrote '%s' to %s, and as a page to %s", message.subject, path, path.with_suffix(".html"))
    return str(path)


def _connection_exists() -> bool:
    try:
        BaseHook.get_connection(CONNECTION)
    except AirflowNotFoundException:
        variable = f"AIRFLOW_CONN_{CONNECTION.upper()}"
        if os.environ.get(variable):  # Airflow passes over a connection that it cannot read as if there were none
            raise MailNotSentError(
                f"{variable} is set but is not a connection: write it as a URI or as JSON."
            ) from None
        return False
    return True


def _address(hook: SmtpHook) -> str:
    connection = hook.smtp_connection
    return f"{connection.host}:{connection.port}" if connection else "not opened"


class InvoiceFailureNotifier(BaseNotifier):
    """Tell the contract's operators that a task failed or an extract did not come. Never raises itself."""

    def __call__(self, context: Any) -> None:
        """Notify; what goes wrong in doing so is logged, since the failure it tells of is what matters."""
        try:
            self.notify(context)  # the base class renders templates first; there are none here that could fail
        except Exception:
            log.exception("The failure could not be mailed")

    def notify(self, context: Any) -> None:
        """Build the message from the context of a task's callback, or of a DAG's, which knows less, and send it."""
        contract = load_contract(contract_path())
        message = message_of(context, contract)
        try:
            send(message, contract)
        except MailNotSentError:
            log.exception("The failure goes to the outbox instead")
            write(message, contract)


def message_of(context: Any, contract: Contract) -> Message:
    """The failure that a callback's context tells of, in words."""
    ti, run = context.get("ti"), context.get("dag_run")
    extract_date = _extract_date(context, contract)
    task_id, map_index = getattr(ti, "task_id", None), getattr(ti, "map_index", None)
    if map_index is not None and map_index >= 0:
        task_id = f"{task_id}[{map_index}]"
    return failure_message(
        contract,
        dag_id=str(getattr(ti, "dag_id", None) or getattr(context.get("dag"), "dag_id", "unknown")),
        task_id=task_id,
        run_id=context.get("run_id") or getattr(run, "run_id", "unknown"),
        error=_error(context, contract, extract_date),
        log_url=getattr(ti, "log_url", None),
        extract_date=extract_date,
        attempt=getattr(ti, "try_number", None),
    )


def _error(context: Any, contract: Contract, extract_date: date | None) -> BaseException | str | None:
    """The error as the pipeline raised it: Airflow's own exceptions hide which kind it was."""
    error: BaseException | None = context.get("exception")
    if error is None:  # the callback of a run
        return f"The run failed ({context.get('reason') or 'for no given reason'}). The log has the error of its task."
    if isinstance(error, AirflowSensorTimeout):
        return _overdue(getattr(context.get("ti"), "task_id", None), contract, extract_date)
    if isinstance(error, AirflowFailException):  # "NightRefusedError: ...": not to be tried again
        kind, _, words = str(error).partition(": ")
        original = getattr(errors, kind, None)
        if isinstance(original, type) and issubclass(original, errors.PipelineError):
            return original(words)
    return error


def _overdue(task_id: str | None, contract: Contract, extract_date: date | None) -> errors.PipelineError:
    hours = f"{contract.extract.deadline_hours:g} hours"
    if task_id == "wait_for_extract":
        return errors.ExtractNotArrivedError(
            f"The extract of {extract_date or 'the night'} did not come within {hours}."
        )
    return errors.PipelineError(
        f"The night {extract_date or ''} was not loaded within {hours}. Look at its run of validate_invoices first."
    )


def _extract_date(context: Any, contract: Contract) -> date | None:
    """The night of the run; without one rather than with an error, since a callback must not fail."""
    try:
        return night_of(context, contract.schedule.timezone)
    except (ValueError, AttributeError):
        return None
