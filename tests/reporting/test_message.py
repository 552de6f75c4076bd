import dataclasses
import email
import email.policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from invoice_anomalies.contract import Contract
from invoice_anomalies.reporting import Message, summary_message, write_to_outbox
from tests.reporting.examples import NIGHT, counts, thirty_nights, three_anomalies

SENDER = "invoices@example.com"
PNG = b"\x89PNG made up"


@pytest.fixture
def message() -> Message:
    html = '<p>Grüße</p><img src="cid:trend" alt="">'
    return Message("alert", NIGHT, "3 × Grüße", "Grüße\n", html, ("a@example.com", "b@example.com"), {"trend": PNG})


def parsed(content: bytes) -> EmailMessage:
    return email.message_from_bytes(content, policy=email.policy.default)


def test_the_mail_holds_text_html_and_the_image_that_the_html_shows(message: Message):
    mail = parsed(message.as_email(SENDER).as_bytes())
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    image = next(part for part in mail.walk() if part.get_content_type() == "image/png")

    assert mail["Subject"] == "3 × Grüße"
    assert mail["From"] == SENDER
    assert mail["To"] == "a@example.com, b@example.com"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content_type() == "multipart/alternative"
    assert plain is not None
    assert plain.get_content().strip() == "Grüße"
    assert html is not None
    assert html.get_content().strip() == message.html
    assert image["Content-ID"] == "<trend>"
    assert image.get_content() == PNG


def test_the_mail_is_plain_ascii_so_that_every_server_takes_it(message: Message):
    assert message.as_email(SENDER).as_bytes().isascii()


def test_the_same_content_has_the_same_digest_and_message_id_at_any_time(message: Message):
    again = dataclasses.replace(message)

    assert again.digest == message.digest
    assert len(message.digest) == 64
    assert again.as_email(SENDER)["Message-ID"] == message.as_email(SENDER)["Message-ID"] == message.message_id
    assert message.message_id.endswith("@example.com>")


@pytest.mark.parametrize(
    "change",
    [{"subject": "other"}, {"text": "other"}, {"recipients": ("c@example.com",)}],
    ids=lambda change: next(iter(change)),
)
def test_other_content_has_another_digest(message: Message, change: dict[str, Any]):
    assert dataclasses.replace(message, **change).digest != message.digest


def test_a_subject_cannot_add_a_header(message: Message):
    mail = dataclasses.replace(message, subject="Hello\r\nBcc: thief@example.org\n\nbody").as_email(SENDER)

    assert mail["Bcc"] is None
    assert mail["Subject"] == "Hello Bcc: thief@example.org body"


def test_the_outbox_holds_the_mail_and_a_page_that_shows_its_images(message: Message, tmp_path: Path):
    path = write_to_outbox(message, tmp_path / "outbox", SENDER)

    assert path.name == f"2026-11-20_alert_{message.digest[:8]}.eml"
    assert parsed(path.read_bytes())["Message-ID"] == message.message_id
    page = path.with_suffix(".html").read_text()
    assert 'src="data:image/png;base64,' in page
    assert "cid:" not in page
    assert {file.suffix for file in path.parent.iterdir()} == {".eml", ".html"}, "no half-written file is left"


def test_the_same_message_is_written_once_and_another_beside_it(message: Message, tmp_path: Path):
    first = write_to_outbox(message, tmp_path, SENDER)
    written = first.stat().st_mtime_ns

    assert write_to_outbox(message, tmp_path, SENDER) == first
    assert first.stat().st_mtime_ns == written
    assert write_to_outbox(dataclasses.replace(message, text="corrected"), tmp_path, SENDER) != first


def test_a_page_lost_in_a_crash_is_written_again(message: Message, tmp_path: Path):
    path = write_to_outbox(message, tmp_path, SENDER)
    path.with_suffix(".html").unlink()

    write_to_outbox(message, tmp_path, SENDER)

    assert path.with_suffix(".html").exists()


def test_a_summary_survives_the_way_through_a_mail_file(contract: Contract, tmp_path: Path):
    message = summary_message(contract, NIGHT, counts(), thirty_nights(), three_anomalies())

    mail = parsed(write_to_outbox(message, tmp_path, SENDER).read_bytes())
    plain = mail.get_body(("plain",))

    assert plain is not None
    assert plain.get_content().replace("\r\n", "\n").strip() == message.text.strip()
    assert [part.get_content() for part in mail.walk() if part.get_content_type() == "image/png"] == [
        message.images["trend"]
    ]
