from collections.abc import Sequence
from datetime import date, timedelta

import pandas as pd
import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812

from invoice_anomalies import warehouse
from invoice_anomalies.contract import Contract
from invoice_anomalies.warehouse.invoices import MOST_LOOKALIKES
from tests.warehouse.rows import NIGHT, Load, invoices, typed

CHUNKS = 7


def a_book(contract: Contract, day: str, vendors: Sequence[int]) -> pd.DataFrame:
    """Three invoices of each vendor."""
    return typed(
        contract,
        [{"vendor_id": f"V{vendor:05}", "invoice_number": f"{day}-{i}"} for vendor in vendors for i in range(3)],
    )


def without_entity(contract: Contract) -> Contract:
    return Contract.model_validate({**contract.model_dump(), "entity": None})


def chunks_of(connection: Connection, contract: Contract, extract_date: date) -> list[pd.DataFrame]:
    return [warehouse.read_chunk(connection, contract, extract_date, chunk, CHUNKS) for chunk in range(CHUNKS)]


def test_a_night_comes_back_as_it_was_loaded(connection: Connection, contract: Contract, load: Load) -> None:
    frame = invoices(contract, "a", "b", "c").assign(invoice_date=pd.Timestamp("2023-12-31").as_unit("us"))
    load(frame)

    back = warehouse.read_chunk(connection, contract, NIGHT, 0, 1)

    assert list(back.columns) == [*contract.fields, "extract_date"]
    assert back.index.tolist() == ["V00000|a", "V00001|b", "V00002|c"]
    assert (back.index.name, str(back["extract_date"].dtype)) == ("invoice_key", "datetime64[us]")
    assert set(back["extract_date"]) == {pd.Timestamp(NIGHT)}
    pd.testing.assert_frame_equal(
        back.drop(columns="extract_date").reset_index(drop=True), frame.reset_index(drop=True)
    )


def test_the_chunks_cover_each_invoice_once_and_keep_an_entity_together(
    connection: Connection, contract: Contract, load: Load
) -> None:
    load(a_book(contract, "tonight", range(40)))

    chunks = chunks_of(connection, contract, NIGHT)

    keys = [key for chunk in chunks for key in chunk.index]
    assert len(keys) == len(set(keys)) == 120
    homes = pd.concat([chunk[["vendor_id"]].assign(chunk=i) for i, chunk in enumerate(chunks)])
    assert homes.groupby("vendor_id")["chunk"].nunique().eq(1).all()
    assert sum(len(chunk) > 0 for chunk in chunks) >= 5


def test_without_an_entity_the_chunks_cover_each_invoice_once(
    connection: Connection, contract: Contract, load: Load
) -> None:
    load(a_book(contract, "before", range(20)), extract_date=NIGHT - timedelta(days=1))
    load(a_book(contract, "tonight", range(20)))
    plain = without_entity(contract)

    tonight = [key for chunk in chunks_of(connection, plain, NIGHT) for key in chunk.index]
    history = [
        key
        for chunk in range(CHUNKS)
        for key in warehouse.read_history(connection, plain, NIGHT, 30, chunk, CHUNKS).index
    ]

    assert len(tonight) == len(set(tonight)) == 60
    assert len(history) == len(set(history)) == 60
    assert not set(history) & set(tonight)


def test_an_invoice_without_a_vendor_is_in_one_chunk_too(
    connection: Connection, contract: Contract, load: Load
) -> None:
    by_number = Contract.model_validate({**contract.model_dump(), "key": ["invoice_number"]})
    load(typed(by_number, [{"vendor_id": None, "invoice_number": str(i)} for i in range(20)]), contract=by_number)

    keys = [key for chunk in chunks_of(connection, by_number, NIGHT) for key in chunk.index]

    assert sorted(keys) == sorted(str(i) for i in range(20))


def test_history_is_of_the_entities_in_the_chunk_and_excludes_the_night_and_what_is_too_old(
    connection: Connection, contract: Contract, load: Load
) -> None:
    load(a_book(contract, "old", range(40)), extract_date=NIGHT - timedelta(days=31))
    load(a_book(contract, "first", range(40)), extract_date=NIGHT - timedelta(days=30))
    load(a_book(contract, "eve", range(40)), extract_date=NIGHT - timedelta(days=1))
    load(a_book(contract, "tonight", range(20)))
    load(a_book(contract, "after", range(40)), extract_date=NIGHT + timedelta(days=1))

    for chunk in range(CHUNKS):
        tonight = warehouse.read_chunk(connection, contract, NIGHT, chunk, CHUNKS)
        history = warehouse.read_history(connection, contract, NIGHT, 30, chunk, CHUNKS)

        assert set(history["vendor_id"]) == set(tonight["vendor_id"])
        assert set(history["invoice_number"].str.split("-").str[0]) <= {"first", "eve"}
        assert len(history) == 2 * len(tonight)


def test_lookalikes_are_earlier_invoices_of_others_with_an_amount_of_the_chunk(
    connection: Connection, contract: Contract, load: Load
) -> None:
    def book(day: str, vendors: Sequence[int]) -> pd.DataFrame:
        return a_book(contract, day, vendors).assign(gross_amount=[100.0 + v // 2 for v in vendors for _ in range(3)])

    days = contract.detection.duplicate_days
    load(book("old", range(40)), extract_date=NIGHT - timedelta(days=days + 1))
    load(book("first", range(40)), extract_date=NIGHT - timedelta(days=days))
    load(book("eve", range(40)), extract_date=NIGHT - timedelta(days=1))
    load(book("tonight", [*range(20), *range(20, 40, 2)]))
    load(book("after", range(40)), extract_date=NIGHT + timedelta(days=1))

    for chunk in range(CHUNKS):
        tonight = warehouse.read_chunk(connection, contract, NIGHT, chunk, CHUNKS)
        lookalikes = warehouse.read_lookalikes(connection, contract, NIGHT, chunk, CHUNKS)

        # Vendors 2k and 2k + 1 have the same amount; the other one is in another chunk, or has no invoices tonight.
        here = {int(vendor[1:]) for vendor in tonight["vendor_id"]}
        twins = {f"V{vendor ^ 1:05}" for vendor in here if vendor ^ 1 not in here}
        assert set(lookalikes["vendor_id"]) == twins
        assert set(lookalikes["invoice_number"].str.split("-").str[0]) == ({"first", "eve"} if twins else set())
        assert len(lookalikes) == 6 * len(twins)
        assert lookalikes.index.is_unique
        assert lookalikes.dtypes.to_dict() == tonight.dtypes.to_dict()


def test_of_an_amount_that_everybody_has_only_the_newest_lookalikes_are_read(
    connection: Connection, contract: Contract, load: Load
) -> None:
    for ago in (3, 2, 1):
        load(a_book(contract, f"ago{ago}", range(1, 5)), extract_date=NIGHT - timedelta(days=ago))
    load(a_book(contract, "tonight", range(1)))

    first, again = (warehouse.read_lookalikes(connection, contract, NIGHT, 0, 1) for _ in range(2))

    newest = [NIGHT - timedelta(days=2)] * (MOST_LOOKALIKES - 12) + [NIGHT - timedelta(days=1)] * 12
    assert first["extract_date"].dt.date.tolist() == newest
    pd.testing.assert_frame_equal(first, again)


def test_an_invoice_without_a_vendor_is_no_lookalike_and_has_none(
    connection: Connection, contract: Contract, load: Load
) -> None:
    by_number = Contract.model_validate({**contract.model_dump(), "key": ["invoice_number"]})

    def night(ago: int, *rows: tuple[str, str | None, float]) -> None:
        names = ("invoice_number", "vendor_id", "gross_amount")
        frame = typed(by_number, [dict(zip(names, row, strict=True)) for row in rows])
        load(frame, extract_date=NIGHT - timedelta(days=ago), contract=by_number)

    night(1, ("of nobody", None, 9.0), ("of another", "V00002", 9.0), ("like nobody's", "V00003", 7.0))
    night(0, ("tonight", "V00001", 9.0), ("tonight, of nobody", None, 7.0))

    lookalikes = warehouse.read_lookalikes(connection, by_number, NIGHT, 0, 1)

    assert lookalikes.index.tolist() == ["of another"]


@pytest.mark.parametrize(
    "changes",
    [
        {"entity": None},
        {"amount": None},
        {"entity_name": None},
        {"entity_name": "vendor_id"},
        {"detection": {"duplicate_days": 0}},
    ],
    ids=str,
)
def test_where_no_copy_of_another_entity_can_be_told_no_lookalikes_are_read(
    connection: Connection, contract: Contract, load: Load, changes: dict[str, object]
) -> None:
    load(a_book(contract, "eve", range(2)), extract_date=NIGHT - timedelta(days=1))
    load(a_book(contract, "tonight", range(1)))
    without = Contract.model_validate({**contract.model_dump(), **changes})

    lookalikes = warehouse.read_lookalikes(connection, without, NIGHT, 0, 1)

    assert len(warehouse.read_lookalikes(connection, contract, NIGHT, 0, 1)) == 3
    assert len(lookalikes) == 0
    assert lookalikes.index.name == "invoice_key"
    assert lookalikes.dtypes.to_dict() == warehouse.read_chunk(connection, without, NIGHT, 0, 1).dtypes.to_dict()


def test_fields_named_like_words_of_the_question_do_not_confuse_it(
    connection: Connection, contract: Contract, load: Load
) -> None:
    data = contract.model_dump()
    words = dict.fromkeys(("entity", "place", "chunk", "earlier", "invoice"), data["fields"]["cost_center"])
    data["fields"] |= {**words, "amount": data["fields"]["gross_amount"]}
    worded = Contract.model_validate({**data, "amount": "amount"})
    warehouse.migrate(connection, worded)
    load(a_book(worded, "eve", range(2)), extract_date=NIGHT - timedelta(days=1), contract=worded)
    load(a_book(worded, "tonight", range(1)), contract=worded)

    lookalikes = warehouse.read_lookalikes(connection, worded, NIGHT, 0, 1)

    assert set(lookalikes["vendor_id"]) == {"V00001"}
    assert set(lookalikes["place"]) == {"plain"}


def test_the_training_set_ends_before_its_date_and_is_in_one_order(
    connection: Connection, contract: Contract, load: Load
) -> None:
    for days in (11, 10, 1, 0):
        load(a_book(contract, f"ago{days}", range(3)), extract_date=NIGHT - timedelta(days=days))

    frame = warehouse.training_set(connection, contract, NIGHT, 10)

    assert sorted(set(frame["extract_date"].dt.date)) == [NIGHT - timedelta(days=10), NIGHT - timedelta(days=1)]
    assert len(frame) == 18
    assert frame.index.tolist() == sorted(frame.index, key=lambda key: (frame.loc[key, "extract_date"], key))


def test_an_empty_window_keeps_the_types(connection: Connection, contract: Contract, load: Load) -> None:
    empty = warehouse.training_set(connection, contract, NIGHT, 10)

    assert len(empty) == 0
    load(invoices(contract, "a"))
    full = warehouse.read_chunk(connection, contract, NIGHT, 0, 1)
    assert empty.dtypes.to_dict() == full.dtypes.to_dict()
