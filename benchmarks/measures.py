"""How good a list of anomalies is: figures of one detector on one data set with known anomalies."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.data_sets import DataSet
from invoice_anomalies.contract import Contract
from invoice_anomalies.contract.fields import NUMERIC_TYPES

FloatArray = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]

EFFORTS = (0.01, 0.05, 0.10)
"""Shares of the invoices that somebody reviews."""
LIST_LENGTH = 2
"""The list whose recall is R@2k is so many times as long as the number of planted invoices."""


@dataclass(frozen=True)
class Opinion:
    """What a detector says about invoices, in their order.

    scores: shape (invoices,), larger is odder. errors: invoices x fields, larger is odder, None where a detector
    blames no field. expected: from row positions to the values it expected, positions x fields, missing where it tells
    none; None where it never does. named: from row positions to the field that it names first to the reader.
    seconds: parts of the time that judging took, by what they were spent on.
    """

    scores: FloatArray
    errors: pd.DataFrame | None = None
    expected: Callable[[Rows], pd.DataFrame] | None = None
    named: Callable[[Rows], "pd.Series[str]"] | None = None
    seconds: dict[str, float] = field(default_factory=dict)


def measures(data: DataSet, opinion: Opinion, seed: int) -> dict[str, float]:
    """Every figure of one detector; those that it cannot have are left out.

    Recall is the share of the planted invoices that stand in a list: twice as long as their number (`r2k`), or as long
    as a share of all invoices (`recall_1`, ...). `hit1`, `hit3`: among the planted in the list of `r2k`, how often the
    oddest field, or one of the three oddest, may rightly be blamed; `hit1_all`, `hit3_all`: among all planted.
    `named1`: the same of the field that the explanation names first. `factor_off`, `days_off`: median error of the
    expected number (1.5: half as much again, or as little) and date; `expected_told`: how often there was one.
    """
    from sklearn.metrics import average_precision_score, roc_auc_score

    planted = data.planted
    ranked = ranking(opinion.scores, seed)
    listed = np.zeros(len(planted), dtype=bool)
    listed[ranked[: LIST_LENGTH * int(planted.sum())]] = True
    found = np.flatnonzero(planted & listed)
    figures = {
        "ap": float(average_precision_score(planted, opinion.scores)),
        "auc": float(roc_auc_score(planted, opinion.scores)),
        "r2k": recall(planted, listed),
    }
    for effort in EFFORTS:
        reviewed = np.isin(np.arange(len(planted)), ranked[: round(effort * len(planted))])
        figures[f"recall_{effort:.0%}".rstrip("%")] = recall(planted, reviewed)
    for kind in sorted(set(data.truth["kind"]) - {""}):
        figures[f"kind_{kind}"] = recall((data.truth["kind"] == kind).to_numpy(), listed)
    if opinion.errors is not None:
        for count in (1, 3):
            hits = blamed_rightly(data.contract, opinion.errors, data.truth["fields"], count)
            figures[f"hit{count}_all"] = float(hits[planted].mean())
            if len(found):
                figures[f"hit{count}"] = float(hits[found].mean())
    if opinion.named is not None and len(found):
        named, fields = opinion.named(found), data.truth["fields"].iloc[found]
        figures["named1"] = float(np.mean([_right(data.contract, n, f) for n, f in zip(named, fields, strict=True)]))
    if opinion.expected is not None and len(found):
        figures |= expectation_errors(data, found, opinion.expected(found))
    return figures


def ranking(scores: FloatArray, seed: int) -> Rows:
    """Row positions, worst first; equal scores in random order, so that the order of the invoices gives no hint."""
    return np.lexsort([np.random.default_rng(seed).random(len(scores)), -scores])


def recall(wanted: npt.NDArray[np.bool_], listed: npt.NDArray[np.bool_]) -> float:
    """The share of the wanted that is listed."""
    return float(listed[wanted].mean())


def blamed_rightly(
    contract: Contract, errors: pd.DataFrame, fields: "pd.Series[str]", count: int
) -> npt.NDArray[np.bool_]:
    """Whether one of the so many oddest fields may rightly be blamed, shape (invoices,).

    A derived field is right where one of its parts is. A field without error is not blamed.
    """
    values = errors.to_numpy()
    order = np.argsort(-values, axis=1, kind="stable")[:, :count]
    names = np.where(np.take_along_axis(values, order, axis=1) > 0, np.array(errors.columns, dtype=object)[order], "")
    return np.array(
        [any(_right(contract, name, right) for name in line) for line, right in zip(names, fields, strict=True)]
    )


def _right(contract: Contract, name: object, fields: str) -> bool:
    right = fields.split("|")
    parts = contract.derived[str(name)].parts if name in contract.derived else [str(name)]
    return bool(fields) and any(part in right for part in parts)


def expectation_errors(data: DataSet, found: Rows, expected: pd.DataFrame) -> dict[str, float]:
    """How far the expected values of the changed fields are from what stood there before the anomaly was planted."""
    factors, days, changed = [], [], 0
    for line, row in zip(expected.to_dict("records"), found, strict=True):
        key = data.invoices.index[row]
        if key not in data.clean.index:
            continue
        for name in data.truth["fields"].iloc[row].split("|"):
            kind = data.contract.fields[name].type
            was: Any = data.clean.at[key, name]
            now: Any = data.invoices.at[key, name]
            if was == now or kind not in (*NUMERIC_TYPES, "date"):
                continue
            changed += 1
            told = line.get(name)
            if told is None or pd.isna(told):
                continue
            if kind == "date":
                days.append(abs((pd.Timestamp(told) - was).days))
            else:
                factors.append(abs(np.log(told / was)) if told / was > 0 else np.inf)
    figures = {"expected_told": (len(factors) + len(days)) / changed} if changed else {}
    if factors:
        figures["factor_off"] = float(np.exp(np.median(factors)))
    if days:
        figures["days_off"] = float(np.median(days))
    return figures
