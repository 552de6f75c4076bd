"""A model is judged on invoices it has not seen, beside simple peers, and only a better one takes over."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from invoice_anomalies.detection import fit
from invoice_anomalies.training import Evaluation, evaluate, is_better, load_model, train_model
from invoice_anomalies.training.evaluate import hold_out
from tests.detection.orders import contract, fields, orders, typed
from tests.trained_detector import Trained


@pytest.fixture(scope="module")
def evaluation(trained: Trained) -> Evaluation:
    ordinary = trained.invoices[~trained.invoices.index.isin(trained.labels.index)]
    return evaluate(trained.detector, trained.history, ordinary)


def test_the_detector_is_far_ahead_of_the_simple_peers(evaluation: Evaluation) -> None:
    assert set(evaluation.baselines) == {"isolation_forest", "entity_median"}
    best_peer = max(figures["average_precision"] for figures in evaluation.baselines.values())
    assert evaluation.average_precision > best_peer + 0.549  # .579 to .631 (benchmarks/margins.py)


def test_the_figures_are_those_of_a_working_detector(evaluation: Evaluation) -> None:
    assert evaluation.planted >= 10
    assert evaluation.roc_auc > 0.937  # .967 to .976
    assert evaluation.recall > 0.636  # .67 to .75, of a dozen
    assert evaluation.right_field_first > 0.747  # .778 to 1.00
    assert evaluation.alert_rate < 0.04  # .012 to .022
    assert evaluation.f1 == pytest.approx(
        2 * evaluation.precision * evaluation.recall / (evaluation.precision + evaluation.recall)
    )


def test_the_first_model_is_promoted(evaluation: Evaluation) -> None:
    assert is_better(evaluation, None)


def test_a_clearly_worse_model_is_not_promoted(evaluation: Evaluation) -> None:
    worse = replace(evaluation, average_precision=evaluation.average_precision - 0.1)
    assert not is_better(worse, evaluation)
    assert is_better(evaluation, worse)


def test_an_equally_good_newer_model_is_promoted(evaluation: Evaluation) -> None:
    assert is_better(replace(evaluation, average_precision=evaluation.average_precision - 0.005), evaluation)


@pytest.mark.usefixtures("untraced")
def test_a_field_derived_from_the_wrong_one_is_the_right_one_to_name() -> None:
    # Nothing but the unit price is judged, and nothing but its parts is planted.
    hidden = fields("vendor", "quantity", "amount", quantity={"detect": False}, amount={"detect": False})
    derived = {"unit_price": {"ratio": ["amount", "quantity"]}}
    few = contract(hidden, derived=derived, entity="vendor", detection={"epochs": 2})
    frame = typed(few, orders(1500).assign(amount=lambda book: book["quantity"] * 5.0))
    evaluation = evaluate(fit(few, frame.head(1000)), frame.head(1000), frame.tail(500))
    assert evaluation.planted >= 5
    assert evaluation.recall > 0.8
    assert evaluation.right_field_first == 1.0


UNUSUAL: dict[str, dict[str, Any]] = {
    "only the entity": {"fields": fields("product"), "entity": "product"},
    "only categories": {"fields": fields("vendor", "product")},
    "no entity": {"fields": fields("product", "quantity", "amount")},
    "everything": {"fields": fields(vendor={"detect": True}), "derived": {"price": {"ratio": ["amount", "quantity"]}}},
}


@pytest.mark.usefixtures("untraced")
@pytest.mark.parametrize("chosen", UNUSUAL.values(), ids=UNUSUAL.keys())
def test_a_model_of_any_contract_is_trained_and_evaluated(chosen: dict[str, Any], tmp_path: Path) -> None:
    few = contract(**chosen, detection={"epochs": 1})
    frame = typed(few, orders(70))
    if "amount" in frame:
        frame.loc[frame.index[3], "amount"] = 1e308
    told: list[str] = []

    version, checksum = train_model(few, frame, tmp_path, told.append)
    evaluation = evaluate(load_model(few, tmp_path, version, checksum), *hold_out(frame))

    figures = evaluation.as_metrics()
    baselines = figures.pop("baselines")
    assert np.isfinite([*figures.values(), *(value for found in baselines.values() for value in found.values())]).all()
    assert json.loads(json.dumps(figures)) == figures
    assert (tmp_path / version / "learning.png").is_file()
    assert told
