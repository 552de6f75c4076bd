"""Scoring: how unusual invoices are, by the model and by the history of their entities."""

import numpy as np
import pandas as pd

from invoice_anomalies.detection.detector import Detector, Query, columns_of, find, score_rows
from invoice_anomalies.detection.features.features import FloatArray
from invoice_anomalies.detection.profiles.history_index import HistoryIndex
from invoice_anomalies.detection.result import ScoringResult
from invoice_anomalies.detection.scoring.calibration import TIERS, combine, history_tier


def score(detector: Detector, invoices: pd.DataFrame, history: pd.DataFrame | None = None) -> ScoringResult:
    """Score invoices by the model and by the history of their entities.

    invoices, history: typed frames with `extract_date`; history holds only what was known before. Invoices of an
    earlier night are history to those of a later one, so that many nights can be scored at once, nearly as one by one.
    Without a history the invoices are scored by one another, as in training: an audit of a whole population. The result
    depends on nothing else: the same frames give the same scores.
    """
    if history is None:
        return _result(detector, invoices, invoices.iloc[:0], _audit(detector, invoices))
    before, began = history["extract_date"], invoices["extract_date"].min()
    since = ((before > detector.trained_until) & (before < began)).to_numpy()
    # What came since the training is scored once more: its exceedances are part of the entities' rates by now.
    history = pd.concat([history[~since], history[since]]) if since.any() else history
    everything = pd.concat([history, invoices]) if len(history) else invoices
    return _result(detector, invoices, history, _night(detector, everything, len(history) - int(since.sum())))


def _audit(detector: Detector, invoices: pd.DataFrame) -> tuple[Query, FloatArray]:
    """All invoices as query rows, and their field scores, shape (rows, fields)."""
    columns, names, nights = columns_of(detector.contract, invoices)
    index = HistoryIndex.for_training(names, nights)
    found = find(detector.contract, invoices, np.arange(len(invoices)), {})
    query = Query(names, index, detector.encoder.encode(index, columns, columns), found)
    return query, score_rows(detector.encoder, detector.weights, detector.calibrations, query)[1]


def _night(detector: Detector, invoices: pd.DataFrame, first: int) -> tuple[Query, FloatArray]:
    """The invoices from position `first` on as query rows, and their field scores, shape (rows, fields)."""
    columns, names, nights = columns_of(detector.contract, invoices)
    index = HistoryIndex.for_scoring(names[:first], names[first:], nights[:first], nights[first:])
    reference = {name: values[: len(index.reference)] for name, values in columns.items()}
    given = detector.encoder.encode(index, reference, {name: values[first:] for name, values in columns.items()})
    found = find(detector.contract, invoices, np.arange(first, len(invoices)), detector.check_states)
    query = Query(names[first:], index, given, found)
    scored = score_rows(detector.encoder, detector.weights, detector.calibrations, query, detector.base_rates)
    return query, scored[1]


def _result(
    detector: Detector, invoices: pd.DataFrame, history: pd.DataFrame, scored: tuple[Query, FloatArray]
) -> ScoringResult:
    """The result for the last of the query rows, which are the invoices asked for."""
    query, field_scores = scored
    asked = slice(len(field_scores) - len(invoices), None)
    given, field_scores = query.given.take(asked), field_scores[asked]
    scores = pd.DataFrame(
        {
            "score": combine(field_scores),
            "threshold": detector.threshold,
            "history_tier": np.array(TIERS, dtype=object)[history_tier(given.history_rows)],
            "history_rows": given.history_rows.astype(int),
        },
        index=invoices.index,
    )
    errors = pd.DataFrame(field_scores, index=invoices.index, columns=detector.fields)
    found = {name: of_check.take(asked) for name, of_check in query.found.items()}
    return ScoringResult(invoices, history, given, errors, scores, found)
