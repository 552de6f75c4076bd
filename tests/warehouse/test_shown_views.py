"""What people look at: every anomaly with name, kind and verdict, money by currency, vendors, rows in quarantine."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812

from invoice_anomalies import warehouse
from invoice_anomalies.contract import Contract
from invoice_anomalies.warehouse import Extract, Scoring, StillOpen
from tests.warehouse.replay import replay
from tests.warehouse.rows import NIGHT, Load, a_model, ask, invoices, rejected, scored, typed

KEYS = ["V00000|a", "V00001|b", "V00002|c"]
TOMORROW = NIGHT + timedelta(days=1)
SUMMARY = "SELECT success, rows_in, loaded, quarantined, refused FROM invoice_anomalies.v_daily_summary"
MONEY = "SELECT amount_at_risk::float8, currency FROM invoice_anomalies.v_daily_summary"
BY_CURRENCY = (
    "SELECT extract_date, currency, flagged, open, confirmed, amount_at_risk::float8, amount_open::float8 "
    "FROM invoice_anomalies.v_night_currency ORDER BY 1, 2"
)
VENDORS = (
    "SELECT entity, entity_name, currency, invoices, amount::float8, extract_date FROM invoice_anomalies.v_vendors"
)
# The same, counted from the invoices.
COUNTED = """
    SELECT vendor_id, currency, count(*), sum(gross_amount)::float8, max(extract_date)
    FROM invoice_anomalies.invoices GROUP BY 1, 2 ORDER BY 1, 2
"""
KEPT = "SELECT entity, currency, invoices, amount::float8, extract_date FROM invoice_anomalies.v_vendors ORDER BY 1, 2"
FIRST_TIMES = """
    SELECT DISTINCT ON (table_name) table_name, column_name
    FROM information_schema.columns
    WHERE table_schema = 'invoice_anomalies' AND table_name LIKE 'v\\_%%'
        AND data_type IN ('date', 'timestamp with time zone')
    ORDER BY table_name, ordinal_position
"""


@pytest.fixture
def publish(connection: Connection, contract: Contract, load: Load) -> Callable[..., None]:
    """Load a night of three invoices and publish these anomalies of it, changed as given."""
    warehouse.register_model(connection, a_model("m1", date(2024, 2, 1)))

    def publish(flagged: list[str], night: date = NIGHT, **changes: Any) -> None:
        keys = KEYS if night == NIGHT else [f"{key}{night.day}" for key in KEYS]
        load(invoices(contract, *(key.partition("|")[2] for key in keys)), extract_date=night)
        scores, anomalies, fields = scored(keys, flagged)
        warehouse.publish_scores(connection, Scoring(night, "m1"), [scores], anomalies.assign(**changes), fields)

    return publish


def judge(connection: Connection, key: str, verdict: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO invoice_anomalies.reviews (invoice_key, model_version, verdict, reviewer) "
            "VALUES (%s, 'm1', %s, 'ann')",
            (key, verdict),
        )


def test_an_anomaly_is_shown_with_its_vendors_name_and_its_kind(
    connection: Connection, publish: Callable[..., None]
) -> None:
    publish(KEYS[:1])

    assert warehouse.night_anomalies(connection, NIGHT, "m1")[0].entity_name == "Acme Ltd"
    for view, kinds in (
        ("v_open_anomalies", ["slip"]),
        ("v_anomalies", ["slip"]),
        ("v_anomaly_fields", ["slip", "tax"]),
    ):
        found = ask(connection, f"SELECT entity_name, kind FROM invoice_anomalies.{view} ORDER BY kind")
        assert found == [("Acme Ltd", kind) for kind in kinds], view
    publish(KEYS[:1], kind="copy", entity_name=None)
    assert ask(connection, "SELECT entity_name, kind FROM invoice_anomalies.v_anomalies") == [(None, "copy")]


def test_money_of_two_currencies_is_never_one_sum(connection: Connection, publish: Callable[..., None]) -> None:
    publish(KEYS, currency=["EUR", "USD", "EUR"], amount_at_risk=[10.0, 500.0, 7.0])
    judge(connection, KEYS[0], "confirmed")

    assert ask(connection, MONEY) == [(None, None)]
    assert ask(connection, BY_CURRENCY) == [(NIGHT, "EUR", 2, 1, 1, 17.0, 7.0), (NIGHT, "USD", 1, 1, 0, 500.0, 500.0)]

    publish(KEYS, currency=["EUR", None, "EUR"], amount_at_risk=[10.0, 500.0, 7.0])
    assert ask(connection, MONEY) == [(None, None)]
    publish(KEYS, amount_at_risk=[10.0, 500.0, 7.0])
    assert ask(connection, MONEY) == [(517.0, "EUR")]
    publish([])
    assert ask(connection, MONEY) == [(0.0, None)]
    assert ask(connection, BY_CURRENCY) == []


def test_a_refused_try_counts_no_rows_beside_an_accepted_extract(
    connection: Connection, contract: Contract, load: Load
) -> None:
    def refuse(file: str, rows: int) -> None:
        warehouse.refuse_night(connection, Extract(NIGHT, file), rows, ["too few"], "docs.html")
        connection.commit()

    refuse("first.csv", 9)
    assert ask(connection, SUMMARY) == [(False, 9, 0, 0, 1)]
    refuse("second.csv", 7)
    assert ask(connection, SUMMARY) == [(False, 7, 0, 0, 2)]
    load(invoices(contract, "a", "b"), rejected(line9=["no amount"]), file="third.csv")
    connection.commit()
    assert ask(connection, SUMMARY) == [(True, 3, 2, 1, 0)]
    refuse("fourth.csv", 12)
    assert ask(connection, SUMMARY) == [(True, 3, 2, 1, 1)]
    assert warehouse.night_status(connection, NIGHT) == "loaded"
    # A correction in the same file, refused: what was loaded stays.
    refuse("third.csv", 1)
    assert ask(connection, SUMMARY) == [(False, 3, 2, 1, 2)]


def test_every_anomaly_has_its_last_verdict_and_a_correction_opens_it_again(
    connection: Connection, publish: Callable[..., None], load: Load, contract: Contract
) -> None:
    verdicts = "SELECT status, verdict, reviewer, reviewed_at IS NULL FROM invoice_anomalies.v_anomalies ORDER BY 1, 2"
    publish(KEYS[:2])
    judge(connection, KEYS[0], "normal")
    judge(connection, KEYS[0], "confirmed")
    connection.commit()
    assert ask(connection, verdicts) == [("confirmed", "confirmed", "ann", False), ("open", None, None, True)]

    load(invoices(contract, "a", "b", "c", gross_amount=42.0))
    assert ask(connection, verdicts) == [("open", "confirmed", "ann", False), ("open", None, None, True)]


def test_what_is_open_from_earlier_nights_is_counted_by_currency(
    connection: Connection, publish: Callable[..., None]
) -> None:
    assert warehouse.open_before(connection, TOMORROW) == []
    publish(KEYS, currency=["EUR", "USD", "EUR"], amount_at_risk=[10.0, 500.0, None])
    publish([f"{KEYS[0]}{TOMORROW.day}"], TOMORROW, currency="EUR", amount_at_risk=5.0)

    assert warehouse.open_before(connection, NIGHT) == []
    assert warehouse.open_before(connection, TOMORROW) == [
        StillOpen("EUR", 2, 10.0, NIGHT),
        StillOpen("USD", 1, 500.0, NIGHT),
    ]
    assert warehouse.open_before(connection, TOMORROW + timedelta(days=1))[0] == StillOpen("EUR", 3, 15.0, NIGHT)
    judge(connection, KEYS[1], "normal")
    assert [one.currency for one in warehouse.open_before(connection, TOMORROW)] == ["EUR"]


def test_vendors_follow_corrections_nights_that_come_late_and_invoices_that_go(
    connection: Connection, contract: Contract, load: Load
) -> None:
    def check() -> None:
        connection.commit()
        assert ask(connection, KEPT) == ask(connection, COUNTED)

    load(invoices(contract, "a", "b", "c", "d"))
    check()
    load(invoices(contract, "a", "e", "f", gross_amount=7.5), extract_date=TOMORROW)
    check()
    load(invoices(contract, "a", "e", gross_amount=8.0, currency="USD"), extract_date=NIGHT - timedelta(days=1))
    check()
    load(invoices(contract, "b"))
    check()
    load(invoices(contract, "f", gross_amount=-3.0), extract_date=TOMORROW)
    check()
    load(invoices(contract, "f", gross_amount=-3.0), extract_date=TOMORROW)
    check()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM invoice_anomalies.invoices")
    assert ask(connection, VENDORS) == []


def test_a_vendor_has_the_name_of_its_last_night(connection: Connection, contract: Contract, load: Load) -> None:
    one = {"vendor_id": "V1", "currency": "EUR", "gross_amount": 10.0}
    load(typed(contract, [{**one, "invoice_number": "b", "vendor_name": "New name"}]), extract_date=TOMORROW)
    load(typed(contract, [{**one, "invoice_number": "a", "vendor_name": "Old name"}]))

    assert ask(connection, VENDORS) == [("V1", "New name", "EUR", 2, 20.0, TOMORROW)]


def test_vendors_are_counted_anew_where_the_contract_names_other_columns(
    connection: Connection, contract: Contract, load: Load
) -> None:
    frame = invoices(contract, "a", "b", "c", "d", cost_center="CC1", net_amount=3.0)
    load(frame.assign(vendor_id=pd.Series(["V1", "V2", "V1", "V1"], index=frame.index, dtype="str")))
    other = Contract.model_validate(
        contract.model_dump() | {"entity": "cost_center", "entity_name": None, "currency": None, "amount": "net_amount"}
    )

    assert warehouse.migrate(connection, other) == ["vendor_totals for the columns of the contract"]
    assert warehouse.migrate(connection, other) == []
    assert ask(connection, VENDORS) == [("CC1", None, None, 4, 12.0, NIGHT)]
    nameless = Contract.model_validate(other.model_dump() | {"entity": None, "amount": None})
    warehouse.migrate(connection, nameless)
    assert ask(connection, VENDORS) == [(None, None, None, 4, 0.0, NIGHT)]


def test_a_row_in_quarantine_is_shown_with_its_reasons_as_text(
    connection: Connection, contract: Contract, load: Load
) -> None:
    load(invoices(contract, "a"), rejected(line8=["no amount", "no date"]), file="f.csv")

    found = "SELECT extract_date, file, line, top_reason, reasons, raw FROM invoice_anomalies.v_quarantine"
    assert ask(connection, found) == [(NIGHT, "f.csv", 8, "no amount", "no amount; no date", '{"a": 1}')]


def test_the_first_time_of_a_view_is_its_night_but_for_the_views_of_before(connection: Connection) -> None:
    first = dict(ask(connection, FIRST_TIMES))

    assert {view: column for view, column in first.items() if column != "extract_date"} == {
        "v_vendor_risk": "first_flagged",
        "v_model_health": "trained_from",
    }


def test_anomalies_of_before_get_their_names_and_vendors_their_sums(dsn: str, contract: Contract) -> None:
    with warehouse.connect(dsn) as connection:
        replay(connection, contract, last=6)
        with connection.cursor() as cursor:
            cursor.execute(PUBLISHED_BEFORE)
        replay(connection, contract)
        warehouse.migrate(connection, contract)

        assert ask(connection, "SELECT entity_name, kind FROM invoice_anomalies.v_open_anomalies") == [
            ("Acme Ltd", None)
        ]
        assert ask(connection, VENDORS) == [("V1", "Acme Ltd", "EUR", 1, 12.5, NIGHT)]


PUBLISHED_BEFORE = """
    INSERT INTO invoice_anomalies.model_versions
        (version, status, trained_from, trained_until, rows, metrics, artefact, checksum)
    VALUES ('m1', 'champion', '2024-01-01', '2024-02-01', 1, '{}', '', '');
    INSERT INTO invoice_anomalies.invoices
        (invoice_key, extract_date, file, line, vendor_id, vendor_name, currency, gross_amount)
    VALUES ('a', '2024-03-05', 'f', 1, 'V1', 'Acme Ltd', 'EUR', 12.5);
    INSERT INTO invoice_anomalies.scoring_runs (extract_date, model_version, scored, flagged)
    VALUES ('2024-03-05', 'm1', 1, 1);
    INSERT INTO invoice_anomalies.anomalies
        (invoice_key, model_version, extract_date, rank_of_day, rank_by_amount, score, threshold, top_field,
         explanation)
    VALUES ('a', 'm1', '2024-03-05', 1, 1, 9, 2, 'f', 'e');
"""
