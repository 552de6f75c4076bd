"""The detector: learns from a year of invoices, scores a night against its past, explains what it flags."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.contract import Contract
from include.detection.aspects import Aspect, FloatArray, Measured, aspects_of, measure
from include.detection.calibration import TIERS, Calibration, Tail, Tiers, combine, history_tier
from include.detection.encoding import Encoded, Encoder
from include.detection.history import Entities
from include.detection.runtime import LARGEST_LOG_SCALE, SMALLEST_LOG_SCALE, Runtime, Weights
from include.errors import TooFewInvoicesError

BLOCK = 16_384  # rows reconstructed at a time: bounds memory, and keeps a block's arrays in the processor's cache
CONTAMINATION = 0.01  # share of the training invoices, the worst of the first round, that do not count as normal
BEGINNINGS = 0.3  # share of the training invoices that are seen once more with a short past
RUN_LENGTHS = (1, 1, 1, 2, 3, 5, 8, 13, 21)
FIRST_ROUND = 1 / 3  # of the epochs: enough to tell which those are
# Numeric: tails no lighter than those of a t with 4 degrees of freedom; levels: the probability itself.
SMALLEST_RATES = {True: 0.25, False: 1.0}
UNSURPRISING = np.log(2.0)  # a level at least as likely as not is no surprise, however sure the model was of it
SMALLEST_SHARE = 1e-300
FIELD_RATE = 1 / np.log(10.0)  # a field's error is already -log10 of a share
VIEWS = ("others", "past")  # reconstructed from the other fields and the past; from the past alone


@dataclass(frozen=True)
class Reconstruction:
    """What the network expected of one aspect in one view.

    raw: shape (rows,), NaN where not measured. For a numeric aspect `location` and `scale`, on the model's scale; for a
    categorical one `shares`, (rows, levels).
    """

    raw: FloatArray
    location: FloatArray | None = None
    scale: FloatArray | None = None
    shares: FloatArray | None = None


@dataclass(frozen=True)
class Judgement:
    """Field errors and scores of invoices, in the order given; `encoded` is kept for the explanations."""

    invoices: pd.DataFrame
    encoded: Encoded
    errors: pd.DataFrame
    scores: pd.DataFrame

    def flagged(self, budget: int | None = None) -> npt.NDArray[np.intp]:
        """Row positions of the invoices above the threshold, worst first, at most `budget` of them."""
        score = self.scores["score"].to_numpy()
        above = np.flatnonzero(score >= self.scores["threshold"].to_numpy())
        ranked: npt.NDArray[np.intp] = above[np.argsort(-score[above], kind="stable")]
        return ranked[:budget]


@dataclass
class Detector:
    """An autoencoder with its encoders and calibration.

    Fitted state: `encoder_`, `weights_`, `calibrations_` (aspect and view -> Calibration), `field_calibrations_`,
    `threshold_`, `learning_` (loss per epoch), and `model_`, the Keras model, only right after fitting.
    """

    contract: Contract
    aspects: list[Aspect] = field(init=False)
    encoder_: Encoder = field(init=False)
    weights_: Weights = field(init=False)
    calibrations_: dict[str, Calibration] = field(default_factory=dict)
    field_calibrations_: dict[str, Calibration] = field(default_factory=dict)
    threshold_: float = 0.0
    learning_: dict[str, list[float]] = field(default_factory=dict)
    model_: Any = None

    def __post_init__(self) -> None:
        self.aspects = aspects_of(self.contract)

    @property
    def fields(self) -> list[str]:
        return list(self.contract.detected)

    def fit(self, invoices: pd.DataFrame, progress: Callable[[str], None] = lambda _: None) -> "Detector":
        """Learn what the company's own invoices look like.

        invoices: typed frame with `extract_date`, at least `detection.minimum_rows` rows, anomalies and all: the worst
        rows of a first round are left out of the second, and of the calibration. Raises TooFewInvoicesError.
        """
        settings = self.contract.detection
        if len(invoices) < settings.minimum_rows:
            raise TooFewInvoicesError(
                f"training needs at least {settings.minimum_rows:,} invoices and there are {len(invoices):,}; validate "
                "more nights first, widen detection.training_days, or lower detection.minimum_rows in the contract"
            )
        measured = self._measure(invoices)
        names, nights = self._entity(invoices), invoices["extract_date"].to_numpy()
        entities = Entities.in_training(names, nights)
        self.encoder_ = Encoder(self.aspects).fit(measured, entities.query)
        encoded = self.encoder_.encode(entities, measured, measured).followed_by(
            self._beginnings(measured, names, nights)
        )

        self._train(encoded, max(1, round(settings.epochs * FIRST_ROUND)), progress)
        scores = self._calibrate(encoded)
        usual = np.flatnonzero(scores <= np.quantile(scores, 1.0 - CONTAMINATION))
        progress(f"second round without the {len(scores) - len(usual):,} oddest of {len(scores):,} rows")
        self._train(encoded.take(usual), settings.epochs, progress)
        progress(f"calibrating on {len(usual):,} rows")
        self._calibrate(encoded.take(usual))
        scores = combine(self._errors(encoded.take(slice(len(invoices)))))
        self.threshold_ = float(np.quantile(scores, settings.threshold_quantile))
        progress(f"threshold {self.threshold_:.2f}")
        return self

    def _beginnings(self, measured: Measured, names: npt.NDArray[Any], nights: npt.NDArray[Any]) -> Encoded:
        """Encode a share of the training invoices once more, as if their entities had only begun.

        Where most entities have a long past, the model would otherwise never see a new one before it has to judge it.
        Each entity's invoices are cut into short runs, and each run is an entity of its own.
        """
        random = np.random.default_rng(self.contract.detection.seed)
        rows = np.sort(random.choice(len(names), size=max(1, int(len(names) * BEGINNINGS)), replace=False))
        order = rows[np.argsort(pd.factorize(names[rows])[0], kind="stable")]
        runs = np.repeat(np.arange(len(order)), random.choice(RUN_LENGTHS, size=len(order)))[: len(order)]
        changes = np.concatenate([[False], names[order][1:] != names[order][:-1]])
        young = runs + np.cumsum(changes) * (runs[-1] + 1)
        some = {name: values[order] for name, values in measured.items()}
        return self.encoder_.encode(Entities.in_training(young, nights[order]), some, some)

    def score(self, invoices: pd.DataFrame, history: pd.DataFrame) -> Judgement:
        """Judge invoices by the model and by the past of their entities.

        invoices, history: typed frames with `extract_date`; history holds only what was known before. The result
        depends on nothing else: the same two frames give the same scores.
        """
        entities = Entities.match(self._entity(history), self._entity(invoices))
        encoded = self.encoder_.encode(entities, self._measure(history), self._measure(invoices))
        errors = self._errors(encoded)
        scores = pd.DataFrame(
            {
                "score": combine(errors),
                "threshold": self.threshold_,
                "history_tier": np.array(TIERS, dtype=object)[history_tier(encoded.history_rows)],
                "history_rows": encoded.history_rows.astype(int),
            },
            index=invoices.index,
        )
        return Judgement(invoices, encoded, pd.DataFrame(errors, index=invoices.index, columns=self.fields), scores)

    def reconstruct(self, encoded: Encoded) -> dict[tuple[str, str], Reconstruction]:
        """Reconstruct every aspect in both views: (aspect name, view) -> Reconstruction."""
        views = Runtime(self.encoder_, self.weights_).start(encoded.inputs)
        outputs = self.encoder_.layout_.outputs
        past = views.masked(self.fields, np.arange(self.encoder_.layout_.width))
        found = {}
        for name, aspects in self._by_field():
            others = views.masked([name], np.concatenate([outputs[aspect.name] for aspect in aspects]))
            for aspect in aspects:
                own, others = np.split(others, [len(outputs[aspect.name])], axis=1)
                found[aspect.name, "others"] = _reconstruct(aspect, encoded, own)
                found[aspect.name, "past"] = _reconstruct(aspect, encoded, past[:, outputs[aspect.name]])
        return found

    def aspect_errors(self, encoded: Encoded) -> dict[tuple[str, str], FloatArray]:
        """Calibrated error of every aspect in both views, shape (rows,) each."""
        tier = history_tier(encoded.history_rows)
        return {
            (name, view): self.calibrations_[f"{name}/{view}"](found.raw, tier, encoded.spread(name))
            for (name, view), found in self.reconstruct(encoded).items()
        }

    def tail_of(self, name: str, view: str, encoded: Encoded, row: int) -> Tail:
        """The calibration tail that judged one aspect of one invoice."""
        tier = int(history_tier(encoded.history_rows[row : row + 1])[0])
        return self.calibrations_[f"{name}/{view}"].tail(tier, float(encoded.spread(name)[row]))

    def _by_field(self) -> Iterator[tuple[str, list[Aspect]]]:
        for name in self.fields:
            yield name, [aspect for aspect in self.aspects if aspect.field == name]

    def _entity(self, frame: pd.DataFrame) -> npt.NDArray[Any]:
        if self.contract.entity is None:
            return np.full(len(frame), "", dtype=object)
        return frame[self.contract.entity].astype(object).fillna("").to_numpy(object)

    def _measure(self, frame: pd.DataFrame) -> Measured:
        return measure(self.contract, self.aspects, frame)

    def _train(self, encoded: Encoded, epochs: int, progress: Callable[[str], None]) -> None:
        from include.detection.network import train

        settings = self.contract.detection
        fit = train(
            self.encoder_,
            encoded,
            hidden_units=settings.hidden_units,
            epochs=epochs,
            seed=settings.seed,
            progress=progress,
        )
        self.weights_, self.model_, self.learning_ = fit.weights, fit.model, fit.history

    def _calibrate(self, encoded: Encoded) -> FloatArray:
        """Fit the calibrations on training invoices; returns their scores, shape (rows,)."""
        tier = history_tier(encoded.history_rows)
        numeric = {aspect.name: aspect.numeric for aspect in self.aspects}
        raw: dict[tuple[str, str], list[FloatArray]] = {}
        for block in encoded.blocks(BLOCK):
            for key, found in self.reconstruct(block).items():
                raw.setdefault(key, []).append(found.raw)
        self.calibrations_ = {
            f"{name}/{view}": Calibration.fit(
                np.concatenate(parts), tier, encoded.spread(name), SMALLEST_RATES[numeric[name]]
            )
            for (name, view), parts in raw.items()
        }
        # With no calibration of the field itself yet, errors are the worst of its aspects and views.
        self.field_calibrations_ = {}
        worst = self._errors(encoded)
        nothing = np.zeros(len(tier))
        self.field_calibrations_ = {
            name: Calibration.fit(worst[:, index], tier, nothing, FIELD_RATE) for index, name in enumerate(self.fields)
        }
        return combine(self._recalibrate(worst, tier))

    def _errors(self, encoded: Encoded) -> FloatArray:
        """Calibrated error of every field, shape (rows, fields)."""
        blocks: list[FloatArray] = [np.zeros((0, len(self.fields)))]
        for block in encoded.blocks(BLOCK):
            errors = self.aspect_errors(block)
            worst = [
                np.max([errors[aspect.name, view] for aspect in aspects for view in VIEWS], axis=0)
                for _, aspects in self._by_field()
            ]
            blocks.append(self._recalibrate(np.column_stack(worst), history_tier(block.history_rows)))
        return np.concatenate(blocks)

    def _recalibrate(self, worst: FloatArray, tier: Tiers) -> FloatArray:
        """Account for a field having several chances to look odd: one for each of its aspects and views."""
        if not self.field_calibrations_:
            return worst
        nothing = np.zeros(len(tier))
        return np.column_stack(
            [self.field_calibrations_[name](worst[:, index], tier, nothing) for index, name in enumerate(self.fields)]
        )


def _reconstruct(aspect: Aspect, encoded: Encoded, corrections: npt.NDArray[np.float32]) -> Reconstruction:
    if aspect.numeric:
        past = encoded.numbers[aspect.name]
        location = past.location + past.scale * corrections[:, 0]
        scale = past.scale * np.exp(np.clip(corrections[:, 1], SMALLEST_LOG_SCALE, LARGEST_LOG_SCALE))
        raw = np.arcsinh(np.abs(encoded.observed[aspect.name] - location) / scale)
        return Reconstruction(raw, location=location, scale=scale)
    levels = encoded.levels[aspect.name]
    logits = np.log(levels.shares) + corrections
    logits -= logits.max(axis=1, keepdims=True)
    shares = np.exp(logits)
    shares /= shares.sum(axis=1, keepdims=True)
    observed = shares[np.arange(len(shares)), levels.codes]
    surprise = levels.rarity - np.log(np.maximum(observed, SMALLEST_SHARE))
    return Reconstruction(np.maximum(surprise, UNSURPRISING), shares=shares)
