"""A model is judged on invoices it has not seen, beside simple peers, and only a better one takes over."""

from dataclasses import replace

import pytest

from include.lifecycle import Evaluation, evaluate, is_better
from tests.trained_detector import Trained


@pytest.fixture(scope="module")
def evaluation(trained: Trained) -> Evaluation:
    ordinary = trained.invoices[~trained.invoices.index.isin(trained.labels.index)]
    return evaluate(trained.detector, trained.history, ordinary)


def test_the_detector_is_far_ahead_of_the_simple_peers(evaluation: Evaluation) -> None:
    assert set(evaluation.baselines) == {"isolation_forest", "entity_median"}
    best_peer = max(figures["average_precision"] for figures in evaluation.baselines.values())
    assert evaluation.average_precision > best_peer + 0.2


def test_the_figures_are_those_of_a_working_detector(evaluation: Evaluation) -> None:
    assert evaluation.planted >= 10
    assert evaluation.roc_auc > 0.9
    assert evaluation.recall > 0.6
    assert evaluation.right_field_first > 0.7
    assert evaluation.alert_rate < 0.05
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
