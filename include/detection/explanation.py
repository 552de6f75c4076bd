"""Say in words, for each flagged invoice, which fields are odd, what was expected, and how rare that is."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from include.detection.aspects import Aspect, from_scale, shape_of
from include.detection.calibration import TIERS
from include.detection.detector import VIEWS, Detector, Judgement, Reconstruction
from include.detection.encoding import OTHER
from include.detection.patterns import amount_pattern, date_pattern

MOST_FIELDS = 5
TELLING_ERROR = 3.0  # one in a thousand
SMALLEST_ERROR = 2.0  # one in a hundred: a field more usual than that is not worth a line
RANGE_ERROR = -np.log10(0.05)  # low and high hold 95 % of the invoices with such a history
RAREST = 1_000_000  # beyond what a year of invoices can show, a number would be made up
FARTHEST_DAYS = 36_500


@dataclass(frozen=True)
class FieldFinding:
    """One field of a flagged invoice, in words: values as an auditor would write them."""

    observed: str
    expected: str
    low: str | None
    high: str | None
    remark: str = ""

    def expectation(self, context: str) -> str:
        """What was expected in this context, with its range where there is one."""
        span = f" ({self.low} to {self.high})" if self.low is not None and self.low != self.high else ""
        return f"expected {self.expected}{context}{span}"


def explain(detector: Detector, judgement: Judgement, rows: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Explain the invoices at these row positions.

    Returns the anomalies (index invoice key: entity, amount_at_risk, currency, top_field, explanation, beside score and
    threshold) and their fields (invoice_key, field, position, observed, expected, low, high, error, rarity, share,
    sentence), the oddest field first.
    """
    invoices = judgement.invoices.iloc[rows]
    scene = _Scene(detector, judgement, rows)
    fields = pd.DataFrame(
        [line for position in range(len(invoices)) for line in scene.lines(position)],
        columns=[
            "invoice_key", "field", "position", "observed", "expected", "low", "high", "error", "rarity", "share",
            "sentence",
        ],
    )  # fmt: skip
    top = fields[fields["position"] == 1].set_index("invoice_key").reindex(invoices.index)
    contract = detector.contract
    anomalies = judgement.scores.iloc[rows].copy()
    anomalies["entity"] = invoices[contract.entity].astype(object) if contract.entity else None
    anomalies["amount_at_risk"] = invoices[contract.amount].abs() if contract.amount else np.nan
    anomalies["currency"] = invoices[contract.currency].astype(object) if contract.currency else None
    anomalies["top_field"] = top["field"]
    anomalies["explanation"] = top["sentence"] + [scene.standing(position) for position in range(len(invoices))]
    return anomalies, fields


class _Scene:
    """The flagged invoices with everything the sentences draw on."""

    def __init__(self, detector: Detector, judgement: Judgement, rows: Any) -> None:
        self.detector, self.contract = detector, detector.contract
        self.invoices = judgement.invoices.iloc[rows]
        self.encoded = judgement.encoded.take(rows)
        self.errors = judgement.errors.iloc[rows].to_numpy()
        self.tiers = judgement.scores["history_tier"].iloc[rows].to_numpy()
        self.found = detector.reconstruct(self.encoded)
        self.aspect_errors = detector.aspect_errors(self.encoded)

    def lines(self, position: int) -> list[tuple[Any, ...]]:
        """The odd fields of one invoice as rows of `anomaly_fields`."""
        errors = self.errors[position]
        weights = np.power(10.0, errors)
        shares = weights / weights.sum()
        order = self._order(errors)
        odd = [index for index in order[:MOST_FIELDS] if errors[index] >= SMALLEST_ERROR] or order[:1]
        key, lines = self.invoices.index[position], []
        for rank, index in enumerate(odd, start=1):
            name = self.detector.fields[index]
            finding, context = self._finding(name, position)
            rarity = float(10.0 ** errors[index])
            sentence = (
                f"{label(name)} {finding.observed}; {finding.expectation(context)}; "
                f"{rarity_in_words(rarity)} are this far off" + (f"; {finding.remark}" if finding.remark else "")
            )
            lines.append(
                (
                    key, name, rank, finding.observed, finding.expected, finding.low, finding.high,
                    float(errors[index]), min(rarity, float(RAREST)), float(shares[index]), sentence,
                )
            )  # fmt: skip
        return lines

    def _order(self, errors: Any) -> list[int]:
        """Field indices, oddest first; a date that is itself odd goes before the dates that are counted from it."""
        fields = self.detector.fields
        order = [int(index) for index in np.argsort(-errors, kind="stable")]
        for name in fields:
            reference = self.contract.fields[name].relative_to
            if reference in fields and errors[fields.index(reference)] >= TELLING_ERROR:
                here, there = order.index(fields.index(name)), order.index(fields.index(reference))
                if here < there:
                    order.insert(here, order.pop(there))
        return order

    def standing(self, position: int) -> str:
        """How much history stands behind the judgement."""
        rows, entity = int(self.encoded.history_rows[position]), self._entity(position)
        if not entity:
            return ""
        if self.tiers[position] == TIERS[0]:
            return f". {entity} is new: judged by all others"
        return f". Judged on {rows:,} earlier invoice{'s' if rows > 1 else ''} of {entity}"

    def _entity(self, position: int) -> str:
        return str(self.invoices[self.contract.entity].iloc[position]) if self.contract.entity else ""

    def _finding(self, name: str, position: int) -> tuple[FieldFinding, str]:
        """Describe a field by the first aspect and view that is telling, else by the one in which it is oddest.

        Aspects stand in the order in which a reader checks them, and a comparison with the entity's own past is easier
        to check than one that also depends on the other fields.
        """
        aspects = [aspect for aspect in self.detector.aspects if aspect.field == name]
        candidates = [(aspect, view) for aspect in aspects for view in reversed(VIEWS)]
        errors = [self.aspect_errors[aspect.name, view][position] for aspect, view in candidates]
        telling = min(TELLING_ERROR, max(errors))
        aspect, view = next(c for c, error in zip(candidates, errors, strict=True) if error >= telling)
        seen = self.found[aspect.name, view]
        finding = self._numeric(aspect, view, seen, position) if aspect.numeric else self._level(aspect, seen, position)
        entity = self._entity(position)
        if view == "others":
            return finding, " given the other fields"
        return finding, f" for {entity}" if entity else ""

    def _numeric(self, aspect: Aspect, view: str, seen: Reconstruction, position: int) -> FieldFinding:
        assert seen.location is not None and seen.scale is not None
        location, scale = float(seen.location[position]), float(seen.scale[position])
        reach = np.sinh(self.detector.tail_of(aspect.name, view, self.encoded, position).inverse(RANGE_ERROR)) * scale
        middle, low, high = (float(from_scale(np.array(v))) for v in (location, location - reach, location + reach))
        value = self.invoices[aspect.field].iloc[position]
        if aspect.measure == "lag":
            return self._date(aspect.field, value.date(), (middle, low, high), position)
        if aspect.measure == "value":
            if self.contract.fields[aspect.field].type == "amount":
                middle, low, high = (round(v, 2) + 0.0 for v in (middle, low, high))
                return FieldFinding(
                    amount(value),
                    f"about {rounded(middle)}",
                    rounded(low),
                    rounded(high),
                    amount_pattern(value, middle),
                )
            return FieldFinding(
                number(value), f"about {rounded(middle)}", rounded(low), rounded(high), amount_pattern(value, middle)
            )
        what = "a number" if aspect.measure == "sequence" else "a length"
        return FieldFinding(quoted(value), f"{what} near {middle:,.0f}", f"{low:,.0f}", f"{high:,.0f}")

    def _date(self, name: str, value: date, days: tuple[float, float, float], position: int) -> FieldFinding:
        reference_field = self.contract.fields[name].relative_to
        reference = self.invoices[reference_field or "extract_date"].iloc[position].date()
        middle, low, high = (
            reference + timedelta(days=round(float(np.clip(d, -FARTHEST_DAYS, FARTHEST_DAYS)))) for d in days
        )
        off = (value - reference).days
        remark = date_pattern(value, low, high)
        days_off = f"{abs(off):,} day{'' if abs(off) == 1 else 's'} {'before' if off < 0 else 'after'}"
        measured = f"{days_off} the {label(reference_field or 'extract_date')}"
        return FieldFinding(
            value.isoformat(), middle.isoformat(), low.isoformat(), high.isoformat(),
            f"{measured}; {remark}" if remark else measured,
        )  # fmt: skip

    def _level(self, aspect: Aspect, seen: Reconstruction, position: int) -> FieldFinding:
        assert seen.shares is not None
        value = self.invoices[aspect.field].iloc[position]
        shares = seen.shares[position]
        names = self.detector.encoder_.levels_[aspect.name].names
        best = [index for index in np.argsort(-shares)[:2] if shares[index] >= 0.1 and names[index] != OTHER]
        usual = " or ".join(f"{names[index]} ({shares[index]:.0%})" for index in best) or "one of many others"
        if aspect.measure == "weekday":
            return FieldFinding(f"{value.date().isoformat()}, a {value.day_name()}", usual, None, None)
        if aspect.measure == "shape":
            return FieldFinding(f"{quoted(value)}, written {shape_of(str(value))}", usual, None, None)
        return FieldFinding(quoted(value), usual, None, None)


def label(name: str) -> str:
    """A field's name as a person writes it."""
    return name.replace("_", " ")


def amount(value: float) -> str:
    """Money: 14,200.00."""
    return f"{value:,.2f}"


def number(value: float) -> str:
    """A number with as many digits as it has, at most ten."""
    return f"{value:,.10g}"


def rounded(value: float) -> str:
    """An expected number: three digits are all that an expectation knows."""
    if value == 0 or not np.isfinite(value):
        return "0" if value == 0 else "any amount"
    digits = 2 - int(np.floor(np.log10(abs(value))))
    return f"{round(value, digits):,.{min(max(0, digits), 4)}f}"


def quoted(value: Any) -> str:
    """A text as it came, or 'empty'."""
    return "empty" if pd.isna(value) else repr(str(value))


def rarity_in_words(rarity: float) -> str:
    """1 in N, with two digits of N; no finer than the data can tell."""
    if rarity >= RAREST:
        return f"fewer than 1 in {RAREST:,}"
    scale = 10 ** max(0, int(np.log10(max(rarity, 1.0))) - 1)
    return f"1 in {max(1, round(rarity / scale) * scale):,}"
