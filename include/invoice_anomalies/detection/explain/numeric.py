"""Findings of numeric features: amounts, numbers, derived fields, days between dates, running numbers, lengths."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import numpy as np

from invoice_anomalies.detection.autoencoder.inference import GIVEN_FIELDS, GIVEN_HISTORY
from invoice_anomalies.detection.explain.arithmetic import demanded
from invoice_anomalies.detection.explain.context import ExplanationContext
from invoice_anomalies.detection.explain.field_explanation import FieldExplanation
from invoice_anomalies.detection.explain.slips import (
    SMALLEST_AMOUNT,
    ExpectedRange,
    Formatter,
    date_note,
    date_slip,
    number_note,
    number_slip,
    quiet_day,
    repeated_amount,
    round_amount,
)
from invoice_anomalies.detection.features.features import Feature
from invoice_anomalies.detection.features.identifiers import number_in
from invoice_anomalies.text import FORMATTERS, Style, about, count, estimated, quoted, whole, written

Range = tuple[float, float, float]  # expected, low, high

FARTHEST_DAYS = 36_500  # a century: beyond it an expected date would not be one
LATEST_NUMBERS = 12  # numbers of an entity that tell where its numbering has got to
FEWEST_NUMBERS = 3  # of those, from which they tell anything
FAR_OFF = 100.0  # times the span of the latest numbers
RECURRING = 0.5  # share of the earlier values from which the very same value is what is expected ...
FEWEST_RECURRING = 3  # ... and how often it must have come
SMALLEST_SIZE = 1e-9  # keeps a ratio to a value of zero finite
ODD_REFERENCE = 3.0  # error from which a date is odd itself, so that dates counted from it look odd too
SIGNS = {"ratio": " / ", "difference": " − ", "sum": " + "}


def describe_number(context: ExplanationContext, feature: Feature, conditioning: str, row: int) -> FieldExplanation:
    """Describe one numeric feature of one invoice in one conditioning."""
    if np.isnan(context.given.observed[feature.name][row]):
        # Chosen only where no field of the invoice is odd.
        return FieldExplanation(
            context.observed(feature.field, row), "", "nothing to compare", style=context.style(feature.field)
        )
    return _DESCRIBERS[feature.measure](context, feature, conditioning, row)


def _value(context: ExplanationContext, feature: Feature, conditioning: str, row: int) -> FieldExplanation:
    name, value = feature.field, float(context.value(feature.field, row))
    derived, style = context.contract.derived.get(name), _style(context, name)
    written = FORMATTERS[style]
    ends = context.expected_range(feature, conditioning, row)
    # A slip is looked for among values that can be typed.
    middle, low, high = (round(end, 2) + 0.0 for end in ends) if style == "amount" else ends
    usual = ExpectedRange(middle, low, high, context.history.values(name, context.earlier(row)))
    smallest = 0.0 if derived else SMALLEST_AMOUNT
    notes = [number_note(value, usual, written, smallest, typed=not derived)]
    if style == "amount" and not derived:
        notes += [repeated_amount(value, usual) or round_amount(value, usual.earlier)]
    recurring, expectation = _recurring(context, usual, written, row)
    fitting = None if derived else _by_arithmetic(context, name, value, style, row)
    # What the other fields demand to the cent was not mistyped beside them.
    slip = bool(number_slip(value, usual, written, smallest, typed=not derived)) and not (
        conditioning == GIVEN_FIELDS and fitting and fitting.fits
    )
    is_recurring = recurring is not None and written(recurring) == written(value)
    if not slip and not derived and (conditioning == GIVEN_FIELDS or is_recurring):
        if fitting and fitting.fits and conditioning == GIVEN_FIELDS and not _is_usual(context, feature, value, row):
            return _value(context, feature, GIVEN_HISTORY, row)
        if fitting:
            return fitting
    middle, low, high = ends
    by_model = recurring is None or is_recurring
    if by_model:
        span = _span(estimated(low, style), estimated(high, style))
        expectation = f"expected {about(middle, style)}{context.basis(conditioning, row)}{span}"
    return FieldExplanation(
        observed=value,
        expected=middle if by_model else recurring,
        expectation=expectation,
        low=low,
        high=high,
        style=style,
        estimated=by_model,
        detail=f" ({_parts(context, name, row)})" if derived else "",
        note="; ".join(filter(None, notes)),
        slip=slip,
    )


def _is_usual(context: ExplanationContext, feature: Feature, value: float, row: int) -> bool:
    """Whether a number lies in the range that the entity's past alone suggests."""
    _, low, high = context.expected_range(feature, GIVEN_HISTORY, row)
    return low <= value <= high


def _by_arithmetic(
    context: ExplanationContext, name: str, value: float, style: Style, row: int
) -> FieldExplanation | None:
    """The value that the other fields of the invoice demand to the cent; what a network makes of them only comes near.

    None where no derived field has one value as a rule, or where two of them demand different values.
    """
    demand = demanded(context, name, row, value)
    if demand is None:
        return None
    label, expected = context.contract.label(demand.derived), written(demand.value, style)
    operands = [
        f"{context.contract.label(part)} {written(context.value(part, row), _style(context, part))}"
        for part in context.contract.derived[demand.derived].parts
        if part != name
    ]
    by = f"{label} {written(demand.usual, _style(context, demand.derived))} with {' and '.join(operands)}"
    said = FieldExplanation(
        observed=value,
        expected=demand.value,
        expectation=f"expected {expected} by {by}",
        low=demand.value,
        high=demand.value,
        style=style,
        range_estimated=False,
    )
    if expected != written(value, style):
        return said
    return replace(said, expectation=f"just what {by} demands", rare="this unusual beside the rest", fits=True)


def _recurring(
    context: ExplanationContext, usual: ExpectedRange, written: Formatter, row: int
) -> tuple[float | None, str]:
    """The value that most earlier invoices had, where it is also what is expected now."""
    if not usual.earlier:
        return None, ""
    # As near as four digits tell: a rate of 0.2 is not quite that where tax was rounded to the cent.
    size = max(abs(usual.low), abs(usual.high), SMALLEST_SIZE)
    nearly = np.round(usual.earlier, int(np.clip(3 - np.floor(np.log10(size)), 2, 12)))
    value, times = Counter(nearly.tolist()).most_common(1)[0]
    if times < max(FEWEST_RECURRING, RECURRING * len(nearly)) or not usual.contains(value):
        return None, ""
    return value + 0.0, f"expected {written(value + 0.0)} as in {context.grounds(times, len(nearly), row)}"


def _parts(context: ExplanationContext, name: str, row: int) -> str:
    """What a derived field was computed from: `value 1,200.00 / quantity 10`."""
    derived = context.contract.derived[name]
    parts = (
        f"{context.contract.label(part)} {written(context.value(part, row), _style(context, part))}"
        for part in derived.parts
    )
    return SIGNS[derived.operation].join(parts)


def _style(context: ExplanationContext, name: str) -> Style:
    """How numbers of a field are written: money with two decimals, ratios with as many digits as tell them apart."""
    derived = context.contract.derived.get(name)
    types = {context.contract.fields[part].type for part in (derived.parts if derived else [name])}
    if derived and derived.operation == "ratio":
        return "ratio"
    return "amount" if "amount" in types else "number"


def _lag(context: ExplanationContext, feature: Feature, conditioning: str, row: int) -> FieldExplanation:
    name = feature.field
    reference_name = context.contract.fields[name].relative_to or "extract_date"
    value, reference = context.day(name, row), context.day(reference_name, row)
    days = context.expected_range(feature, conditioning, row)
    middle, low, high = (_days_after(reference, one) for one in days)
    said = context.contract.label(reference_name)
    notes, odd_reference = [_distance((value - reference).days, said)], _is_odd(context, reference_name, row)
    if odd_reference:
        notes += [f"the {said} is odd itself"]
    else:
        night = context.day("extract_date", row)
        own = context.earlier(row)
        notes += [date_note(value, low, high, night) or quiet_day(*context.history.others_on(name, value, night, own))]
    expected, expectation = _recurring_lag(context, name, reference_name, (middle, low, high), row)
    if expected is None or expected == value:
        expected = middle
        expectation = (
            f"expected {written(middle)}{context.basis(conditioning, row)}{_span(written(low), written(high))}"
        )
    return FieldExplanation(
        observed=value,
        expected=expected,
        expectation=expectation,
        low=low,
        high=high,
        note="; ".join(filter(None, notes)),
        slip=not odd_reference and bool(date_slip(value, low, high)),
    )


def _recurring_lag(
    context: ExplanationContext, name: str, reference_name: str, usual: tuple[date, date, date], row: int
) -> tuple[date | None, str]:
    """The number of days that most earlier invoices had, where it is also what is expected now."""
    lags = context.history.lags(name)[context.earlier(row)]
    lags = lags[np.isfinite(lags)].tolist()
    if not lags:
        return None, ""
    lag, times = Counter(lags).most_common(1)[0]
    fitting = _days_after(context.day(reference_name, row), lag)
    if times < max(FEWEST_RECURRING, RECURRING * len(lags)) or not usual[1] <= fitting <= usual[2]:
        return None, ""
    return fitting, (
        f"expected {written(fitting)}, {_distance(round(lag), context.contract.label(reference_name))} as in "
        f"{context.grounds(times, len(lags), row)}"
    )


def _is_odd(context: ExplanationContext, name: str, row: int) -> bool:
    fields = context.detector.fields
    return name in fields and bool(context.errors[row, fields.index(name)] >= ODD_REFERENCE)


def _days_after(reference: date, days: float) -> date:
    return reference + timedelta(days=round(float(np.clip(days, -FARTHEST_DAYS, FARTHEST_DAYS))))


def _distance(days: int, reference: str) -> str:
    """`30 days after the invoice date`; reference: what people call the other date."""
    if not days:
        return f"on the {reference} itself"
    return f"{count(abs(days), 'day')} {'before' if days < 0 else 'after'} the {reference}"


def _sequence(context: ExplanationContext, feature: Feature, conditioning: str, row: int) -> FieldExplanation:
    name, text = feature.field, context.value(feature.field, row)
    middle, low, high = context.expected_range(feature, conditioning, row)
    latest = context.history.values(name, context.earlier(row)[-LATEST_NUMBERS:])
    numbers = {one: running for one in latest if np.isfinite(running := number_in(one))}
    here, near = number_in(text), f"near {whole(middle)}"
    if len(numbers) < FEWEST_NUMBERS or min(numbers.values()) == max(numbers.values()):
        expectation = f"expected a number {near}{context.basis(conditioning, row)}{_span(whole(low), whole(high))}"
        return FieldExplanation(text, middle, expectation, low, high, style="count", phrase="a number near {}")
    first, last = (str(which(numbers, key=numbers.__getitem__)) for which in (min, max))
    expectation = f"numbers{context.of_entity(row)} lately ran from {quoted(first)} to {quoted(last)}"
    note = _off_course(here, min(numbers.values()), max(numbers.values()))
    if not note:
        expectation += f", so one {near} was expected{context.basis(conditioning, row)}"
    return FieldExplanation(text, f"between {quoted(first)} and {quoted(last)}", expectation, first, last, note=note)


def _off_course(here: float, lowest: float, highest: float) -> str:
    """How far a number is from the latest ones; nothing where it lies among them."""
    if lowest <= here <= highest:
        return ""
    side = "above the highest" if here > highest else "below the lowest"
    beyond = max(here - highest, lowest - here)
    # Beyond that the distance in numbers says nothing: another year, or another series.
    return f"{beyond:,.0f} {side}" if beyond < FAR_OFF * (highest - lowest) else f"far {side}"


def _length(context: ExplanationContext, feature: Feature, conditioning: str, row: int) -> FieldExplanation:
    text = context.value(feature.field, row)
    middle, low, high = context.expected_range(feature, conditioning, row)
    about_so_long = f"about {whole(middle)} characters"
    return FieldExplanation(
        observed=text,
        expected=middle,
        expectation=f"expected {about_so_long}{context.basis(conditioning, row)}{_span(whole(low), whole(high))}",
        low=low,
        high=high,
        style="count",
        phrase="about {} characters",
        detail=f", {count(len(text), 'character')}",
    )


def _span(low: str, high: str) -> str:
    return f" ({low} to {high})" if low != high else ""


_DESCRIBERS: dict[str, Callable[[ExplanationContext, Feature, str, int], FieldExplanation]] = {
    "value": _value,
    "lag": _lag,
    "sequence": _sequence,
    "length": _length,
}
