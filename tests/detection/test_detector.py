"""The detector finds what was planted, names the field, stays calm about the rest, and survives odd input."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

from include.contract import Contract
from include.detection import Detector, explain
from include.errors import TooFewInvoicesError
from tests.trained_detector import Trained, with_detection


def flagged(trained: Trained) -> pd.Series:
    scores = trained.judgement.scores
    return scores["score"] >= scores["threshold"]


def test_planted_anomalies_rank_above_ordinary_invoices(trained: Trained) -> None:
    truth = trained.invoices.index.isin(trained.labels.index)
    assert average_precision_score(truth, trained.judgement.scores["score"]) > 0.8


@pytest.mark.parametrize("kind", ["amount_shifted", "category_wrong", "date_moved", "identifier_wrong"])
def test_planted_anomalies_of_each_kind_are_flagged(trained: Trained, kind: str) -> None:
    planted = trained.labels[trained.labels["kind"] == kind]
    assert len(planted) >= 5
    assert flagged(trained)[planted.index].mean() >= 0.8


def test_the_planted_field_stands_first_in_most_explanations(trained: Trained) -> None:
    rows = np.flatnonzero(trained.invoices.index.isin(trained.labels.index) & flagged(trained))
    anomalies, _ = explain(trained.detector, trained.judgement, rows)
    accepted = trained.labels["fields"].reindex(anomalies.index).str.split("|")
    hits = [top in fields for top, fields in zip(anomalies["top_field"], accepted, strict=True)]
    assert np.mean(hits) > 0.85


def test_few_ordinary_invoices_are_flagged(trained: Trained) -> None:
    ordinary = ~trained.invoices.index.isin(trained.labels.index)
    assert flagged(trained)[ordinary].mean() < 0.04


def test_a_score_does_not_depend_on_the_other_invoices_of_the_night(trained: Trained) -> None:
    some = trained.invoices.iloc[::7]
    alone = trained.detector.score(some, trained.history).scores["score"]
    pd.testing.assert_series_equal(alone, trained.judgement.scores["score"].iloc[::7], rtol=1e-4)


def test_the_same_seed_gives_the_same_model(quick_contract: Contract, trained: Trained) -> None:
    contract, history = with_detection(quick_contract, epochs=2), trained.history.tail(1500)
    scores = [
        Detector(contract).fit(history).score(trained.invoices, history).scores["score"].to_numpy() for _ in range(2)
    ]
    np.testing.assert_array_equal(*scores)


def test_a_new_vendor_is_judged_with_wide_expectations_and_not_for_being_new(trained: Trained) -> None:
    ordinary = trained.invoices[~trained.invoices.index.isin(trained.labels.index)].head(100)
    newcomers = ordinary.assign(vendor_id=[f"V9{n:04d}" for n in range(len(ordinary))])
    scores = trained.detector.score(newcomers, trained.history).scores
    assert set(scores["history_tier"]) == {"new"}
    assert (scores["score"] >= scores["threshold"]).mean() < 0.15


def test_a_never_seen_level_is_odd_and_not_an_error(trained: Trained) -> None:
    row = trained.invoices[~trained.invoices.index.isin(trained.labels.index)].head(1).assign(currency="XAU")
    judgement = trained.detector.score(row, trained.history)
    anomalies, fields = explain(trained.detector, judgement, [0])
    assert anomalies["top_field"].iloc[0] == "currency"
    assert "currency 'XAU'; expected" in fields["sentence"].iloc[0]


def test_too_few_invoices_are_refused_with_what_to_do(quick_contract: Contract, trained: Trained) -> None:
    with pytest.raises(TooFewInvoicesError, match=r"at least 500 invoices and there are 100; validate more nights"):
        Detector(quick_contract).fit(trained.history.head(100))


def _one_vendor(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(vendor_id="V00001")


def _constant_columns(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(net_amount=10.0, currency="EUR", invoice_number="1")


def _empty_columns(frame: pd.DataFrame) -> pd.DataFrame:
    nothing = pd.Series(pd.NA, index=frame.index, dtype="str")
    return frame.assign(purchase_order=nothing, net_amount=np.nan, due_date=pd.NaT)


def _all_distinct(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(cost_center=[f"C{n}" for n in range(len(frame))])


@pytest.mark.parametrize("spoil", [_one_vendor, _constant_columns, _empty_columns, _all_distinct])
def test_degenerate_columns_give_finite_scores(quick_contract: Contract, trained: Trained, spoil) -> None:
    contract = with_detection(quick_contract, epochs=2)
    frame = spoil(trained.history.tail(800)).astype({"due_date": "datetime64[us]"})
    judgement = Detector(contract).fit(frame).score(frame.tail(50), frame.head(750))
    assert np.isfinite(judgement.scores["score"]).all()


def test_fifty_invoices_can_be_trained_on_where_the_contract_allows_it(
    quick_contract: Contract, trained: Trained
) -> None:
    contract = with_detection(quick_contract, epochs=2, minimum_rows=50)
    judgement = Detector(contract).fit(trained.history.tail(50)).score(trained.invoices, trained.history.tail(50))
    assert np.isfinite(judgement.scores["score"]).all()


def test_an_empty_chunk_has_no_scores(trained: Trained) -> None:
    judgement = trained.detector.score(trained.invoices.head(0), trained.history)
    assert judgement.scores.empty
    anomalies, fields = explain(trained.detector, judgement, judgement.flagged())
    assert anomalies.empty
    assert fields.empty


def test_no_history_at_all_still_gives_scores(trained: Trained) -> None:
    judgement = trained.detector.score(trained.invoices, trained.history.head(0))
    assert np.isfinite(judgement.scores["score"]).all()
    assert set(judgement.scores["history_tier"]) == {"new"}


def test_the_review_budget_keeps_the_highest_scores(trained: Trained) -> None:
    positions = trained.judgement.flagged(budget=3)
    scores = trained.judgement.scores["score"]
    assert list(scores.iloc[positions]) == sorted(scores, reverse=True)[:3]
