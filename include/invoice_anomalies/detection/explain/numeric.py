"""Findings of numeric features: amounts, numbers, derived fields, days between dates, running numbers, lengths."""

from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta

import numpy as np

from invoice_anomalies.detection.explain.arithmetic import demanded
from invoice_anomalies.detection.explain.context import Finding, Scene
from invoice_anomalies.detection.explain.slips import (
    SMALLEST_AMOUNT,
    Usual,
    Written,
    date_remark,
    date_slip,
    number_remark,
    number_slip,
    quiet_day,
    repeated_amount,
    round_amount,
)
from invoice_anomalies.detection.features.features import Feature
from invoice_anomalies.detection.features.identifiers import number_in
from invoice_anomalies.text import amount, count, number, quoted, rounded, significant

Range = tuple[float, float, float]  # expected, low, high

FARTHEST_DAYS = 36_500
LATEST_NUMBERS = 12  # numbers of an entity that tell where its numbering has got to
FEWEST_NUMBERS = 3
FAR_OFF = 100.0  # times the span of the latest numbers
RECURRING = 0.5  # share of the earlier values from which the very same value is what is expected ...
FEWEST_RECURRING = 3  # ... and how often it must have come
SMALLEST_SIZE = 1e-9
ODD_REFERENCE = 3.0  # error from which a date is odd itself, so that dates count from it look odd too
SIGNS = {"ratio": " / ", "difference": " − ", "sum": " + "}


def describe_number(scene: Scene, feature: Feature, view: str, place: int) -> Finding:
    """Describe one numeric feature of one invoice in one view."""
    if np.isnan(scene.given.observed[feature.name][place]):
        # Chosen only where no field of the invoice is odd.
        return Finding(scene.written(feature.field, place), "", "nothing to compare")
    return _DESCRIBERS[feature.measure](scene, feature, view, place)


def _value(scene: Scene, feature: Feature, view: str, place: int) -> Finding:
    name, value = feature.field, float(scene.value(feature.field, place))
    derived, written = scene.contract.derived.get(name), _writer(scene, name)
    in_cents = written is amount
    middle, low, high = scene.expected_range(feature, view, place)
    if in_cents:
        middle, low, high = (round(end, 2) + 0.0 for end in (middle, low, high))
    usual = Usual(middle, low, high, scene.precedents.values(name, scene.earlier(place)))
    smallest = 0.0 if derived else SMALLEST_AMOUNT
    remarks = [number_remark(value, usual, written, smallest, typed=not derived)]
    if in_cents and not derived:
        remarks += [repeated_amount(value, usual) or round_amount(value, usual.earlier)]
    observed = written(value) + (f" ({_parts(scene, name, place)})" if derived else "")
    expected, expectation = _recurring(scene, usual, written, place)
    fitting = None if derived else _by_arithmetic(scene, name, value, written, place)
    # What the other fields demand to the cent was not mistyped beside them.
    slip = bool(number_slip(value, usual, written, smallest, typed=not derived)) and not (
        view == "others" and fitting and fitting.fits
    )
    if not slip and not derived and (view == "others" or expected == written(value)):
        if fitting and fitting.fits and view == "others" and not _is_usual(scene, feature, value, place):
            return _value(scene, feature, "past", place)
        if fitting:
            return fitting
    if not expected or expected == written(value):
        expected = f"about {rounded(middle)}" if middle else rounded(middle)
        expectation = f"expected {expected}{scene.context(view, place)}{_span(rounded(low), rounded(high))}"
    remark = "; ".join(filter(None, remarks))
    return Finding(observed, expected, expectation, rounded(low), rounded(high), remark=remark, slip=slip)


def _is_usual(scene: Scene, feature: Feature, value: float, place: int) -> bool:
    """Whether a number lies in the range that the entity's past alone suggests."""
    _, low, high = scene.expected_range(feature, "past", place)
    return low <= value <= high


def _by_arithmetic(scene: Scene, name: str, value: float, written: Written, place: int) -> Finding | None:
    """The value that the other fields of the invoice demand to the cent; what a network makes of them only comes near.

    None where no derived field has one value as a rule, or where two of them demand different values.
    """
    demand = demanded(scene, name, place, value)
    if demand is None:
        return None
    label, expected = scene.contract.label(demand.derived), written(demand.value)
    parts = [
        f"{scene.contract.label(part)} {_writer(scene, part)(scene.value(part, place))}"
        for part in scene.contract.derived[demand.derived].parts
        if part != name
    ]
    by = f"{label} {_writer(scene, demand.derived)(demand.usual)} with {' and '.join(parts)}"
    if expected == written(value):
        grounds = f"just what {by} demands"
        return Finding(expected, expected, grounds, expected, expected, rare="this unusual beside the rest", fits=True)
    return Finding(written(value), expected, f"expected {expected} by {by}", expected, expected)


def _recurring(scene: Scene, usual: Usual, written: Written, place: int) -> tuple[str, str]:
    """The value that most earlier invoices had, where it is also what is expected now."""
    if not usual.earlier:
        return "", ""
    # As near as four digits tell: a rate of 0.2 is not quite that where tax was rounded to the cent.
    size = max(abs(usual.low), abs(usual.high), SMALLEST_SIZE)
    nearly = np.round(usual.earlier, int(np.clip(3 - np.floor(np.log10(size)), 2, 12)))
    value, times = Counter(nearly.tolist()).most_common(1)[0]
    if times < max(FEWEST_RECURRING, RECURRING * len(nearly)) or not usual.has_room_for(value):
        return "", ""
    return written(value + 0.0), f"expected {written(value + 0.0)} as in {scene.grounds(times, len(nearly), place)}"


def _parts(scene: Scene, name: str, place: int) -> str:
    """What a derived field was computed from: `value 1,200.00 / quantity 10`."""
    derived = scene.contract.derived[name]
    parts = (f"{scene.contract.label(part)} {_writer(scene, part)(scene.value(part, place))}" for part in derived.parts)
    return SIGNS[derived.operation].join(parts)


def _writer(scene: Scene, name: str) -> Written:
    """How numbers of a field are written: money with two decimals, ratios with as many digits as tell them apart."""
    derived = scene.contract.derived.get(name)
    kinds = {scene.contract.fields[part].type for part in (derived.parts if derived else [name])}
    if derived and derived.operation == "ratio":
        return significant
    return amount if "amount" in kinds else number


def _lag(scene: Scene, feature: Feature, view: str, place: int) -> Finding:
    name = feature.field
    reference_name = scene.contract.fields[name].relative_to or "extract_date"
    value, reference = scene.day(name, place), scene.day(reference_name, place)
    days = scene.expected_range(feature, view, place)
    middle, low, high = (_days_after(reference, one) for one in days)
    said = scene.contract.label(reference_name)
    remarks, odd_reference = [_distance((value - reference).days, said)], _is_odd(scene, reference_name, place)
    if odd_reference:
        remarks += [f"the {said} is odd itself"]
    else:
        night = scene.day("extract_date", place)
        own = scene.earlier(place)
        remarks += [
            date_remark(value, low, high, night) or quiet_day(*scene.precedents.others_on(name, value, night, own))
        ]
    expected, expectation = _recurring_lag(scene, name, reference_name, (middle, low, high), place)
    if not expected or expected == value.isoformat():
        expected = middle.isoformat()
        expectation = f"expected {expected}{scene.context(view, place)}{_span(low.isoformat(), high.isoformat())}"
    return Finding(
        value.isoformat(),
        expected,
        expectation,
        low.isoformat(),
        high.isoformat(),
        remark="; ".join(filter(None, remarks)),
        slip=not odd_reference and bool(date_slip(value, low, high)),
    )


def _recurring_lag(
    scene: Scene, name: str, reference_name: str, usual: tuple[date, date, date], place: int
) -> tuple[str, str]:
    """The number of days that most earlier invoices had, where it is also what is expected now."""
    lags = scene.precedents.lags(name)[scene.earlier(place)]
    lags = lags[np.isfinite(lags)].tolist()
    if not lags:
        return "", ""
    lag, times = Counter(lags).most_common(1)[0]
    fitting = _days_after(scene.day(reference_name, place), lag)
    if times < max(FEWEST_RECURRING, RECURRING * len(lags)) or not usual[1] <= fitting <= usual[2]:
        return "", ""
    return fitting.isoformat(), (
        f"expected {fitting.isoformat()}, {_distance(round(lag), scene.contract.label(reference_name))} as in "
        f"{scene.grounds(times, len(lags), place)}"
    )


def _is_odd(scene: Scene, name: str, place: int) -> bool:
    fields = scene.detector.fields
    return name in fields and bool(scene.errors[place, fields.index(name)] >= ODD_REFERENCE)


def _days_after(reference: date, days: float) -> date:
    return reference + timedelta(days=round(float(np.clip(days, -FARTHEST_DAYS, FARTHEST_DAYS))))


def _distance(days: int, reference: str) -> str:
    """`30 days after the invoice date`; reference: what people call the other date."""
    if not days:
        return f"on the {reference} itself"
    return f"{count(abs(days), 'day')} {'before' if days < 0 else 'after'} the {reference}"


def _sequence(scene: Scene, feature: Feature, view: str, place: int) -> Finding:
    name, text = feature.field, scene.value(feature.field, place)
    middle, low, high = (f"{max(end, 0.0):,.0f}" for end in scene.expected_range(feature, view, place))
    latest = scene.precedents.values(name, scene.earlier(place)[-LATEST_NUMBERS:])
    numbers = {one: running for one in latest if np.isfinite(running := number_in(one))}
    here = number_in(text)
    if len(numbers) < FEWEST_NUMBERS or min(numbers.values()) == max(numbers.values()):
        expectation = f"expected a number near {middle}{scene.context(view, place)}{_span(low, high)}"
        return Finding(quoted(text), f"a number near {middle}", expectation, low, high)
    first, last = (quoted(which(numbers, key=numbers.__getitem__)) for which in (min, max))
    expectation = f"numbers{scene.of_entity(place)} lately ran from {first} to {last}"
    remark = _off_course(here, min(numbers.values()), max(numbers.values()))
    if not remark:
        expectation += f", so one near {middle} was expected{scene.context(view, place)}"
    return Finding(quoted(text), f"between {first} and {last}", expectation, first, last, remark=remark)


def _off_course(here: float, lowest: float, highest: float) -> str:
    """How far a number is from the latest ones; nothing where it lies among them."""
    if lowest <= here <= highest:
        return ""
    side = "above the highest" if here > highest else "below the lowest"
    beyond = max(here - highest, lowest - here)
    # Beyond that the distance in numbers says nothing: another year, or another series.
    return f"{beyond:,.0f} {side}" if beyond < FAR_OFF * (highest - lowest) else f"far {side}"


def _length(scene: Scene, feature: Feature, view: str, place: int) -> Finding:
    text = scene.value(feature.field, place)
    middle, low, high = (f"{max(end, 0.0):,.0f}" for end in scene.expected_range(feature, view, place))
    expectation = f"expected about {middle} characters{scene.context(view, place)}{_span(low, high)}"
    return Finding(
        f"{quoted(text)}, {count(len(text), 'character')}", f"about {middle} characters", expectation, low, high
    )


def _span(low: str, high: str) -> str:
    return f" ({low} to {high})" if low != high else ""


_DESCRIBERS: dict[str, Callable[[Scene, Feature, str, int], Finding]] = {
    "value": _value,
    "lag": _lag,
    "sequence": _sequence,
    "length": _length,
}
