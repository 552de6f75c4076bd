"""The figures of the benchmark, on scores made by hand."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from benchmarks.data_sets import DataSet
from benchmarks.measures import Opinion, blamed_rightly, measures, ranking
from benchmarks.project import expected_value
from benchmarks.results import Results, tables
from invoice_anomalies.contract import Contract
from invoice_anomalies.detection.explain.field_explanation import FieldExplanation
from invoice_anomalies.text import Style, Value

PLANTED = {3: ("amount_shifted", "net_amount|gross_amount"), 7: ("date_moved", "invoice_date")}


@pytest.fixture
def data(contract: Contract) -> DataSet:
    """A hundred invoices of which two are planted."""
    keys = [f"V{at}" for at in range(100)]
    was = pd.DataFrame(
        {"net_amount": 100.0, "gross_amount": 119.0, "invoice_date": pd.Timestamp(2026, 3, 2)}, index=keys
    )
    now = was.copy()
    now.loc["V3", ["net_amount", "gross_amount"]] = [10_000.0, 11_900.0]
    now.loc["V7", "invoice_date"] = pd.Timestamp(2025, 3, 2)
    truth = pd.DataFrame({"kind": "", "fields": ""}, index=keys)
    for at, labels in PLANTED.items():
        truth.loc[keys[at]] = labels
    return DataSet("hand", contract, was, now, truth, was.loc[["V3", "V7"]])


def scores(**high: float) -> np.ndarray:
    """Descending scores below 1 in the order of the invoices, but for those named like V3."""
    found = np.linspace(0.9, 0.0, 100)
    for name, value in high.items():
        found[int(name[1:])] = value
    return found


def test_planted_invoices_on_top_have_every_share_of_one(data: DataSet) -> None:
    figures = measures(data, Opinion(scores(V3=2.0, V7=3.0)), seed=1)

    assert figures["ap"] == figures["auc"] == figures["r2k"] == figures["recall_5"] == 1.0
    assert figures["recall_1"] == 0.5  # one invoice of a hundred is reviewed
    assert figures["kind_amount_shifted"] == figures["kind_date_moved"] == 1.0
    assert "hit1" not in figures


def test_recall_counts_the_planted_in_a_list_twice_as_long_as_their_number(data: DataSet) -> None:
    figures = measures(data, Opinion(scores(V3=0.95, V7=-1.0)), seed=1)

    assert figures["r2k"] == 0.5
    assert figures["kind_amount_shifted"] == 1.0
    assert figures["kind_date_moved"] == 0.0
    assert figures["ap"] == pytest.approx((1 / 1 + 2 / 100) / 2)


def test_equal_scores_are_ranked_at_random_and_alike_for_a_seed() -> None:
    same = np.zeros(1000)

    assert not np.array_equal(ranking(same, seed=1), np.arange(1000))
    assert np.array_equal(ranking(same, seed=1), ranking(same, seed=1))
    assert ranking(np.array([1.0, 3.0, 2.0]), seed=1).tolist() == [1, 2, 0]


def test_a_hit_is_a_field_that_may_be_blamed_or_a_derived_one_of_it(data: DataSet) -> None:
    derived = next(name for name, d in data.contract.derived.items() if "net_amount" in d.parts)
    errors = pd.DataFrame(
        0.0, index=data.invoices.index, columns=["invoice_date", "currency", "due_date", "tax_code", derived]
    )
    errors.loc["V3", [derived, "currency"]] = [5.0, 4.0]
    errors.loc["V7", ["currency", "tax_code", "due_date", "invoice_date"]] = [5.0, 4.0, 3.0, 2.0]

    figures = measures(data, Opinion(scores(V3=2.0, V7=3.0), errors), seed=1)

    assert figures["hit1"] == figures["hit1_all"] == 0.5
    assert figures["hit3"] == 0.5


def test_a_field_without_error_is_not_blamed(contract: Contract) -> None:
    errors = pd.DataFrame({"invoice_date": [0.0], "currency": [1.0]})

    assert not blamed_rightly(contract, errors, pd.Series(["invoice_date"]), 2).any()
    assert blamed_rightly(contract, errors, pd.Series(["currency"]), 1).all()


def test_hits_are_counted_among_the_planted_that_were_found(data: DataSet) -> None:
    errors = pd.DataFrame({"net_amount": 1.0, "invoice_date": 0.5}, index=data.invoices.index)

    figures = measures(data, Opinion(scores(V3=2.0, V7=-1.0), errors), seed=1)

    assert figures["hit1"] == 1.0  # V3, the one that was found
    assert figures["hit1_all"] == 0.5
    assert figures["hit3_all"] == 1.0


def test_the_expected_value_is_compared_with_what_stood_there_before(data: DataSet) -> None:
    def expected(rows: np.ndarray) -> pd.DataFrame:
        told = {3: {"net_amount": 150.0}, 7: {"invoice_date": pd.Timestamp(2026, 3, 5)}}
        return pd.DataFrame([told[int(row)] for row in rows])

    figures = measures(data, Opinion(scores(V3=2.0, V7=3.0), expected=expected), seed=1)

    assert figures["factor_off"] == pytest.approx(1.5)
    assert figures["days_off"] == 3
    assert figures["expected_told"] == pytest.approx(2 / 3)  # nothing was said of the gross amount


@pytest.mark.parametrize(
    ("expected", "style", "value"),
    [
        (1420.0, "amount", 1420.0),
        (-0.25, "number", -0.25),
        (float("inf"), "amount", None),
        (date(2026, 3, 5), "number", pd.Timestamp(2026, 3, 5)),
        ("Monday (81%)", "number", None),
        ("S20 (97%)", "number", None),
        (1240.0, "count", None),  # a running number near that, of an identifier
        (None, "amount", None),
    ],
)
def test_an_expected_value_is_taken_from_an_explanation_as_it_is(expected: Value, style: Style, value: object) -> None:
    said = FieldExplanation("observed", expected, "expectation", style=style, estimated=True)
    assert expected_value(said) == value


def test_the_tables_give_mean_and_spread_over_seeds_best_detector_first() -> None:
    results = Results("hand", history=1000, invoices=100, planted=2)
    for ap in (0.4, 0.6):
        results.runs.setdefault("good", []).append({"ap": ap, "kind_date_moved": 1.0, "factor_off": 1.5})
        results.runs.setdefault("better", []).append({"ap": ap + 0.1, "kind_date_moved": 0.25})

    text = tables(results)

    lines = [line for line in text.splitlines() if line.startswith(("good", "better"))]
    assert [line.split()[0] for line in lines[:2]] == ["better", "good"]
    assert ".500 ±.141" in lines[1]
    assert "x1.50" in text and "moved" in text
