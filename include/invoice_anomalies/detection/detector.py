"""The detector: one frozen fitted state, and the one way by which rows get their field scores."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from invoice_anomalies.contract import Contract
from invoice_anomalies.detection.autoencoder.forward import Weights
from invoice_anomalies.detection.autoencoder.inference import Reconstruction, reconstruct
from invoice_anomalies.detection.checks import Check, CheckResult, CheckState, checks_of
from invoice_anomalies.detection.features.features import (
    Codes,
    Column,
    Feature,
    FeatureColumns,
    FloatArray,
    extract_features,
    features_of,
)
from invoice_anomalies.detection.profiles.encoder import Encoder
from invoice_anomalies.detection.profiles.history_index import HistoryIndex
from invoice_anomalies.detection.profiles.model_input import ModelInput
from invoice_anomalies.detection.scoring.base_rates import (
    BaseRates,
    history_exceedances,
    same_night_exceedances,
    shrink_to_vendor_rate,
)
from invoice_anomalies.detection.scoring.field_errors import FeatureErrors, FieldCalibrations, RawErrors, ScoredParts

BLOCK = 4_096  # rows reconstructed at a time: bounds memory, and keeps a block's arrays in the processor's cache


@dataclass(frozen=True)
class Detector:
    """What was learned from training invoices; `fit` makes it, `score` and `explain` use it, `storage` keeps it.

    check_states: by the name of a check; None where it has learned nothing. threshold: score from which an invoice is
    flagged. trained_until: the last night of the training. learning: loss per epoch. network: the Keras model, only
    where it was just trained.
    """

    contract: Contract
    encoder: Encoder
    weights: Weights
    check_states: Mapping[str, CheckState | None]
    calibrations: FieldCalibrations
    base_rates: BaseRates
    threshold: float
    trained_until: pd.Timestamp
    learning: dict[str, list[float]]
    network: Any = field(default=None, compare=False, repr=False)

    @property
    def fields(self) -> list[str]:
        """The scored fields, in the order of the columns of field scores."""
        return self.contract.scored_fields

    @property
    def checks(self) -> list[Check]:
        """The checks that the contract has the fields for."""
        return checks_of(self.contract)

    @property
    def features(self) -> list[Feature]:
        """The features in the order of their columns."""
        return self.encoder.features

    def reconstruct(self, given: ModelInput) -> dict[tuple[str, str], Reconstruction]:
        """Reconstruct every feature in both conditionings: (feature name, conditioning) -> Reconstruction."""
        return reconstruct(self.encoder, self.weights, given)


@dataclass(frozen=True)
class Query:
    """Rows to be scored: their entities' names, shape (rows,), their histories, and what the checks found of them."""

    names: Column
    index: HistoryIndex
    given: ModelInput
    found: dict[str, CheckResult]

    @property
    def of_checks(self) -> dict[str, FloatArray]:
        """Surprisals by check, in nats, shape (rows,) each."""
        return {name: result.surprisal for name, result in self.found.items()}


def scored_parts(contract: Contract) -> ScoredParts:
    """The fields that a contract has scored, their features, and the fields that the checks blame."""
    blamed = {check.name: check.field for check in checks_of(contract)}
    return ScoredParts(contract.scored_fields, features_of(contract), blamed)


def columns_of(contract: Contract, invoices: pd.DataFrame) -> tuple[FeatureColumns, Column, Column]:
    """Features, entities' names and nights of invoices; shape (rows,) each."""
    columns = extract_features(contract, features_of(contract), invoices)
    return columns, _entity_names(contract, invoices), invoices["extract_date"].to_numpy()


def find(
    contract: Contract, invoices: pd.DataFrame, rows: Codes, states: Mapping[str, CheckState | None]
) -> dict[str, CheckResult]:
    """Results of the checks for the query rows at these positions, shape (query,); by the name of the check.

    states: of the checks; without, as in training and in an audit, they know nothing but these invoices.
    """
    invoices = invoices.reset_index(drop=True)
    return {check.name: check.find(invoices, rows, states.get(check.name)) for check in checks_of(contract)}


def raw_errors(encoder: Encoder, weights: Weights, given: ModelInput) -> FeatureErrors:
    """Residuals and surprisals of every feature in both conditionings; block by block, since a pass needs room."""
    parts: dict[tuple[str, str], list[FloatArray]] = {}
    # A block's matrices are too small to share, and other tasks want the other processors.
    with threadpool_limits(limits=1, user_api="blas"):
        for block in given.blocks(BLOCK):
            for key, found in reconstruct(encoder, weights, block).items():
                parts.setdefault(key, []).append(found.raw)
    return {key: np.concatenate(raw) for key, raw in parts.items()}


def score_rows(
    encoder: Encoder, weights: Weights, calibrations: FieldCalibrations, query: Query, trained: BaseRates | None = None
) -> tuple[FloatArray, FloatArray]:
    """Calibrated errors and field scores of query rows, shape (rows, fields) each.

    Field scores are errors that are shrunk to the rate of the row's entity: the exceedances of the same night, of the
    row's history as far as that is scored here, and of the training window, where the rows are not of it themselves.
    """
    raw = RawErrors(query.given, raw_errors(encoder, weights, query.given), query.of_checks)
    errors = calibrations.of_fields(raw)
    counts = same_night_exceedances(errors, query.index).plus(history_exceedances(errors, query.index))
    if trained is not None:
        counts = counts.plus(trained.look_up(query.names, errors))
    return errors, shrink_to_vendor_rate(errors, counts)


def _entity_names(contract: Contract, invoices: pd.DataFrame) -> Column:
    """The entity of each invoice, shape (rows,); empty where none is named, or where the contract has none."""
    if contract.entity is None:
        return np.full(len(invoices), "", dtype=object)
    codes, names = pd.factorize(invoices[contract.entity])
    return np.append(names.to_numpy(object), "")[codes]  # a missing one has the code -1
