"""Small nights, scores and models, and questions about what the tables hold."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pandas as pd
from psycopg2.extensions import connection as Connection  # noqa: N812

from invoice_anomalies.contract import Contract
from invoice_anomalies.warehouse import LoadCounts, ModelRecord

Load = Callable[..., LoadCounts]
"""Loads a night as the nightly DAG does: the fixture `load`."""

NIGHT = date(2024, 3, 5)
EMPTY_QUARANTINE = pd.DataFrame({"raw": pd.Series(dtype="str"), "reasons": pd.Series(dtype="object")})
KINDS = {"amount": "float64", "number": "float64", "date": "datetime64[us]"}


def typed(contract: Contract, rows: list[dict[str, object]]) -> pd.DataFrame:
    """A TYPED frame: the contract's fields in order, index line from 2; what a row does not name gets a plain value."""
    plain = {"amount": 100.0, "number": 1.0, "date": "2024-03-01"}
    defaults = {name: plain.get(field.type, "plain") for name, field in contract.fields.items()}
    frame = pd.DataFrame([{**defaults, **row} for row in rows], columns=list(contract.fields))
    frame.index = pd.RangeIndex(2, len(rows) + 2, name="line")
    return frame.astype({name: KINDS.get(field.type, "str") for name, field in contract.fields.items()})


def invoices(contract: Contract, *numbers: str, **values: object) -> pd.DataFrame:
    """Invoices with these numbers, of three vendors in turn."""
    return typed(
        contract,
        [{"vendor_id": f"V0000{i % 3}", "invoice_number": number, **values} for i, number in enumerate(numbers)],
    )


def rejected(**reasons: list[str]) -> pd.DataFrame:
    """Quarantined rows: rejected(line9=["no amount"])."""
    lines = pd.Index([int(name.removeprefix("line")) for name in reasons], name="line")
    return pd.DataFrame({"raw": ['{"a": 1}'] * len(lines), "reasons": list(reasons.values())}, index=lines)


def a_model(version: str = "m1", until: date = date(2024, 3, 1), **changes: Any) -> ModelRecord:
    """A registered-to-be model that knows the nights until a date."""
    values: dict[str, Any] = {
        "version": version,
        "status": "challenger",
        "trained_from": date(2023, 3, 1),
        "trained_until": until,
        "rows": 1000,
        "metrics": {"f1": 0.8},
        "artefact": f"models/{version}",
        "checksum": "abc",
    }
    return ModelRecord(**{**values, **changes})


def every_row(connection: Connection) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables, with every column."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'invoice_anomalies'")
        rows = {}
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT * FROM invoice_anomalies.{table} AS t ORDER BY t::text")
            rows[table] = cursor.fetchall()
    return rows


def ask(connection: Connection, question: str, *values: object) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(question, values)
        return cursor.fetchall()


def scored(keys: list[str], flagged: list[str], score: float = 3.5) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Scores of these invoices; anomalies and fields of the flagged ones, each a little below the one before."""
    scores = pd.DataFrame(
        {"score": 1.0, "threshold": 2.0, "history_tier": "long", "history_rows": 40},
        index=pd.Index(keys, name="invoice_key"),
    )
    scores.loc[flagged, "score"] = [score - 0.1 * i for i in range(len(flagged))]
    anomalies = pd.DataFrame(
        {
            "score": scores["score"].reindex(flagged),
            "threshold": 2.0,
            "amount_at_risk": 1234.56,
            "currency": "EUR",
            "entity": "V00001",
            "top_field": "gross_amount",
            "explanation": "far from usual",
            "entity_name": "Acme Ltd",
            "kind": "slip",
        },
        index=pd.Index(flagged, name="invoice_key"),
    )
    fields = pd.DataFrame(
        [
            {
                "invoice_key": key,
                "field": name,
                "observed": "14,200.00",
                "expected": "1,310",
                "low": "1,150" if position == 1 else None,
                "high": "1,480" if position == 1 else None,
                "error": 4.4,
                "rarity": 25000.0,
                "share": 0.9 if position == 1 else 0.1,
                "sentence": f"{name} is far off",
                "position": position,
                "kind": "slip" if position == 1 else "tax",
            }
            for key in flagged
            for position, name in enumerate(["gross_amount", "tax_code"], 1)
        ]
    )
    return scores, anomalies, fields


def contents(connection: Connection) -> dict[str, list[tuple[object, ...]]]:
    """What BI reads of the nights, but for the times."""
    tables = {
        "invoices": "invoice_key, extract_date, file, line, gross_amount",
        "quarantined_invoices": "extract_date, file, line, raw, reasons",
        "validation_runs": "extract_date, file, rows_in, valid, quarantined, superseded, success, current",
    }
    return {
        name: ask(connection, f"SELECT {columns} FROM invoice_anomalies.{name} ORDER BY 1, 2, 3")
        for name, columns in tables.items()
    }


def with_repeated_share(contract: Contract, limit: float) -> Contract:
    """The contract with this limit for the rows that another night has."""
    return Contract.model_validate({**contract.model_dump(), "validation": {"max_repeated_share": limit}})
