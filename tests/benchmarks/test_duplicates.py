"""The benchmark of duplicates plants copies of every kind, and measures all methods on them."""

from datetime import date

import numpy as np
import pytest

from benchmarks.duplicates import KINDS, METHODS, Trial, compare, measure, sample_trial


@pytest.fixture(scope="module")
def trial() -> Trial:
    return sample_trial(1, (date(2026, 1, 1), date(2026, 5, 31), date(2026, 7, 31)), vendors=15, rows_per_day=25)


def test_copies_of_every_kind_come_on_later_nights(trial: Trial) -> None:
    assert set(trial.kind) == {"", *KINDS}
    assert trial.invoices["extract_date"].is_monotonic_increasing
    assert trial.invoices["extract_date"].min() > trial.history["extract_date"].max()
    assert trial.invoices.index.is_unique


def test_all_methods_find_copies_and_this_check_finds_more_than_a_rule(trial: Trial) -> None:
    figures = compare([trial])
    assert list(figures.index) == list(METHODS)
    assert figures["same number"]["this project"] == figures["same number"]["exact rule"] == 1.0
    assert (figures["AP"] > 0.1).all()
    assert figures["recall"]["this project"] > figures["recall"]["exact rule"]


def test_a_list_of_all_copies_first_is_perfect(trial: Trial) -> None:
    figures = measure(trial, (trial.kind != "").astype(float) + np.linspace(0.0, 0.5, len(trial.kind)))
    assert figures["AP"] == figures["recall"] == 1.0
