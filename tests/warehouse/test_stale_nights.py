"""Scores that rest on invoices which changed since are known to, until the night is scored again."""

from datetime import date, timedelta

import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812

from invoice_anomalies import warehouse
from invoice_anomalies.contract import Contract
from invoice_anomalies.warehouse import Scoring
from tests.warehouse.rows import NIGHT, Load, a_model, ask, invoices, scored

HISTORY = timedelta(days=10)
NIGHTS = [NIGHT + timedelta(days=n) for n in range(3)]


def score(connection: Connection, night: date, version: str = "m1") -> None:
    """Score what is loaded of a night, knowing all that is loaded now."""
    keys = [
        key
        for (key,) in ask(
            connection, "SELECT invoice_key FROM invoice_anomalies.invoices WHERE extract_date = %s", night
        )
    ]
    known = warehouse.last_load(connection, night - HISTORY, night)
    scores, anomalies, fields = scored(keys, keys[:1])
    warehouse.publish_scores(connection, Scoring(night, version, known, night - HISTORY), [scores], anomalies, fields)


def stale(connection: Connection) -> list[date]:
    """The stale nights, as the pipeline and as BI see them."""
    nights = warehouse.stale_nights(connection, date.min)
    summary = "SELECT extract_date FROM invoice_anomalies.v_daily_summary WHERE stale ORDER BY extract_date"
    assert nights == [night for (night,) in ask(connection, summary)]
    return nights


@pytest.fixture
def three_scored_nights(connection: Connection, contract: Contract, load: Load) -> None:
    warehouse.register_model(connection, a_model("m1", date(2024, 2, 1)))
    warehouse.register_model(connection, a_model("m2", date(2024, 3, 1)))
    for place, night in enumerate(NIGHTS):
        load(invoices(contract, f"a{place}", f"b{place}"), extract_date=night)
        score(connection, night)
    connection.commit()


def test_nights_scored_in_order_are_not_stale(connection: Connection, three_scored_nights: None) -> None:
    assert stale(connection) == []


def test_a_corrected_night_makes_itself_and_the_later_ones_stale_until_they_are_scored_again(
    connection: Connection, contract: Contract, load: Load, three_scored_nights: None
) -> None:
    load(invoices(contract, "a1", "more"), extract_date=NIGHTS[1])

    assert stale(connection) == NIGHTS[1:]
    assert warehouse.stale_nights(connection, NIGHTS[2]) == [NIGHTS[2]]
    score(connection, NIGHTS[2])
    assert stale(connection) == [NIGHTS[1]]
    score(connection, NIGHTS[1])
    assert stale(connection) == []


def test_loading_the_same_again_makes_no_night_stale(
    connection: Connection, contract: Contract, load: Load, three_scored_nights: None
) -> None:
    load(invoices(contract, "a1", "b1"), extract_date=NIGHTS[1])

    assert stale(connection) == []


def test_a_night_that_comes_late_makes_the_nights_after_it_stale_as_far_as_their_history_reaches(
    connection: Connection, contract: Contract, load: Load, three_scored_nights: None
) -> None:
    load(invoices(contract, "early"), extract_date=NIGHTS[1] - HISTORY)

    assert stale(connection) == NIGHTS[:2]


def test_a_night_that_loses_an_invoice_to_an_earlier_one_is_stale(
    connection: Connection, contract: Contract, load: Load, three_scored_nights: None
) -> None:
    load(invoices(contract, "x", "y"), extract_date=NIGHTS[2] + timedelta(days=40))
    score(connection, NIGHTS[2] + timedelta(days=40))
    load(invoices(contract, "x"), extract_date=NIGHTS[2] + timedelta(days=20))

    # Far from each other: it is the lost invoice that makes it stale, and no history.
    assert stale(connection) == [NIGHTS[2] + timedelta(days=40)]
    left = "SELECT count(*) FROM invoice_anomalies.scores WHERE extract_date = %s"
    assert ask(connection, left, NIGHTS[2] + timedelta(days=40)) == [(1,)]


def test_a_load_between_reading_and_publishing_leaves_the_night_stale(
    connection: Connection, contract: Contract, load: Load, three_scored_nights: None
) -> None:
    known = warehouse.last_load(connection, NIGHTS[2] - HISTORY, NIGHTS[2])
    load(invoices(contract, "a0", "late"), extract_date=NIGHTS[0])
    scores, anomalies, fields = scored(["V00000|a2", "V00001|b2"], [])
    warehouse.publish_scores(
        connection, Scoring(NIGHTS[2], "m1", known, NIGHTS[2] - HISTORY), [scores], anomalies, fields
    )

    assert NIGHTS[2] in stale(connection)


def test_a_newer_model_that_knows_the_correction_ends_the_staleness(
    connection: Connection, contract: Contract, load: Load, three_scored_nights: None
) -> None:
    load(invoices(contract, "a2", "more"), extract_date=NIGHTS[2])
    score(connection, NIGHTS[2], "m2")

    assert stale(connection) == []
    versions = "SELECT DISTINCT model_version FROM invoice_anomalies.scores WHERE extract_date = %s ORDER BY 1"
    assert ask(connection, versions, NIGHTS[2]) == [("m1",), ("m2",)]


def test_the_trail_of_loads_cannot_be_changed(connection: Connection, three_scored_nights: None) -> None:
    with pytest.raises(Exception, match="loads are append-only"), connection.cursor() as cursor:
        cursor.execute("DELETE FROM invoice_anomalies.loads")
