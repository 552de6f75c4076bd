"""Publish the scores of a night: all of them with their anomalies and explanations, or nothing."""

from dataclasses import dataclass
from datetime import date

import pandas as pd
from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from include.errors import NoModelError, WarehouseError
from include.warehouse.connection import run, whole
from include.warehouse.copy import copy_in
from include.warehouse.models import model

SCORE_COLUMNS = ["score", "threshold", "history_tier", "history_rows"]
ANOMALY_COLUMNS = ["score", "threshold", "amount_at_risk", "currency", "entity", "top_field", "explanation"]
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
]
# Checks before anything is published: the statement that finds the offending keys, and what is wrong with them.
CHECKS = {
    "unscored_invoices": "loaded invoices have no score",
    "scores_without_invoice": "scores belong to no loaded invoice of the night",
    "anomalies_without_score": "anomalies have no score",
    "anomalies_without_fields": "anomalies have no field that explains them",
    "fields_without_anomaly": "explained invoices are not among the anomalies",
}


@dataclass(frozen=True)
class ScoreCounts:
    """How many invoices were scored, and how many of them flagged."""

    scored: int
    flagged: int


def publish_scores(
    connection: Connection,
    extract_date: date,
    version: str,
    scores: pd.DataFrame,
    anomalies: pd.DataFrame,
    fields: pd.DataFrame,
) -> ScoreCounts:
    """Make the tables hold exactly these scores and anomalies for this night and version.

    scores: index invoice_key; score, threshold, history_tier, history_rows. anomalies: index invoice_key; score,
    threshold, amount_at_risk, currency, entity, top_field, explanation. fields: one row for each field of an anomaly.
    Anomalies known before keep their status. Raises WarehouseError, and publishes nothing, where an invoice of the
    night has no score or an anomaly no field; NoModelError where the version is not registered.
    """
    if model(connection, version) is None:
        raise NoModelError(f"there is no model version {version}; register it before it publishes scores")
    where = f"scores of {extract_date.isoformat()} by {version}"
    night_scores = _keyed(scores, SCORE_COLUMNS, where).astype({"history_rows": "int64"})
    night_anomalies = ranked(_keyed(anomalies, ANOMALY_COLUMNS, where))
    night_fields = fields.reindex(columns=FIELD_COLUMNS).astype({"position": "int64"})
    of_night = {"extract_date": extract_date, "version": version}
    with whole(connection) as cursor:
        run(cursor, "lock_nights")
        run(cursor, "make_score_tables")
        copy_in(cursor, "night_scores", night_scores)
        copy_in(cursor, "night_anomalies", night_anomalies)
        copy_in(cursor, "night_fields", night_fields)
        cursor.execute("ANALYZE night_scores")
        for name, problem in CHECKS.items():
            _refuse_any(cursor, name, of_night, f"{where}: {{count}} {problem}")
        counts = ScoreCounts(len(night_scores), len(night_anomalies))
        run(cursor, "upsert_scoring_run", {**of_night, "scored": counts.scored, "flagged": counts.flagged})
        for step in (
            "upsert_scores",
            "delete_unflagged_anomalies",
            "upsert_anomalies",
            "delete_unnamed_fields",
            "upsert_fields",
        ):
            run(cursor, step, of_night)
    return counts


def ranked(anomalies: pd.DataFrame) -> pd.DataFrame:
    """Add rank_of_day, the highest score is 1, and rank_by_amount, the most money at risk is 1 and no amount is last.

    Equal scores go by key and equal amounts by score, so that no rank ever depends on the order of the rows.
    """
    by_score = anomalies.sort_values(["score", "invoice_key"], ascending=[False, True])
    by_score["rank_of_day"] = range(1, len(by_score) + 1)
    by_amount = by_score["amount_at_risk"].astype(float).sort_values(ascending=False, kind="stable", na_position="last")
    by_score["rank_by_amount"] = pd.Series(range(1, len(by_score) + 1), index=by_amount.index, dtype="int64")
    return by_score


def _keyed(frame: pd.DataFrame, columns: list[str], where: str) -> pd.DataFrame:
    """The columns with the index as column invoice_key; refuse a key that comes twice or a score that is no number."""
    keyed = frame.reindex(columns=columns)
    keyed.insert(0, "invoice_key", frame.index.astype("str"))
    if keyed["invoice_key"].duplicated().any():
        raise WarehouseError(f"{where}: {keyed['invoice_key'][keyed['invoice_key'].duplicated()].iloc[0]} comes twice")
    missing = keyed[["score", "threshold"]].isna().any(axis=1)
    if missing.any():
        raise WarehouseError(
            f"{where}: {int(missing.sum())} invoices have no number as score or threshold, "
            f"first {keyed['invoice_key'][missing].iloc[0]}; nothing was published"
        )
    return keyed.reset_index(drop=True)


def _refuse_any(cursor: Cursor, name: str, of_night: dict[str, object], problem: str) -> None:
    run(cursor, name, of_night)
    keys = [key for (key,) in cursor.fetchall()]
    if keys:
        raise WarehouseError(
            f"{problem.format(count=len(keys))}, first {', '.join(keys[:5])}; nothing was published. "
            "Score the night again: its invoices may have been loaded anew meanwhile"
        )
