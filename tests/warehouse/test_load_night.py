import math
import threading
from datetime import date, timedelta

import pandas as pd
import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812

from invoice_anomalies import warehouse
from invoice_anomalies.contract import Contract
from invoice_anomalies.errors import WarehouseError
from invoice_anomalies.warehouse import Extract, LoadCounts, invoice_keys
from tests.warehouse.rows import (
    EMPTY_QUARANTINE,
    NIGHT,
    Load,
    ask,
    contents,
    every_row,
    invoices,
    rejected,
    typed,
    with_repeated_share,
)

HOSTILE = [
    "a 'quoted' \"text\"",
    "comma, semicolon; tab\t, newline\nand\r\nmore",
    "'); DROP TABLE invoice_anomalies.invoices; --",
    "\\N",
    "\\.",
    "first\n\\.\nlast",
    "%s {fields} $1",
    "NULL",
    "NA",
    "Ünïcödé 発票 🧾 \u202eright to left",
    "back\\slash",
]


def test_a_night_loaded_three_times_leaves_identical_rows_in_every_table(
    connection: Connection, contract: Contract, load: Load
) -> None:
    load(invoices(contract, "kept"), extract_date=NIGHT - timedelta(days=1))
    counts, states = [], []
    for _ in range(3):
        counts.append(load(invoices(contract, "kept", "a", "b"), rejected(line9=["no amount", "no date"])))
        connection.commit()
        states.append(every_row(connection))

    assert counts == [LoadCounts(rows_in=4, loaded=2, quarantined=2)] * 3
    assert states[0] == states[1] == states[2]
    assert len(states[0]["invoices"]) == 3


def test_a_corrected_night_replaces_its_rows_and_leaves_unchanged_ones_alone(
    connection: Connection, contract: Contract, load: Load
) -> None:
    load(invoices(contract, "same", "wrong", "gone"), rejected(line9=["no amount"]))
    connection.commit()
    loaded_at = "SELECT invoice_number, loaded_at FROM invoice_anomalies.invoices"
    before = dict(ask(connection, loaded_at))

    corrected = invoices(contract, "same", "wrong", "more")
    corrected.loc[3, "gross_amount"] = 42.0
    load(corrected)

    after = dict(ask(connection, loaded_at))
    assert set(after) == {"same", "wrong", "more"}
    assert after["same"] == before["same"]
    assert after["wrong"] > before["wrong"]
    assert ask(
        connection, "SELECT gross_amount::text FROM invoice_anomalies.invoices WHERE invoice_number = 'wrong'"
    ) == [("42",)]
    assert ask(connection, "SELECT count(*) FROM invoice_anomalies.quarantined_invoices") == [(0,)]
    assert ask(connection, "SELECT rows_in, valid, quarantined, success FROM invoice_anomalies.validation_runs") == [
        (3, 3, 0, True)
    ]


def test_an_invoice_that_another_night_loaded_is_quarantined_with_its_reason_and_nothing_is_lost(
    connection: Connection, contract: Contract, load: Load
) -> None:
    load(invoices(contract, "a", "b", gross_amount=1.0))
    counts = load(invoices(contract, "a", "c", gross_amount=2.0), extract_date=NIGHT + timedelta(days=1))

    assert counts == LoadCounts(rows_in=2, loaded=1, quarantined=1)
    (line, raw, reasons) = ask(connection, "SELECT line, raw, reasons FROM invoice_anomalies.quarantined_invoices")[0]
    assert (line, reasons) == (2, ["already loaded with the extract of 2024-03-05"])
    assert '"invoice_number": "a"' in raw
    assert '"gross_amount": 2,' in raw
    assert '"invoice_date": "2024-03-01"' in raw
    kept = "SELECT invoice_number, extract_date, gross_amount::text FROM invoice_anomalies.invoices ORDER BY 1"
    assert ask(connection, kept) == [
        ("a", NIGHT, "1"),
        ("b", NIGHT, "1"),
        ("c", NIGHT + timedelta(days=1), "2"),
    ]


def test_hostile_text_comes_back_as_it_went(connection: Connection, contract: Contract, load: Load) -> None:
    frame = typed(contract, [{"invoice_number": str(i), "description": text} for i, text in enumerate(HOSTILE)])
    load(frame, extract_date=NIGHT)

    back = warehouse.read_chunk(connection, contract, NIGHT, 0, 1).set_index("invoice_number")["description"]

    assert [back[str(i)] for i in range(len(HOSTILE))] == HOSTILE


def test_hostile_keys_and_files_are_only_text(connection: Connection, contract: Contract, load: Load) -> None:
    for day, text in enumerate(HOSTILE):
        load(
            typed(contract, [{"invoice_number": text, "vendor_id": text}]),
            rejected(line9=[text]),
            extract_date=NIGHT + timedelta(days=day),
            file=text,
        )
    assert ask(connection, "SELECT count(DISTINCT file), count(*) FROM invoice_anomalies.invoices") == [
        (len(HOSTILE), len(HOSTILE))
    ]
    reasons = ask(connection, "SELECT reasons FROM invoice_anomalies.quarantined_invoices ORDER BY extract_date")
    assert [text for ((text,),) in reasons] == HOSTILE


def test_amounts_come_back_to_the_last_digit(connection: Connection, contract: Contract, load: Load) -> None:
    amounts = [0.1, 1234567.89, -99.95, 0.1 + 0.2, 1e15 + 0.3, 5e-324, 1.7976931348623157e308, 0.0]
    amounts += [i * math.pi for i in range(2000)]
    load(typed(contract, [{"invoice_number": str(i), "gross_amount": x} for i, x in enumerate(amounts)]))

    stored = ask(
        connection, "SELECT gross_amount::text FROM invoice_anomalies.invoices ORDER BY invoice_number::int LIMIT 3"
    )
    back = warehouse.read_chunk(connection, contract, NIGHT, 0, 1).set_index("invoice_number")["gross_amount"]

    assert stored == [("0.1",), ("1234567.89",), ("-99.95",)]
    assert [back[str(i)] for i in range(len(amounts))] == amounts


def test_missing_values_of_every_type_are_null_and_come_back_missing(
    connection: Connection, contract: Contract, load: Load
) -> None:
    load(
        typed(
            contract,
            [
                {"tax_amount": None, "due_date": None, "purchase_order": None, "description": ""},
                {"invoice_number": "2"},
            ],
        )
    )

    null = "SELECT num_nulls(tax_amount, due_date, purchase_order, description) FROM invoice_anomalies.invoices"
    back = warehouse.read_chunk(connection, contract, NIGHT, 0, 1)

    assert sorted(ask(connection, null)) == [(0,), (4,)]
    assert back[["tax_amount", "due_date", "purchase_order", "description"]].isna().sum().tolist() == [1, 1, 1, 1]


def test_characters_that_postgres_cannot_hold_are_replaced_in_quarantined_rows(
    connection: Connection, contract: Contract, load: Load
) -> None:
    raw = pd.Series(["NUL \x00 half \ud800 end"], index=[7], dtype="object")
    bad = pd.DataFrame({"raw": raw, "reasons": [["value 'a\x00b'"]]})
    load(invoices(contract, "a"), bad)

    assert ask(connection, "SELECT raw, reasons FROM invoice_anomalies.quarantined_invoices") == [
        ("NUL \ufffd half ? end", ["value 'a\ufffdb'"])
    ]


def test_a_row_lost_on_the_way_stops_the_load_and_changes_nothing(
    connection: Connection, contract: Contract, load: Load
) -> None:
    load(invoices(contract, "a"))
    before = every_row(connection)

    with pytest.raises(WarehouseError, match="3 rows came in, but 2 would be loaded and 0 quarantined"):
        parts = [(invoices(contract, "b", "c"), EMPTY_QUARANTINE)]
        warehouse.load_night(connection, contract, Extract(NIGHT, "f"), parts, 3, [], "docs")

    assert every_row(connection) == before


def test_two_rows_with_one_key_stop_the_load(connection: Connection, contract: Contract, load: Load) -> None:
    twice = typed(contract, [{"invoice_number": "a"}, {"invoice_number": "a"}])

    with pytest.raises(WarehouseError, match=r"2 valid rows share their key .* lines 2, 3"):
        load(twice)
    assert ask(connection, "SELECT count(*) FROM invoice_anomalies.invoices") == [(0,)]


def test_a_line_both_valid_and_quarantined_twice_stops_the_load(contract: Contract, load: Load) -> None:
    twice = pd.concat([rejected(line9=["x"]), rejected(line9=["y"])])

    with pytest.raises(WarehouseError, match=r"a line is quarantined twice; Key \(line\)=\(9\) already exists"):
        load(invoices(contract, "a"), twice)


def test_a_refused_night_is_recorded_and_keeps_what_was_loaded_before(
    connection: Connection, contract: Contract, load: Load
) -> None:
    night = Extract(NIGHT, f"landing/invoices_{NIGHT}.csv")
    assert warehouse.night_status(connection, NIGHT) == "missing"
    load(invoices(contract, "a"))
    assert warehouse.night_status(connection, NIGHT) == "loaded"

    warehouse.refuse_night(connection, night, 900, ["no column gross_amount"], "docs.html")

    assert warehouse.night_status(connection, NIGHT) == "refused"
    assert warehouse.night_rows(connection, NIGHT) == 1
    assert ask(connection, "SELECT rows_in, valid, success, problems FROM invoice_anomalies.validation_runs") == [
        (900, 0, False, ["no column gross_amount"])
    ]
    load(invoices(contract, "a"))
    assert warehouse.night_status(connection, NIGHT) == "loaded"


def parts_of(frame: pd.DataFrame, size: int) -> list[tuple[pd.DataFrame, pd.DataFrame]]:
    return [(frame.iloc[start : start + size], EMPTY_QUARANTINE) for start in range(0, len(frame), size)]


def test_a_night_in_parts_is_loaded_as_the_whole_is(connection: Connection, contract: Contract) -> None:
    frame = invoices(contract, *"abcdefg")
    night = Extract(NIGHT, "f.csv")
    states = []
    for size in (7, 2):
        assert warehouse.load_night(connection, contract, night, parts_of(frame, size), 7, [], "docs").loaded == 7
        connection.commit()
        states.append(every_row(connection))

    assert states[0] == states[1]


def test_two_parts_with_one_key_stop_the_load(connection: Connection, contract: Contract) -> None:
    frame = typed(contract, [{"invoice_number": "a"}, {"invoice_number": "a"}])

    with pytest.raises(WarehouseError, match="valid rows of different chunks share their key"):
        warehouse.load_night(connection, contract, Extract(NIGHT, "f.csv"), parts_of(frame, 1), 2, [], "docs")
    assert ask(connection, "SELECT count(*) FROM invoice_anomalies.invoices") == [(0,)]


def test_another_extract_of_a_night_takes_the_place_of_the_first(
    connection: Connection, contract: Contract, load: Load
) -> None:
    load(invoices(contract, "a", "typo"), rejected(line9=["no amount"]), file="first.csv")
    connection.commit()
    load(invoices(contract, "a", "right", "more"), rejected(line7=["no date"]), file="second.csv")
    runs = "SELECT file, valid, quarantined, superseded, current FROM invoice_anomalies.validation_runs ORDER BY file"
    night = "SELECT rows_in, loaded, quarantined, success FROM invoice_anomalies.v_daily_summary"
    rows = "SELECT invoice_number, file, line FROM invoice_anomalies.invoices ORDER BY line"

    assert ask(connection, runs) == [("first.csv", 2, 1, 3, False), ("second.csv", 3, 1, 0, True)]
    assert ask(connection, night) == [(4, 3, 1, True)]
    assert ask(connection, rows) == [("a", "second.csv", 2), ("right", "second.csv", 3), ("more", "second.csv", 4)]
    assert ask(connection, "SELECT file, line FROM invoice_anomalies.quarantined_invoices") == [("second.csv", 7)]

    connection.commit()
    load(invoices(contract, "a", "typo"), rejected(line9=["no amount"]), file="first.csv")
    assert ask(connection, night) == [(3, 2, 1, True)]
    assert [row[4] for row in ask(connection, runs)] == [True, False]


def test_a_correction_is_on_record_and_loading_again_is_not(
    connection: Connection, contract: Contract, load: Load
) -> None:
    corrected = invoices(contract, "a", "wrong", "more")
    corrected.loc[3, "gross_amount"] = 42.0
    loads = "SELECT extract_date, added, changed, removed FROM invoice_anomalies.loads ORDER BY id"
    quality = "SELECT corrections, last_corrected_at IS NULL FROM invoice_anomalies.v_data_quality"
    for frame, corrections in (
        (invoices(contract, "a", "wrong", "gone"), (0, True)),
        (invoices(contract, "a", "wrong", "gone"), (0, True)),
        (corrected, (1, False)),
        (corrected.iloc[::-1].set_axis(corrected.index), (1, False)),  # the same invoices in another order
    ):
        load(frame)
        connection.commit()
        assert ask(connection, quality) == [corrections]

    assert ask(connection, loads) == [(NIGHT, 3, 0, 0), (NIGHT, 1, 1, 1)]


TRAIL = """
    SELECT extract_date, sum(added - removed) FROM invoice_anomalies.loads GROUP BY 1 HAVING sum(added) > sum(removed)
    EXCEPT SELECT extract_date, count(*) FROM invoice_anomalies.invoices GROUP BY extract_date
"""


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (2, 0, 1, 2, 1)], ids=str)
def test_whatever_the_order_of_loading_the_earliest_night_keeps_an_invoice(
    dsn: str, connection: Connection, contract: Contract, load: Load, order: tuple[int, ...]
) -> None:
    nights = [
        invoices(contract, "a", "b", "only 0", gross_amount=1.5),
        invoices(contract, "a", "only 1", "c", gross_amount=2.0, description='say "%s"\n\\.'),
        invoices(contract, "a", "b", "c", gross_amount=3.0),
    ]
    for place in order:
        load(nights[place], extract_date=NIGHT + timedelta(days=place))
    found = contents(connection)
    assert ask(connection, TRAIL) == [], "the trail of loads does not add up to what is there"
    connection.rollback()

    # The fixture's migration was committed; on the same empty tables, in order.
    for place, night in enumerate(nights):
        load(night, extract_date=NIGHT + timedelta(days=place))

    assert found == contents(connection)
    # vendors go in turn: "c" is of another vendor in the last night
    assert [row[4] for row in found["quarantined_invoices"]] == [
        ["already loaded with the extract of 2024-03-05"],
        ["already loaded with the extract of 2024-03-05"],
        ["already loaded with the extract of 2024-03-05"],
        ["already loaded with the extract of 2024-03-06"],
    ]


def test_an_invoice_that_a_night_delivers_no_longer_is_given_to_the_later_one_that_gave_way(
    connection: Connection, contract: Contract, load: Load
) -> None:
    tomorrow = NIGHT + timedelta(days=1)
    load(invoices(contract, "a", "b"))
    load(invoices(contract, "a", "c", gross_amount=2.5), extract_date=tomorrow, file="tomorrow.csv")

    load(invoices(contract, "x", "b"))

    columns = "invoice_number, gross_amount::text, file, line"
    held = f"SELECT {columns} FROM invoice_anomalies.invoices WHERE extract_date = %s"
    assert sorted(ask(connection, held, tomorrow)) == [("a", "2.5", "tomorrow.csv", 2), ("c", "2.5", "tomorrow.csv", 3)]
    assert ask(connection, "SELECT count(*) FROM invoice_anomalies.quarantined_invoices") == [(0,)]
    runs = "SELECT rows_in, valid, quarantined FROM invoice_anomalies.validation_runs WHERE extract_date = %s"
    assert ask(connection, runs, tomorrow) == [(2, 2, 0)]
    assert ask(connection, TRAIL) == []


def test_the_usual_number_of_rows_is_the_median_of_the_nights_before(
    connection: Connection, contract: Contract, load: Load
) -> None:
    for day, rows in enumerate([1, 5, 2, 9]):
        numbers = [f"{day}-{i}" for i in range(rows)]
        load(invoices(contract, *numbers), extract_date=NIGHT + timedelta(days=day))
    warehouse.refuse_night(connection, Extract(NIGHT + timedelta(days=4), "f"), 10_000, ["too many"], "docs")

    assert warehouse.usual_rows(connection, NIGHT + timedelta(days=2)) is None
    assert warehouse.usual_rows(connection, NIGHT + timedelta(days=3)) == 2
    assert warehouse.usual_rows(connection, NIGHT + timedelta(days=9)) == 3.5


def with_key(contract: Contract, *key: str) -> Contract:
    return Contract.model_validate({**contract.model_dump(), "key": list(key)})


def test_a_key_tells_dates_numbers_and_lines_in_plain_words(contract: Contract) -> None:
    frame = typed(contract, [{"vendor_id": "V1", "gross_amount": 12.0}, {"vendor_id": "V2", "gross_amount": 12.5}])

    keys = invoice_keys(with_key(contract, "vendor_id", "invoice_date", "gross_amount"), frame, NIGHT)
    lines = invoice_keys(with_key(contract, "line"), frame, NIGHT)

    assert keys.tolist() == ["V1|2024-03-01|12", "V2|2024-03-01|12.5"]
    assert lines.tolist() == ["2024-03-05#2", "2024-03-05#3"]


def test_keys_of_different_invoices_differ_even_where_their_parts_join_to_the_same_text(contract: Contract) -> None:
    frame = typed(
        contract,
        [
            {"vendor_id": "a|b", "invoice_number": "c"},
            {"vendor_id": "a", "invoice_number": "b|c"},
            {"vendor_id": "a\\", "invoice_number": "b|c"},
            {"vendor_id": "a\\|b", "invoice_number": "c"},
        ],
    )

    assert invoice_keys(contract, frame, NIGHT).is_unique


def test_an_extract_without_rows_can_be_loaded(connection: Connection, contract: Contract, load: Load) -> None:
    load(invoices(contract, "a"))

    assert load(invoices(contract, "a").iloc[:0]) == LoadCounts(0, 0, 0)
    assert warehouse.night_rows(connection, NIGHT) == 0


def test_two_nights_loaded_at_once_share_no_invoice(dsn: str, connection: Connection, contract: Contract) -> None:
    frame = invoices(contract, *(str(i) for i in range(20)))
    overlapping = with_repeated_share(contract, 1)
    results: list[LoadCounts] = []

    def load(opened: Connection, day: date) -> None:
        night = Extract(day, f"{day}.csv")
        parts = [(frame, EMPTY_QUARANTINE)]
        results.append(warehouse.load_night(opened, overlapping, night, parts, len(frame), [], "docs"))

    with warehouse.connect(dsn) as other:
        load(connection, NIGHT)
        second = threading.Thread(target=load, args=(other, NIGHT + timedelta(days=1)))
        second.start()
        # Time enough to get past the question which keys are taken, were it not held up before.
        second.join(timeout=1)
        connection.commit()
        second.join()

    assert [(counts.loaded, counts.quarantined) for counts in results] == [(20, 0), (0, 20)]


def test_loading_again_right_after_loading_takes_no_longer_than_the_first_time(
    connection: Connection, contract: Contract, load: Load
) -> None:
    # Postgres has counted nothing yet and takes the table for empty: a plan that compares every row with every other
    # needs minutes for this.
    frame = invoices(contract, *(str(i) for i in range(20_000)))
    frame["vendor_id"] = frame["invoice_number"]
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout TO '60s'")
    load(frame)
    load(frame)
    with connection.cursor() as cursor:
        cursor.execute(
            "ANALYZE invoice_anomalies.invoices"
        )  # now it knows this night, and thinks that no other has rows
    load(frame.assign(invoice_number="x" + frame["invoice_number"]), extract_date=NIGHT + timedelta(days=1))

    history = warehouse.read_history(connection, contract, NIGHT + timedelta(days=1), 30, 0, 1)
    lookalikes = warehouse.read_lookalikes(connection, contract, NIGHT + timedelta(days=1), 0, 1)

    assert len(history) == 20_000
    assert lookalikes.empty
