import pytest

from invoice_anomalies import errors
from invoice_anomalies.contract import Contract
from invoice_anomalies.reporting import Message, failure_message
from invoice_anomalies.reporting.failure import ADVICE
from tests.reporting.examples import HOSTILE, NIGHT

LOG = "https://airflow.example.com/dags/validate_invoices/runs/r?try_number=1&x=1"


def failed(contract: Contract, error: BaseException | str | None, log_url: str | None = LOG) -> Message:
    return failure_message(
        contract, "validate_invoices", "validate", "scheduled__1", error, log_url, extract_date=NIGHT, attempt=5
    )


def test_it_says_what_failed_why_what_to_do_and_where_the_log_is(contract: Contract):
    message = failed(contract, errors.NightRefusedError("column gross_amount is missing;\nthe file has: a, b"))

    assert message.subject == "FAILED: the night was refused (invoices of 2026-11-20, validate_invoices.validate)"
    for words in (
        "scheduled__1",
        "20 November 2026",
        "column gross_amount is missing;",
        "the file has: a, b",
        "Data Docs",
    ):
        assert words in message.text
        assert words in message.html
    assert LOG in message.text
    assert LOG.replace("&", "&amp;") in message.html
    assert "clear the failed task" in message.text


def test_an_extract_that_did_not_come_is_named_with_the_place_where_it_is_expected(contract: Contract):
    message = failed(contract, errors.ExtractNotArrivedError("It did not come within 6 hours."))

    assert message.subject.startswith("FAILED: the extract did not arrive")
    assert "landing/invoices_2026-11-20.csv.gz" in message.text
    assert "landing/invoices_2026-11-20.csv.gz" in message.html


def test_every_error_of_the_pipeline_has_its_own_advice():
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)}

    assert kinds - {errors.PipelineError} == set(ADVICE)


@pytest.mark.parametrize("error", [ZeroDivisionError("division by zero"), ZeroDivisionError(), "task_failure", None])
def test_an_unexpected_error_is_told_as_it_is(contract: Contract, error: BaseException | str | None):
    message = failed(contract, error)

    assert message.subject.startswith("FAILED: a task failed")
    assert ("ZeroDivisionError" in message.text) is isinstance(error, BaseException)
    assert "None" not in message.text


def test_passwords_in_an_error_are_not_mailed(contract: Contract):
    error = RuntimeError("postgresql://etl:s3cret@db/x and host=db password=s3cret, 'https://u:s3cret@h/'")

    message = failed(contract, error)

    assert "s3cret" not in message.text + message.html + message.subject
    assert "etl:***@db" in message.text


def test_an_error_is_harmless_and_not_endless(contract: Contract):
    message = failed(contract, RuntimeError("\n".join([HOSTILE] * 500)), log_url="javascript:alert(1)")

    assert "<script" not in message.html
    assert "javascript:" not in message.html + message.text
    assert not set("\x00\x1b\r\u202e") & set(message.text + message.html)
    assert len(message.text) < 20_000


def test_a_failure_outside_of_any_night_is_told_without_one(contract: Contract):
    message = failure_message(contract, "train_autoencoder", None, "manual__1", None, None)

    assert message.subject == "FAILED: a task failed (train_autoencoder)"
    assert "Open the log</a>" not in message.html
