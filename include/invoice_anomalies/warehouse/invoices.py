"""Invoices back as frames: to train on, to score, and what came before them."""

from datetime import date, timedelta
from typing import Any

import pandas as pd
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812

from invoice_anomalies.contract import Contract
from invoice_anomalies.warehouse.copy import copy_out
from invoice_anomalies.warehouse.queries import statement
from invoice_anomalies.warehouse.schema.columns import FRAME_TYPES, column_types, fields_of

MOST_LOOKALIKES = 20
"""Invoices of others that are read for one amount: a flat fee that a whole book shares tells nothing, and would bring
the book along; of an amount that tells something there are few."""


def training_set(connection: Connection, contract: Contract, before: date, days: int) -> pd.DataFrame:
    """Read the invoices of the nights in [before - days, before): index invoice_key, TYPED fields, extract_date."""
    values = {"since": before - timedelta(days=days), "before": before}
    return _read(connection, contract, "invoices_of_window", values)


def read_chunk(connection: Connection, contract: Contract, extract_date: date, chunk: int, chunks: int) -> pd.DataFrame:
    """Read one of `chunks` chunks of a night (counted from 0); all invoices of an entity are in one chunk."""
    key = sql.Identifier("invoice", "invoice_key")
    entity = (
        sql.SQL("coalesce({}, {})").format(sql.Identifier("invoice", contract.entity), key) if contract.entity else key
    )
    values = {"extract_date": extract_date, "chunk": chunk, "chunks": chunks}
    return _read(connection, contract, "invoices_of_chunk", values, entity=entity)


def read_history(
    connection: Connection, contract: Contract, extract_date: date, days: int, chunk: int, chunks: int
) -> pd.DataFrame:
    """Read what came in [extract_date - days, extract_date) from the entities that the night has in this chunk.

    Of each entity the newest detection.history_rows: a vendor of a million invoices is known as well by some thousands.
    A contract without an entity: the invoices of that window that fall in this chunk by key.
    """
    values = {
        "extract_date": extract_date,
        "since": extract_date - timedelta(days=days),
        "chunk": chunk,
        "chunks": chunks,
        "most": contract.detection.history_rows,
    }
    if contract.entity is None:
        return _read(connection, contract, "history_by_key", values)
    return _read(
        connection,
        contract,
        "history_of_chunk",
        values,
        entity=sql.Identifier("invoice", contract.entity),
        night_entity=sql.Identifier("night", contract.entity),
    )


def read_lookalikes(
    connection: Connection, contract: Contract, extract_date: date, chunk: int, chunks: int
) -> pd.DataFrame:
    """Read what came in [extract_date - duplicate_days, extract_date) from other entities, of amounts in this chunk.

    A copy may have been booked under another entity of a similar name, and a number may be in another one's scheme:
    neither shows in the history of the chunk's own entities, of which none is here. The newest `MOST_LOOKALIKES` of
    each amount. Empty where the contract names no entity, no name of it or no amount, or looks for no duplicates.
    """
    entity, amount, days = contract.entity, contract.amount, contract.detection.duplicate_days
    if entity is None or amount is None or contract.entity_name in (None, entity) or not days:
        nothing = {name: pd.Series(dtype=kind) for name, kind in _types(contract).items()}
        return _shaped(contract, pd.DataFrame(nothing))
    values = {
        "extract_date": extract_date,
        "since": extract_date - timedelta(days=days),
        "chunk": chunk,
        "chunks": chunks,
        "most": MOST_LOOKALIKES,
    }
    return _read(
        connection,
        contract,
        "lookalikes_of_chunk",
        values,
        entity=sql.Identifier("earlier", entity),
        amount=sql.Identifier("earlier", amount),
        night_entity=sql.Identifier("night", entity),
        night_amount=sql.Identifier("night", amount),
    )


def _read(
    connection: Connection, contract: Contract, name: str, values: dict[str, Any], **identifiers: sql.Composable
) -> pd.DataFrame:
    question = statement(name, fields=fields_of(contract, "invoice"), **identifiers)
    with connection.cursor() as cursor:
        # Of a night that was loaded a moment ago the planner knows nothing, and would compare its rows one by one with
        # all that came before: minutes instead of a second.
        cursor.execute("SET LOCAL enable_nestloop TO off")
        return _shaped(contract, copy_out(cursor, question, values, _types(contract)))


def _types(contract: Contract) -> dict[str, str]:
    """Types of the columns of a question, in its order."""
    fields = {field: FRAME_TYPES[kind] for field, kind in column_types(contract).items()}
    return {"invoice_key": "str", "extract_date": "datetime64[us]", **fields}


def _shaped(contract: Contract, frame: pd.DataFrame) -> pd.DataFrame:
    return frame.set_index("invoice_key")[[*contract.fields, "extract_date"]]
