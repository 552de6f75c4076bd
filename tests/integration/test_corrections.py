"""Extracts that come late, in another order, or again with corrections: the tables end as after one clean run."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg2
import pytest

from tests.integration.conftest import NIGHT, NIGHTS, Company

Asked = Callable[[], list[tuple[str, dict[str, Any]]]]


@pytest.fixture
def asked_for(airflow_metadata: str) -> Iterator[Asked]:
    """The runs that a DAG has asked for since the last question; without a scheduler they stay queued."""

    def ask(query: str) -> list[tuple[Any, ...]]:
        connection = psycopg2.connect(airflow_metadata)
        with connection, connection.cursor() as cursor:
            cursor.execute(query)
            rows = cursor.fetchall()
        connection.close()
        return rows

    last = ask("SELECT coalesce(max(id), 0) FROM dag_run")[0][0]

    def asked() -> list[tuple[str, dict[str, Any]]]:
        nonlocal last
        rows = ask(f"SELECT id, dag_id, conf FROM dag_run WHERE state = 'queued' AND id > {last} ORDER BY id")
        last = max([last, *(row[0] for row in rows)])
        # The mapped tasks that ask run in any order.
        return sorted(((dag_id, conf) for _, dag_id, conf in rows), key=str)

    yield asked
    ask("DELETE FROM dag_run WHERE state = 'queued' RETURNING id")


def correct(path: Path) -> None:
    """A corrected extract: a vendor's number mended, an invoice taken back, another one added."""
    rows = pd.read_csv(path, dtype="str", keep_default_na=False)
    rows.loc[3, "gross_amount"] = "7777.77"
    rows = pd.concat([rows.drop(index=5), rows.loc[[6]].assign(invoice_number="NEW-1")])
    rows.to_csv(path, index=False)


def night_by_night(company: Company, order: list[date]) -> None:
    for night in order:
        company.succeed("validate_invoices", night)
        company.succeed("score_invoices", night)


def work_off(company: Company, asked_for: Asked) -> None:
    """Run what was asked for, and what that asks for, to the end."""
    while asked := asked_for():
        for dag_id, conf in asked:
            assert dag_id == "score_invoices"
            company.succeed(dag_id, date.fromisoformat(conf["extract_date"]), only_if_stale=conf["only_if_stale"])


def results(company: Company) -> dict[str, list[str]]:
    """All that the nights left, but for times, and for which load came when."""
    columns = {
        "invoices": "to_jsonb(t) - 'loaded_at' - 'file'",
        "quarantined_invoices": "to_jsonb(t) - 'quarantined_at' - 'file'",
        "validation_runs": "to_jsonb(t) - 'validated_at' - 'file' - 'data_docs'",
        "scoring_runs": "to_jsonb(t) - 'scored_at' - 'known_load'",
        "scores": "to_jsonb(t) - 'scored_at'",
        "anomalies": "to_jsonb(t) - 'flagged_at' - 'status'",
        "anomaly_fields": "to_jsonb(t)",
    }
    return {
        table: sorted(str(row) for (row,) in company.rows(f"SELECT {what} FROM invoice_anomalies.{table} AS t"))
        for table, what in columns.items()
    }


def test_a_corrected_extract_has_its_night_and_the_later_ones_scored_again(
    company: Company, make_company: Callable[..., Company], with_champion: Company, asked_for: Asked
):
    night_by_night(company, NIGHTS[:2])
    asked_for()
    connection = psycopg2.connect(company.dsn)
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO invoice_anomalies.reviews (invoice_key, model_version, verdict, reviewer) "
            "SELECT invoice_key, model_version, 'confirmed', 'ann' FROM invoice_anomalies.anomalies ORDER BY 1 LIMIT 1"
        )
    connection.close()
    correct(company.extract())

    company.succeed("validate_invoices")

    assert asked_for() == [("score_invoices", {"extract_date": str(NIGHTS[0]), "only_if_stale": False})]
    assert company.rows("SELECT extract_date FROM invoice_anomalies.v_daily_summary WHERE stale ORDER BY 1") == [
        (night,) for night in NIGHTS[:2]
    ]
    alerts = company.count("alerts", NIGHTS[1])
    company.succeed("score_invoices", NIGHTS[0])
    assert asked_for() == [("score_invoices", {"extract_date": str(NIGHTS[1]), "only_if_stale": True})]
    company.succeed("validate_invoices")
    assert asked_for() == [], "it was asked for already"
    assert company.run("score_invoices", NIGHTS[1], only_if_stale=True).states["alert"] == "skipped"
    assert company.count("alerts", NIGHTS[1]) == alerts
    assert company.rows("SELECT count(*) FROM invoice_anomalies.v_daily_summary WHERE stale") == [(0,)]
    assert company.rows("SELECT verdict FROM invoice_anomalies.reviews") == [("confirmed",)]
    assert company.rows("SELECT added, changed, removed FROM invoice_anomalies.loads ORDER BY id DESC LIMIT 1") == [
        (1, 1, 1)
    ]

    at_once = make_company(like=with_champion)
    correct(at_once.extract())
    night_by_night(at_once, NIGHTS[:2])
    assert results(company) == results(at_once)


@pytest.mark.slow  # quick on the tables alone: tests/warehouse/test_load_night.py
def test_nights_that_come_in_another_order_end_as_in_theirs(
    company: Company, make_company: Callable[..., Company], with_champion: Company, asked_for: Asked
):
    # An invoice of the first night, delivered a second time by the second.
    for night in NIGHTS[1:2]:
        rows = pd.read_csv(company.extract(night), dtype="str", keep_default_na=False)
        first = pd.read_csv(company.extract(NIGHTS[0]), dtype="str", keep_default_na=False)
        again = pd.concat([rows, first.iloc[[1]]])
        again.to_csv(company.extract(night), index=False)
    in_order = make_company(like=with_champion)
    in_order.extract(NIGHTS[1]).write_bytes(company.extract(NIGHTS[1]).read_bytes())
    night_by_night(in_order, NIGHTS)
    asked_for()

    night_by_night(company, [NIGHTS[1], NIGHTS[2], NIGHTS[0]])
    work_off(company, asked_for)

    assert results(company) == results(in_order)
    assert asked_for() == []


def test_a_night_whose_scores_still_hold_is_not_scored_again(night_later: Company):
    before = night_later.tables()

    run = night_later.succeed("score_invoices", NIGHT, only_if_stale=True)

    assert {run.states[name] for name in ("score", "publish", "alert")} == {"skipped"}
    assert night_later.tables() == before


@pytest.mark.slow  # quick on the tables alone: tests/warehouse/test_take_back.py
def test_a_night_loaded_under_a_wrong_date_is_taken_back_and_the_real_one_loaded_as_if_nothing_was(
    company: Company, make_company: Callable[..., Company], with_champion: Company, asked_for: Asked
):
    real = company.extract(NIGHTS[1])
    company.succeed("validate_invoices", NIGHTS[0], extract_path=str(real))
    company.succeed("score_invoices", NIGHTS[0])
    refused = company.run("validate_invoices", NIGHTS[1])
    assert (refused.state, refused.states["load"]) == ("failed", "failed")
    problems = "SELECT problems[1] FROM invoice_anomalies.validation_runs WHERE extract_date = %s"
    assert f"the night of {NIGHTS[0]} has the same rows" in company.rows(problems, NIGHTS[1])[0][0]

    done = company.succeed("validate_invoices", NIGHTS[0], take_back="loaded with the extract of another night")

    assert {name for name, state in done.states.items() if state == "success"} == {"take_back", "runs_to_repeat"}
    assert company.rows("SELECT extract_date, reason, taken_by FROM invoice_anomalies.v_withdrawals") == [
        (NIGHTS[0], "loaded with the extract of another night", "dag_test")
    ]
    assert company.count("invoices", NIGHTS[0]) == company.count("anomalies", NIGHTS[0]) == 0
    night_by_night(company, NIGHTS[:2])
    work_off(company, asked_for)
    straight = make_company(like=with_champion)
    night_by_night(straight, NIGHTS[:2])
    past = {"validation_runs": [row for row in results(company)["validation_runs"] if "'current': True" in row]}
    assert {**results(company), **past} == results(straight)
