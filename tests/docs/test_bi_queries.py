"""The eleven queries of docs/bi.md run as bi_reader, on the page's own terms, and answer what they say."""

import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812

from benchmarks.bi_views import VIEWS, fill, questions, ready_queries, today
from invoice_anomalies import warehouse
from invoice_anomalies.contract import Contract
from invoice_anomalies.detection.explain.kinds import KINDS
from invoice_anomalies.paths import PROJECT
from local.postgres import Cluster
from tests.conftest import drop_database
from tests.docs.pages import blocks, first_cells, page, section

BI = PROJECT / "docs" / "bi.md"
NIGHTS, ROWS = 40, 20_000
CURRENCIES = {"EUR", "GBP", "USD"}
QUERIES = ready_queries()
EMPTY = {"5. Which nights need a hand?"}


@pytest.fixture(scope="module")
def filled(postgres: Cluster, contract: Contract) -> Iterator[Connection]:
    """Forty nights as the benchmark makes them, read as bi_reader."""
    name = "test_bi_queries"
    postgres.create_database(name)
    with warehouse.connect(postgres.dsn(name)) as connection:
        warehouse.migrate(connection, contract)
        fill(connection, contract, ROWS, NIGHTS)
        with connection.cursor() as cursor:
            cursor.execute("SET ROLE bi_reader")
        yield connection
    drop_database(postgres, name)


def answer(connection: Connection, query: str) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def test_there_are_eleven_queries_and_the_benchmark_times_each() -> None:
    assert [name.split(".")[0] for name in QUERIES] == [str(number) for number in range(1, 12)]
    assert len(blocks(page(BI).split("## Eleven queries")[1], "sql")) == 11
    assert set(QUERIES) < set(questions())
    assert set(first_cells(page(BI).split("## Kinds of finding")[0])) == set(VIEWS)


def test_the_time_column_of_each_view_is_the_one_that_the_benchmark_asks_by() -> None:
    rows = [line.split(" | ") for line in page(BI).split("## Kinds of finding")[0].splitlines()]

    told = {row[0].strip("| `"): row[3].split("`")[1] for row in rows if len(row) == 4 and row[0].startswith("| `")}
    assert told == VIEWS


def test_the_page_and_the_comments_of_the_database_tell_every_kind(dsn: str, contract: Contract) -> None:
    rows = section(page(BI), "## Kinds of finding").splitlines()
    told = {kind for row in rows if row.startswith("| `") for kind in re.findall(r"`(\w+)`", row.split(" | ")[0])}
    with warehouse.connect(dsn) as connection:
        warehouse.migrate(connection, contract)
        (row,) = answer(
            connection,
            "SELECT col_description(attrelid, attnum) AS said FROM pg_attribute "
            "WHERE attrelid = 'invoice_anomalies.anomalies'::regclass AND attname = 'kind'",
        )

    assert told == set(KINDS)
    assert [kind for kind in KINDS if not re.search(rf"\b{kind}\b", row["said"])] == []


@pytest.mark.parametrize("name", QUERIES)
def test_a_ready_query_has_an_answer(filled: Connection, name: str) -> None:
    found = answer(filled, QUERIES[name])

    assert bool(found) != (name in EMPTY)
    assert all(value is not None for row in found for value in list(row.values())[:2])


def test_the_answers_fit_together(filled: Connection) -> None:
    night, money, why, month, _, vendors, waiting, fields, models, data, numbers = (
        answer(filled, query) for query in QUERIES.values()
    )
    yesterday = today(filled) - timedelta(days=1)

    assert [row["rank_of_day"] for row in night] == sorted(row["rank_of_day"] for row in night)
    assert {row["invoice_key"] for row in why} == {night[0]["invoice_key"]}
    assert [row["position"] for row in why] == [1, 2, 3]
    for ranked in (money, vendors):
        assert len(ranked) == 10 * len(CURRENCIES)
        assert ranked == sorted(ranked, key=lambda row: (row["currency"], -row["amount_at_risk"]))
        assert {row["currency"] for row in ranked} == CURRENCIES
    assert (len(month), month[-1]["extract_date"]) == (30, yesterday)
    assert all(row["rows_in"] == row["loaded"] + row["quarantined"] and row["scored"] == row["loaded"] for row in month)
    assert all(row["flagged"] == row["open"] + row["confirmed"] + row["cleared"] for row in month)
    assert (month[-1]["loaded"], month[-1]["flagged"]) == (ROWS / NIGHTS, len(night))
    assert sum(row["anomalies"] for row in fields) == sum(row["flagged"] for row in month)
    assert len(data) == 10
    assert {row["waiting"] for row in waiting} == {"this week", "this month", "older"}
    assert (models[0]["status"], models[0]["nights_scored"]) == ("champion", NIGHTS - 30)
    assert {row["top_reason"] for row in data} == {"no amount"}
    assert len(numbers) == min(100, sum(row["flagged"] for row in month))
    assert {(row["field"], row["low_number"], row["high_number"], row["factor"]) for row in numbers} == {
        ("gross_amount", 1150, 1480, Decimal("10.84"))
    }


def test_a_night_that_needs_a_hand_is_told(dsn: str, contract: Contract) -> None:
    with warehouse.connect(dsn) as connection:
        warehouse.migrate(connection, contract)
        fill(connection, contract, 4000, 40)
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE invoice_anomalies.validation_runs SET success = false WHERE extract_date = current_date - 3"
            )
            cursor.execute("DELETE FROM invoice_anomalies.scoring_runs WHERE extract_date = current_date - 2")
            cursor.execute(
                "INSERT INTO invoice_anomalies.loads (extract_date, file, added, changed, removed) "
                "VALUES (current_date - 1, 'f', 0, 1, 0)"
            )
        found = answer(connection, QUERIES["5. Which nights need a hand?"])

    assert [row["what"] for row in found] == ["refused", "not scored", "to be scored again"]


@pytest.mark.parametrize("view", VIEWS)
def test_what_a_tool_asks_of_a_view_runs(filled: Connection, view: str) -> None:
    asked = {name: query for name, query in questions().items() if name.startswith(view)}
    assert len(asked) >= 6
    with filled.cursor() as cursor:
        for query in asked.values():
            cursor.execute(query, {"night": today(filled)})


def test_the_commands_for_a_login_are_those_of_the_page_about_roles(postgres: Cluster) -> None:
    (login,) = blocks(page(BI).split("## Eleven queries")[0], "sql")
    roles = page(PROJECT / "docs" / "roles.md")

    assert [line for line in login.splitlines() if line not in roles] == [
        "ALTER ROLE dashboards SET search_path = invoice_anomalies;"
    ]


def test_the_last_month_needs_no_look_at_the_invoices(filled: Connection) -> None:
    """What makes the views fast: they read tables that grow with the anomalies and nights."""
    with filled.cursor() as cursor:
        cursor.execute("RESET ROLE")
        for name, query in questions().items():
            cursor.execute(f"EXPLAIN {query}", {"night": today(filled) - timedelta(days=1)})
            plan = "\n".join(line for (line,) in cursor.fetchall())
            scanned = "Scan on scores" in plan or "on scores " in plan
            assert not scanned, f"{name}\n{plan}"
        cursor.execute("SET ROLE bi_reader")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("SELECT FROM invoice_anomalies.scores")
    filled.rollback()
