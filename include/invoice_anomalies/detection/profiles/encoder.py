"""The encoder: from features and histories to the inputs of the network and the targets of its loss."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from invoice_anomalies.contract import Contract
from invoice_anomalies.detection.features.features import (
    CategoryColumn,
    Codes,
    Feature,
    FeatureColumns,
    FloatArray,
    features_of,
    masked_with,
)
from invoice_anomalies.detection.features.identifiers import Texts
from invoice_anomalies.detection.profiles.history_index import HistoryIndex
from invoice_anomalies.detection.profiles.model_input import CategoryProfile, ModelInput
from invoice_anomalies.detection.profiles.vendor_profiles import (
    NumericPrior,
    NumericProfile,
    category_shares,
    fit_numeric_prior,
    numeric_profile,
    unit_of,
    value_shares,
)

MOST_CATEGORIES = 24  # with an output of their own; the rest share `other` and are told apart by how often they occur
FEWEST_CATEGORY_ROWS = 3  # invoices from which a category has an output of its own
MOST_VALUES = 5_000  # values whose share in training is kept; rarer values count as the rarest of these
CLIP_INPUT = 6.0  # scales beyond which inputs look alike: an outlier must not drown the other fields
OTHER = "(other)"


@dataclass(frozen=True)
class CategoryVocabulary:
    """The categories of a feature, most frequent first, `other` last, with their shares in training, shape (names,).

    rarity: for repeated values pooled in `other`, the chance that a training invoice has a value at most this frequent;
    `unseen`: the same chance for values seen once or never (Good-Turing).
    """

    names: list[str]
    shares: FloatArray
    rarity: dict[str, float]
    unseen: float

    def codes(self, values: Texts) -> Codes:
        """Positions of these values in `names`, shape (values,); unknown values are `other`."""
        found = pd.Index(self.names[:-1], dtype=object).get_indexer(pd.Index(values, dtype=object))
        codes: Codes = np.where(found < 0, len(self.names) - 1, found)
        return codes

    def population_shares(self, values: npt.NDArray[Any]) -> FloatArray:
        """Share of the training invoices whose value is at least as rare as each of these, which are in `other`.

        values, returned shares: shape (values,).
        """
        return np.array([self.rarity.get(value, self.unseen) for value in values], dtype=float)


@dataclass(frozen=True)
class FeatureSlots:
    """Input and output columns of each feature; the input columns of a masked field are set to zero.

    value_columns, profile_columns: input columns of a feature's own value and of its history profile. mask_column: the
    input that tells that a field is masked. masked_together: the fields that are masked with a field. Outputs: a
    location for each numeric feature, then a log scale for each, then for each categorical feature a block of
    `category_width` logits, of which it uses as many as it has categories.
    """

    value_columns: dict[str, slice]
    profile_columns: dict[str, slice]
    mask_column: dict[str, int]
    masked_together: dict[str, list[str]]
    outputs: dict[str, npt.NDArray[np.intp]]
    numeric: list[str]
    categorical: list[str]
    inputs: int
    category_width: int

    @property
    def width(self) -> int:
        """Number of outputs."""
        return 2 * len(self.numeric) + len(self.categorical) * self.category_width

    @classmethod
    def build(cls, contract: Contract, features: list[Feature], categories: dict[str, int]) -> "FeatureSlots":
        """Lay out the columns. categories: how many a categorical feature has, by name."""
        taken = 0

        def take(size: int) -> slice:
            nonlocal taken
            taken += size
            return slice(taken - size, taken)

        value_columns, profile_columns = {}, {}
        for feature in features:
            size = 2 if feature.numeric else categories[feature.name]
            value_columns[feature.name] = take(size + 1)
            profile_columns[feature.name] = take(size)
        fields = list(dict.fromkeys(feature.field for feature in features))
        mask_column = {name: take(1).start for name in fields}
        take(1)  # how much history there is
        numeric = [feature.name for feature in features if feature.numeric]
        categorical = [feature.name for feature in features if not feature.numeric]
        width = max(categories.values(), default=0)
        outputs = {name: np.array([index, len(numeric) + index]) for index, name in enumerate(numeric)}
        for index, name in enumerate(categorical):
            outputs[name] = 2 * len(numeric) + index * width + np.arange(categories[name])
        together = {name: masked_with(contract, name) for name in fields}
        return cls(value_columns, profile_columns, mask_column, together, outputs, numeric, categorical, taken, width)


@dataclass(frozen=True)
class Encoder:
    """Priors of the numeric features and vocabularies of the categorical ones, learned from training invoices."""

    contract: Contract
    priors: dict[str, NumericPrior]
    vocabularies: dict[str, CategoryVocabulary]

    @classmethod
    def fit(cls, contract: Contract, columns: FeatureColumns, entities: Codes) -> "Encoder":
        """Learn from the features of training invoices. entities: codes, shape (rows,)."""
        priors, vocabularies = {}, {}
        for feature in features_of(contract):
            values = columns[feature.name]
            if feature.numeric:
                unit = unit_of(values) if feature.measure == "value" else 1.0
                priors[feature.name] = fit_numeric_prior(values, entities, unit)
            else:
                vocabularies[feature.name] = _fit_vocabulary(values)
        return cls(contract, priors, vocabularies)

    @cached_property
    def features(self) -> list[Feature]:
        """The features in the order of their columns."""
        return features_of(self.contract)

    @cached_property
    def fields(self) -> list[str]:
        """The fields that have features, in the same order."""
        return list(dict.fromkeys(feature.field for feature in self.features))

    @cached_property
    def slots(self) -> FeatureSlots:
        """The columns of each feature."""
        categories = {name: len(vocabulary.names) for name, vocabulary in self.vocabularies.items()}
        return FeatureSlots.build(self.contract, self.features, categories)

    def encode(self, index: HistoryIndex, reference: FeatureColumns, query: FeatureColumns) -> ModelInput:
        """Encode the query rows with the reference rows as their history; both are slices of one FeatureColumns."""
        rows, alone = len(index.query), index.without_history()
        inputs = np.zeros((rows, self.slots.inputs), dtype=np.float32)
        numeric, categorical, observed = {}, {}, {}
        for feature in self.features:
            own, profile = self.slots.value_columns[feature.name], self.slots.profile_columns[feature.name]
            earlier, among = reference[feature.name], index
            if feature.field == self.contract.entity:
                # An entity's history says nothing of the entity itself: that field is scored by the whole population.
                earlier, among = earlier[:0], alone
            if feature.numeric:
                prior = self.priors[feature.name]
                values = prior.scaled(query[feature.name])
                expected = numeric_profile(prior, among, prior.scaled(earlier))
                numeric[feature.name], observed[feature.name] = expected, values
                inputs[:, own] = _numeric_values(prior, expected, values)
                inputs[:, profile] = _numeric_profiles(prior, expected)
            else:
                seen = self._category_profile(feature.name, among, earlier, query[feature.name])
                categorical[feature.name] = seen
                inputs[np.arange(rows), own.start + seen.codes] = 1.0
                inputs[:, own.stop - 1] = -np.log(seen.by_history)[seen.history_of, seen.codes] / CLIP_INPUT
                inputs[:, profile] = seen.by_history.astype(np.float32)[seen.history_of]
        history_rows = index.history_rows()
        inputs[:, -1] = np.log1p(history_rows) / CLIP_INPUT
        return ModelInput(inputs, index.ranges.history_of, numeric, observed, categorical, history_rows)

    def _category_profile(
        self, name: str, index: HistoryIndex, reference: CategoryColumn, query: CategoryColumn
    ) -> CategoryProfile:
        vocabulary = self.vocabularies[name]
        code = vocabulary.codes(query.categories)  # those of the reference rows are the same
        shares = category_shares(vocabulary.shares, index, code[reference.codes])
        codes, history_of = code[query.codes], index.ranges.history_of
        rarity = np.zeros(len(query))
        other = codes == len(vocabulary.names) - 1
        if other.any():
            population = vocabulary.population_shares(query.categories)[query.codes]
            share = value_shares(population, index, reference.codes, query.codes)
            beyond = np.log(shares[:, -1])[history_of] - np.log(share)
            rarity = np.where(other, np.maximum(beyond, 0.0), 0.0)
        return CategoryProfile(codes, history_of, shares, rarity)

    def to_json(self) -> dict[str, Any]:
        """The learned state as plain JSON values."""
        return {
            "priors": {name: [of.location, of.between, of.within, of.unit] for name, of in self.priors.items()},
            "levels": {
                name: [of.names, of.shares.tolist(), of.rarity, of.unseen] for name, of in self.vocabularies.items()
            },
        }

    @classmethod
    def from_json(cls, contract: Contract, state: dict[str, Any]) -> "Encoder":
        """The encoder that `to_json` wrote down."""
        return cls(
            contract,
            {name: NumericPrior(*values) for name, values in state["priors"].items()},
            {
                name: CategoryVocabulary(names, np.array(shares), rarity, unseen)
                for name, (names, shares, rarity, unseen) in state["levels"].items()
            },
        )


def _fit_vocabulary(values: CategoryColumn) -> CategoryVocabulary:
    counts = pd.Series(np.bincount(values.codes, minlength=len(values.categories)), index=values.categories)
    counts = counts[counts > 0].sort_values(ascending=False)
    kept = counts[counts >= FEWEST_CATEGORY_ROWS].head(MOST_CATEGORIES)
    # Ties in value_counts keep the order of appearance; sorting makes the columns independent of it.
    kept = kept.sort_index().sort_values(ascending=False, kind="stable")
    sizes = np.array([*kept, counts.sum() - kept.sum() + 1.0], dtype=float)
    # The share of invoices with a value as rare as one that occurs once is the chance that the next value is new
    # (Good 1953, Biometrika 40:237).
    by_count = counts.groupby(counts).sum().sort_index().cumsum() / counts.sum()
    others = counts.drop(kept.index)
    repeated = others[others > 1].sort_index().sort_values(ascending=False, kind="stable").head(MOST_VALUES)
    unseen = float(by_count.get(1, 0.0)) or 1.0 / (counts.sum() + 1.0)
    return CategoryVocabulary(
        [*(str(name) for name in kept.index), OTHER],
        sizes / sizes.sum(),
        {str(name): float(by_count[count]) for name, count in repeated.items()},
        max(unseen, float(by_count[repeated.iloc[-1]]) if len(repeated) == MOST_VALUES else 0.0),
    )


def _numeric_values(prior: NumericPrior, profile: NumericProfile, values: FloatArray) -> FloatArray:
    """Inputs of a numeric feature's own values, shape (rows, 3): against the prior, against the profile, measured."""
    measured = np.isfinite(values)
    filled = np.where(measured, values, prior.location)
    return np.column_stack(
        [
            np.clip((filled - prior.location) / prior.between, -CLIP_INPUT, CLIP_INPUT) * measured,
            np.clip((filled - profile.location) / profile.scale, -CLIP_INPUT, CLIP_INPUT) * measured,
            measured,
        ]
    )


def _numeric_profiles(prior: NumericPrior, profile: NumericProfile) -> FloatArray:
    """Inputs of a numeric feature's history profile, shape (rows, 2): location and log scale against the prior."""
    return np.column_stack([(profile.location - prior.location) / prior.between, np.log(profile.scale / prior.within)])
