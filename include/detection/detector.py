"""The detector: learns from a year of invoices, scores a night against its past, explains what it flags."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.contract import Contract
from include.detection.aspects import Aspect, FloatArray, Measured, aspects_of, measure
from include.detection.calibration import LARGEST_ERROR, TIERS, Calibration, Tiers, combine, history_tier
from include.detection.collective import Findings, checks_of
from include.detection.encoding import Encoded, Encoder
from include.detection.history import SMALLEST_SCALE, Entities
from include.detection.records import Records, count_asked, count_past, count_siblings, tempered
from include.detection.runtime import LARGEST_LOG_SCALE, SMALLEST_LOG_SCALE, Runtime, Weights
from include.errors import TooFewInvoicesError

BLOCK = 16_384  # rows reconstructed at a time: bounds memory, and keeps a block's arrays in the processor's cache
CONTAMINATION = 0.01  # share of the training invoices, the worst of the first round, that do not count as normal
GENUINE = 0.25  # share of those that is normal all the same
BEGINNINGS = 0.3  # share of the training invoices that are seen once more with a short past
RUN_LENGTHS = (1, 1, 1, 2, 3, 5, 8, 13, 21)
FIRST_ROUND = 1 / 3  # of the epochs: enough to tell which those are
# Numeric: tails no lighter than those of a t with 4 degrees of freedom; levels: the probability itself.
SMALLEST_RATES = {True: 0.25, False: 1.0}
UNSURPRISING = np.log(2.0)  # a level at least as likely as not is no surprise, however sure the model was of it
PAST_SHARE = 0.2  # weight of the entity's past in what is expected of a level
SMALLEST_SEQUENCE_SCALE = 0.1  # numbers run on: one that is 10 % above the last is in sequence
FIELD_RATE = 1 / np.log(10.0)  # a field's error is already -log10 of a share
VIEWS = ("others", "past")  # reconstructed from the other fields and the past; from the past alone


@dataclass(frozen=True)
class Reconstruction:
    """What the network expected of one aspect in one view.

    raw: shape (rows,), NaN where not measured; signed for a numeric aspect, which has `location` and `scale`
    on the scale of the model; a categorical one has `shares`, (rows, levels).
    """

    raw: FloatArray
    location: FloatArray | None = None
    scale: FloatArray | None = None
    shares: FloatArray | None = None


@dataclass(frozen=True)
class Judgement:
    """Field errors and scores of invoices, in the order given.

    `history`, `encoded` and `collective` (findings by the name of their check, whose twins are positions in the history
    followed by the invoices) are kept for the explanations.
    """

    invoices: pd.DataFrame
    history: pd.DataFrame
    encoded: Encoded
    errors: pd.DataFrame
    scores: pd.DataFrame
    collective: dict[str, Findings]

    def flagged(self, budget: int | None = None) -> npt.NDArray[np.intp]:
        """Row positions of the invoices above the threshold, worst first, at most `budget` of them."""
        score = self.scores["score"].to_numpy()
        above = np.flatnonzero(score >= self.scores["threshold"].to_numpy())
        ranked: npt.NDArray[np.intp] = above[np.argsort(-score[above], kind="stable")]
        return ranked[:budget]


@dataclass
class Detector:
    """An autoencoder with its encoders and calibration.

    Fitted state: `encoder_`, `weights_`, `calibrations_` (aspect and view, or check -> Calibration),
    `field_calibrations_`, `records_`, `threshold_`, `learning_` (loss per epoch), and `model_`, the Keras model, only
    right after fitting.
    """

    contract: Contract
    aspects: list[Aspect] = field(init=False)
    encoder_: Encoder = field(init=False)
    weights_: Weights = field(init=False)
    calibrations_: dict[str, Calibration] = field(default_factory=dict)
    field_calibrations_: dict[str, Calibration] = field(default_factory=dict)
    records_: Records = field(init=False)
    largest_: dict[str, float] = field(default_factory=dict)
    threshold_: float = 0.0
    learning_: dict[str, list[float]] = field(default_factory=dict)
    model_: Any = None

    def __post_init__(self) -> None:
        self.aspects = aspects_of(self.contract)
        self.checks = checks_of(self.contract)

    @property
    def fields(self) -> list[str]:
        return self.contract.judged

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
        self.encoder_ = Encoder(self.contract).fit(measured, entities.asked)
        self.largest_ = self._largest(invoices)
        encoded = self.encoder_.encode(entities, measured, measured)
        found = {name: findings.raw for name, findings in self._check(invoices, np.arange(len(invoices))).items()}
        again, beginnings = self._beginnings(measured, names, nights)
        everything = encoded.followed_by(beginnings)
        invoice = np.concatenate([np.arange(len(invoices)), again])

        self._train(everything, invoice, max(1, round(settings.epochs * FIRST_ROUND)), progress)
        scores = self._calibrate(everything, found)
        odd = scores > np.quantile(scores, 1.0 - CONTAMINATION)
        # Among the oddest are also rare habits: without any of them, those would count as never seen.
        usual = np.sort(np.concatenate([np.flatnonzero(~odd), np.flatnonzero(odd)[:: round(1 / GENUINE)]]))
        progress(
            f"second round without {len(scores) - len(usual):,} of the {odd.sum():,} oddest of {len(scores):,} rows"
        )
        self._train(everything.take(usual), invoice[usual], settings.epochs, progress)
        progress(f"calibrating on {len(usual):,} rows")
        among = usual[usual < len(invoices)]
        self._calibrate(everything.take(usual), {name: raw[among] for name, raw in found.items()})
        errors = self._errors(encoded, found)
        self.records_ = Records.of(names, errors)
        past, siblings = count_past(errors, entities), count_siblings(errors, entities)
        scores = combine(tempered(errors, past[0] + siblings[0], past[1] + siblings[1]))
        self.threshold_ = float(np.quantile(scores, settings.threshold_quantile))
        progress(f"threshold {self.threshold_:.2f}")
        return self

    def _largest(self, invoices: pd.DataFrame) -> dict[str, float]:
        """Largest errors of what can be learned from days only, of which there are far fewer than invoices.

        All invoices of a day share its weekday, and those of a burst their night.
        """
        weekdays = [aspect for aspect in self.aspects if aspect.measure == "weekday"]
        days = {aspect.name: invoices[aspect.field].nunique() for aspect in weekdays}
        days |= {check.name: invoices["extract_date"].nunique() for check in self.checks if check.of_nights}
        return {name: float(np.log10(count + 1)) for name, count in days.items()}

    def _check(self, book: pd.DataFrame, asked: npt.NDArray[np.intp]) -> dict[str, Findings]:
        """Look for what no invoice shows by itself: findings by the name of their check."""
        book = book.reset_index(drop=True)
        return {check.name: check.find(book, asked) for check in self.checks}

    def _beginnings(
        self, measured: Measured, names: npt.NDArray[Any], nights: npt.NDArray[Any]
    ) -> tuple[npt.NDArray[np.intp], Encoded]:
        """Encode a share of the training invoices once more, as if their entities had only begun; tell which ones.

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
        return order, self.encoder_.encode(Entities.one_by_one(young, nights[order]), some, some)

    def score(self, invoices: pd.DataFrame, history: pd.DataFrame | None = None) -> Judgement:
        """Judge invoices by the model and by the past of their entities.

        invoices, history: typed frames with `extract_date`; history holds only what was known before. Invoices of an
        earlier night are past to those of a later one, so that many nights can be judged at once as they would be one
        by one. Without a history the invoices are judged by one another, as in training: an audit of a whole book.
        The result depends on nothing else: the same frames give the same scores.
        """
        names, nights, asked = self._entity(invoices), invoices["extract_date"].to_numpy(), self._measure(invoices)
        if history is None:
            history = invoices.iloc[:0]
            entities, known = Entities.in_training(names, nights), asked
        else:
            entities = Entities.match(self._entity(history), names, history["extract_date"].to_numpy(), nights)
            before = self._measure(history)
            several = len(entities.known) > len(history)
            known = {n: np.concatenate([v, asked[n]]) for n, v in before.items()} if several else before
        encoded = self.encoder_.encode(entities, known, asked)
        book = pd.concat([history, invoices]) if len(history) else invoices
        collective = self._check(book, np.arange(len(history), len(book)))
        errors = self._errors(encoded, {name: findings.raw for name, findings in collective.items()})
        record, siblings = self.records_.look_up(names, errors), count_siblings(errors, entities)
        now = count_asked(errors, entities, len(history)) if len(entities.known) > len(history) > 0 else (0.0, 0.0)
        errors = tempered(errors, record[0] + siblings[0] + now[0], record[1] + siblings[1] + now[1])
        scores = pd.DataFrame(
            {
                "score": combine(errors),
                "threshold": self.threshold_,
                "history_tier": np.array(TIERS, dtype=object)[history_tier(encoded.history_rows)],
                "history_rows": encoded.history_rows.astype(int),
            },
            index=invoices.index,
        )
        named = pd.DataFrame(errors, index=invoices.index, columns=self.fields)
        return Judgement(invoices, history, encoded, named, scores, collective)

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

    def reach(self, name: str, view: str, encoded: Encoded, row: int, error: float) -> tuple[float, float]:
        """How far below and above the expected, in scales, one aspect of one invoice would have this error."""
        tier = int(history_tier(encoded.history_rows[row : row + 1])[0])
        below, above = self.calibrations_[f"{name}/{view}"].reach(tier, float(encoded.spread(name)[row]), error)
        return 1.0 + float(np.sinh(below)), 1.0 + float(np.sinh(above))

    def _by_field(self) -> Iterator[tuple[str, list[Aspect]]]:
        for name in self.fields:
            yield name, [aspect for aspect in self.aspects if aspect.field == name]

    def _entity(self, frame: pd.DataFrame) -> npt.NDArray[Any]:
        if self.contract.entity is None:
            return np.full(len(frame), "", dtype=object)
        return frame[self.contract.entity].astype(object).fillna("").to_numpy(object)

    def _measure(self, frame: pd.DataFrame) -> Measured:
        return measure(self.contract, self.aspects, frame)

    def _train(
        self, encoded: Encoded, invoice: npt.NDArray[np.intp], epochs: int, progress: Callable[[str], None]
    ) -> None:
        from include.detection.network import train

        settings = self.contract.detection
        fit = train(
            self.encoder_,
            encoded,
            invoice,
            hidden_units=settings.hidden_units,
            epochs=epochs,
            seed=settings.seed,
            progress=progress,
        )
        self.weights_, self.model_, self.learning_ = fit.weights, fit.model, fit.history

    def _calibrate(self, encoded: Encoded, found: dict[str, FloatArray]) -> FloatArray:
        """Fit the calibrations on training invoices; returns their scores, shape (rows,).

        found: raw errors of the collective checks, of the first rows only; pseudo-beginnings have none.
        """
        tier = history_tier(encoded.history_rows)
        numeric = {aspect.name: aspect.numeric for aspect in self.aspects}
        raw: dict[tuple[str, str], list[FloatArray]] = {}
        for block in encoded.blocks(BLOCK):
            for key, part in self.reconstruct(block).items():
                raw.setdefault(key, []).append(part.raw)
        self.calibrations_ = {
            f"{name}/{view}": Calibration.fit(
                np.concatenate(parts),
                tier,
                encoded.spread(name),
                SMALLEST_RATES[numeric[name]],
                signed=numeric[name],
                largest=self.largest_.get(name, LARGEST_ERROR),
            )
            for (name, view), parts in raw.items()
        }
        self.calibrations_ |= {
            name: Calibration.fit(
                values,
                tier[: len(values)],
                np.zeros(len(values)),
                SMALLEST_RATES[False],
                largest=self.largest_.get(name, LARGEST_ERROR),
            )
            for name, values in found.items()
        }
        # With no calibration of the field itself yet, errors are the worst of its aspects and views.
        self.field_calibrations_ = {}
        worst = self._errors(encoded, found)
        nothing = np.zeros(len(tier))
        self.field_calibrations_ = {
            name: Calibration.fit(worst[:, index], tier, nothing, FIELD_RATE) for index, name in enumerate(self.fields)
        }
        return combine(self._recalibrate(worst, tier))

    def _errors(self, encoded: Encoded, found: dict[str, FloatArray]) -> FloatArray:
        """Calibrated error of every field, shape (rows, fields); found: raw errors of the collective checks."""
        blocks: list[FloatArray] = [np.zeros((0, len(self.fields)))]
        for block in encoded.blocks(BLOCK):
            errors = self.aspect_errors(block)
            worst = [
                np.max([errors[aspect.name, view] for aspect in aspects for view in VIEWS], axis=0)
                for _, aspects in self._by_field()
            ]
            blocks.append(np.column_stack(worst))
        errors_, tier = np.concatenate(blocks), history_tier(encoded.history_rows)
        for check in self.checks:
            raw = found[check.name]
            column = errors_[: len(raw), self.fields.index(check.field)]
            np.maximum(column, self.check_errors(check.name, raw, tier[: len(raw)]), out=column)
        return self._recalibrate(errors_, tier)

    def check_errors(self, name: str, raw: FloatArray, tier: Tiers) -> FloatArray:
        """Calibrated errors of a collective check, shape (rows,)."""
        return self.calibrations_[name](raw, tier, np.zeros(len(raw)))

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
        scale = np.maximum(scale, SMALLEST_SEQUENCE_SCALE if aspect.measure == "sequence" else SMALLEST_SCALE)
        distance = (encoded.observed[aspect.name] - location) / scale
        raw = np.sign(distance) * np.arcsinh(np.maximum(np.abs(distance) - 1.0, 0.0))
        return Reconstruction(raw, location=location, scale=scale)
    levels = encoded.levels[aspect.name]
    logits = np.log(levels.shares) + corrections
    logits -= logits.max(axis=1, keepdims=True)
    shares = np.exp(logits)
    shares /= shares.sum(axis=1, keepdims=True)
    # What the network holds impossible may only have been rare so far.
    shares = (1.0 - PAST_SHARE) * shares + PAST_SHARE * levels.shares
    observed = shares[np.arange(len(shares)), levels.codes]
    surprise = levels.rarity - np.log(observed)
    return Reconstruction(np.maximum(surprise, UNSURPRISING), shares=shares)
