"""A night taken back: nothing of it is left but the trail, and later nights have what they delivered too."""

from datetime import date, timedelta

import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812

from invoice_anomalies import warehouse
from invoice_anomalies.contract import Contract
from invoice_anomalies.errors import WarehouseError
from invoice_anomalies.warehouse import Scoring, Withdrawal
from tests.warehouse.rows import NIGHT, Load, a_model, ask, contents, every_row, invoices, rejected, scored, typed

NIGHTS = [NIGHT + timedelta(days=day) for day in range(4)]
HISTORY = timedelta(days=10)
TRAIL = "SELECT extract_date, added, changed, removed FROM invoice_anomalies.loads ORDER BY id"


def score(connection: Connection, night: date) -> None:
    """Score what is loaded of a night; its first invoice is flagged."""
    loaded = "SELECT invoice_key FROM invoice_anomalies.invoices WHERE extract_date = %s ORDER BY 1"
    keys = [str(key) for (key,) in ask(connection, loaded, night)]
    known = warehouse.last_load(connection, night - HISTORY, night)
    scores, anomalies, fields = scored(keys, keys[:1])
    warehouse.publish_scores(connection, Scoring(night, "m1", known, night - HISTORY), [scores], anomalies, fields)


def of_night(connection: Connection, table: str, night: date) -> int:
    return int(
        str(ask(connection, f"SELECT count(*) FROM invoice_anomalies.{table} WHERE extract_date = %s", night)[0][0])
    )


@pytest.fixture
def scored_nights(connection: Connection, contract: Contract, load: Load) -> None:
    """Three nights, scored. The second and third repeat an invoice of the first; one of the first is confirmed."""
    warehouse.register_model(connection, a_model("m1", date(2024, 2, 1)))
    load(invoices(contract, "a", "b", gross_amount=1.5), rejected(line9=["no amount"]), extract_date=NIGHTS[0])
    load(invoices(contract, "a", "c", gross_amount=2.0), extract_date=NIGHTS[1])
    load(invoices(contract, "a", "b", "d", gross_amount=3.0), extract_date=NIGHTS[2])
    for night in NIGHTS[:3]:
        score(connection, night)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO invoice_anomalies.reviews (invoice_key, model_version, verdict) "
            "SELECT invoice_key, model_version, 'confirmed' FROM invoice_anomalies.anomalies WHERE extract_date = %s",
            (NIGHTS[0],),
        )
    connection.commit()


def test_a_night_taken_back_leaves_nothing_but_the_trail(
    connection: Connection, contract: Contract, scored_nights: None
) -> None:
    done = warehouse.take_back(connection, contract, NIGHTS[0], "loaded under a wrong date", "ann")

    assert done == Withdrawal(invoices=2, quarantined=1, anomalies=1, given_back={NIGHTS[1]: 1, NIGHTS[2]: 1})
    for table in ("invoices", "quarantined_invoices", "quarantine_counts", "scores", "anomalies", "scoring_runs"):
        assert of_night(connection, table, NIGHTS[0]) == 0, table
    assert ask(connection, "SELECT verdict FROM invoice_anomalies.reviews") == [("confirmed",)]
    assert ask(
        connection,
        "SELECT extract_date, invoices, quarantined, anomalies, given_back, reason, taken_by "
        "FROM invoice_anomalies.v_withdrawals",
    ) == [(NIGHTS[0], 2, 1, 1, 2, "loaded under a wrong date", "ann")]
    assert ask(connection, TRAIL)[3:] == [(NIGHTS[0], 0, 0, 2), (NIGHTS[1], 1, 0, 0), (NIGHTS[2], 1, 0, 0)]
    summary = "SELECT extract_date FROM invoice_anomalies.v_daily_summary ORDER BY 1"
    assert ask(connection, summary) == [(NIGHTS[1],), (NIGHTS[2],)]


def test_what_later_nights_delivered_too_is_theirs_as_if_the_other_had_never_come(
    dsn: str, connection: Connection, contract: Contract, load: Load, scored_nights: None
) -> None:
    warehouse.take_back(connection, contract, NIGHTS[0], "why", "ann")
    found = {name: [row for row in rows if NIGHTS[0] not in row] for name, rows in contents(connection).items()}
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE invoice_anomalies.invoices, invoice_anomalies.quarantined_invoices, "
                       "invoice_anomalies.validation_runs CASCADE")  # fmt: skip

    load(invoices(contract, "a", "c", gross_amount=2.0), extract_date=NIGHTS[1])
    load(invoices(contract, "a", "b", "d", gross_amount=3.0), extract_date=NIGHTS[2])

    assert found == contents(connection)


def test_the_later_nights_are_stale_and_the_one_taken_back_is_missing(
    connection: Connection, contract: Contract, scored_nights: None
) -> None:
    warehouse.take_back(connection, contract, NIGHTS[0], "why", "ann")

    assert warehouse.night_status(connection, NIGHTS[0]) == "missing"
    assert warehouse.night_rows(connection, NIGHTS[0]) == 0
    assert warehouse.stale_nights(connection, date.min) == NIGHTS[1:3]


def test_a_night_taken_back_can_be_loaded_and_scored_anew(
    connection: Connection, contract: Contract, load: Load, scored_nights: None
) -> None:
    before = contents(connection)
    warehouse.take_back(connection, contract, NIGHTS[0], "why", "ann")

    load(invoices(contract, "a", "b", gross_amount=1.5), rejected(line9=["no amount"]), extract_date=NIGHTS[0])

    assert contents(connection) == before
    assert warehouse.night_status(connection, NIGHTS[0]) == "loaded"
    score(connection, NIGHTS[0])
    assert warehouse.stale_nights(connection, date.min) == NIGHTS[1:3]


def test_taking_back_twice_changes_nothing_more(
    connection: Connection, contract: Contract, scored_nights: None
) -> None:
    warehouse.take_back(connection, contract, NIGHTS[0], "why", "ann")
    connection.commit()
    before = every_row(connection)

    assert warehouse.take_back(connection, contract, NIGHTS[0], "why", "ann") == Withdrawal()

    assert every_row(connection) == before


@pytest.mark.parametrize(
    ("night", "reason", "told"),
    [
        (NIGHTS[0], " \n", "only with a reason"),
        (NIGHTS[3], "why", f"nothing of the night of {NIGHTS[3]} is there to be taken back"),
    ],
    ids=["no reason", "no such night"],
)
def test_without_a_reason_or_a_night_nothing_is_taken_back(
    connection: Connection, contract: Contract, scored_nights: None, night: date, reason: str, told: str
) -> None:
    before = every_row(connection)

    with pytest.raises(WarehouseError, match=told):
        warehouse.take_back(connection, contract, night, reason, "ann")

    assert every_row(connection) == before


def test_a_refused_night_is_missing_once_it_is_taken_back(connection: Connection, contract: Contract) -> None:
    warehouse.refuse_night(connection, warehouse.Extract(NIGHT, "f.csv"), 3, ["too few rows"], "docs")

    assert warehouse.take_back(connection, contract, NIGHT, "a test file", "ann") == Withdrawal()

    assert warehouse.night_status(connection, NIGHT) == "missing"


def test_the_trail_cannot_be_changed(connection: Connection, contract: Contract, scored_nights: None) -> None:
    warehouse.take_back(connection, contract, NIGHTS[0], "why", "ann")

    with pytest.raises(Exception, match="withdrawals are append-only"), connection.cursor() as cursor:
        cursor.execute("UPDATE invoice_anomalies.withdrawals SET reason = 'another'")


HEADERS = {
    "gross_amount": 'Brutto "100 %" %s {x}',
    "description": "Text ü" + "ß" * 40,
    "invoice_date": "a\\b'c\n?",
}
VALUES: list[dict[str, object]] = [
    {"gross_amount": 0.1 + 0.2, "tax_amount": None, "description": 'say "%s"\n\\.\u2028 発票 🧾'},
    {"gross_amount": 1.7976931348623157e308, "tax_amount": 5e-324, "due_date": None, "description": ""},
    {"gross_amount": -99.95, "invoice_date": "1700-01-01", "due_date": "2199-12-31", "description": "{}[]null"},
]


def test_every_value_and_header_comes_back_to_the_last_digit(
    connection: Connection, contract: Contract, load: Load
) -> None:
    data = contract.model_dump()
    for name, header in HEADERS.items():
        data["fields"][name]["column"] = header
    data["fields"]["quantity"] = {"type": "number", "required": False}
    strange = Contract.model_validate(data)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE invoice_anomalies.invoices ADD COLUMN quantity double precision")
    rows = [{"invoice_number": str(n), "quantity": 1 / 3, **values} for n, values in enumerate(VALUES)]
    columns = ", ".join([*strange.fields, "invoice_key, file, line"])
    question = f"SELECT {columns} FROM invoice_anomalies.invoices WHERE extract_date = %s ORDER BY line"
    load(typed(strange, [*rows, {"invoice_number": "own"}]), extract_date=NIGHTS[1], contract=strange)
    expected = ask(connection, question, NIGHTS[1])

    # As its second: the invoices of the night wait in quarantine, then they come back.
    load(typed(strange, [{**row, "gross_amount": 1.0} for row in rows]), contract=strange)
    assert of_night(connection, "invoices", NIGHTS[1]) == 1
    warehouse.take_back(connection, strange, NIGHT, "why", "ann")

    assert ask(connection, question, NIGHTS[1]) == expected


def test_rows_that_the_contract_has_outgrown_wait_for_their_extract_and_are_told(
    connection: Connection, contract: Contract, load: Load
) -> None:
    load(invoices(contract, "a", "b"))
    load(invoices(contract, "a", "c"), extract_date=NIGHTS[1])
    data = contract.model_dump()
    data["fields"]["gross_amount"]["column"] = "another header"
    changed = Contract.model_validate(data)

    assert warehouse.take_back(connection, changed, NIGHT, "why", "ann").given_back == {}

    given, waiting = warehouse.give_back_all(connection, changed)
    assert (given, [night.extract_date for night in waiting]) == ({}, [NIGHTS[1]])
    load(invoices(contract, "a", "c"), extract_date=NIGHTS[1], contract=changed)
    assert warehouse.give_back_all(connection, changed) == ({}, [])
    assert of_night(connection, "invoices", NIGHTS[1]) == 2
