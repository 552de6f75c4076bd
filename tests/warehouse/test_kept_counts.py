"""What the views read instead of counting invoices and quarantined rows is what counting them would give."""

from datetime import date, timedelta

from psycopg2.extensions import connection as Connection  # noqa: N812

from invoice_anomalies import warehouse
from invoice_anomalies.contract import Contract
from invoice_anomalies.warehouse import Extract, Scoring
from tests.warehouse.replay import replay
from tests.warehouse.rows import NIGHT, Load, a_model, ask, invoices, rejected, scored

KEYS = ["V00000|a", "V00001|b", "V00002|c"]
TOMORROW = NIGHT + timedelta(days=1)
SUMMARY = "SELECT extract_date, loaded, quarantined FROM invoice_anomalies.v_daily_summary ORDER BY 1"
COUNTED = """
    SELECT
        night.extract_date,
        (SELECT count(*) FROM invoice_anomalies.invoices AS i WHERE i.extract_date = night.extract_date),
        (SELECT count(*) FROM invoice_anomalies.quarantined_invoices AS q WHERE q.extract_date = night.extract_date)
    FROM (SELECT DISTINCT extract_date FROM invoice_anomalies.validation_runs) AS night
    ORDER BY 1
"""
TOP_REASONS = (
    "SELECT file, top_reason, top_reason_rows FROM invoice_anomalies.v_data_quality ORDER BY extract_date, file"
)


def test_the_counts_of_a_night_follow_corrections_refusals_and_nights_that_come_late(
    connection: Connection, contract: Contract, load: Load
) -> None:
    def check(*expected: tuple[int, int]) -> None:
        counted = ask(connection, COUNTED)
        assert ask(connection, SUMMARY) == counted
        assert [row[1:] for row in counted] == list(expected)

    load(invoices(contract, "a", "b", "c"), rejected(line8=["no amount"], line9=["no amount", "no date"]))
    check((3, 2))
    load(invoices(contract, "a", "b"), rejected(line9=["no date"]))
    check((2, 1))
    load(invoices(contract, "a", "b", "d"), file="another.csv")
    check((3, 0))
    warehouse.refuse_night(connection, Extract(NIGHT, "another.csv"), 9, ["too few"], "docs.html")
    check((3, 0))
    load(invoices(contract, "a", "e", "f"), extract_date=TOMORROW)
    check((3, 0), (2, 1))
    load(invoices(contract, "a", "e"), extract_date=NIGHT - timedelta(days=1))
    check((2, 0), (2, 1), (1, 2))


def test_the_most_frequent_reason_follows_what_is_in_quarantine(
    connection: Connection, contract: Contract, load: Load
) -> None:
    load(invoices(contract, "a"), rejected(line8=["no amount"], line9=["no amount", "no date"]), file="f")
    assert ask(connection, TOP_REASONS) == [("f", "no amount", 2)]

    load(invoices(contract, "a"), rejected(line8=["no date"], line9=["no amount", "no date"]), file="f")
    assert ask(connection, TOP_REASONS) == [("f", "no date", 2)]

    load(invoices(contract, "a", "b", "c"), file="f")
    assert ask(connection, TOP_REASONS) == [("f", None, None)]
    assert ask(connection, "SELECT count(*) FROM invoice_anomalies.quarantine_counts") == [(0,)]


def test_an_anomaly_has_the_history_of_its_score(connection: Connection, contract: Contract, load: Load) -> None:
    load(invoices(contract, "a", "b", "c"))
    warehouse.register_model(connection, a_model("m1", date(2024, 2, 1)))
    for tier, rows in (("long", 40), ("short", 7)):
        scores, anomalies, fields = scored(KEYS, KEYS[:1])
        scores = scores.assign(history_tier=tier, history_rows=rows)
        warehouse.publish_scores(connection, Scoring(NIGHT, "m1"), [scores], anomalies, fields)

        for view in ("v_open_anomalies", "v_anomaly_fields"):
            found = ask(connection, f"SELECT DISTINCT history_tier, history_rows FROM invoice_anomalies.{view}")
            assert found == [(tier, rows)]


def test_what_was_published_before_gets_its_counts_and_its_history(dsn: str, contract: Contract) -> None:
    with warehouse.connect(dsn) as connection:
        replay(connection, contract, last=4)
        with connection.cursor() as cursor:
            cursor.execute(PUBLISHED_BEFORE)
        replay(connection, contract)

        assert warehouse.migrate(connection, contract)[0] == "0002_numbers_of_fields"

        assert ask(connection, SUMMARY) == ask(connection, COUNTED) == [(NIGHT, 1, 3)]
        assert ask(connection, TOP_REASONS) == [("f", "no date", 2)]
        history = "SELECT history_tier, history_rows, rank_of_day FROM invoice_anomalies.v_open_anomalies"
        assert ask(connection, history) == [("long", 40, 1)]
        trail = "SELECT reviewer, recorded_by FROM invoice_anomalies.reviews"
        assert ask(connection, trail) == [("ann", None)]


PUBLISHED_BEFORE = """
    INSERT INTO invoice_anomalies.model_versions
        (version, status, trained_from, trained_until, rows, metrics, artefact, checksum)
    VALUES ('m1', 'champion', '2024-01-01', '2024-02-01', 1, '{}', '', '');
    INSERT INTO invoice_anomalies.invoices (invoice_key, extract_date, file, line) VALUES ('a', '2024-03-05', 'f', 1);
    INSERT INTO invoice_anomalies.quarantined_invoices (extract_date, file, line, raw, reasons)
    VALUES ('2024-03-05', 'f', 2, '', '{no date}'), ('2024-03-05', 'f', 3, '', '{no date,odd}'),
        ('2024-03-05', 'f', 4, '', '{odd}');
    INSERT INTO invoice_anomalies.validation_runs
        (extract_date, file, rows_in, valid, quarantined, success, problems, warnings, data_docs)
    VALUES ('2024-03-05', 'f', 4, 1, 3, true, '{}', '{}', '');
    INSERT INTO invoice_anomalies.scoring_runs (extract_date, model_version, scored, flagged)
    VALUES ('2024-03-05', 'm1', 1, 1);
    INSERT INTO invoice_anomalies.scores
        (invoice_key, model_version, extract_date, score, threshold, history_tier, history_rows)
    VALUES ('a', 'm1', '2024-03-05', 9, 2, 'long', 40);
    INSERT INTO invoice_anomalies.anomalies
        (invoice_key, model_version, extract_date, rank_of_day, rank_by_amount, score, threshold, top_field,
         explanation)
    VALUES ('a', 'm1', '2024-03-05', 1, 1, 9, 2, 'f', 'e');
    INSERT INTO invoice_anomalies.anomaly_fields
        (invoice_key, model_version, field, position, error, rarity, share, sentence)
    VALUES ('a', 'm1', 'f', 1, 1, 1, 1, 's');
    INSERT INTO invoice_anomalies.reviews (invoice_key, model_version, verdict, reviewer)
    VALUES ('b', 'm1', 'normal', 'ann');
"""
