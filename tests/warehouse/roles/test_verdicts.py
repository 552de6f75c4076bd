"""A login with invoice_reviewer judges: safely, in its own name, and nothing else changes an anomaly."""

import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import psycopg2
import pytest

from invoice_anomalies import warehouse
from invoice_anomalies.contract import Contract
from tests.warehouse.roles.logins import (
    KEYS,
    VIEWS,
    Database,
    commands,
    judge,
    publish,
    score_a_night,
)
from tests.warehouse.rows import a_model, ask


@pytest.fixture
def anomalies(own_database: Database, contract: Contract) -> Callable[[], dict[tuple[str, str], str]]:
    """A night that two versions have flagged; the status of each of its anomalies."""
    with warehouse.connect(own_database.dsn(own_database.owner)) as connection:
        score_a_night(connection, contract)
        warehouse.register_model(connection, a_model("m2", date(2024, 3, 1)))
        publish(connection, "m2", KEYS, KEYS[:1])

    def statuses() -> dict[tuple[str, str], str]:
        with warehouse.connect(own_database.dsn(own_database.owner)) as connection:
            rows = ask(connection, "SELECT invoice_key, model_version, status FROM invoice_anomalies.anomalies")
        return {(key, version): status for key, version, status in rows}

    return statuses


def test_a_reviewer_reads_the_views_and_judges_in_her_own_name(
    own_database: Database, anomalies: Callable[[], dict[tuple[str, str], str]], contract: Contract
) -> None:
    ann = own_database.login("invoice_reviewer", "ann")
    with warehouse.connect(own_database.dsn(ann)) as connection:
        for view in VIEWS:
            assert ask(connection, f"SELECT * FROM invoice_anomalies.{view}")
        judge(connection, KEYS[0], "normal")
        with connection.cursor() as cursor:
            cursor.execute("SET ROLE invoice_reviewer")
        judge(connection, KEYS[1], "confirmed")

    assert anomalies() == {(KEYS[0], "m1"): "normal", (KEYS[0], "m2"): "normal", (KEYS[1], "m1"): "confirmed"}
    with warehouse.connect(own_database.dsn(own_database.login("invoice_writer"))) as connection:
        trail = ask(connection, "SELECT reviewer, recorded_by, verdict FROM invoice_anomalies.reviews ORDER BY id")
        assert trail == [(ann, ann, "normal"), (ann, ann, "confirmed")]
        publish(connection, "m2", KEYS, KEYS[:2])
    assert anomalies()[KEYS[1], "m2"] == "confirmed"


def test_the_last_verdict_counts(own_database: Database, anomalies: Callable[[], dict[tuple[str, str], str]]) -> None:
    with warehouse.connect(own_database.dsn(own_database.login("invoice_reviewer"))) as connection:
        for verdict in ("normal", "confirmed", "dismissed"):
            judge(connection, KEYS[0], verdict, "m2")

    assert anomalies() == {(KEYS[0], "m1"): "dismissed", (KEYS[0], "m2"): "dismissed", (KEYS[1], "m1"): "open"}


def test_nobody_judges_an_invoice_that_was_not_flagged(
    own_database: Database, anomalies: Callable[[], dict[tuple[str, str], str]]
) -> None:
    before = anomalies()
    with warehouse.connect(own_database.dsn(own_database.login("invoice_reviewer"))) as connection:
        for key, version in ((KEYS[2], "m1"), (KEYS[1], "m2"), ("V9|next week's", "m1")):
            with pytest.raises(
                psycopg2.errors.ForeignKeyViolation, match="a verdict is about an anomaly that is there"
            ):
                judge(connection, key, "normal", version)
            connection.rollback()

    assert anomalies() == before


def test_a_review_page_names_its_reviewers_and_is_named_itself(
    own_database: Database, contract: Contract, anomalies: Callable[[], dict[tuple[str, str], str]]
) -> None:
    login = f"review_page_{uuid.uuid4().hex[:8]}"
    own_database.logins.append(login)
    own_database.as_administrator(*commands("page", review_page=login, **{"'...'": "'pw'"}))
    (verdict,) = commands("verdict", **{r"V00001\|4711": KEYS[1]})

    with warehouse.connect(own_database.dsn(login)) as connection, connection.cursor() as cursor:
        cursor.execute(verdict)
        cursor.execute(
            "INSERT INTO invoice_anomalies.reviews (invoice_key, model_version, verdict, reviewer) "
            "VALUES (%s, 'm1', 'confirmed', 'bob')",
            (KEYS[0],),
        )

    with warehouse.connect(own_database.dsn(own_database.owner)) as connection:
        # The right that the page has beside its role is not taken away by the next migration.
        assert warehouse.migrate(connection, contract) == []
        trail = ask(connection, "SELECT reviewer, recorded_by FROM invoice_anomalies.reviews ORDER BY id")
    assert trail == [(login, login), ("bob", login)]
    assert anomalies() == {(KEYS[0], "m1"): "confirmed", (KEYS[0], "m2"): "confirmed", (KEYS[1], "m1"): "normal"}


def test_verdicts_and_publishing_take_turns_so_that_no_new_anomaly_misses_a_verdict(
    own_database: Database, anomalies: Callable[[], dict[tuple[str, str], str]]
) -> None:
    reviewer, writer = own_database.login("invoice_reviewer"), own_database.login("invoice_writer")
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory' AND datname = current_database()"
    with warehouse.connect(own_database.dsn(reviewer)) as reviewing:
        judge(reviewing, KEYS[1], "normal")
        with ThreadPoolExecutor() as pool, warehouse.connect(own_database.cluster.dsn(own_database.name)) as watching:

            def score_again() -> None:
                with warehouse.connect(own_database.dsn(writer)) as connection:
                    publish(connection, "m2", KEYS, KEYS[:2])

            publishing = pool.submit(score_again)
            until = time.monotonic() + 20
            while ask(watching, waiting) == [(0,)] and time.monotonic() < until:
                watching.rollback()
                time.sleep(0.05)
            assert ask(watching, waiting) == [(1,)]
            reviewing.commit()
            publishing.result(timeout=20)

    assert anomalies()[KEYS[1], "m2"] == "normal"


def test_tables_of_the_session_do_not_take_the_place_of_those_that_a_verdict_changes(
    own_database: Database, anomalies: Callable[[], dict[tuple[str, str], str]]
) -> None:
    """A role with rights of its own beside the role must not lead the owner's function astray."""
    login = own_database.login("invoice_reviewer")
    own_database.as_administrator(f"GRANT TEMPORARY ON DATABASE {own_database.name} TO {login}")
    with warehouse.connect(own_database.dsn(login)) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE anomalies (invoice_key text, model_version text, status text)")
        cursor.execute("SET search_path = pg_temp, invoice_anomalies")
        judge(connection, KEYS[0], "confirmed")

    assert anomalies()[KEYS[0], "m1"] == "confirmed"
