"""Training can be repeated bit for bit, is watched on invoices held out, and is not led astray by the odd ones."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

from invoice_anomalies.contract import Contract
from invoice_anomalies.detection import fit, score
from invoice_anomalies.detection.autoencoder import training
from invoice_anomalies.detection.profiles.encoder import Encoder
from invoice_anomalies.errors import TooFewInvoicesError
from tests.detection.orders import contract, fields, orders, typed

FloatArray = npt.NDArray[np.float32]

ALL = fields()
CONTAMINATED = 0.03


@pytest.fixture(scope="module")
def small() -> Contract:
    return contract(ALL, detection={"epochs": 4, "hidden_units": [16, 8]})


@pytest.fixture(scope="module")
def book(small: Contract) -> pd.DataFrame:
    return typed(small, orders(1500))


def spoilt(invoices: pd.DataFrame, share: float, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """The invoices with a share of single wrong fields, and which ones have one."""
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.choice(len(invoices), size=round(share * len(invoices)), replace=False))
    columns = {name: invoices[name].to_numpy(copy=True) for name in ("amount", "quantity", "ordered")}
    for turn, row in enumerate(chosen):
        if turn % 3 == 2:
            columns["ordered"][row] += np.timedelta64(365 * int(rng.choice([-1, 1])), "D")
        else:
            columns[("amount", "quantity")[turn % 3]][row] *= rng.choice([0.01, 100.0])
    return invoices.assign(**columns), np.isin(np.arange(len(invoices)), chosen)


def found_in_short_list(scores: pd.Series, truth: np.ndarray) -> float:
    """Share of the wrong ones in a list twice as long as their number."""
    listed = np.argsort(-scores.to_numpy(), kind="stable")[: 2 * truth.sum()]
    return float(truth[listed].sum() / truth.sum())


def test_the_same_seed_gives_the_same_model_bit_for_bit(book: pd.DataFrame) -> None:
    history, later = book.head(800), book.tail(300)
    one, two = (fit(contract(ALL, detection={"epochs": 2, "seed": 7}), history) for _ in range(2))

    for name, array in one.weights.to_arrays().items():
        np.testing.assert_array_equal(two.weights.to_arrays()[name], array)
    assert two.learning == one.learning
    assert two.threshold == one.threshold
    errors, again = (score(detector, later, history).errors for detector in (one, two))
    pd.testing.assert_frame_equal(errors, again, check_exact=True)


@pytest.mark.usefixtures("untraced")
def test_another_seed_gives_another_model(book: pd.DataFrame) -> None:
    one, other = (fit(contract(ALL, detection={"epochs": 1, "seed": s}), book.head(300)) for s in (7, 8))

    assert one.learning != other.learning


@pytest.mark.usefixtures("untraced")
def test_the_learning_curves_are_kept_and_fall(small: Contract, book: pd.DataFrame) -> None:
    told: list[str] = []
    learning = fit(small, book, told.append).learning

    assert set(learning) == {"loss", "val_loss"}
    assert len(learning["loss"]) == len(learning["val_loss"]) <= small.detection.epochs
    assert learning["loss"][-1] < learning["loss"][0]
    assert learning["val_loss"][-1] < learning["val_loss"][0]
    assert any(f"epoch 1/{small.detection.epochs}  loss {learning['loss'][0]:.4f}" in line for line in told)
    assert told[-1].startswith("threshold ")


def test_training_stops_where_the_held_out_invoices_gain_no_more(book: pd.DataFrame) -> None:
    patient = contract(ALL, detection={"epochs": 90, "hidden_units": [64]})
    held_out = fit(patient, book.head(300)).learning["val_loss"]
    assert len(held_out) < 90
    assert np.argmin(held_out) < len(held_out) - training.PATIENCE


@pytest.mark.usefixtures("untraced")
def test_no_held_out_invoice_is_trained_on_in_any_copy(
    small: Contract, book: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Every invoice has an amount of its own, which tells its copies, whatever their past.
    unique = book.assign(amount=np.geomspace(1.0, 10_000.0, len(book)))
    trained_on: list[FloatArray] = []
    held_out: list[FloatArray] = []
    endless, batches = training._endless, training._batches

    def amounts(encoder: Encoder, inputs: FloatArray) -> FloatArray:
        return inputs[:, encoder.slots.value_columns["amount.value"].start]

    def seen_in_training(encoder: Encoder, inputs: FloatArray, *others: Any) -> Iterator[training.Batch]:
        trained_on.append(amounts(encoder, inputs))
        return endless(encoder, inputs, *others)

    def seen(
        encoder: Encoder, inputs: FloatArray, targets: FloatArray, random: np.random.Generator, size: int
    ) -> Iterator[training.Batch]:
        if size != training.BATCH:
            held_out.append(amounts(encoder, inputs))
        return batches(encoder, inputs, targets, random, size)

    monkeypatch.setattr(training, "_endless", seen_in_training)
    monkeypatch.setattr(training, "_batches", seen)
    fit(small, unique)

    assert len(trained_on) == len(held_out) == 2
    for seen_rows, held in zip(trained_on, held_out, strict=True):
        assert len(np.unique(seen_rows)) < len(seen_rows)  # some are seen twice: with their past, and as beginnings
        assert 0.05 < len(held) / (len(held) + len(seen_rows)) < 0.15
        assert not np.intersect1d(seen_rows, held).size


@pytest.mark.usefixtures("untraced")
def test_some_invoices_are_held_out_whatever_the_seed(book: pd.DataFrame) -> None:
    # With this seed, chance alone would hold out none of fifty.
    assert not (np.random.default_rng(10).random(50) < training.VALIDATION_SHARE).any()
    unlucky = contract(ALL, detection={"seed": 10, "epochs": 1})
    detector = fit(unlucky, book.head(50))
    assert np.isfinite(detector.learning["val_loss"]).all()


def test_training_on_invoices_of_which_some_are_wrong_still_finds_most_of_them(small: Contract) -> None:
    frame = typed(small, orders(4000, seed=2))
    history, in_history = spoilt(frame.head(3000), CONTAMINATED, seed=3)
    invoices, planted = spoilt(frame.tail(1000), CONTAMINATED, seed=4)
    detector = fit(small, history)

    later = score(detector, invoices, history).scores["score"]
    among_themselves = score(detector, history).scores["score"]

    assert average_precision_score(planted, later) > 0.7
    assert found_in_short_list(later, planted) > 0.8
    assert found_in_short_list(among_themselves, in_history) > 0.7


def test_too_few_invoices_are_refused_with_what_to_do(book: pd.DataFrame) -> None:
    demanding = contract(ALL, detection={"minimum_rows": 500})
    with pytest.raises(TooFewInvoicesError, match=r"at least 500 invoices and there are 100; validate more nights"):
        fit(demanding, book.head(100))
