"""A dry run shows what would happen: it publishes nothing and sends nothing."""

from collections.abc import Callable

import pandas as pd

from tests.airflow.mailbox import Mailbox
from tests.integration.conftest import NIGHT, Company


def test_a_dry_validation_loads_nothing(company: Company):
    before = company.tables()

    run = company.succeed("validate_invoices", dry_run=True)

    assert (run.states["validate"], run.states["load"]) == ("success", "skipped")
    assert company.tables() == before
    assert (company.home / "data_docs" / str(NIGHT) / "index.html").exists(), "what the dry run is for"


def test_a_dry_validation_that_refuses_leaves_what_is_known_of_the_night(night_later: Company):
    before = night_later.tables()
    extract = night_later.extract()
    pd.read_csv(extract, dtype="str").drop(columns="gross_amount").to_csv(extract, index=False)

    run = night_later.run("validate_invoices", dry_run=True)

    assert run.states["validate"] == "failed"
    assert night_later.tables() == before
    night_later.succeed("score_invoices")


def test_a_dry_scoring_publishes_nothing_and_alerts_nobody(
    night_later: Company, mailbox: Mailbox, connect: Callable[..., None]
):
    connect(mailbox.port)
    before = night_later.tables()

    run = night_later.succeed("score_invoices", dry_run=True)

    assert (run.states["score"], run.states["publish"], run.states["alert"]) == ("success", "skipped", "skipped")
    assert night_later.tables() == before
    assert mailbox.mails == []
    assert night_later.outbox() == []


def test_a_dry_summary_is_a_file_though_there_is_a_mail_server(
    company: Company, mailbox: Mailbox, connect: Callable[..., None]
):
    connect(mailbox.port)

    company.succeed("summarise_anomalies", dry_run=True)

    assert mailbox.mails == []
    assert len(company.outbox("summary")) == 1
