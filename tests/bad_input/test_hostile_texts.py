"""Formulas, HTML, templates, escapes and mail headers in text fields: unharmed in the table, harmless everywhere else.

No part of the pipeline writes invoices into a file that a spreadsheet would open (its CSV files are made-up extracts
and copies of extracts, as they came), so formulas stay as they are: a changed value would be a wrong one.
"""

import logging
import re
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from invoice_anomalies.contract import Contract
from invoice_anomalies.pipeline.notify import send_summary
from invoice_anomalies.reporting import Message, alert_message, failure_message
from tests.bad_input.conftest import FIRST_NIGHT, Answer, Desk, contract_of, rows_of, table, texts_of
from tests.reporting.examples import anomaly, field

HARMLESS = [
    pytest.param("=cmd|'/C calc'!A0", id="a formula that starts a program"),
    pytest.param('=HYPERLINK("http://thief.example.org","pay")', id="a formula that is a link"),
    pytest.param("+1+1", id="a formula with a plus"),
    pytest.param("-2+3", id="a formula with a minus"),
    pytest.param("@SUM(A1:A9)", id="a formula with an at"),
    pytest.param("<script>alert(1)</script>", id="a script"),
    pytest.param("<img src=x onerror=alert(1)>", id="an image with a script"),
    pytest.param("\"><svg/onload=alert(1)>'", id="quotes that end an attribute"),
    pytest.param("</td></table><h1>PAID</h1>", id="tags that end a table"),
    pytest.param("{{ 7*7 }}{% raw %}{# x", id="a Jinja template"),
    pytest.param("${jndi:ldap://x} $PATH $$ $params", id="a Java lookup"),
    pytest.param("%(x)s %s %n {0} {line}", id="format strings"),
    pytest.param("'; DROP TABLE invoices; --", id="SQL"),
    pytest.param("\\.", id="the end of a COPY"),
    pytest.param("\\N", id="the null of a COPY"),
    pytest.param("a\\nb\\", id="backslashes"),
    pytest.param("javascript:alert(1)", id="a script as an address"),
    pytest.param("[pay](http://thief.example.org)", id="Markdown"),
    pytest.param("None", id="None"),
    pytest.param("nan", id="nan"),
    pytest.param('""', id="two quotes"),
    pytest.param("Ø 50 % «Größe» ✓ 😀 عربي", id="letters of the world"),
    pytest.param("\uffff", id="no letter at all"),
]
LAYOUT = [
    pytest.param("ACME\r\nBcc: thief@example.org", id="a mail header after a line break"),
    pytest.param("two\nlines", id="two lines"),
    pytest.param("ACME\u202eFDP.exe", id="a reversal of the direction"),
    pytest.param("a\u2028b", id="a line separator"),
]
CONTROL = [
    pytest.param("a\x1b[31mred\x1b[0m", id="ANSI colours"),
    pytest.param("\x1b]0;title\x07", id="a terminal's title"),
    pytest.param("\x08\x08\x08PAID", id="backspaces"),
    pytest.param("a\x7fb", id="a delete"),
    pytest.param("a\x9bb", id="an escape of eight bits"),
    pytest.param("a\x00b", id="a NUL"),
]
ALL = texts_of(HARMLESS + LAYOUT + CONTROL)
LINES = {text: line for line, text in enumerate(ALL, start=2)}
RAW_TAGS = re.compile(r"<(script|img src=x|svg|h1>PAID)", re.IGNORECASE)
UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2028]")


@pytest.fixture(scope="module")
def notes(desk: Desk) -> Answer:
    """All of them as free text."""
    return desk.taken(rows_of("note", *ALL), rows=len(ALL))


@pytest.fixture(scope="module")
def vendors(desk: Desk) -> Answer:
    """All of them as a vendor's number."""
    return desk.taken(rows_of("vendor", *ALL), rows=len(ALL))


@pytest.mark.parametrize("text", [*HARMLESS, *LAYOUT])
def test_a_text_arrives_unharmed_in_the_table(notes: Answer, text: str):
    assert notes.loaded[LINES[text]]["note"] == text


@pytest.mark.parametrize("text", HARMLESS)
def test_a_name_arrives_unharmed_in_the_table(vendors: Answer, text: str):
    assert vendors.loaded[LINES[text]]["vendor"] == text


@pytest.mark.parametrize("text", CONTROL)
def test_control_characters_quarantine_their_row_and_are_shown_escaped(notes: Answer, vendors: Answer, text: str):
    for answer, name in ((notes, "note"), (vendors, "vendor")):
        assert answer.reasons[LINES[text]] == [f"{name}: {text!r} contains a control character; expected plain text"]
        assert answer.raw[LINES[text]][name] == text.replace("\x00", "␀")


@pytest.mark.parametrize("text", LAYOUT)
def test_what_breaks_the_layout_is_text_and_no_name(vendors: Answer, text: str):
    (reason,) = vendors.reasons[LINES[text]]

    assert reason.startswith("vendor: '")
    assert "contains a control character" in reason or "contains an invisible character" in reason
    assert not UNSAFE.search(reason)


class Sent:
    """A mail as a mail server gets it: its own headers, and parts without anything that an outsider wrote as code."""

    def __init__(self, message: Message) -> None:
        mail = message_from_bytes(message.as_email("ap@example.com").as_bytes(), policy=policy.default)
        assert isinstance(mail, EmailMessage)
        assert mail["Bcc"] is None
        assert mail["To"] == "clerk@example.com"
        assert "thief" not in mail["Subject"]
        plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
        assert plain is not None
        assert html is not None
        self.text = str(plain.get_content())
        self.html = str(html.get_content())
        assert not RAW_TAGS.search(self.html)
        assert not UNSAFE.search((self.text + self.html).replace("\r\n", "\n"))
        assert not re.search(r"^(Bcc|To|From):", self.text, re.MULTILINE)
        assert "49" not in re.sub(r"\d{2,}:|&#\d+;|[\d-]{4,}|#\w+|\d+px", "", self.text.replace("7*7", ""))


def test_the_alert_shows_hostile_values_harmless(contract: Contract):
    whole = contract.model_copy(update={"report": contract_of().report})
    anomalies = [
        anomaly(i, invoice_key=text, entity=text, currency=text[:3], fields=[field("note", text, sentence=text)])
        for i, text in enumerate(ALL, start=1)
    ]

    sent = Sent(alert_message(whole, FIRST_NIGHT, "v1", anomalies, total=len(anomalies)))

    assert "&lt;script&gt;alert(1)" in sent.html
    assert "=cmd|'/C calc'!A0" in sent.text
    assert "{{ 7*7 }}" in sent.text


def test_the_summary_shows_the_reasons_of_a_hostile_night_harmless(desk: Desk):
    contract = contract_of(fields={"vendor": {"pattern": "V[0-9]+"}}, max_quarantined_share=1)
    answer = desk.taken(rows_of("vendor", *ALL), contract, rows=len(ALL))
    assert len(answer.reasons) == len(ALL)
    outbox: list[Message] = []

    def send(message: Message) -> str:
        outbox.append(message)
        return "test"

    send_summary(contract, desk.dsn, answer.night, send)

    assert "quarantined" in Sent(outbox[0]).text


@pytest.fixture(scope="module")
def refused(desk: Desk) -> tuple[Answer, Contract]:
    """A night that the first hostile vendor refuses, and all others are told of by the way."""
    fields = {"vendor": {"pattern": "V[0-9]+", "severity": "abort"}, "note": {"pattern": "[a-z]+", "severity": "warn"}}
    return desk.hand_in(rows_of("vendor", *ALL), contract_of(fields=fields), rows=None), contract_of(fields=fields)


def test_the_mail_about_a_refused_night_shows_hostile_values_harmless(refused: tuple[Answer, Contract]):
    answer, contract = refused
    assert "does not match the pattern" in answer.refusal

    sent = Sent(failure_message(contract, "validate_invoices", "validate", "run", answer.error, None))

    assert "=cmd|'/C calc'!A0" in " ".join(sent.text.split())


@pytest.mark.parametrize("text", [HARMLESS[5], LAYOUT[0], LAYOUT[2], CONTROL[0]])
def test_a_refusal_shows_each_hostile_value_on_one_line_and_escaped(desk: Desk, text: str):
    contract = contract_of(fields={"vendor": {"pattern": "V[0-9]+"}}, max_quarantined_share=0.5)
    answer = desk.hand_in(rows_of("vendor", text), contract, rows=None)

    assert len(answer.refusal.splitlines()) == 5
    sent = Sent(failure_message(contract, "validate_invoices", "validate", "run", answer.error, None))
    assert "vendor: " in sent.text


def test_the_log_has_no_raw_control_character_or_line_of_an_outsider(desk: Desk, caplog: pytest.LogCaptureFixture):
    contract = contract_of(fields={"vendor": {"pattern": "V[0-9]+", "severity": "warn"}})
    with caplog.at_level(logging.INFO):
        for text in texts_of([LAYOUT[0], CONTROL[0]]):
            desk.taken(rows_of("vendor", text), contract, rows=1)

    messages = [record.getMessage() for record in caplog.records if record.name.startswith("invoice_anomalies")]
    assert any("vendor: 'ACME\\r\\nBcc: thief@example.org'" in message for message in messages)
    assert any(r"\x1b[31mred" in message for message in messages)
    assert not any(re.search(r"[\n\r]|[\x00-\x1f\x7f-\x9f]", message) for message in messages)


@pytest.mark.parametrize("text", [HARMLESS[5], HARMLESS[6], HARMLESS[7], HARMLESS[8]])
def test_the_data_docs_show_hostile_values_harmless(refused: tuple[Answer, Contract], desk: Desk, text: str):
    pages = [page.read_text() for page in desk.paths.data_docs(refused[0].night).rglob("*.html")]

    assert any("does not" in page or "match" in page for page in pages)
    assert not any(text in page for page in pages)


def test_the_extracts_own_name_cannot_write_code_either(desk: Desk):
    answer = desk.hand_in(table(), rows=None, name="<img src=x onerror=alert(1)>.csv")

    Sent(failure_message(contract_of(), "validate_invoices", "validate", "run", answer.error, None))
