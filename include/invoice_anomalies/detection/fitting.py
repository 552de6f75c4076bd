"""Fitting: learns from a training window what the company's own invoices look like."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
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
from invoice_anomalies.detection.features.features import Column, FeatureColumns, FloatArray, features_of
from invoice_anomalies.detection.profiles.encoder import Encoder
from invoice_anomalies.detection.profiles.history_index import HistoryIndex
from invoice_anomalies.detection.profiles.model_input import ModelInput
from invoice_anomalies.detection.scoring.base_rates import BaseRates
from invoice_anomalies.detection.scoring.calibration import combine
from invoice_anomalies.detection.scoring.field_errors import FieldCalibrations, RawErrors
from invoice_anomalies.errors import TooFewInvoicesError

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
    from invoice_anomalies.detection.autoencoder import training

    settings = contract.detection
    enough_to_train(contract, len(invoices))
    columns, names, nights = columns_of(contract, invoices)
    index = HistoryIndex.for_training(names, nights)
    encoder = Encoder.fit(contract, columns, index.query)
    # The training window is looked at as a whole: the states of the checks are for the nights to come.
    check_states = {check.name: check.fit(invoices.reset_index(drop=True)) for check in checks_of(contract)}
    found = find(contract, invoices, np.arange(len(invoices)), {})
    query = Query(names, index, encoder.encode(index, columns, columns), found)
    again, pseudo = cold_start_rows(contract, encoder, columns, names, nights)
    everything = query.given.concat(pseudo)
    invoice = np.concatenate([np.arange(len(invoices)), again])
    parts, largest = scored_parts(contract), _caps(contract, invoices)

    def learn(rows: npt.NDArray[np.intp], epochs: int) -> tuple[training.TrainedNetwork, FieldCalibrations, FloatArray]:
        """Train and calibrate on some of the rows; returns their scores as well, shape (rows,)."""
        given = everything.take(rows)
        network = training.train(
            encoder,
            given,
            invoice[rows],
            hidden_units=settings.hidden_units,
            epochs=epochs,
            seed=settings.seed,
            progress=progress,
        )
        among = rows[rows < len(invoices)]
        of_checks = {name: raw[among] for name, raw in query.of_checks.items()}
        raw = RawErrors(given, raw_errors(encoder, network.weights, given), of_checks)
        calibrations, errors = FieldCalibrations.fit(parts, raw, largest)
        return network, calibrations, combine(errors)

    _, _, scores = learn(np.arange(len(invoice)), max(1, round(settings.epochs * FIRST_ROUND_EPOCHS)))
    usual, outliers = _trimmed(scores)
    progress(f"second round without {len(scores) - len(usual):,} of the {outliers:,} oddest of {len(scores):,} rows")
    network, calibrations, _ = learn(usual, settings.epochs)
    errors, field_scores = score_rows(encoder, network.weights, calibrations, query)
    quantile = float(np.quantile(combine(field_scores), settings.threshold_quantile))
    detector = Detector(
        contract=contract,
        encoder=encoder,
        weights=network.weights,
        check_states=check_states,
        calibrations=calibrations,
        base_rates=BaseRates.fit(names, errors),
        threshold=max(quantile, SMALLEST_THRESHOLD),
        trained_until=invoices["extract_date"].max(),
        learning=network.history,
        network=network.model,
    )
    progress(f"threshold {detector.threshold:.2f}")
    return detector


def cold_start_rows(
    contract: Contract, encoder: Encoder, columns: FeatureColumns, names: Column, nights: Column
) -> tuple[npt.NDArray[np.intp], ModelInput]:
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


def _trimmed(scores: FloatArray) -> tuple[npt.NDArray[np.intp], int]:
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
