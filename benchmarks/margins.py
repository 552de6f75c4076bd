"""How much the figures of trained models differ between seeds and processors: where the tests' margins come from.

    TF_ENABLE_ONEDNN_OPTS=0 OPENBLAS_CORETYPE=Nehalem python -m benchmarks.margins 0 1 2

Prints the figures that tests assert, for each seed of the training; run it with other settings, and put the range
beside the margin.
"""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import average_precision_score

from invoice_anomalies.contract import Contract, load_contract
from invoice_anomalies.detection import ScoringResult, explain, fit, score
from invoice_anomalies.paths import PROJECT
from invoice_anomalies.training import evaluate
from tests.detection import test_detector as of_detector
from tests.detection import test_judged_fields as of_fields
from tests.detection import test_quality as of_quality
from tests.trained_detector import Trained, fitted, invoices_of_a_company, with_detection

Figures = dict[str, float]
SETTINGS = ("TF_ENABLE_ONEDNN_OPTS", "OPENBLAS_CORETYPE", "OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")


def flagged(result: ScoringResult) -> npt.NDArray[np.bool_]:
    return of_detector.flagged(result).to_numpy()


def of_trained(contract: Contract, made: Trained) -> Figures:
    """tests/detection/test_detector.py and tests/training/test_evaluation.py."""
    detector, result = made.detector, made.result
    truth = of_detector.is_planted(made, made.invoices)
    audit = score(detector, pd.concat([made.history, made.invoices]))
    newcomers = of_detector.newcomers_of(contract)
    new = score(detector, newcomers, made.history)
    first = (new.scores["history_tier"] == "new").to_numpy()
    anomalies, _ = explain(detector, result, np.flatnonzero(truth & flagged(result)))
    accepted = made.labels["fields"].reindex(anomalies.index)
    hits = [of_detector.right(contract, *pair) for pair in zip(anomalies["top_field"], accepted, strict=True)]
    book_truth = of_detector.is_planted(made, audit.invoices)
    worst = np.argsort(-audit.scores["score"].to_numpy())[: 2 * book_truth.sum()]
    found = {
        "ap": average_precision_score(truth, result.scores["score"]),
        "ordinary flagged": flagged(result)[~truth].mean(),
        "right field first": np.mean(hits),
        "audit: in short list": book_truth[worst].sum() / book_truth.sum(),
        "audit: ordinary flagged": flagged(audit)[~book_truth].mean(),
        "audit: off the share": flagged(audit)[: len(made.history)].mean()
        - (1 - contract.detection.threshold_quantile),
        "new vendors flagged": flagged(new).mean(),
        "new vendors' first flagged": flagged(new)[first].mean(),
    }
    for kind in of_detector.PLANTED:
        planted = made.labels.index[made.labels["kind"] == kind]
        found[f"flagged of {kind}"] = of_detector.flagged(result)[planted].mean()
    evaluation = evaluate(detector, made.history, made.invoices[~truth])
    found |= {f"evaluation: {name}": getattr(evaluation, name) for name in
              ("average_precision", "roc_auc", "recall", "right_field_first", "alert_rate")}  # fmt: skip
    peer = max(figures["average_precision"] for figures in evaluation.baselines.values())
    return found | {"evaluation: ahead of the best peer": evaluation.average_precision - peer}


def of_quality_tests(contract: Contract) -> Figures:
    """tests/detection/test_quality.py."""
    small = with_detection(contract, epochs=10)
    plantings = of_quality.plantings_of(small)
    detector = fit(small, plantings[0].history)
    trials = of_quality.trials_of(detector, plantings)
    scores = pd.concat([trial.result.scores for trial in trials])
    planted = np.concatenate([trial.data.planted for trial in trials])
    over = (scores["score"] >= scores["threshold"]).to_numpy()
    kinds = {name for trial in trials for name in trial.figures if name.startswith("kind_")}
    found = {name: of_quality.mean(trials, name) for name in ("ap", "auc", "r2k", "recall_5", "hit1", "hit3")}
    found["worst kind"] = min(float(np.mean([t.figures[kind] for t in trials if kind in t.figures])) for kind in kinds)
    found |= {"ordinary flagged": over[~planted].mean(), "planted flagged": over[planted].mean()}
    for name in ("ap", "r2k"):
        found[f"{name} by the peer's"] = of_quality.mean(trials, name) / float(np.mean([t.peer[name] for t in trials]))
    found["expected amount: times off"] = float(np.exp(np.median(of_quality.off_the_expected(detector, trials))))
    return {f"quality: {name}": value for name, value in found.items()}


def of_judged_fields(seed: int) -> Figures:
    """tests/detection/test_judged_fields.py."""
    products, newcomers = of_fields.products_of(seed), of_fields.newcomers_of(seed)
    wrong = of_fields.sold_at_another_price(products)
    new = newcomers.invoices["vendor"].str.startswith("ONCE")
    dear = products.invoices[products.invoices["product"] == "P5"].head(40).assign(product="P0")
    found = {
        "wrong unit price flagged": products.flagged(wrong).mean(),
        "another product flagged": products.flagged(dear).mean(),
        "unknown product flagged": products.flagged(products.invoices.head(30).assign(product="P999")).mean(),
        "known product odd": (products.judge(products.invoices).errors["product"] > 2.0).mean(),
        "new where common: oddity": newcomers.judge(newcomers.invoices).errors["vendor"][new].max(),
        "new where common: flagged": newcomers.flagged(newcomers.invoices)[new].mean(),
        "ordinary flagged": max(case.flagged(case.invoices).mean() for case in (products, newcomers)),
    }
    return {f"fields: {name}": value for name, value in found.items()}


def main(seeds: list[int]) -> None:
    quick = with_detection(load_contract(PROJECT / "include" / "invoices.yaml"), epochs=12, hidden_units=[64, 32])
    ran: list[Figures] = []
    for seed in seeds:
        contract = with_detection(quick, seed=seed)
        made = fitted(contract, invoices_of_a_company(contract))
        ran.append(of_trained(contract, made) | of_quality_tests(contract) | of_judged_fields(seed))
    print({name: os.environ.get(name) for name in SETTINGS})
    for name in ran[0]:
        print(f"{name:45}", *(f"{figures[name]:8.4f}" for figures in ran), flush=True)


if __name__ == "__main__":
    main([int(seed) for seed in sys.argv[1:]] or [0, 1, 2])
