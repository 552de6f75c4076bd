from collections.abc import Callable
from pathlib import Path

import pytest

from invoice_anomalies.airflow import mail as mails
from invoice_anomalies.contract import Contract
from invoice_anomalies.errors import MailNotSentError
from invoice_anomalies.paths import Paths
from invoice_anomalies.reporting import Message, summary_message
from tests.airflow.mailbox import Mailbox, free_port
from tests.reporting.examples import NIGHT, counts, thirty_nights, three_anomalies


@pytest.fixture
def message(contract: Contract) -> Message:
    return summary_message(contract, NIGHT, counts(), thirty_nights(), three_anomalies())


def test_a_mail_arrives_with_text_html_and_picture(mailbox: Mailbox, connect: Callable[..., None], message: Message):
    connect(mailbox.port, from_email="ap@example.com")

    assert mails.send(message) == "smtp"

    (mail,) = mailbox.mails
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert mailbox.envelopes[0].rcpt_tos == list(message.recipients)
    assert mail["From"] == "ap@example.com"
    assert mail["Subject"] == message.subject
    assert mail["Message-ID"] == message.message_id
    assert plain is not None
    assert plain.get_content().split() == message.text.split()
    assert html is not None
    assert "cid:trend" in html.get_content()
    assert [part.get_content() for part in mail.walk() if part.get_content_type() == "image/png"] == [
        message.images["trend"]
    ]


def test_the_contract_names_the_sender_where_the_connection_does_not(
    mailbox: Mailbox, connect: Callable[..., None], message: Message, contract: Contract
):
    connect(mailbox.port)

    mails.send(message, contract)

    assert mailbox.mails[0]["From"] == contract.report.sender
    assert mailbox.envelopes[0].mail_from == contract.report.sender


def test_a_mail_sent_again_after_a_crash_has_the_same_message_id(
    mailbox: Mailbox, connect: Callable[..., None], message: Message
):
    connect(mailbox.port)

    mails.send(message)
    mails.send(message)

    first, second = mailbox.mails
    assert first["Message-ID"] == second["Message-ID"]


def test_without_a_connection_the_message_lies_in_the_outbox_and_the_log_says_where(
    message: Message, home: Path, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level("INFO"):
        channel = mails.send(message)

    assert channel == str(home / "outbox" / f"2026-11-20_summary_{message.digest[:8]}.eml")
    assert Path(channel).exists()
    assert channel in caplog.text


def test_a_dry_run_writes_a_file_though_there_is_a_mail_server(
    mailbox: Mailbox, connect: Callable[..., None], message: Message, tmp_path: Path, contract: Contract
):
    connect(mailbox.port)

    path = mails.write(message, contract, Paths(tmp_path / "elsewhere"))

    assert Path(path).parent == tmp_path / "elsewhere" / "outbox"
    assert not mailbox.mails


def test_a_mail_server_that_does_not_answer_is_an_error_that_says_what_to_check(
    connect: Callable[..., None], message: Message, home: Path
):
    port = free_port()
    connect(port, password="s3cret")

    with pytest.raises(MailNotSentError, match=rf"127\.0\.0\.1:{port}.*Check host, port") as error:
        mails.send(message)

    assert "s3cret" not in str(error.value)
    assert error.value.retryable
    assert not (home / "outbox").exists(), "a file would pass for sent"


def test_a_mail_server_that_is_busy_is_an_error_so_that_the_task_tries_again(
    mailbox: Mailbox, connect: Callable[..., None], message: Message
):
    connect(mailbox.port)
    mailbox.busy = True

    with pytest.raises(MailNotSentError, match="try again later"):
        mails.send(message)


def test_recipients_that_are_all_refused_are_an_error(mailbox: Mailbox, connect: Callable[..., None], message: Message):
    connect(mailbox.port)
    mailbox.refuse = set(message.recipients)

    with pytest.raises(MailNotSentError, match="no such mailbox"):
        mails.send(message)


def test_one_refused_recipient_keeps_nobody_else_from_the_mail(
    mailbox: Mailbox,
    connect: Callable[..., None],
    contract: Contract,
    message: Message,
    caplog: pytest.LogCaptureFixture,
):
    connect(mailbox.port)
    mailbox.refuse = {"gone@example.com"}
    both = Message("alert", NIGHT, "s", "t", "<p>t</p>", ("gone@example.com", "here@example.com"))

    assert mails.send(both, contract) == "smtp"

    assert mailbox.envelopes[0].rcpt_tos == ["here@example.com"]
    assert "refused the recipient gone@example.com" in caplog.text


def test_a_connection_that_cannot_be_read_is_an_error_and_not_an_outbox(
    message: Message, monkeypatch: pytest.MonkeyPatch, home: Path
):
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", '{"conn_type": "smtp", "host": ')

    with pytest.raises(MailNotSentError, match="AIRFLOW_CONN_SMTP_DEFAULT is set but"):
        mails.send(message)

    assert not (home / "outbox").exists()


def test_the_connection_may_be_written_as_a_uri(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch, message: Message):
    uri = f"smtp://127.0.0.1:{mailbox.port}/?disable_ssl=true&disable_tls=true"
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", uri)

    assert mails.send(message) == "smtp"
    assert len(mailbox.mails) == 1
