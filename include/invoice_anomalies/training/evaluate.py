"""How good a model is: on the newest invoices it has not seen, with planted anomalies, beside simple peers."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from invoice_anomalies.contract import Contract
from invoice_anomalies.detection import Detector, score
from invoice_anomalies.detection.features.features import extract_features, features_of
from invoice_anomalies.training.inject import plant

HELD_OUT_SHARE = 0.15  # the newest part of the training window, by extract date
MOST_HELD_OUT = 20_000  # enough for stable figures; evaluation must not outlast training
MARGIN = 0.02  # a challenger may be this much worse in average precision and still follow the newer data
SEED = 20
ONE_HOT_LEVELS = 20
LARGEST = 1e30  # scikit-learn's trees compare in single precision


@dataclass(frozen=True)
class Evaluation:
    """Figures on planted anomalies. Natural oddities count as false, so no figure can reach 1.

    right_field_first: share of the planted and flagged whose oddest field is the wrong one or derived from it.
    """

    invoices: int
    planted: int
    average_precision: float
    roc_auc: float
    precision: float
    recall: float
    f1: float
    alert_rate: float
    right_field_first: float
    baselines: dict[str, dict[str, float]]

    def as_metrics(self) -> dict[str, Any]:
        return asdict(self)


def hold_out(invoices: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split training invoices into the older ones to learn from and the newest nights to be judged on.

    Where whole nights do not make a fair share (a history loaded as one night), invoices are drawn at random instead.
    """
    nights = invoices["extract_date"]
    most = min(len(invoices) * HELD_OUT_SHARE, MOST_HELD_OUT)
    rows_since = nights.value_counts().sort_index(ascending=False).cumsum()
    fair = rows_since[(rows_since <= most) & (rows_since >= most / 3)]
    if len(fair):
        late = (nights >= fair.index[-1]).to_numpy()
    else:
        late = np.zeros(len(invoices), dtype=bool)
        late[np.random.default_rng(SEED).choice(len(invoices), size=int(most), replace=False)] = True
    return invoices[~late], invoices[late]


def evaluate(detector: Detector, history: pd.DataFrame, held_out: pd.DataFrame) -> Evaluation:
    """Judge a detector on held-out invoices with planted anomalies, beside the baselines on the same invoices."""
    from sklearn.metrics import precision_recall_fscore_support

    contract = detector.contract
    planted, wrong = plant(contract, held_out, SEED)
    truth = (wrong != "").to_numpy()
    result = score(detector, planted, history)
    scores = result.scores["score"].to_numpy()
    flagged = scores >= detector.threshold
    precision, recall, f1, _ = precision_recall_fscore_support(truth, flagged, average="binary", zero_division=0)
    found = truth & flagged
    first = np.array(detector.fields, dtype=object)[result.errors.to_numpy().argmax(axis=1)]
    named = np.array([_is_right(contract, *pair) for pair in zip(first, wrong, strict=True)], dtype=bool)
    return Evaluation(
        invoices=len(planted),
        planted=int(truth.sum()),
        **_ranking(truth, scores),
        precision=float(precision),
        recall=float(recall),
        f1=float(f1),
        alert_rate=float(flagged[~truth].mean()),
        right_field_first=float(named[found].mean()) if found.any() else 0.0,
        baselines={
            name: _ranking(truth, values) for name, values in baseline_scores(contract, history, planted).items()
        },
    )


def _is_right(contract: Contract, named: str, wrong: str) -> bool:
    """Whether the field named is the wrong one, or derived from it."""
    return named == wrong or (named in contract.derived and wrong in contract.derived[named].parts)


def _ranking(truth: npt.NDArray[np.bool_], scores: npt.NDArray[np.float64]) -> dict[str, float]:
    """How well scores rank the planted invoices on top; those of chance where there is nothing to tell apart."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    if not truth.any():
        return {"average_precision": 0.0, "roc_auc": 0.5}
    return {
        "average_precision": float(average_precision_score(truth, scores)),
        "roc_auc": float(roc_auc_score(truth, scores)),
    }


def baseline_scores(
    contract: Contract, history: pd.DataFrame, invoices: pd.DataFrame
) -> dict[str, npt.NDArray[np.float64]]:
    """Scores of the peers a user would try first, larger is odder; shape (invoices,) each.

    isolation_forest: scikit-learn's, on plain numbers and one-hot levels.
    entity_median: distance of the amount from the entity's median, in robust deviations of the whole book.
    """
    from sklearn.ensemble import IsolationForest

    train, test = _plain(contract, history, invoices)
    forest = IsolationForest(n_estimators=200, random_state=SEED).fit(train)
    found = {"isolation_forest": -forest.score_samples(test)}
    if contract.amount:
        past, now = (np.arcsinh(frame[contract.amount].fillna(0.0)) for frame in (history, invoices))
        middle = float(past.median())
        if contract.entity:
            medians = past.groupby(history[contract.entity]).median()
            expected = invoices[contract.entity].map(medians).astype(float).fillna(middle).to_numpy()
        else:
            expected = np.full(len(now), middle)
        found["entity_median"] = np.abs(now.to_numpy() - expected)
    return found


def _plain(
    contract: Contract, history: pd.DataFrame, invoices: pd.DataFrame
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    features = features_of(contract)
    past, now = (extract_features(contract, features, frame) for frame in (history, invoices))
    columns = []
    for feature in features:
        if feature.numeric:
            middle = np.nanmedian(past[feature.name]) if np.isfinite(past[feature.name]).any() else 0.0
            numbers = (np.nan_to_num(side[feature.name], nan=middle) for side in (past, now))
            columns.append(tuple(np.clip(values, -LARGEST, LARGEST) for values in numbers))
        else:
            texts = [side[feature.name].texts for side in (past, now)]
            levels = pd.Series(texts[0]).value_counts().index[:ONE_HOT_LEVELS]
            columns += [tuple((side == level).astype(float) for side in texts) for level in levels]
    train, test = (np.column_stack(side) for side in zip(*columns, strict=True))
    return train, test


def is_better(challenger: Evaluation, champion: Evaluation | None) -> bool:
    """Whether the challenger should judge from now on: it is not worse than the champion on the same invoices."""
    return champion is None or challenger.average_precision >= champion.average_precision - MARGIN
