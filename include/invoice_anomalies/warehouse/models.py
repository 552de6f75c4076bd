"""Model versions: which there are, which is champion, and which may judge a night."""

import json
import math
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from psycopg2.extensions import connection as Connection  # noqa: N812

from invoice_anomalies.errors import NoModelError, WarehouseError
from invoice_anomalies.warehouse.connection import savepoint
from invoice_anomalies.warehouse.queries import execute, fetch_all


@dataclass(frozen=True)
class ModelRecord:
    """A trained model: what it knows, how good it is, and where it lies."""

    version: str
    status: str
    trained_from: date
    trained_until: date
    rows: int
    metrics: dict[str, Any]
    artefact: str
    checksum: str


def register_model(connection: Connection, record: ModelRecord) -> None:
    """Record a trained model; again: replace all but the status that promotion gave it."""
    if record.status == "champion":
        raise WarehouseError(f"{record.version}: a model becomes champion by promotion; register it as challenger")
    with savepoint(connection) as cursor:
        execute(cursor, "register_model", {**asdict(record), "metrics": json.dumps(_finite(record.metrics))})


def promote_model(connection: Connection, version: str) -> None:
    """Make a version the champion; the old champion retires.

    Promoting a version older than the champion is a roll-back: the champion is rejected and judges no night any more.
    """
    if model(connection, version) is None:
        raise NoModelError(f"there is no model version {version}; train it first, or promote one of v_model_health")
    with savepoint(connection) as cursor:
        execute(cursor, "retire_champion", {"version": version})
        execute(cursor, "promote_model", {"version": version})


def reject_model(connection: Connection, version: str) -> None:
    """Note that a challenger was evaluated and not promoted; a version that was ever promoted is left alone."""
    with savepoint(connection) as cursor:
        execute(cursor, "reject_model", {"version": version})


def model(connection: Connection, version: str) -> ModelRecord | None:
    """The model of this name; None where there is none."""
    return _one(connection, "model_by_version", {"version": version})


def champion(connection: Connection) -> ModelRecord | None:
    """The model that is promoted now; None before the first promotion."""
    return _one(connection, "champion", {})


def model_for_night(connection: Connection, extract_date: date) -> ModelRecord | None:
    """The latest model that was ever promoted, was not rolled back, and knows only nights before this one."""
    return _one(connection, "model_for_night", {"extract_date": extract_date})


def _one(connection: Connection, name: str, values: dict[str, Any]) -> ModelRecord | None:
    rows = fetch_all(connection, name, values)
    return ModelRecord(*rows[0]) if rows else None


def _finite(value: Any) -> Any:
    """The value with null for NaN and infinity, which JSON does not know."""
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if hasattr(value, "item"):
        # A numpy number; the metrics come from numpy.
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
