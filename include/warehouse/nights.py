"""A night's extract into the tables: every row is loaded or quarantined, and loading again changes nothing."""

import json
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import pandas as pd
from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import cursor as Cursor  # noqa: N812
from psycopg2.extras import execute_values

from include.contract import Contract
from include.errors import WarehouseError
from include.warehouse.columns import definitions, fields_of
from include.warehouse.connection import ask_one, run, text_of, whole
from include.warehouse.copy import copy_in
from include.warehouse.keys import invoice_keys

USUAL_NIGHTS = 30
FEWEST_USUAL_NIGHTS = 3


@dataclass(frozen=True)
class Night:
    """One extract: its night, and where it lay."""

    extract_date: date
    file: str


@dataclass(frozen=True)
class LoadCounts:
    """What became of a night's rows: rows_in == loaded + quarantined."""

    rows_in: int
    loaded: int
    quarantined: int


def load_night(
    connection: Connection,
    contract: Contract,
    night: Night,
    valid: pd.DataFrame,
    quarantined: pd.DataFrame,
    rows_in: int,
    warnings: list[str],
    data_docs: str,
) -> LoadCounts:
    """Make the tables hold exactly this extract for its night, whatever they held of it before.

    valid: TYPED frame, index line. quarantined: index line, columns raw (JSON text) and reasons (list of texts).
    An invoice that another night has loaded is quarantined with that reason. Raises WarehouseError, and changes
    nothing, where a line or key comes twice or rows_in is not loaded + quarantined.
    """
    of_night = {"extract_date": night.extract_date, "file": night.file}
    frame = _with_keys(contract, night, valid)
    with whole(connection) as cursor:
        run(cursor, "lock_nights")
        run(cursor, "make_night_table", columns=definitions(contract))
        copy_in(cursor, "night_invoices", frame)
        run(cursor, "index_night_table")
        rejected = pd.concat([quarantined[["raw", "reasons"]], _of_other_nights(cursor, contract, night, valid)])
        run(cursor, "drop_keys_of_other_nights", of_night)
        run(cursor, "delete_undelivered_invoices", of_night)
        run(
            cursor,
            "upsert_invoices",
            of_night,
            fields=fields_of(contract),
            night_fields=fields_of(contract, "night"),
            new_fields=fields_of(contract, "excluded"),
            old_fields=fields_of(contract, "invoice"),
        )
        _replace_quarantine(cursor, night, rejected)
        counts = LoadCounts(
            rows_in, _count(cursor, "count_invoices", of_night), _count(cursor, "count_quarantine", of_night)
        )
        if counts.rows_in != counts.loaded + counts.quarantined:
            raise WarehouseError(
                f"{night.file}: {rows_in} rows came in, but {counts.loaded} would be loaded and {counts.quarantined} "
                "quarantined; nothing was loaded. A row was lost or counted twice on the way: please report this"
            )
        _record(cursor, night, counts, [], warnings, data_docs, success=True)
    return counts


def refuse_night(connection: Connection, night: Night, rows_in: int, problems: list[str], data_docs: str) -> None:
    """Record that the night was refused and why; what an earlier extract loaded for it stays."""
    with whole(connection) as cursor:
        run(cursor, "lock_nights")
        _record(cursor, night, LoadCounts(rows_in, 0, 0), problems, [], data_docs, success=False)


def night_status(connection: Connection, extract_date: date) -> Literal["missing", "refused", "loaded"]:
    """Tell whether the night has been loaded; refused where none of its extracts was accepted at its last run."""
    success = ask_one(connection, "night_status", {"extract_date": extract_date})
    if success is None:
        return "missing"
    return "loaded" if success else "refused"


def night_rows(connection: Connection, extract_date: date) -> int:
    """Count the invoices of the night."""
    return int(ask_one(connection, "night_rows", {"extract_date": extract_date}))


def usual_rows(connection: Connection, extract_date: date) -> float | None:
    """Median number of rows of up to 30 accepted nights before this one; None below 3 nights."""
    values = {"extract_date": extract_date, "most_nights": USUAL_NIGHTS, "fewest_nights": FEWEST_USUAL_NIGHTS}
    median = ask_one(connection, "usual_rows", values)
    return None if median is None else float(median)


def _with_keys(contract: Contract, night: Night, valid: pd.DataFrame) -> pd.DataFrame:
    frame = valid[list(contract.fields)].copy()
    frame.insert(0, "invoice_key", invoice_keys(contract, valid, night.extract_date))
    frame.insert(0, "line", valid.index)
    twice = frame["invoice_key"].duplicated(keep=False)
    if twice.any():
        lines = ", ".join(str(line) for line in frame.index[twice][:10])
        raise WarehouseError(
            f"{night.file}: {int(twice.sum())} valid rows share their key ({', '.join(contract.key)}), lines {lines}; "
            "nothing was loaded. Validation keeps the first of a key and quarantines the others"
        )
    return frame


def _of_other_nights(cursor: Cursor, contract: Contract, night: Night, valid: pd.DataFrame) -> pd.DataFrame:
    """The rows whose key another night has loaded, as quarantined rows."""
    run(cursor, "keys_of_other_nights", {"extract_date": night.extract_date})
    nights: dict[int, date] = dict(cursor.fetchall())
    rows = valid.loc[list(nights), list(contract.fields)].rename(columns=contract.header)
    return pd.DataFrame(
        {
            "raw": [_as_json(row) for row in rows.to_dict("records")],
            "reasons": [[f"already loaded with the extract of {other.isoformat()}"] for other in nights.values()],
        },
        index=rows.index,
    )


def _as_json(row: dict[Any, Any]) -> str:
    def plain(value: Any) -> Any:
        if pd.isna(value):
            return None
        return value.date().isoformat() if isinstance(value, pd.Timestamp) else value

    return json.dumps({name: plain(value) for name, value in row.items()}, ensure_ascii=False)


def _replace_quarantine(cursor: Cursor, night: Night, rejected: pd.DataFrame) -> None:
    if not rejected.index.is_unique:
        twice = rejected.index[rejected.index.duplicated()][0]
        raise WarehouseError(f"{night.file}: line {twice} is quarantined twice, or both valid and quarantined")
    run(cursor, "make_quarantine_table")
    rows = [
        (int(line), _storable(raw), [_storable(reason) for reason in reasons])
        for line, raw, reasons in zip(rejected.index, rejected["raw"], rejected["reasons"], strict=True)
    ]
    execute_values(cursor, text_of("fill_quarantine"), rows, page_size=1000)
    run(cursor, "replace_quarantine", {"extract_date": night.extract_date, "file": night.file})


def _record(
    cursor: Cursor,
    night: Night,
    counts: LoadCounts,
    problems: list[str],
    warnings: list[str],
    data_docs: str,
    *,
    success: bool,
) -> None:
    values = {
        "extract_date": night.extract_date,
        "file": night.file,
        "rows_in": counts.rows_in,
        "valid": counts.loaded,
        "quarantined": counts.quarantined,
        "success": success,
        "problems": [_storable(problem) for problem in problems],
        "warnings": [_storable(warning) for warning in warnings],
        "data_docs": data_docs,
    }
    run(cursor, "upsert_validation_run", values)
    run(cursor, "update_superseded", values)


def _storable(text: str) -> str:
    """The text without what Postgres cannot hold: NUL and halves of surrogate pairs."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def _count(cursor: Cursor, name: str, values: dict[str, Any]) -> int:
    run(cursor, name, values)
    row = cursor.fetchone()
    return int(row[0]) if row else 0
