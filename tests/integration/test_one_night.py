"""A night from its extract to the mail, through the real DAGs on a real Postgres."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from include.contract import load_contract
from include.sample import SampleFiles
from tests.integration.conftest import HISTORY, NIGHT, NIGHTS, Company, words
from tests.plugins.mailbox import Mailbox

NIGHTLY = ("validate_invoices", "score_invoices", "summarise_anomalies")


def one_night(company: Company) -> None:
    for dag_id in NIGHTLY:
        company.succeed(dag_id)


def test_every_row_of_the_extract_is_loaded_or_quarantined_and_every_loaded_one_is_scored(company: Company):
    one_night(company)

    ((file, rows_in, valid, quarantined, success),) = company.rows(
        "SELECT file, rows_in, valid, quarantined, success FROM invoice_anomalies.validation_runs "
        "WHERE extract_date = %s",
        NIGHT,
    )
    assert file == str(company.extract())
    assert success
    assert rows_in == valid + quarantined
    assert company.count("invoices", NIGHT) == valid > 0
    assert company.count("quarantined_invoices", NIGHT) == quarantined == 3
    assert company.count("scores", NIGHT) == valid
    assert company.rows("SELECT scored, flagged FROM invoice_anomalies.scoring_runs") == [
        (valid, company.count("anomalies", NIGHT))
    ]
    assert company.count("anomalies", NIGHT) > 0


def test_each_anomaly_says_which_field_and_why(company: Company):
    one_night(company)

    explained = company.rows(
        "SELECT a.top_field, f.field, f.observed, f.sentence, a.explanation FROM invoice_anomalies.anomalies AS a "
        "LEFT JOIN invoice_anomalies.anomaly_fields AS f USING (invoice_key, model_version) "
        "WHERE f.position = 1 OR f.position IS NULL"
    )
    assert len(explained) == company.count("anomalies")
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


def test_a_night_in_many_chunks_is_scored_as_in_one(company: Company):
    company.succeed("validate_invoices")
    company.succeed("score_invoices")
    at_once = company.tables()

    company.change_contract(detection={"chunk_rows": 5})
    company.succeed("score_invoices")

    assert company.count("scores", NIGHT) > 5, "one chunk would do"
    assert company.tables() == at_once


def test_the_same_night_three_times_leaves_the_same_rows_in_every_table_and_sends_one_alert(
    company: Company, mailbox: Mailbox, connect: Callable[..., None]
):
    connect(mailbox.port)
    one_night(company)
    first = company.tables()

    # No exception: also loaded_at, validated_at, scored_at and sent_at stay, since they say when something changed.
    for _ in range(2):
        one_night(company)
        again = company.tables()
        assert again.keys() == first.keys()
        for table, rows in first.items():
            assert again[table] == rows, table

    assert len(first["alerts"]) == 1
    subjects = [mail["Subject"] for mail in mailbox.mails]
    assert len([subject for subject in subjects if "to check" not in subject]) + len(subjects) > 0
    alerts = [mail for mail in mailbox.mails if mail["Message-ID"] == mailbox.mails[0]["Message-ID"]]
    assert len(alerts) == 1
    assert len(mailbox.mails) == 1 + 3, "an alert, and the summary that was asked for three times"


def test_the_history_in_the_same_tables_is_left_alone_by_a_new_night(company: Company):
    one_night(company)

    assert company.count("invoices", HISTORY[1]) == company.count("invoices") - company.count("invoices", NIGHT)
    assert company.count("scores", HISTORY[1]) == 0


def test_without_a_mail_server_alert_and_summary_lie_in_the_outbox(company: Company):
    one_night(company)

    (alert,), (summary,) = company.outbox("alert"), company.outbox("summary")
    assert str(NIGHT) in alert["Subject"]
    assert str(NIGHT) in summary["Subject"]
    ((channel,),) = company.rows("SELECT channel FROM invoice_anomalies.alerts")
    assert Path(channel).exists()
    assert company.outbox("failure") == []


def test_alert_and_summary_are_mailed_to_the_recipients_with_the_explanations(
    company: Company, mailbox: Mailbox, connect: Callable[..., None]
):
    connect(mailbox.port)
    recipients = ["audit@example.com", "treasury@example.com"]
    company.change_contract(report={"recipients": recipients})

    one_night(company)

    alert, summary = mailbox.mails
    assert [envelope.rcpt_tos for envelope in mailbox.envelopes] == [recipients, recipients]
    sentences = company.rows(
        "SELECT f.sentence FROM invoice_anomalies.anomaly_fields AS f "
        "JOIN invoice_anomalies.anomalies USING (invoice_key, model_version) WHERE rank_of_day = 1"
    )
    for mail in (alert, summary):
        assert mail["To"] == ", ".join(recipients)
        assert words(mail, "html").startswith("<!")
        for (sentence,) in sentences:
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


@pytest.mark.parametrize("suffix", ["parquet", "xlsx", "csv"])
def test_a_night_may_come_in_another_format_from_another_place(company: Company, suffix: str, tmp_path: Path):
    import pandas as pd

    elsewhere = tmp_path / f"delivered again.{suffix}"
    night = pd.read_csv(company.extract(), dtype="str")
    {"parquet": night.to_parquet, "xlsx": night.to_excel, "csv": night.to_csv}[suffix](elsewhere, index=False)
    company.extract().unlink()

    company.succeed("validate_invoices", extract_path=str(elsewhere))

    ((file, rows_in),) = company.rows(
        "SELECT file, rows_in FROM invoice_anomalies.validation_runs WHERE extract_date = %s", NIGHT
    )
    assert (file, rows_in) == (str(elsewhere), len(night))
