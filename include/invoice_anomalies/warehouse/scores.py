"""Publish the scores of a night: all of them with their anomalies and explanations, or nothing."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date

import pandas as pd
from psycopg2 import errors
from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from invoice_anomalies.errors import NoModelError, WarehouseError
from invoice_anomalies.warehouse.connection import savepoint
from invoice_anomalies.warehouse.copy import copy_in
from invoice_anomalies.warehouse.models import model
from invoice_anomalies.warehouse.queries import execute, fetch_all

SCORE_COLUMNS = ["score", "threshold", "history_tier", "history_rows"]
ANOMALY_COLUMNS = [
    "score",
    "threshold",
    "amount_at_risk",
    "currency",
    "entity",
    "top_field",
    "explanation",
    "entity_name",
    "kind",
]
FIELD_COLUMNS = [
    "invoice_key",
    "field",
    "position",
    "observed",
    "expected",
    "low",
    "high",
    "error",
    "rarity",
    "share",
    "sentence",
    "kind",
]
# Empty where the frame has no such column, or the field is no number.
FIELD_NUMBERS = ["observed_number", "expected_number", "low_number", "high_number"]
# Faults that stop a publication: the query that finds the offending keys, and the fault in words.
SCORE_CHECKS = {
    "unscored_invoices": "loaded invoices have no score",
    "scores_without_invoice": "scores belong to no loaded invoice of the night",
}
ANOMALY_CHECKS = {
    "anomalies_without_score": "anomalies have no score",
    "anomalies_without_fields": "anomalies have no field that explains them",
    "fields_without_anomaly": "explained invoices are not among the anomalies",
}
STEPS = ("upsert_scores", "delete_unflagged_anomalies", "upsert_anomalies", "delete_unnamed_fields", "upsert_fields")


@dataclass(frozen=True)
class Scoring:
    """A night scored by a model version, and what the scores rest on.

    known_load: the last load of these nights when they were read. history_from: the first night that was read.
    """

    extract_date: date
    version: str
    known_load: int = 0
    history_from: date = date.min

    def __str__(self) -> str:
        return f"scores of {self.extract_date.isoformat()} by {self.version}"


@dataclass(frozen=True)
class StaleNight:
    """A night whose scores rest on invoices that changed since.

    newest_load: the last load that changed one of them. own: whether invoices of the night itself came or changed.
    """

    extract_date: date
    newest_load: int
    own: bool


@dataclass(frozen=True)
class ScoreCounts:
    """How many invoices were scored, and how many of them flagged."""

    scored: int
    flagged: int


def nights_to_score_again(connection: Connection, first: date) -> list[StaleNight]:
    """Nights from `first` on, in order, whose scores rest on invoices that changed since."""
    return [StaleNight(*row) for row in fetch_all(connection, "nights_to_score_again", {"first": first})]


def publish_scores(
    connection: Connection,
    scoring: Scoring,
    scores: Iterable[pd.DataFrame],
    anomalies: pd.DataFrame,
    fields: pd.DataFrame,
) -> ScoreCounts:
    """Make the tables hold exactly these scores and anomalies for this night and version.

    scores: frames with index invoice_key; score, threshold, history_tier, history_rows; one is in memory at a time.
    anomalies: index invoice_key; score, threshold, amount_at_risk, currency, entity, top_field, explanation,
    entity_name, kind. fields: one row for each field of an anomaly; columns FIELD_COLUMNS and, for fields that are
    numbers, FIELD_NUMBERS in the unit of the field. Anomalies known before keep their status. Raises WarehouseError,
    and publishes nothing, where an invoice of the night has no score or an anomaly no field; NoModelError
    where the version is not registered.
    """
    if model(connection, scoring.version) is None:
        raise NoModelError(f"there is no model version {scoring.version}; register it before it publishes scores")
    of_night = asdict(scoring)
    night_anomalies = ranked(_keyed(anomalies, ANOMALY_COLUMNS, scoring))
    numbers = dict.fromkeys(FIELD_NUMBERS, "float64")
    night_fields = fields.reindex(columns=[*FIELD_COLUMNS, *numbers]).astype({"position": "int64", **numbers})
    with savepoint(connection) as cursor:
        execute(cursor, "make_score_tables")
        for part in scores:
            copy_in(cursor, "night_scores", _keyed(part, SCORE_COLUMNS, scoring).astype({"history_rows": "int64"}))
        copy_in(cursor, "night_anomalies", night_anomalies)
        copy_in(cursor, "night_fields", night_fields)
        execute(cursor, "lock_nights")
        scored = _checked(cursor, scoring)
        execute(cursor, "upsert_scoring_run", {**of_night, "scored": scored, "flagged": len(anomalies)})
        try:
            for step in STEPS:
                execute(cursor, step, of_night)
        except errors.CardinalityViolation:
            raise WarehouseError(f"{scoring}: an invoice has two scores; nothing was published") from None
    return ScoreCounts(scored, len(anomalies))


def ranked(anomalies: pd.DataFrame) -> pd.DataFrame:
    """Add rank_of_day, the highest score is 1, and rank_by_amount, the most money at risk is 1 and no amount is last.

    Equal scores go by key and equal amounts by score, so that no rank ever depends on the order of the rows.
    """
    by_score = anomalies.sort_values(["score", "invoice_key"], ascending=[False, True])
    by_score["rank_of_day"] = range(1, len(by_score) + 1)
    by_amount = by_score["amount_at_risk"].astype(float).sort_values(ascending=False, kind="stable", na_position="last")
    by_score["rank_by_amount"] = pd.Series(range(1, len(by_score) + 1), index=by_amount.index, dtype="int64")
    return by_score


def _keyed(frame: pd.DataFrame, columns: list[str], scoring: Scoring) -> pd.DataFrame:
    """The columns with the index as column invoice_key; refuse a key that comes twice or a score that is no number."""
    keyed = frame.reindex(columns=columns)
    keyed.insert(0, "invoice_key", frame.index.astype("str"))
    if keyed["invoice_key"].duplicated().any():
        raise WarehouseError(
            f"{scoring}: {keyed['invoice_key'][keyed['invoice_key'].duplicated()].iloc[0]} comes twice"
        )
    missing = keyed[["score", "threshold"]].isna().any(axis=1)
    if missing.any():
        raise WarehouseError(
            f"{scoring}: {int(missing.sum())} invoices have no number as score or threshold, "
            f"first {keyed['invoice_key'][missing].iloc[0]}; nothing was published"
        )
    return keyed.reset_index(drop=True)


def _checked(cursor: Cursor, scoring: Scoring) -> int:
    """The number of scores; raises WarehouseError where scores, invoices, anomalies and fields do not fit together."""
    of_night = asdict(scoring)
    execute(cursor, "match_scores", of_night)
    scored, loaded, matched = cursor.fetchone() or (0, 0, 0)
    # The names of those that do not match cost as much again as their number.
    for name, problem in (ANOMALY_CHECKS if scored == loaded == matched else SCORE_CHECKS | ANOMALY_CHECKS).items():
        execute(cursor, name, of_night)
        keys = [key for (key,) in cursor.fetchall()]
        if keys:
            raise WarehouseError(
                f"{scoring}: {len(keys)} {problem}, first {', '.join(keys[:5])}; nothing was published. "
                "Clear the task plan and what follows: its invoices may have been loaded anew meanwhile"
            )
    return int(scored)
