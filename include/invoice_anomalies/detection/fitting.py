"""Fitting: learns from a training window what the company's own invoices look like."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from invoice_anomalies.contract import Contract
from invoice_anomalies.detection.checks import checks_of
from invoice_anomalies.detection.detector import (
    Detector,
    Query,
    columns_of,
    find,
    raw_errors,
    score_rows,
    scored_parts,
)
from invoice_anomalies.detection.features.features import Codes, Column, FeatureColumns, FloatArray, features_of
from invoice_anomalies.detection.profiles.encoder import Encoder
from invoice_anomalies.detection.profiles.history_index import HistoryIndex
from invoice_anomalies.detection.profiles.model_input import ModelInput
from invoice_anomalies.detection.scoring.base_rates import BaseRates
from invoice_anomalies.detection.scoring.calibration import combine
from invoice_anomalies.detection.scoring.field_errors import FieldCalibrations, RawErrors
from invoice_anomalies.errors import TooFewInvoicesError

if TYPE_CHECKING:
    from invoice_anomalies.detection.autoencoder.training import TrainedNetwork

# Iterative trimming: the oddest rows of a first round are left out of the second, and of the calibration.
TRIMMED_SHARE = 0.01  # of the training rows
KEPT_SHARE_OF_OUTLIERS = 0.25  # of those, which stay, since rare habits are among them
FIRST_ROUND_EPOCHS = 1 / 3  # of the epochs: enough to tell which rows are the oddest
# Cold start: where most entities have a long history, the model would never see a new one before it has to score it.
COLD_START_SHARE = 0.3  # of the training invoices, seen once more as those of pseudo-vendors with a short history
COLD_START_LENGTHS = (1, 1, 1, 2, 3, 5, 8, 13, 21)  # invoices of a pseudo-vendor
SMALLEST_THRESHOLD = 0.1  # where nothing ever was odd, a score of nothing must not be flagged

Progress = Callable[[str], None]


def enough_to_train(contract: Contract, rows: int) -> None:
    """Raise TooFewInvoicesError unless so many invoices make a training."""
    least = contract.detection.minimum_rows
    if rows < least:
        raise TooFewInvoicesError(
            f"training needs at least {least:,} invoices and there are {rows:,}; validate more nights first, widen "
            "detection.training_days, or lower detection.minimum_rows in the contract"
        )


def fit(contract: Contract, invoices: pd.DataFrame, progress: Progress = lambda _: None) -> Detector:
    """Learn what the company's own invoices look like.

    invoices: typed frame with `extract_date`, at least `detection.minimum_rows` rows, anomalies and all: the oddest
    rows of a first round are left out of the second, and of the calibration. Raises TooFewInvoicesError.
    """
    enough_to_train(contract, len(invoices))
    window, epochs = _TrainingWindow.build(contract, invoices), contract.detection.epochs
    _, _, scores = window.learn(window.all_rows, max(1, round(epochs * FIRST_ROUND_EPOCHS)), progress)
    usual, outliers = _trimmed(scores)
    progress(f"second round without {len(scores) - len(usual):,} of the {outliers:,} oddest of {len(scores):,} rows")
    network, calibrations, _ = window.learn(usual, epochs, progress)
    errors, field_scores = score_rows(window.encoder, network.weights, calibrations, window.query)
    quantile = float(np.quantile(combine(field_scores), contract.detection.threshold_quantile))
    detector = Detector(
        contract=contract,
        encoder=window.encoder,
        weights=network.weights,
        check_states={check.name: check.fit(invoices.reset_index(drop=True)) for check in checks_of(contract)},
        calibrations=calibrations,
        base_rates=BaseRates.fit(window.query.names, errors),
        threshold=max(quantile, SMALLEST_THRESHOLD),
        trained_until=invoices["extract_date"].max(),
        learning=network.history,
        network=network.model,
    )
    progress(f"threshold {detector.threshold:.2f}")
    return detector


@dataclass(frozen=True)
class _TrainingWindow:
    """The rows of a training: the invoices, and then a share of them once more as those of pseudo-vendors.

    query: the invoices as rows that are scored by one another. given: all rows. invoice: the position of each row's
    invoice, shape (rows,). caps: of the errors of features and checks, by name.
    """

    contract: Contract
    encoder: Encoder
    query: Query
    given: ModelInput
    invoice: Codes
    caps: dict[str, float]

    @classmethod
    def build(cls, contract: Contract, invoices: pd.DataFrame) -> "_TrainingWindow":
        columns, names, nights = columns_of(contract, invoices)
        index = HistoryIndex.for_training(names, nights)
        encoder = Encoder.fit(contract, columns, index.query)
        # The checks look at the window as a whole, without what they learned of it, which is for the nights to come.
        found = find(contract, invoices, np.arange(len(invoices)), {})
        query = Query(names, index, encoder.encode(index, columns, columns), found)
        again, pseudo = cold_start_rows(contract, encoder, columns, names, nights)
        invoice = np.concatenate([np.arange(len(invoices)), again])
        return cls(contract, encoder, query, query.given.concat(pseudo), invoice, _caps(contract, invoices))

    @property
    def all_rows(self) -> Codes:
        """Positions of all rows, shape (rows,)."""
        return np.arange(len(self.invoice))

    def learn(
        self, rows: Codes, epochs: int, progress: Progress
    ) -> tuple["TrainedNetwork", FieldCalibrations, FloatArray]:
        """Train and calibrate on the rows at these positions; returns their scores as well, shape (rows,)."""
        from invoice_anomalies.detection.autoencoder import training

        settings, given = self.contract.detection, self.given.take(rows)
        network = training.train(
            self.encoder,
            given,
            self.invoice[rows],
            hidden_units=settings.hidden_units,
            epochs=epochs,
            seed=settings.seed,
            progress=progress,
        )
        progress(f"calibrating on {len(rows):,} rows")
        among = rows[rows < len(self.query.names)]
        of_checks = {name: surprisal[among] for name, surprisal in self.query.of_checks.items()}
        raw = RawErrors(given, raw_errors(self.encoder, network.weights, given), of_checks)
        calibrations, errors = FieldCalibrations.fit(scored_parts(self.contract), raw, self.caps)
        return network, calibrations, combine(errors)


def cold_start_rows(
    contract: Contract, encoder: Encoder, columns: FeatureColumns, names: Column, nights: Column
) -> tuple[Codes, ModelInput]:
    """Positions of a share of the training rows, and their input as rows of pseudo-vendors that have only begun.

    Each entity's invoices are cut into short runs, and each run is a pseudo-vendor. names, nights: shape (rows,).
    """
    random = np.random.default_rng(contract.detection.seed)
    rows = np.sort(random.choice(len(names), size=max(1, int(len(names) * COLD_START_SHARE)), replace=False))
    order = rows[np.argsort(pd.factorize(names[rows])[0], kind="stable")]
    runs = np.repeat(np.arange(len(order)), random.choice(COLD_START_LENGTHS, size=len(order)))[: len(order)]
    changes = np.concatenate([[False], names[order][1:] != names[order][:-1]])
    pseudo_vendors = runs + np.cumsum(changes) * (runs[-1] + 1)
    some = {name: values[order] for name, values in columns.items()}
    return order, encoder.encode(HistoryIndex.for_cold_start(pseudo_vendors, nights[order]), some, some)


def _trimmed(scores: FloatArray) -> tuple[Codes, int]:
    """Positions of the rows for the second round, and how many rows are outliers. scores: shape (rows,)."""
    odd = scores > np.quantile(scores, 1.0 - TRIMMED_SHARE)
    # Among the oddest are also rare habits: without any of them, those would count as never seen.
    kept = np.flatnonzero(odd)[:: round(1 / KEPT_SHARE_OF_OUTLIERS)]
    return np.sort(np.concatenate([np.flatnonzero(~odd), kept])), int(odd.sum())


def _caps(contract: Contract, invoices: pd.DataFrame) -> dict[str, float]:
    """Caps for features and checks whose sample size is the number of days or nights, not of invoices.

    All invoices of a day share its weekday, and those of a burst their night.
    """
    weekdays = [feature for feature in features_of(contract) if feature.measure == "weekday"]
    days = {feature.name: invoices[feature.field].nunique() for feature in weekdays}
    days |= {check.name: invoices["extract_date"].nunique() for check in checks_of(contract) if check.of_nights}
    return {name: float(np.log10(count + 1)) for name, count in days.items()}
