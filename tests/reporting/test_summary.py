import re
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from invoice_anomalies.contract import Contract
from invoice_anomalies.reporting import Message, PastNight, summary_message
from invoice_anomalies.reporting.plot import histories, trend_plot
from invoice_anomalies.warehouse import StillOpen
from tests.reporting.examples import HOSTILE, NIGHT, anomaly, counts, field, still_open, thirty_nights, three_anomalies


def summary(contract: Contract, **changes: Any) -> Message:
    anomalies, nights = changes.pop("anomalies", three_anomalies()), changes.pop("nights", thirty_nights())
    return summary_message(contract, NIGHT, counts(**changes), nights, anomalies)


def test_every_count_stands_in_text_and_html(contract: Contract):
    message = summary(contract)

    for name, number in (("in the extract", "843"), ("loaded", "831"), ("quarantined", "12"), ("flagged", "3")):
        assert any(line.split() == [*name.split(), number] for line in message.text.splitlines()), name
        assert f"<b>{number}</b><span>{name}</span>" in message.html
    for words in (
        "EUR 42,310.40",
        "USD 1,467.50",
        "trained on invoices up to 2026-11-14, 6 days before",
        "vendor_id: does not match V\\d{5}",
        "the payment is due before the invoice was written (3 rows)",
        "V00107|A-99",
        "data_docs/2026-11-20",
    ):
        assert words in message.text
        assert words in message.html
    assert message.subject == "Invoices of 2026-11-20: 3 to check, EUR 42,310 + USD 1,468 at risk"


def test_the_most_money_at_risk_is_named(contract: Contract):
    many = [anomaly(rank, rank_by_amount=13 - rank, amount_at_risk=1000.0 * rank) for rank in range(1, 13)]

    message = summary(contract, anomalies=many)

    for part in (message.text, message.html):
        assert part.index("EUR 12,000.00") < part.index("EUR 11,000.00") < part.rindex("EUR 10,000.00")
        assert "number 12 by score, not shown here" in part


def test_the_text_holds_the_numbers_of_the_plot(contract: Contract):
    lines = [line.split() for line in summary(contract).text.splitlines()]

    assert ["2026-10-30", "refused"] in lines
    assert ["2026-11-06", "missing"] in lines
    tonight = thirty_nights()[-1]
    assert ["2026-11-20", str(tonight.loaded), str(tonight.quarantined), str(tonight.flagged)] in lines


def test_a_night_without_findings_says_so(contract: Contract):
    message = summary(contract, flagged=0, at_risk={}, anomalies=[])

    assert message.subject == "Invoices of 2026-11-20: nothing to check"
    assert "None of the 831 scored invoices stands out." in message.text
    assert "None of the 831 scored invoices stands out." in message.html


def test_a_night_without_findings_tells_what_is_still_open(contract: Contract):
    message = summary(contract, flagged=0, at_risk={}, anomalies=[], still_open=still_open(), nights=[])

    assert message.subject == (
        "Invoices of 2026-11-20: nothing new to check; 12 open from earlier nights, EUR 883,944 + USD 1,200"
    )
    words = "Still open from earlier nights: 12 invoices, EUR 883,944 + USD 1,200, the oldest of 2 November 2026."
    for part in (message.text, message.html):
        assert "Nothing new to check, 12 still open" in part
        assert words in " ".join(part.split())


@pytest.mark.parametrize("state", ["missing", "refused", "loaded"])
def test_whatever_became_of_the_night_what_is_still_open_is_told(contract: Contract, state: str):
    message = summary(contract, state=state, still_open=still_open(), nights=[])

    assert message.subject.endswith("; 12 open from earlier nights, EUR 883,944 + USD 1,200")
    assert "Still open from earlier nights: 12 invoices" in message.text


def test_one_invoice_of_an_earlier_night_without_an_amount_is_told(contract: Contract):
    message = summary(contract, still_open=[StillOpen(None, 1, 0.0, NIGHT.replace(day=1))], nights=[])

    assert "Still open from earlier nights: 1 invoice, of 1 November 2026." in message.text
    assert message.subject.endswith("; 1 open from earlier nights")


def test_what_is_judged_already_is_not_to_check(contract: Contract):
    some = summary(contract, open=2, at_risk={"EUR": 10.0}, nights=[])
    none = summary(contract, open=0, at_risk={}, nights=[])

    assert some.subject == "Invoices of 2026-11-20: 2 to check, EUR 10 at risk"
    assert "EUR 10 at risk; 0.4% of the 831 scored invoices flagged; 1 judged already." in some.text
    assert none.subject == "Invoices of 2026-11-20: all judged"
    assert "Every flagged invoice is judged" in none.text


def test_nobody_is_mailed_sql(contract: Contract):
    message = summary(contract, nights=[])

    assert not re.search(r"\b(SELECT|FROM invoice_anomalies|WHERE)\b", message.text + message.html)


def test_a_refused_night_says_why_and_claims_no_numbers(contract: Contract):
    refused = {"state": "refused", "rows_in": 3, "loaded": 0, "quarantined": 0, "scored": None, "flagged": None}

    message = summary(contract, **refused, at_risk={}, problems=["column gross_amount is missing"], anomalies=[])

    assert message.subject == "Invoices of 2026-11-20: refused, nothing loaded"
    assert "The night was refused" in message.text
    assert "column gross_amount is missing" in message.text
    assert "column gross_amount is missing" in message.html
    assert ["loaded", "–"] in [line.split() for line in message.text.splitlines()]


def test_a_missing_night_says_that_no_extract_arrived(contract: Contract):
    message = summary(
        contract, state="missing", rows_in=0, loaded=0, quarantined=0, scored=None, flagged=None, anomalies=[]
    )

    assert message.subject == "Invoices of 2026-11-20: no extract arrived"
    assert "Ask for the extract" in message.text


def test_a_night_that_no_model_judged_says_so(contract: Contract):
    message = summary(contract, scored=None, flagged=None, model_version=None, at_risk={}, anomalies=[])

    assert message.subject == "Invoices of 2026-11-20: 831 loaded, not scored"
    assert "no model has judged" in message.text


@pytest.mark.parametrize(
    ("change", "warning"),
    [
        ({"loaded": 830, "scored": 830}, "843 rows came in, but 830 loaded and 12 quarantined make another sum."),
        ({"scored": 800}, "831 invoices are loaded, but 800 are scored"),
        ({"model_trained_until": NIGHT.replace(month=9)}, "The model is old"),
    ],
)
def test_what_does_not_add_up_is_a_warning(contract: Contract, change: dict[str, Any], warning: str):
    assert warning not in summary(contract).text

    text = " ".join(summary(contract, **change).text.split())

    assert warning in text


def test_a_verdict_on_an_anomaly_is_shown(contract: Contract):
    assert "(confirmed)" in summary(contract, anomalies=[anomaly(status="confirmed")]).text


def test_values_of_invoices_are_harmless_in_a_summary(contract: Contract):
    evil = anomaly(entity=HOSTILE, invoice_key=HOSTILE, fields=[field(HOSTILE, HOSTILE, sentence=HOSTILE)])

    message = summary(
        contract,
        anomalies=[evil],
        warnings=[HOSTILE],
        problems=[HOSTILE],
        quarantine_reasons=[(HOSTILE, 3)],
        data_docs=HOSTILE,
        model_version=HOSTILE,
        at_risk={HOSTILE: 3.0},
    )

    assert "<script" not in message.html
    assert not set("\x00\x1b\r\u202e") & set(message.subject + message.text + message.html)
    assert message.as_email("a@example.com")["Bcc"] is None


def test_the_plot_is_a_small_readable_picture_that_the_html_shows(contract: Contract):
    message = summary(contract)
    picture = Image.open(BytesIO(message.images["trend"]))

    assert 'src="cid:trend"' in message.html
    assert picture.format == "PNG"
    assert picture.width >= 1000
    assert len(message.images["trend"]) < 100_000
    assert len(set(picture.convert("RGB").resize((120, 75)).get_flattened_data())) > 20, "the picture is empty"


def test_the_plot_tells_nights_apart(contract: Contract):
    def plot(nights: list[PastNight]) -> bytes:
        return summary_message(contract, NIGHT, counts(), nights, []).images["trend"]

    nights = thirty_nights()
    assert plot(nights) == plot(nights[::-1]), "the order in which nights are given does not matter"
    assert plot(nights) != plot([*nights[:-1], PastNight(NIGHT, "refused")])


@pytest.mark.parametrize("nights", [[], [PastNight(NIGHT, loaded=5)], [PastNight(NIGHT, "missing")]])
def test_the_first_nights_have_a_summary_too(contract: Contract, nights: list[PastNight]):
    message = summary_message(contract, NIGHT, counts(), nights, three_anomalies())

    assert bool(message.images) is bool(nights)
    assert ("cid:trend" in message.html) is bool(nights)


def test_a_night_that_was_a_whole_history_is_left_out_of_the_plot() -> None:
    days = [NIGHT - timedelta(days=back) for back in range(5, -1, -1)]
    nights = [PastNight(day, loaded=60 + place, flagged=place) for place, day in enumerate(days)]
    history = PastNight(NIGHT - timedelta(days=6), loaded=15_404)
    busy = PastNight(NIGHT - timedelta(days=6), loaded=300)

    assert histories([history, *nights], NIGHT) == [history]
    assert histories([busy, *nights], NIGHT) == []
    assert histories([PastNight(history.extract_date, "missing"), *nights], NIGHT) == []
    assert histories([history], NIGHT) == []
    # The summary of the history itself shows it.
    assert histories([history, *nights], history.extract_date) == []
    assert trend_plot([history, *nights], NIGHT) != trend_plot(nights, NIGHT), "the picture says what is left out"
