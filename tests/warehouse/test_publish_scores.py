from datetime import date, timedelta

import pandas as pd
import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812

from invoice_anomalies import warehouse
from invoice_anomalies.contract import Contract
from invoice_anomalies.errors import NoModelError, WarehouseError
from invoice_anomalies.warehouse import AnomalyField, ScoreCounts, Scoring
from invoice_anomalies.warehouse.schema.migrate import numbered_files, repeatable_files
from tests.warehouse.rows import NIGHT, Load, a_model, ask, every_row, invoices, scored

KEYS = ["V00000|a", "V00001|b", "V00002|c", "V00000|d"]


@pytest.fixture
def scored_night(connection: Connection, contract: Contract, load: Load) -> None:
    """A loaded night of four invoices, and two model versions."""
    load(invoices(contract, "a", "b", "c", "d"))
    warehouse.register_model(connection, a_model("m1", date(2024, 2, 1)))
    warehouse.register_model(connection, a_model("m2", date(2024, 3, 1)))
    connection.commit()


def in_one(
    frames: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame],
) -> tuple[list[pd.DataFrame], pd.DataFrame, pd.DataFrame]:
    scores, anomalies, fields = frames
    return [scores], anomalies, fields


def publish(connection: Connection, flagged: list[str], version: str = "m1", keys: list[str] = KEYS) -> ScoreCounts:
    return warehouse.publish_scores(connection, Scoring(NIGHT, version), *in_one(scored(keys, flagged)))


def review(connection: Connection, key: str, verdict: str, version: str = "m1") -> None:
    """A verdict, as the review page records it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO invoice_anomalies.reviews (invoice_key, model_version, verdict, reviewer) "
            "VALUES (%s, %s, %s, 'ann')",
            (key, version, verdict),
        )
        cursor.execute(
            "UPDATE invoice_anomalies.anomalies SET status = %s WHERE invoice_key = %s AND model_version = %s",
            (verdict, key, version),
        )


pytestmark = pytest.mark.usefixtures("scored_night")


def test_a_night_is_published_with_its_anomalies_ranked_and_explained(connection: Connection) -> None:
    assert publish(connection, [KEYS[2], KEYS[1]]) == ScoreCounts(scored=4, flagged=2)

    first, second = warehouse.night_anomalies(connection, NIGHT, "m1")
    assert (first.invoice_key, first.rank_of_day, first.score, first.status) == (KEYS[2], 1, 3.5, "open")
    assert (second.invoice_key, second.rank_of_day) == (KEYS[1], 2)
    assert (first.extract_date, first.amount_at_risk, first.currency) == (NIGHT, 1234.56, "EUR")
    assert first.fields[0] == AnomalyField(
        field="gross_amount",
        position=1,
        observed="14,200.00",
        expected="1,310",
        low="1,150",
        high="1,480",
        error=4.4,
        rarity=25000.0,
        share=0.9,
        sentence="gross_amount is far off",
    )
    assert (first.fields[1].field, first.fields[1].low) == ("tax_code", None)
    assert warehouse.night_anomalies(connection, NIGHT, "m1", limit=1) == [first]


def test_equal_scores_rank_by_key_whatever_their_order(connection: Connection) -> None:
    scores, anomalies, fields = scored(KEYS, [KEYS[2], KEYS[0], KEYS[1]])
    scores["score"] = anomalies["score"] = 3.0
    warehouse.publish_scores(connection, Scoring(NIGHT, "m1"), [scores], anomalies, fields)

    ranked = [anomaly.invoice_key for anomaly in warehouse.night_anomalies(connection, NIGHT, "m1")]
    assert ranked == sorted(ranked)


def test_the_most_money_at_risk_has_the_first_rank_by_amount_and_no_amount_the_last(connection: Connection) -> None:
    scores, anomalies, fields = scored(KEYS, KEYS)
    anomalies["amount_at_risk"] = [50.0, None, 7000.0, 50.0]
    warehouse.publish_scores(connection, Scoring(NIGHT, "m1"), [scores], anomalies, fields)

    found = warehouse.night_anomalies(connection, NIGHT, "m1")
    assert [(anomaly.rank_of_day, anomaly.rank_by_amount) for anomaly in found] == [(1, 2), (2, 4), (3, 1), (4, 3)]
    for view in ("v_open_anomalies", "v_anomaly_fields"):
        ranks = ask(connection, f"SELECT DISTINCT rank_by_amount, rank_of_day FROM invoice_anomalies.{view} ORDER BY 1")
        assert ranks == [(1, 3), (2, 1), (3, 4), (4, 2)]


def test_anomalies_without_any_amount_are_ranked_by_amount_as_by_score(connection: Connection) -> None:
    scores, anomalies, fields = scored(KEYS, KEYS[:3])
    warehouse.publish_scores(connection, Scoring(NIGHT, "m1"), [scores], anomalies.assign(amount_at_risk=None), fields)

    found = warehouse.night_anomalies(connection, NIGHT, "m1")
    assert [anomaly.rank_by_amount for anomaly in found] == [1, 2, 3]


def test_how_much_history_stands_behind_an_anomaly_can_be_read_beside_it(connection: Connection) -> None:
    publish(connection, KEYS[:1])

    (found,) = warehouse.night_anomalies(connection, NIGHT, "m1")
    assert (found.history_tier, found.history_rows) == ("long", 40)
    for view in ("v_open_anomalies", "v_anomaly_fields"):
        rows = ask(connection, f"SELECT DISTINCT history_tier, history_rows FROM invoice_anomalies.{view}")
        assert rows == [("long", 40)]


NUMBERS = """
    SELECT invoice_key, position, observed_number, expected_number, low_number, high_number
    FROM invoice_anomalies.v_anomaly_fields
    ORDER BY 1, 2
"""


def test_the_numbers_of_a_field_are_published_beside_its_texts(connection: Connection) -> None:
    scores, anomalies, fields = scored(KEYS, KEYS[:1])
    fields["observed_number"] = pd.Series([14200.0, None], dtype="object")
    fields["expected_number"] = [1310.25, float("nan")]
    fields["low_number"], fields["high_number"] = [1150, None], [1480, None]
    for _ in range(2):
        warehouse.publish_scores(connection, Scoring(NIGHT, "m1"), [scores], anomalies, fields)

        assert ask(connection, NUMBERS) == [
            (KEYS[0], 1, 14200.0, 1310.25, 1150.0, 1480.0),
            (KEYS[0], 2, None, None, None, None),
        ]
    # Published anew by what knows no numbers, they are empty again.
    publish(connection, KEYS[:1])
    assert ask(connection, NUMBERS) == [(KEYS[0], 1, *[None] * 4), (KEYS[0], 2, *[None] * 4)]


def test_the_numbers_are_the_last_columns_of_their_view(connection: Connection) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM invoice_anomalies.v_anomaly_fields")
        names = [column.name for column in cursor.description or ()]

    assert names[-4:] == ["observed_number", "expected_number", "low_number", "high_number"]
    assert names[:4] == ["extract_date", "rank_of_day", "invoice_key", "entity"]


def test_publishing_twice_leaves_the_same_rows(connection: Connection) -> None:
    states = []
    for _ in range(2):
        publish(connection, KEYS[:2])
        connection.commit()
        states.append(every_row(connection))

    assert states[0] == states[1]
    assert {name: len(rows) for name, rows in states[0].items() if rows} == {
        "schema_migrations": len([*numbered_files(), *repeatable_files()]),
        "loads": 1,
        "invoices": 4,
        "vendor_totals": 3,
        "validation_runs": 1,
        "model_versions": 2,
        "scoring_runs": 1,
        "scores": 4,
        "anomalies": 2,
        "anomaly_fields": 4,
    }


def test_a_loaded_invoice_without_a_score_stops_everything(connection: Connection) -> None:
    publish(connection, KEYS[:1])
    before = every_row(connection)

    with pytest.raises(
        WarehouseError, match=r"1 loaded invoices have no score, first V00000\|d; nothing was published"
    ):
        publish(connection, KEYS[:2], keys=KEYS[:3])

    assert every_row(connection) == before


@pytest.mark.parametrize(
    ("flagged", "explained", "extra", "problem"),
    [
        (KEYS[:1], KEYS[:1], ["V9|unknown"], "1 scores belong to no loaded invoice"),
        (KEYS[:2], KEYS[:1], [], "1 anomalies have no field"),
        (KEYS[:1], KEYS[:2], [], "1 explained invoices are not among the anomalies"),
    ],
)
def test_scores_that_do_not_fit_together_stop_everything(
    connection: Connection, flagged: list[str], explained: list[str], extra: list[str], problem: str
) -> None:
    scores, _, fields = scored(KEYS + extra, explained)
    _, anomalies, _ = scored(KEYS, flagged)
    before = every_row(connection)

    with pytest.raises(WarehouseError, match=problem):
        warehouse.publish_scores(connection, Scoring(NIGHT, "m1"), [scores], anomalies, fields)

    assert every_row(connection) == before


def test_an_anomaly_without_a_score_and_a_score_that_is_no_number_are_refused(connection: Connection) -> None:
    scores, anomalies, fields = scored(KEYS, KEYS[:1])
    stranger = anomalies.rename(index={KEYS[0]: "V9|unknown"})
    with pytest.raises(WarehouseError, match="1 anomalies have no score"):
        warehouse.publish_scores(
            connection, Scoring(NIGHT, "m1"), [scores], stranger, fields.assign(invoice_key="V9|unknown")
        )
    scores.loc[KEYS[1], "score"] = float("nan")
    with pytest.raises(WarehouseError, match="no number as score"):
        warehouse.publish_scores(connection, Scoring(NIGHT, "m1"), [scores], anomalies, fields)


def test_a_version_that_is_not_registered_publishes_nothing(connection: Connection) -> None:
    with pytest.raises(NoModelError, match="no model version m9"):
        publish(connection, [], version="m9")


def test_a_night_without_anomalies_is_published(connection: Connection) -> None:
    scores, _, _ = scored(KEYS, [])
    empty = pd.DataFrame(index=pd.Index([], name="invoice_key"))

    assert warehouse.publish_scores(connection, Scoring(NIGHT, "m1"), [scores], empty, pd.DataFrame()) == ScoreCounts(
        4, 0
    )
    assert warehouse.night_anomalies(connection, NIGHT, "m1") == []


def test_a_verdict_stays_when_the_night_is_scored_again_and_what_is_normal_now_is_removed(
    connection: Connection,
) -> None:
    publish(connection, KEYS[:3])
    review(connection, KEYS[0], "confirmed")
    review(connection, KEYS[2], "dismissed")

    publish(connection, KEYS[:2])

    found = {anomaly.invoice_key: anomaly.status for anomaly in warehouse.night_anomalies(connection, NIGHT, "m1")}
    assert found == {KEYS[0]: "confirmed", KEYS[1]: "open"}
    assert ask(connection, "SELECT count(*) FROM invoice_anomalies.reviews") == [(2,)]
    assert ask(connection, "SELECT count(*) FROM invoice_anomalies.anomaly_fields") == [(4,)]


def test_what_was_judged_stays_judged_when_the_next_model_flags_it_again(connection: Connection) -> None:
    publish(connection, KEYS[:2])
    review(connection, KEYS[0], "normal")

    publish(connection, KEYS[:2], version="m2")

    found = {anomaly.invoice_key: anomaly.status for anomaly in warehouse.night_anomalies(connection, NIGHT, "m2")}
    assert found == {KEYS[0]: "normal", KEYS[1]: "open"}


def test_a_verdict_on_values_that_a_correction_changes_is_kept_and_says_nothing_of_the_new_ones(
    connection: Connection, contract: Contract, load: Load
) -> None:
    publish(connection, KEYS[:2])
    connection.commit()
    for key in KEYS[:2]:
        review(connection, key, "normal")
    connection.commit()

    corrected = invoices(contract, "a", "b", "c", "d")
    corrected.loc[2, "gross_amount"] = 999_999.0
    load(corrected)
    connection.commit()

    statuses = "SELECT invoice_key, status FROM invoice_anomalies.anomalies WHERE model_version = %s ORDER BY 1"
    assert ask(connection, statuses, "m1") == [(KEYS[0], "open"), (KEYS[1], "normal")]
    for version in ("m1", "m2"):
        publish(connection, KEYS[:2], version=version)
        assert ask(connection, statuses, version) == [(KEYS[0], "open"), (KEYS[1], "normal")]
    assert ask(connection, "SELECT verdict FROM invoice_anomalies.reviews") == [("normal",), ("normal",)]


def test_a_corrected_extract_takes_scores_and_anomalies_of_what_it_drops_and_keeps_reviews(
    connection: Connection, contract: Contract, load: Load
) -> None:
    publish(connection, KEYS[2:])
    review(connection, KEYS[3], "confirmed")

    load(invoices(contract, "a", "b", "c"))

    assert ask(connection, "SELECT count(*) FROM invoice_anomalies.scores") == [(3,)]
    assert ask(connection, "SELECT invoice_key FROM invoice_anomalies.anomalies") == [(KEYS[2],)]
    assert ask(connection, "SELECT invoice_key FROM invoice_anomalies.reviews") == [(KEYS[3],)]


def test_reviews_cannot_be_changed_or_deleted(connection: Connection) -> None:
    publish(connection, KEYS[:1])
    review(connection, KEYS[0], "normal")
    connection.commit()

    for change in (
        "UPDATE invoice_anomalies.reviews SET verdict = 'confirmed'",
        "DELETE FROM invoice_anomalies.reviews",
    ):
        with pytest.raises(Exception, match="append-only"), connection.cursor() as cursor:
            cursor.execute(change)
        connection.rollback()
    assert ask(connection, "SELECT verdict FROM invoice_anomalies.reviews") == [("normal",)]


def test_hostile_explanations_come_back_as_they_went(connection: Connection) -> None:
    text = '\'); DROP TABLE invoice_anomalies.anomalies; -- "quoted",\n\\N %s {x} 発票'
    scores, anomalies, fields = scored(KEYS, KEYS[:1])
    anomalies["explanation"] = anomalies["entity"] = text
    warehouse.publish_scores(
        connection, Scoring(NIGHT, "m1"), [scores], anomalies, fields.assign(observed=text, sentence=text)
    )

    (found,) = warehouse.night_anomalies(connection, NIGHT, "m1")
    assert {found.explanation, found.entity, found.fields[0].observed, found.fields[1].sentence} == {text}


def test_open_anomalies_are_those_of_the_version_that_speaks_for_the_night(connection: Connection) -> None:
    open_anomalies = "SELECT model_version, invoice_key FROM invoice_anomalies.v_open_anomalies ORDER BY rank_of_day"
    publish(connection, KEYS[:2], version="m2")
    publish(connection, KEYS[1:3], version="m1")
    assert ask(connection, open_anomalies) == [("m2", KEYS[0]), ("m2", KEYS[1])]

    review(connection, KEYS[0], "dismissed", version="m2")
    assert ask(connection, open_anomalies) == [("m2", KEYS[1])]

    warehouse.promote_model(connection, "m2")
    warehouse.promote_model(connection, "m1")  # a roll-back
    assert ask(connection, open_anomalies) == [("m1", KEYS[1]), ("m1", KEYS[2])]


def test_the_other_views_answer_their_questions(connection: Connection) -> None:
    publish(connection, KEYS[:3], version="m1")
    publish(connection, KEYS[:2], version="m2")
    review(connection, KEYS[0], "confirmed", version="m2")
    review(connection, KEYS[1], "normal", version="m2")

    fields = "SELECT count(*), count(DISTINCT model_version) FROM invoice_anomalies.v_anomaly_fields"
    vendors = (
        "SELECT entity, currency, anomalies, confirmed, cleared, amount_at_risk FROM invoice_anomalies.v_vendor_risk"
    )
    health = (
        "SELECT f1, nights_scored, invoices_scored, flagged_share, confirmed_share "
        "FROM invoice_anomalies.v_model_health WHERE model_version = 'm2'"
    )
    night = (
        "SELECT rows_in, loaded, scored, flagged, confirmed, normal, amount_at_risk::float8, currency, model_version "
        "FROM invoice_anomalies.v_daily_summary"
    )
    quality = "SELECT rows_in, valid, quarantined, top_reason, warnings FROM invoice_anomalies.v_data_quality"

    assert ask(connection, fields) == [(4, 1)]
    assert [(*row[:5], float(row[5])) for row in ask(connection, vendors)] == [("V00001", "EUR", 2, 1, 1, 1234.56)]
    assert ask(connection, health) == [(0.8, 1, 4, 0.5, 0.5)]
    assert ask(connection, night) == [(4, 4, 4, 2, 1, 1, 1234.56, "EUR", "m2")]
    assert ask(connection, quality) == [(4, 4, 0, None, "a warning")]


def test_an_alert_is_remembered_by_its_digest(connection: Connection) -> None:
    publish(connection, KEYS[:2])
    anomalies = warehouse.night_anomalies(connection, NIGHT, "m1")
    assert not warehouse.alert_sent(connection, "digest")

    for _ in range(2):
        warehouse.record_alert(connection, NIGHT, "m1", "email", anomalies, "digest")

    assert warehouse.alert_sent(connection, "digest")
    assert not warehouse.alert_sent(connection, "another")
    assert ask(connection, "SELECT channel, anomalies FROM invoice_anomalies.alerts") == [
        ("email", [anomaly.invoice_key for anomaly in anomalies])
    ]


def test_the_counts_of_a_day_are_those_of_the_tables(connection: Connection, contract: Contract, load: Load) -> None:
    from tests.warehouse.rows import rejected

    publish(connection, KEYS[:2])
    tomorrow = NIGHT + timedelta(days=1)
    load(invoices(contract, "a", "e"), rejected(line8=["no amount"], line9=["no amount", "no date"]), tomorrow)

    today, after = warehouse.day_counts(connection, NIGHT), warehouse.day_counts(connection, tomorrow)

    assert {name: today[name] for name in ("status", "rows_in", "loaded", "quarantined", "scored", "flagged")} == {
        "status": "loaded",
        "rows_in": 4,
        "loaded": 4,
        "quarantined": 0,
        "scored": 4,
        "flagged": 2,
    }
    assert (today["amount_at_risk"], today["currency"], today["model_version"]) == (2469.12, "EUR", "m1")
    assert [night["extract_date"] for night in today["series"]] == [NIGHT]
    assert [night["extract_date"] for night in after["series"]] == [NIGHT, tomorrow]
    assert (after["rows_in"], after["loaded"], after["quarantined"], after["model_version"]) == (4, 1, 3, None)
    assert after["reasons"] == [
        ("no amount", 2),
        ("already loaded with the extract of 2024-03-05", 1),
        ("no date", 1),
    ]
    assert (after["warnings"], after["data_docs"]) == (["a warning"], ["docs.html"])


def test_the_counts_of_a_night_that_never_came_are_zero(connection: Connection) -> None:
    counts = warehouse.day_counts(connection, NIGHT + timedelta(days=5))

    assert (counts["status"], counts["rows_in"], counts["flagged"], counts["model_version"]) == ("missing", 0, 0, None)
    assert len(counts["series"]) == 1
