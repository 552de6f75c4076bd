import re
from typing import Any

from invoice_anomalies.contract import Contract
from invoice_anomalies.reporting import alert_message
from tests.reporting.examples import HOSTILE, NIGHT, VERSION, anomaly, field, still_open, three_anomalies


def test_the_subject_says_how_many_of_which_night_and_how_much_is_at_risk(contract: Contract):
    message = alert_message(contract, NIGHT, VERSION, three_anomalies(), total=3)

    assert message.subject == "3 invoices to check of 2026-11-20: EUR 42,310 + USD 1,468 at risk"
    assert message.recipients == tuple(contract.report.recipients)


def test_text_and_html_tell_the_same_about_every_invoice(contract: Contract):
    message = alert_message(contract, NIGHT, VERSION, three_anomalies(), total=3)

    for words in (
        "V00107|A-99",
        "EUR 28,110.40",
        "cost center 9400;",
        "9400",
        "4711",
        "fewer than 1 in 1,000,000",
        VERSION,
    ):
        assert words in message.text
        assert words in message.html
    for words in ("1,310.00", "1,150.00 to 1,480.00", "1 in 25,000", "v_anomaly_fields"):
        assert words in message.text
        assert words in message.html


def test_invoices_stand_in_the_order_of_their_rank(contract: Contract):
    message = alert_message(contract, NIGHT, VERSION, three_anomalies()[::-1], total=3)

    places = [message.text.index(key) for key in ("V00042|INV-0001", "V00107|A-99", "V00300|RE-88123")]
    assert places == sorted(places)


def test_the_vendor_is_told_by_name_and_number_with_the_kind_of_finding(contract: Contract):
    nameless = anomaly(3, invoice_key="V00300|1", entity="V00300", entity_name=None, kind=None)
    message = alert_message(contract, NIGHT, VERSION, [*three_anomalies()[:2], nameless], total=3)

    assert "1. Acme Ltd (V00042): EUR 14,200.00 [slip]\n" in message.text
    assert "2. Müller & Söhne GmbH (V00107): EUR 28,110.40 [account]\n" in message.text
    assert "3. V00300: EUR 14,200.00\n" in message.text
    assert 'Acme Ltd (V00042)</span> <span class="kind">slip</span>' in message.html
    assert "Müller &amp; Söhne GmbH (V00107)" in message.html


def test_fields_are_called_what_the_contract_calls_them(contract: Contract):
    document = contract.model_dump()
    document["fields"]["gross_amount"]["label"] = "Bruttobetrag <b>"
    fields = [field("gross_amount"), field("left_the_contract", position=2)]

    message = alert_message(Contract.model_validate(document), NIGHT, VERSION, [anomaly(fields=fields)], total=1)

    assert "   Bruttobetrag <b>\n" in message.text
    assert "Bruttobetrag &lt;b&gt;</td>" in message.html
    assert "left the contract" in message.text


def test_what_earlier_nights_left_to_check_is_told_and_makes_no_other_alert(contract: Contract):
    alone = alert_message(contract, NIGHT, VERSION, [anomaly()], total=1)
    message = alert_message(contract, NIGHT, VERSION, [anomaly()], total=1, still_open=still_open())

    words = "Still open from earlier nights: 12 invoices, EUR 883,944 + USD 1,200, the oldest of 2 November 2026."
    assert words in " ".join(message.text.split())
    assert words in message.html
    assert "Still open" not in alone.text + alone.html
    assert (message.digest, message.message_id) == (alone.digest, alone.message_id)


def test_nobody_is_mailed_sql(contract: Contract):
    message = alert_message(contract, NIGHT, VERSION, three_anomalies(), total=3)

    assert not re.search(r"\b(SELECT|FROM invoice_anomalies|WHERE)\b", message.text + message.html)


def test_the_invoices_with_the_most_money_are_named_with_their_place_by_score(contract: Contract):
    many = [anomaly(rank, rank_by_amount=13 - rank, amount_at_risk=1000.0 * rank) for rank in range(1, 13)]

    message = alert_message(contract, NIGHT, VERSION, many, total=12)

    for part in (message.text, message.html):
        assert part.index("EUR 12,000.00") < part.index("EUR 11,000.00") < part.index("EUR 10,000.00")
        assert "number 12 by score, not shown here" in part
        assert "number 10 of this list" in part
        assert "number 9 of this list" not in part


def test_the_most_money_is_ranked_within_its_currency(contract: Contract):
    yen = [anomaly(rank, currency="JPY", amount_at_risk=100_000.0 * rank) for rank in range(1, 6)]
    euros = [anomaly(rank, currency="EUR", amount_at_risk=10.0 * rank) for rank in range(6, 9)]

    text = alert_message(contract, NIGHT, VERSION, [*yen, *euros], total=8).text

    ranking = text[text.index("MOST MONEY") : text.index("1. Acme")]
    told = ["EUR 80.00", "EUR 70.00", "EUR 60.00", "JPY 500,000.00", "JPY 400,000.00", "JPY 300,000.00"]
    assert re.findall(r"[A-Z]{3} [\d,.]+", ranking) == told


def test_money_is_not_ranked_where_the_list_is_short_or_has_no_amounts(contract: Contract):
    for anomalies in (three_anomalies(), [anomaly(rank, amount_at_risk=None) for rank in range(1, 9)]):
        message = alert_message(contract, NIGHT, VERSION, anomalies, total=len(anomalies))
        assert "most money" not in message.text.lower() + message.html.lower()


def test_how_much_history_stands_behind_each_judgement_is_said(contract: Contract):
    message = alert_message(contract, NIGHT, VERSION, three_anomalies(), total=3)

    for part in (message.text, message.html):
        assert "Judged on 259 earlier invoices of V00107." in part
        assert part.count("There is no history to compare with yet") == 1


def test_no_more_invoices_are_shown_than_the_contract_says_and_the_rest_is_counted(contract: Contract):
    many = [anomaly(rank) for rank in range(1, 13)]

    message = alert_message(contract, NIGHT, VERSION, many, total=40)

    assert "INV-0010" in message.text
    assert "INV-0011" not in message.text
    assert "30 more with lower scores" in message.text
    assert message.subject.startswith("40 invoices to check")
    assert message.subject.endswith("at risk in the first 12")


def test_an_anomaly_without_amount_currency_entity_or_fields_is_still_told(contract: Contract):
    bare = anomaly(
        amount_at_risk=None,
        currency=None,
        entity=None,
        entity_name=None,
        fields=[],
        explanation="cost center 9400 is new",
    )

    message = alert_message(contract, NIGHT, VERSION, [bare], total=1)

    assert message.subject == "1 invoice to check of 2026-11-20"
    assert "V00042|INV-0001" in message.text
    assert "cost center 9400 is new" in message.text
    assert "None" not in message.text
    assert "nan" not in message.text


def test_money_without_a_currency_is_told_without_one(contract: Contract):
    message = alert_message(contract, NIGHT, VERSION, [anomaly(currency=None)], total=1)

    assert message.subject == "1 invoice to check of 2026-11-20: 14,200 at risk"


def test_an_empty_value_is_shown_as_empty(contract: Contract):
    message = alert_message(contract, NIGHT, VERSION, [anomaly(fields=[field("purchase_order", None)])], total=1)

    assert "observed     (empty)" in message.text


def test_a_review_of_an_anomaly_does_not_change_the_alert_and_so_sends_no_second_one(contract: Contract):
    before = alert_message(contract, NIGHT, VERSION, [anomaly()], total=1)
    after = alert_message(contract, NIGHT, VERSION, [anomaly(status="dismissed")], total=1)

    assert before.digest == after.digest


def test_an_invoice_cannot_write_html_headers_or_control_characters(contract: Contract):
    fields = [field(HOSTILE, HOSTILE, expected=HOSTILE, low=HOSTILE, sentence=HOSTILE)]
    names: dict[str, Any] = {"entity": HOSTILE, "entity_name": HOSTILE, "kind": HOSTILE}
    evil = anomaly(invoice_key=HOSTILE, **names, currency=HOSTILE, fields=fields, top_field=HOSTILE)

    message = alert_message(contract, NIGHT, HOSTILE, [evil], total=1)
    mail = message.as_email("a@example.com")

    assert "<script" not in message.html
    assert "&lt;script&gt;" in message.html
    assert mail["Bcc"] is None
    assert "\n" not in message.subject
    for part in (message.subject, message.text, message.html):
        assert not set("\x00\x1b\r\u202e") & set(part)
        assert "A" * 500 not in part
    # What looks like a header stands within a line, never at the start of one.
    assert not any(line.startswith("Bcc:") for line in message.text.splitlines())
