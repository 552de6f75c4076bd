"""A night whose rows another night has came under a wrong date: it is refused, whichever of the two comes first."""

from datetime import timedelta

import pandas as pd
import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812

from invoice_anomalies import warehouse
from invoice_anomalies.contract import Contract
from invoice_anomalies.errors import NightRefusedError
from invoice_anomalies.warehouse import LoadCounts
from tests.warehouse.rows import NIGHT, Load, ask, contents, invoices, rejected, with_repeated_share

TOMORROW = NIGHT + timedelta(days=1)
TWENTY = tuple(f"n{place:02}" for place in range(20))
RUNS = (
    "SELECT success, rows_in, array_length(problems, 1) FROM invoice_anomalies.validation_runs WHERE extract_date = %s"
)


@pytest.mark.parametrize("numbers", [("only",), TWENTY], ids=["1 row", "20 rows"])
@pytest.mark.parametrize("days", [1, -1], ids=["later", "earlier"])
def test_the_file_of_a_night_is_refused_under_another_date_whatever_its_name_and_order(
    connection: Connection, contract: Contract, load: Load, numbers: tuple[str, ...], days: int
) -> None:
    load(invoices(contract, *numbers), rejected(line99=["no amount"]), file="landing/2024-03-05.csv")
    before = contents(connection)
    other = NIGHT + timedelta(days=days)
    shuffled = invoices(contract, *numbers).iloc[::-1].set_axis(range(2, len(numbers) + 2))

    with pytest.raises(NightRefusedError) as refused:
        load(shuffled, rejected(line40=["no amount"]), extract_date=other, file="other name.xlsx")
    connection.rollback()  # whoever called it lets the error out: the refusal is on record all the same

    message = str(refused.value)
    assert f"the night of {other} is refused and nothing of it was loaded" in message
    assert f"the night of {NIGHT} has the same rows, all of them (from landing/2024-03-05.csv)" in message
    assert f"make take-back NIGHT={NIGHT} WHY=" in message
    assert "validation.max_repeated_share" in message
    assert ask(connection, RUNS, other) == [(False, len(numbers) + 1, 1)]
    assert warehouse.night_status(connection, other) == "refused"
    after = contents(connection)
    assert {**after, "validation_runs": after["validation_runs"][:1]} | {
        "validation_runs": [row for row in after["validation_runs"] if row[0] == NIGHT]
    } == before


def test_a_night_is_no_repetition_of_itself_and_empty_nights_are_none_of_each_other(
    connection: Connection, contract: Contract, load: Load
) -> None:
    for _ in range(2):
        assert load(invoices(contract, *TWENTY)).loaded == 20
    load(invoices(contract, *TWENTY), file="the same under another name.csv")
    for day in (1, 2):
        assert load(invoices(contract, "x").iloc[:0], extract_date=NIGHT + timedelta(days=day)) == LoadCounts(0, 0, 0)

    assert warehouse.night_rows(connection, NIGHT) == 20


def test_rows_without_a_key_of_their_own_are_not_loaded_twice_under_two_dates(contract: Contract, load: Load) -> None:
    keyless = Contract.model_validate({**contract.model_dump(), "key": ["line"]})
    load(invoices(contract, *TWENTY), contract=keyless)

    with pytest.raises(NightRefusedError, match="has the same rows"):
        load(invoices(contract, *TWENTY), extract_date=TOMORROW, contract=keyless)


def test_a_file_that_was_corrected_meanwhile_is_still_known(
    connection: Connection, contract: Contract, load: Load
) -> None:
    load(invoices(contract, *TWENTY))
    before = contents(connection)
    corrected = invoices(contract, *TWENTY[:19], "mended", gross_amount=7.5)

    with pytest.raises(NightRefusedError, match=rf"19 of 20 rows \(95.0%\) are those of the night of {NIGHT}, more"):
        load(corrected, extract_date=TOMORROW)
    assert ask(connection, RUNS, TOMORROW) == [(False, 20, 1)]
    with pytest.raises(NightRefusedError, match=rf"it has 19 of 20 rows \(95.0%\) of the night of {NIGHT}"):
        load(corrected, extract_date=NIGHT - timedelta(days=1))

    after = contents(connection)
    assert after["invoices"] == before["invoices"]
    assert after["quarantined_invoices"] == []


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)], ids=str)
def test_extracts_that_overlap_are_loaded_in_any_order(
    connection: Connection, contract: Contract, load: Load, order: tuple[int, ...]
) -> None:
    # Each extract has the rows of the last three days, two a day; nothing came on the last one.
    days = [pd.concat([invoices(contract, f"{day}a", f"{day}b")]) for day in range(6)]
    extracts = [pd.concat(days[day : day + 3]) for day in range(4)]
    for place in order:
        extract = extracts[place].set_axis(range(2, len(extracts[place]) + 2))
        load(extract, extract_date=NIGHT + timedelta(days=place))

    held = "SELECT extract_date, count(*) FROM invoice_anomalies.invoices GROUP BY 1 ORDER BY 1"
    assert [rows for _, rows in ask(connection, held)] == [6, 2, 2, 2]


def test_an_early_night_of_one_row_may_take_it_from_a_large_one(
    connection: Connection, contract: Contract, load: Load
) -> None:
    load(invoices(contract, *TWENTY), extract_date=TOMORROW)

    load(invoices(contract, TWENTY[0]))

    assert warehouse.night_rows(connection, TOMORROW) == 19


def test_a_limit_of_one_lets_everything_pass(connection: Connection, contract: Contract, load: Load) -> None:
    overlapping = with_repeated_share(contract, 1)
    load(invoices(contract, *TWENTY), contract=overlapping)

    counts = load(invoices(contract, *TWENTY), extract_date=TOMORROW, contract=overlapping)

    assert counts == LoadCounts(20, 0, 20)


def test_the_night_that_was_mistaken_is_taken_back_and_the_real_one_loaded(
    connection: Connection, contract: Contract, load: Load
) -> None:
    load(invoices(contract, *TWENTY))
    with pytest.raises(NightRefusedError):
        load(invoices(contract, *TWENTY), extract_date=TOMORROW)

    warehouse.take_back(connection, contract, NIGHT, "wrong date", "ann")

    assert load(invoices(contract, *TWENTY), extract_date=TOMORROW).loaded == 20
    assert warehouse.night_status(connection, TOMORROW) == "loaded"
