"""The detector: learns from a year of invoices, scores a night against its past, explains what it flags."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from invoice_anomalies.contract import Contract
from invoice_anomalies.detection.autoencoder.forward import Weights
from invoice_anomalies.detection.autoencoder.inference import VIEWS, Reconstruction, reconstruct
from invoice_anomalies.detection.checks import CheckResult, CheckState, checks_of
from invoice_anomalies.detection.features.features import Aspect, FloatArray, Measured, aspects_of, measure
from invoice_anomalies.detection.profiles.encoder import Encoder
from invoice_anomalies.detection.profiles.history_index import Entities
from invoice_anomalies.detection.profiles.model_input import Encoded
from invoice_anomalies.detection.result import Judgement
from invoice_anomalies.detection.scoring.base_rates import Records, count_asked, count_past, count_siblings, tempered
from invoice_anomalies.detection.scoring.calibration import (
    LARGEST_ERROR,
    TIERS,
    Calibration,
    Tiers,
    combine,
    history_tier,
)
from invoice_anomalies.errors import TooFewInvoicesError

BLOCK = 4_096  # rows reconstructed at a time: bounds memory, and keeps a block's arrays in the processor's cache
CONTAMINATION = 0.01  # share of the training invoices, the worst of the first round, that do not count as normal
GENUINE = 0.25  # share of those that is normal all the same
BEGINNINGS = 0.3  # share of the training invoices that are seen once more with a short past
RUN_LENGTHS = (1, 1, 1, 2, 3, 5, 8, 13, 21)
FIRST_ROUND = 1 / 3  # of the epochs: enough to tell which those are
# Numeric: tails no lighter than those of a t with 4 degrees of freedom; levels: the probability itself.
SMALLEST_RATES = {True: 0.25, False: 1.0}
FIELD_RATE = 1 / np.log(10.0)  # a field's error is already -log10 of a share
SMALLEST_THRESHOLD = 0.1  # where nothing ever was odd, a score of nothing must not be flagged


def enough_to_train(contract: Contract, rows: int) -> None:
    """Raise TooFewInvoicesError unless so many invoices make a training."""
    least = contract.detection.minimum_rows
    if rows < least:
        raise TooFewInvoicesError(
            f"training needs at least {least:,} invoices and there are {rows:,}; validate more nights first, widen "
            "detection.training_days, or lower detection.minimum_rows in the contract"
        )


@dataclass
class Detector:
    """An autoencoder with its encoders and calibration.

    Fitted state: `encoder_`, `weights_`, `calibrations_` (aspect and view, or check -> Calibration),
    `field_calibrations_`, `check_states_` (by check), `largest_`, `records_`, `threshold_`, `trained_until_` (the last
    night), `learning_` (loss per epoch), and `model_`, the Keras model, only right after fitting.
    """

    contract: Contract
    aspects: list[Aspect] = field(init=False)
    encoder_: Encoder = field(init=False)
    weights_: Weights = field(init=False)
    calibrations_: dict[str, Calibration] = field(default_factory=dict)
    field_calibrations_: dict[str, Calibration] = field(default_factory=dict)
    records_: Records = field(init=False)
    check_states_: dict[str, CheckState | None] = field(default_factory=dict)
    largest_: dict[str, float] = field(default_factory=dict)
    threshold_: float = 0.0
    trained_until_: pd.Timestamp = field(init=False)
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
        enough_to_train(self.contract, len(invoices))
        measured = self._measure(invoices)
        names, nights = self._entity(invoices), invoices["extract_date"].to_numpy()
        entities = Entities.in_training(names, nights)
        self.encoder_ = Encoder(self.contract).fit(measured, entities.asked)
        self.largest_, self.trained_until_ = self._largest(invoices), invoices["extract_date"].max()
        encoded = self.encoder_.encode(entities, measured, measured)
        self.check_states_ = {check.name: check.fit(invoices.reset_index(drop=True)) for check in self.checks}
        results = self._check(invoices, np.arange(len(invoices)), {})
        found = {name: result.surprisal for name, result in results.items()}
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
        self.threshold_ = max(float(np.quantile(scores, settings.threshold_quantile)), SMALLEST_THRESHOLD)
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

    def _check(
        self, invoices: pd.DataFrame, rows: npt.NDArray[np.intp], states: dict[str, CheckState | None]
    ) -> dict[str, CheckResult]:
        """Look for what no invoice shows by itself: results by check; rows: positions, shape (query rows,)."""
        invoices = invoices.reset_index(drop=True)
        return {check.name: check.find(invoices, rows, states.get(check.name)) for check in self.checks}

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
        earlier night are past to those of a later one, so that many nights can be judged at once, nearly as one by
        one. Without a history the invoices are judged by one another, as in training: an audit of a whole book.
        The result depends on nothing else: the same frames give the same scores.
        """
        if history is None:
            return self._audit(invoices)
        before, began = history["extract_date"], invoices["extract_date"].min()
        since = ((before > self.trained_until_) & (before < began)).to_numpy()
        # What came since the training is judged once more: its oddities are part of the entities' records by now.
        history = pd.concat([history[~since], history[since]]) if since.any() else history
        book = pd.concat([history, invoices]) if len(history) else invoices
        first = len(history) - int(since.sum())
        names, measured, nights = self._entity(book), self._measure(book), book["extract_date"].to_numpy()
        entities = Entities.match(names[:first], names[first:], nights[:first], nights[first:])
        known = {name: values[: len(entities.known)] for name, values in measured.items()}
        encoded = self.encoder_.encode(entities, known, {name: values[first:] for name, values in measured.items()})
        collective = self._check(book, np.arange(first, len(book)), self.check_states_)
        errors = self._errors(encoded, {name: result.surprisal for name, result in collective.items()})
        trained, siblings = self.records_.look_up(names[first:], errors), count_siblings(errors, entities)
        rows, odd = trained[0] + siblings[0], trained[1] + siblings[1]
        if len(entities.known) > first:
            earlier = count_asked(errors, entities)
            rows, odd = rows + earlier[0], odd + earlier[1]
        errors = tempered(errors, rows, odd)
        asked = slice(len(book) - first - len(invoices), None)
        found = {name: result.take(asked) for name, result in collective.items()}
        return self._judgement(invoices, history, encoded.take(asked), errors[asked], found)

    def _audit(self, invoices: pd.DataFrame) -> Judgement:
        measured = self._measure(invoices)
        entities = Entities.in_training(self._entity(invoices), invoices["extract_date"].to_numpy())
        encoded = self.encoder_.encode(entities, measured, measured)
        collective = self._check(invoices, np.arange(len(invoices)), {})
        errors = self._errors(encoded, {name: result.surprisal for name, result in collective.items()})
        past, siblings = count_past(errors, entities), count_siblings(errors, entities)
        errors = tempered(errors, past[0] + siblings[0], past[1] + siblings[1])
        return self._judgement(invoices, invoices.iloc[:0], encoded, errors, collective)

    def _judgement(
        self,
        invoices: pd.DataFrame,
        history: pd.DataFrame,
        encoded: Encoded,
        errors: FloatArray,
        collective: dict[str, CheckResult],
    ) -> Judgement:
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
        return reconstruct(self.encoder_, self.weights_, encoded)

    def aspect_errors(
        self, encoded: Encoded, raw: dict[tuple[str, str], FloatArray]
    ) -> dict[tuple[str, str], FloatArray]:
        """Calibrated error of every aspect in both views, from the raw ones; shape (rows,) each."""
        tier = history_tier(encoded.history_rows)
        return {
            (name, view): self.calibrations_[f"{name}/{view}"](values, tier, encoded.spread(name))
            for (name, view), values in raw.items()
        }

    def _raw(self, encoded: Encoded) -> dict[tuple[str, str], FloatArray]:
        """Raw error of every aspect in both views, shape (rows,) each; block by block, since the network needs room."""
        parts: dict[tuple[str, str], list[FloatArray]] = {}
        # A block's matrices are too small to share, and other tasks want the other processors.
        with threadpool_limits(limits=1, user_api="blas"):
            for block in encoded.blocks(BLOCK):
                for key, found in self.reconstruct(block).items():
                    parts.setdefault(key, []).append(found.raw)
        return {key: np.concatenate(raw) for key, raw in parts.items()}

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
        codes, names = pd.factorize(frame[self.contract.entity])
        return np.append(names.to_numpy(object), "")[codes]  # a missing one has the code -1

    def _measure(self, frame: pd.DataFrame) -> Measured:
        return measure(self.contract, self.aspects, frame)

    def _train(
        self, encoded: Encoded, invoice: npt.NDArray[np.intp], epochs: int, progress: Callable[[str], None]
    ) -> None:
        from invoice_anomalies.detection.autoencoder.training import train

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
        raw = self._raw(encoded)
        self.calibrations_ = {
            f"{name}/{view}": Calibration.fit(
                values,
                tier,
                encoded.spread(name),
                SMALLEST_RATES[numeric[name]],
                signed=numeric[name],
                largest=self.largest_.get(name, LARGEST_ERROR),
            )
            for (name, view), values in raw.items()
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
        worst = self._worst(encoded, raw, found)
        nothing = np.zeros(len(tier))
        self.field_calibrations_ = {
            name: Calibration.fit(worst[:, index], tier, nothing, FIELD_RATE) for index, name in enumerate(self.fields)
        }
        return combine(self._recalibrate(worst, tier))

    def _errors(self, encoded: Encoded, found: dict[str, FloatArray]) -> FloatArray:
        """Calibrated error of every field, shape (rows, fields); found: raw errors of the collective checks."""
        if not len(encoded.inputs):
            return np.zeros((0, len(self.fields)))
        worst = self._worst(encoded, self._raw(encoded), found)
        return self._recalibrate(worst, history_tier(encoded.history_rows))

    def _worst(
        self, encoded: Encoded, raw: dict[tuple[str, str], FloatArray], found: dict[str, FloatArray]
    ) -> FloatArray:
        """The worst calibrated error of each field's aspects, views and checks, shape (rows, fields)."""
        errors, tier = self.aspect_errors(encoded, raw), history_tier(encoded.history_rows)
        worst = np.zeros((len(tier), len(self.fields)))
        for index, (_, aspects) in enumerate(self._by_field()):
            for key in ((aspect.name, view) for aspect in aspects for view in VIEWS):
                np.maximum(worst[:, index], errors[key], out=worst[:, index])
        for check in self.checks:
            of_check = found[check.name]
            column = worst[: len(of_check), self.fields.index(check.field)]
            np.maximum(column, self.check_errors(check.name, of_check, tier[: len(of_check)]), out=column)
        return worst

    def check_errors(self, name: str, raw: FloatArray, tier: Tiers) -> FloatArray:
        """Calibrated errors of a collective check, shape (rows,)."""
        return self.calibrations_[name](raw, tier, np.zeros(len(raw)))

    def _recalibrate(self, worst: FloatArray, tier: Tiers) -> FloatArray:
        """Account for a field having several chances to look odd: one for each of its aspects and views."""
        nothing = np.zeros(len(tier))
        return np.column_stack(
            [self.field_calibrations_[name](worst[:, index], tier, nothing) for index, name in enumerate(self.fields)]
        )
