"""From measured aspects and the entity's past to the arrays the network reads and is judged by."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from invoice_anomalies.contract import Contract
from invoice_anomalies.detection.features.features import Coded, Codes, FloatArray, Measured, aspects_of, hidden_with
from invoice_anomalies.detection.features.identifiers import Texts
from invoice_anomalies.detection.profiles.history_index import Entities
from invoice_anomalies.detection.profiles.model_input import Encoded, LevelPast
from invoice_anomalies.detection.profiles.vendor_profiles import (
    NumericPast,
    NumericPrior,
    fit_numeric_prior,
    level_past,
    numeric_past,
    unit_of,
    value_past,
)

MAX_LEVELS = 24  # levels with an output of their own; the rest share `other` and are told apart by how often they occur
MIN_LEVEL_ROWS = 3
MOST_VALUES = 5_000  # values whose share in the book is kept; rarer ones count as the rarest of these
CLIP_INPUT = 6.0  # inputs beyond this many scales look alike: an outlier must not drown the other fields
OTHER = "(other)"


@dataclass(frozen=True)
class Levels:
    """The levels of a categorical aspect, most frequent first, `other` last, with their shares in the book.

    rarity: of the values within `other` that occur more than once, the share of the book's invoices whose value is at
    least as rare; `unseen` is that share for all other values, among them those that never occurred.
    """

    names: list[str]
    shares: FloatArray
    rarity: dict[str, float]
    unseen: float

    def codes(self, values: Texts) -> Codes:
        """Code of each of these values; unknown ones are `other`."""
        found = pd.Index(self.names[:-1], dtype=object).get_indexer(pd.Index(values, dtype=object))
        codes: Codes = np.where(found < 0, len(self.names) - 1, found)
        return codes

    def book(self, distinct: npt.NDArray[Any]) -> FloatArray:
        """Share of the book's invoices whose value is at least as rare, for each of these values within `other`."""
        return np.array([self.rarity.get(value, self.unseen) for value in distinct], dtype=float)


@dataclass
class Layout:
    """Which input and output columns belong to which aspect; input columns of a masked field are set to zero.

    `hides` names the fields that must be hidden with a field. Outputs: a location for each numeric aspect, then a log
    scale for each, then for each categorical aspect a block of `widest` logits, of which it uses as many as it has
    levels.
    """

    own: dict[str, slice] = field(default_factory=dict)
    context: dict[str, slice] = field(default_factory=dict)
    mask: dict[str, int] = field(default_factory=dict)
    hides: dict[str, list[str]] = field(default_factory=dict)
    outputs: dict[str, npt.NDArray[np.intp]] = field(default_factory=dict)
    numeric: list[str] = field(default_factory=list)
    categorical: list[str] = field(default_factory=list)
    inputs: int = 0
    widest: int = 0

    @property
    def width(self) -> int:
        return 2 * len(self.numeric) + len(self.categorical) * self.widest


class Encoder:
    """Learn priors and levels from training invoices; encode any invoices against any past.

    Fitted state: `priors_` (numeric aspects), `levels_` (categorical aspects), `layout_`.
    """

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.aspects = aspects_of(contract)
        self.priors_: dict[str, NumericPrior] = {}
        self.levels_: dict[str, Levels] = {}
        self.layout_ = Layout()

    @property
    def fields(self) -> list[str]:
        return list(dict.fromkeys(aspect.field for aspect in self.aspects))

    def fit(self, measured: Measured, entities: Codes) -> "Encoder":
        for aspect in self.aspects:
            values = measured[aspect.name]
            if aspect.numeric:
                unit = unit_of(values) if aspect.measure == "value" else 1.0
                self.priors_[aspect.name] = fit_numeric_prior(values, entities, unit)
            else:
                self.levels_[aspect.name] = _fit_levels(values)
        self.layout_ = self._lay_out()
        return self

    def encode(self, entities: Entities, known: Measured, asked: Measured) -> Encoded:
        """Encode the invoices in question with the known invoices as their past; both are slices of one `Measured`."""
        rows, unknown = len(entities.asked), entities.without_past()
        inputs = np.zeros((rows, self.layout_.inputs), dtype=np.float32)
        numbers, levels, observed = {}, {}, {}
        for aspect in self.aspects:
            own, context = self.layout_.own[aspect.name], self.layout_.context[aspect.name]
            earlier, among = known[aspect.name], entities
            if aspect.field == self.contract.entity:
                # An entity's past says nothing of the entity itself: that field is judged by the whole book.
                earlier, among = earlier[:0], unknown
            if aspect.numeric:
                prior = self.priors_[aspect.name]
                values = prior.scaled(asked[aspect.name])
                past = numeric_past(prior, among, prior.scaled(earlier))
                numbers[aspect.name], observed[aspect.name] = past, values
                inputs[:, own] = _numeric_inputs(prior, past, values)
                inputs[:, context] = _numeric_context(prior, past)
            else:
                seen = self._level_past(aspect.name, among, earlier, asked[aspect.name])
                levels[aspect.name] = seen
                inputs[np.arange(rows), own.start + seen.codes] = 1.0
                inputs[:, own.stop - 1] = -np.log(seen.by_past)[seen.of, seen.codes] / CLIP_INPUT
                inputs[:, context] = seen.by_past.astype(np.float32)[seen.of]
        history_rows = entities.rows()
        inputs[:, -1] = np.log1p(history_rows) / CLIP_INPUT
        return Encoded(inputs, entities.past.of, numbers, observed, levels, history_rows)

    def _level_past(self, name: str, entities: Entities, known: Coded, asked: Coded) -> LevelPast:
        levels = self.levels_[name]
        code = levels.codes(asked.levels)  # those of the known invoices are the same
        shares = level_past(levels.shares, entities, code[known.codes])
        codes, past = code[asked.codes], entities.past.of
        rarity = np.zeros(len(asked))
        other = codes == len(levels.names) - 1
        if other.any():
            share = value_past(levels.book(asked.levels)[asked.codes], entities, known.codes, asked.codes)
            beyond = np.log(shares[:, -1])[past] - np.log(share)
            rarity = np.where(other, np.maximum(beyond, 0.0), 0.0)
        return LevelPast(codes, past, shares, rarity)

    def _lay_out(self) -> Layout:
        layout = Layout()

        def take(size: int) -> slice:
            layout.inputs += size
            return slice(layout.inputs - size, layout.inputs)

        for aspect in self.aspects:
            size = 2 if aspect.numeric else len(self.levels_[aspect.name].names)
            layout.own[aspect.name] = take(size + 1)
            layout.context[aspect.name] = take(size)
        for name in self.fields:
            layout.mask[name] = take(1).start
            layout.hides[name] = hidden_with(self.contract, name)
        take(1)  # how much history there is
        layout.numeric = [aspect.name for aspect in self.aspects if aspect.numeric]
        layout.categorical = [aspect.name for aspect in self.aspects if not aspect.numeric]
        layout.widest = max((len(levels.names) for levels in self.levels_.values()), default=0)
        for index, name in enumerate(layout.numeric):
            layout.outputs[name] = np.array([index, len(layout.numeric) + index])
        for index, name in enumerate(layout.categorical):
            start = 2 * len(layout.numeric) + index * layout.widest
            layout.outputs[name] = np.arange(start, start + len(self.levels_[name].names))
        return layout

    def to_json(self) -> dict[str, Any]:
        """The fitted state as plain JSON values."""
        return {
            "priors": {
                name: [prior.location, prior.between, prior.within, prior.unit] for name, prior in self.priors_.items()
            },
            "levels": {
                name: [levels.names, levels.shares.tolist(), levels.rarity, levels.unseen]
                for name, levels in self.levels_.items()
            },
        }

    @classmethod
    def from_json(cls, contract: Contract, state: dict[str, Any]) -> "Encoder":
        encoder = cls(contract)
        encoder.priors_ = {name: NumericPrior(*values) for name, values in state["priors"].items()}
        encoder.levels_ = {
            name: Levels(names, np.array(shares), rarity, unseen)
            for name, (names, shares, rarity, unseen) in state["levels"].items()
        }
        encoder.layout_ = encoder._lay_out()
        return encoder


def _fit_levels(values: Coded) -> Levels:
    counts = pd.Series(np.bincount(values.codes, minlength=len(values.levels)), index=values.levels)
    counts = counts[counts > 0].sort_values(ascending=False)
    kept = counts[counts >= MIN_LEVEL_ROWS].head(MAX_LEVELS)
    # Ties in value_counts keep the order of appearance; sorting makes the layout independent of it.
    kept = kept.sort_index().sort_values(ascending=False, kind="stable")
    sizes = np.array([*kept, counts.sum() - kept.sum() + 1.0], dtype=float)
    # The share of invoices with a value as rare as one that occurs once is the chance that the next value is new
    # (Good 1953, Biometrika 40:237).
    by_count = counts.groupby(counts).sum().sort_index().cumsum() / counts.sum()
    others = counts.drop(kept.index)
    repeated = others[others > 1].sort_index().sort_values(ascending=False, kind="stable").head(MOST_VALUES)
    unseen = float(by_count.get(1, 0.0)) or 1.0 / (counts.sum() + 1.0)
    return Levels(
        [*(str(name) for name in kept.index), OTHER],
        sizes / sizes.sum(),
        {str(name): float(by_count[count]) for name, count in repeated.items()},
        max(unseen, float(by_count[repeated.iloc[-1]]) if len(repeated) == MOST_VALUES else 0.0),
    )


def _numeric_inputs(prior: NumericPrior, past: NumericPast, values: FloatArray) -> FloatArray:
    known = np.isfinite(values)
    filled = np.where(known, values, prior.location)
    return np.column_stack(
        [
            np.clip((filled - prior.location) / prior.between, -CLIP_INPUT, CLIP_INPUT) * known,
            np.clip((filled - past.location) / past.scale, -CLIP_INPUT, CLIP_INPUT) * known,
            known,
        ]
    )


def _numeric_context(prior: NumericPrior, past: NumericPast) -> FloatArray:
    return np.column_stack([(past.location - prior.location) / prior.between, np.log(past.scale / prior.within)])
