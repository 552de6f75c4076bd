"""A night from its extract to the mail, through the real DAGs on a real Postgres."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from invoice_anomalies.contract import load_contract
from invoice_anomalies.synthetic import SampleFiles
from tests.airflow.mailbox import Mailbox
from tests.integration.conftest import HISTORY, NIGHT, NIGHTS, Company, words

NIGHTLY = ("validate_invoices", "score_invoices", "summarise_anomalies")


def run_night(company: Company) -> None:
    for dag_id in NIGHTLY:
        company.succeed(dag_id)


def test_every_row_of_the_extract_is_loaded_or_quarantined_and_every_loaded_one_is_scored(one_night: Company):
    ((file, rows_in, valid, quarantined, success),) = one_night.rows(
        "SELECT file, rows_in, valid, quarantined, success FROM invoice_anomalies.validation_runs "
        "WHERE extract_date = %s",
        NIGHT,
    )
    assert file == str(one_night.extract())
    assert success
    assert rows_in == valid + quarantined
    assert one_night.count("invoices", NIGHT) == valid > 0
    assert one_night.count("quarantined_invoices", NIGHT) == quarantined == 3
    assert one_night.count("scores", NIGHT) == valid
    assert one_night.rows("SELECT scored, flagged FROM invoice_anomalies.scoring_runs") == [
        (valid, one_night.count("anomalies", NIGHT))
    ]
    assert one_night.count("anomalies", NIGHT) > 0


def test_each_anomaly_says_which_field_and_why(one_night: Company):
    explained = one_night.rows(
        "SELECT a.top_field, f.field, f.observed, f.sentence, a.explanation FROM invoice_anomalies.anomalies AS a "
        "LEFT JOIN invoice_anomalies.anomaly_fields AS f USING (invoice_key, model_version) "
        "WHERE f.position = 1 OR f.position IS NULL"
    )
    assert len(explained) == one_night.count("anomalies")
    for top_field, field, observed, sentence, explanation in explained:
        assert top_field == field
        assert observed in sentence or observed.replace(".", "") in sentence.replace(",", "").replace(".", "")
        assert sentence in explanation


def test_each_broken_row_is_quarantined_as_it_came_with_the_field_that_is_wrong(company: Company, sample: SampleFiles):
    for night in NIGHTS:
        company.succeed("validate_invoices", night)

        broken = {int(row["line"]): row for row in csv.DictReader(sample.broken[night].open())}
        kept = company.rows(
            "SELECT line, raw, reasons FROM invoice_anomalies.quarantined_invoices WHERE extract_date = %s", night
        )
        assert {line for line, _, _ in kept} == set(broken)
        for line, raw, reasons in kept:
            fields = broken[line]["field"].split("|")
            assert any(field in reason for field in fields for reason in reasons), (broken[line], reasons)
            assert set(json.loads(raw)) == set(load_contract(company.contract).fields)


def test_a_night_in_many_chunks_is_scored_as_in_one(night_later: Company):
    # Sums in another order differ in their last digits.
    scores = "SELECT invoice_key, round(score::numeric, 3), history_tier, history_rows FROM invoice_anomalies.scores"
    words_of = "SELECT invoice_key, rank_of_day, top_field, explanation FROM invoice_anomalies.anomalies"
    at_once = [sorted(night_later.rows(query)) for query in (scores, words_of)]

    night_later.change_contract(detection={"chunk_rows": 5})
    run = night_later.succeed("score_invoices")

    assert run.states["score"] == "success"
    assert len({path.name for path in night_later.home.glob("staging/*/*/scores_*.parquet")}) >= 4
    assert [sorted(night_later.rows(query)) for query in (scores, words_of)] == at_once


def test_a_copy_booked_under_a_similarly_named_vendor_is_flagged_and_its_original_named(company: Company):
    night = pd.read_csv(company.extract(), dtype="str")
    ((vendor_id, vendor_name, number),) = company.rows(
        "SELECT vendor_id, vendor_name, invoice_number FROM invoice_anomalies.invoices "
        "ORDER BY posting_date DESC, gross_amount DESC LIMIT 1"
    )
    history = pd.read_csv(company.extract(HISTORY[1]), dtype="str")
    copy = history[(history["vendor_id"] == vendor_id) & (history["invoice_number"] == number)]
    copy = copy.assign(vendor_id="V99999", vendor_name=f"{vendor_name.upper()} Ltd.", posting_date=str(NIGHT))
    # Without invoices of that vendor in the night, its history is none of the night's.
    night = night[night["vendor_id"] != vendor_id]
    pd.concat([night, copy]).to_csv(company.extract(), index=False)
    company.succeed("validate_invoices")

    company.succeed("score_invoices")

    flagged = (
        "SELECT top_field, explanation, score FROM invoice_anomalies.anomalies WHERE invoice_key = %s || '|' || %s"
    )
    ((top_field, explanation, _),) = first = company.rows(flagged, "V99999", number)
    assert top_field == "invoice_number"
    assert f"{vendor_id}|{number}" in explanation
    company.succeed("validate_invoices", NIGHTS[1])
    company.succeed("score_invoices")
    assert company.rows(flagged, "V99999", number) == first, "the night after is no part of it"


def test_the_same_night_three_times_leaves_the_same_rows_in_every_table_and_sends_one_alert(
    company: Company, mailbox: Mailbox, connect: Callable[..., None]
):
    connect(mailbox.port)
    run_night(company)
    first = company.tables()

    # No exception: also loaded_at, validated_at, scored_at and sent_at stay, since they say when something changed.
    for _ in range(2):
        run_night(company)
        again = company.tables()
        assert again.keys() == first.keys()
        for table, rows in first.items():
            assert again[table] == rows, table

    assert len(first["alerts"]) == 1
    assert [mail["Message-ID"] for mail in mailbox.mails].count(mailbox.mails[0]["Message-ID"]) == 1
    assert len(mailbox.mails) == 1 + 3, "an alert, and the summary that was asked for three times"


def test_the_history_in_the_same_tables_is_left_alone_by_a_new_night(one_night: Company):
    assert one_night.count("invoices", HISTORY[1]) == one_night.count("invoices") - one_night.count("invoices", NIGHT)
    assert one_night.count("scores", HISTORY[1]) == 0


def test_without_a_mail_server_alert_and_summary_lie_in_the_outbox(one_night: Company):
    (alert,), (summary,) = one_night.outbox("alert"), one_night.outbox("summary")
    assert str(NIGHT) in alert["Subject"]
    assert str(NIGHT) in summary["Subject"]
    ((channel,),) = one_night.rows("SELECT channel FROM invoice_anomalies.alerts")
    assert Path(channel).exists()
    assert one_night.outbox("failure") == []


def test_alert_and_summary_are_mailed_to_the_recipients_with_the_explanations(
    company: Company, mailbox: Mailbox, connect: Callable[..., None]
):
    connect(mailbox.port)
    recipients = ["audit@example.com", "treasury@example.com"]
    company.change_contract(report={"recipients": recipients})

    run_night(company)

    alert, summary = mailbox.mails
    assert [envelope.rcpt_tos for envelope in mailbox.envelopes] == [recipients, recipients]
    ((sentence,),) = company.rows(
        "SELECT f.sentence FROM invoice_anomalies.anomaly_fields AS f "
        "JOIN invoice_anomalies.anomalies USING (invoice_key, model_version) "
        "WHERE rank_of_day = 1 AND position = 1"
    )
    for mail in (alert, summary):
        assert mail["To"] == ", ".join(recipients)
        assert words(mail, "html").startswith("<!")
        assert " ".join(sentence.split()) in words(mail)
    assert [part.get_content_type() for part in summary.walk()].count("image/png") == 1
    assert company.outbox() == []
    assert company.rows("SELECT channel FROM invoice_anomalies.alerts") == [("smtp",)]


def test_a_mail_server_that_is_down_fails_the_alert_but_not_what_was_published(
    company: Company, mailbox: Mailbox, connect: Callable[..., None]
):
    company.succeed("validate_invoices")
    mailbox.busy = True
    connect(mailbox.port)

    run = company.run("score_invoices")

    assert (run.state, run.states["publish"], run.states["alert"]) == ("failed", "success", "failed")
    assert company.count("anomalies", NIGHT) > 0
    assert company.count("alerts") == 0
    (failure,) = company.outbox("failure")
    assert "alert" in failure["Subject"]

    mailbox.busy = False
    company.succeed("score_invoices")

    assert company.count("alerts") == 1
    assert len(mailbox.mails) == 1


@pytest.mark.parametrize(("form", "suffix"), [("csv", "csv"), ("parquet", "parquet"), ("excel", "xlsx")])
def test_a_night_may_come_in_another_format_from_another_place(
    company: Company, form: str, suffix: str, tmp_path: Path
):
    elsewhere = tmp_path / f"delivered again.{suffix}"
    night = pd.read_csv(company.extract(), dtype="str")
    writers: dict[str, Callable[..., object]] = {
        "csv": night.to_csv,
        "parquet": night.to_parquet,
        "excel": night.to_excel,
    }
    writers[form](elsewhere, index=False)
    company.extract().unlink()
    company.change_contract(extract={"format": form})

    company.succeed("validate_invoices", extract_path=str(elsewhere))

    ((file, rows_in, quarantined),) = company.rows(
        "SELECT file, rows_in, quarantined FROM invoice_anomalies.validation_runs WHERE extract_date = %s", NIGHT
    )
    assert (file, rows_in, quarantined) == (str(elsewhere), len(night), 3)
