"""Findings of categorical features: categories, weekdays, ways of writing, and whether there is a value at all."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from invoice_anomalies.detection.autoencoder.inference import GIVEN_HISTORY
from invoice_anomalies.detection.explain.context import ExplanationContext
from invoice_anomalies.detection.explain.field_explanation import FieldExplanation
from invoice_anomalies.detection.explain.slips import format_slip, quiet_day, usual_weekdays, weekday_span
from invoice_anomalies.detection.features.features import MISSING, WEEKDAYS, Feature
from invoice_anomalies.detection.features.identifiers import format_of
from invoice_anomalies.detection.profiles.encoder import OTHER
from invoice_anomalies.text import count, quoted, share, shown

USUAL_SHARE = 0.1  # levels below this share are not worth naming
MOST_NAMED = 2  # usual categories that a sentence names
UNUSUAL = "this unusual"
FIRST_WEEKDAY = 3  # 1 January 1970 was a Thursday

Show = Callable[[str], str]


@dataclass(frozen=True)
class _Past:
    """The levels of the entity's earlier invoices, and how to name one."""

    levels: list[str]
    own: str
    show: Show

    @cached_property
    def counts(self) -> Counter[str]:
        return Counter(self.levels)


def describe_level(context: ExplanationContext, feature: Feature, conditioning: str, row: int) -> FieldExplanation:
    """Describe one categorical feature of one invoice in one conditioning."""
    if feature.field == context.contract.entity and feature.measure == "value":
        return _entity(context, feature, conditioning, row)
    return _DESCRIBERS[feature.measure](context, feature, conditioning, row)


def _category(context: ExplanationContext, feature: Feature, conditioning: str, row: int) -> FieldExplanation:
    value = context.value(feature.field, row)
    levels = context.history.column(feature.field)[context.earlier(row)].tolist()
    past = _Past(
        [MISSING if level is None else level for level in levels], MISSING if value is None else value, _show_level
    )
    expected, expectation = _expectation(context, feature, conditioning, row, past)
    return FieldExplanation(value, expected, expectation, rare=UNUSUAL, note=_own_count(past))


def _entity(context: ExplanationContext, feature: Feature, conditioning: str, row: int) -> FieldExplanation:
    """The entity itself: its own past cannot say that it is odd, only the book and the other fields can."""
    value, what, rows = (
        context.value(feature.field, row),
        context.contract.label(feature.field),
        context.known_rows(row),
    )
    new, latest = context.history.newcomers
    if not rows:
        note = f"of the last {latest:,} invoices {f'{new:,}' if new else 'none'} had a new {what}"
        expected, expectation = f"a known {what}", "never seen before"
        return FieldExplanation(value, expected, expectation, rare=UNUSUAL, note=note if latest else "")
    expected, expectation = _by_model(context, feature, conditioning, row, value)
    if not expected:
        expected, expectation = f"another {what}", f"expected another {what}"
    seen = f"{count(rows, 'earlier invoice')} of it"
    return FieldExplanation(value, expected, expectation, rare=UNUSUAL, note=seen)


def _weekday(context: ExplanationContext, feature: Feature, conditioning: str, row: int) -> FieldExplanation:
    name = feature.field
    if context.value(name, row) is None:
        return _presence(context, feature, conditioning, row)
    day, night = context.day(name, row), context.day("extract_date", row)
    days = context.history.values(name, context.earlier(row))
    past = _Past([WEEKDAYS[int(one + FIRST_WEEKDAY) % 7] for one in days], WEEKDAYS[day.weekday()], str)
    counts = [past.counts[weekday] for weekday in WEEKDAYS]
    usual = usual_weekdays(counts)
    if usual and day.weekday() not in usual and conditioning == GIVEN_HISTORY:
        expected = weekday_span(usual, WEEKDAYS)
        grounds = context.grounds(sum(counts[weekday] for weekday in usual), len(past.levels), row)
        expectation = f"expected {expected} as in {grounds}"
    else:
        expected, expectation = _expectation(context, feature, conditioning, row, past)
    notes = [_own_count(past)] if past.levels else [_weekday_of_the_book(context, name, day.weekday())]
    notes += [quiet_day(*context.history.others_on(name, day, night, context.earlier(row)))]
    return FieldExplanation(
        day, expected, expectation, detail=f", a {past.own}", rare=UNUSUAL, note="; ".join(filter(None, notes))
    )


def _weekday_of_the_book(context: ExplanationContext, name: str, weekday: int) -> str:
    days = context.history.column(name)
    known = days[np.isfinite(days)]
    if not len(known):
        return ""
    same = int(np.count_nonzero((known + FIRST_WEEKDAY) % 7 == weekday))
    return f"a {WEEKDAYS[weekday]} on {same:,} of {count(len(known), 'earlier invoice')} at hand"


def _shape(context: ExplanationContext, feature: Feature, conditioning: str, row: int) -> FieldExplanation:
    name, text = feature.field, context.value(feature.field, row)
    if text is None:
        return _presence(context, feature, conditioning, row)
    shapes = context.history.shapes(name, context.earlier(row))
    examples = dict(zip(shapes, context.history.values(name, context.earlier(row)), strict=True))

    def show(shape: str) -> str:
        return f"one like {quoted(examples[shape])}" if shape in examples else f"one written {shown(shape)}"

    past = _Past(shapes, format_of(text), show)
    expected, expectation = _expectation(context, feature, conditioning, row, past)
    notes = []
    if context.contract.fields[name].type == "identifier":
        notes = [_foreign_scheme(context, name, text, row)]
    if past.levels:
        notes += [format_slip(text, past.own, past.counts.most_common(1)[0][0])]
    if past.counts[past.own]:
        notes += [f"{past.counts[past.own]:,} of {len(shapes):,} were written so"]
    return FieldExplanation(text, expected, expectation, rare=UNUSUAL, note="; ".join(filter(None, notes)))


def _foreign_scheme(context: ExplanationContext, name: str, text: str, row: int) -> str:
    """Name the entity whose numbers are written like this one."""
    if context.contract.entity is None:
        return ""
    scheme = context.history.scheme(name, text, context.value(context.contract.entity, row) or "")
    if scheme is None:
        return ""
    owner, nearest = shown(scheme.owner), quoted(scheme.number)
    if scheme.owners == 1:
        return f"written like the numbers of {owner}, nearest to {nearest} of {scheme.night.isoformat()}"
    return f"written like the numbers of {scheme.owners} others, nearest to {nearest} of {owner}"


def _presence(context: ExplanationContext, feature: Feature, conditioning: str, row: int) -> FieldExplanation:
    value, rows = context.value(feature.field, row), context.earlier(row)
    given = len(context.history.values(feature.field, rows))
    own = MISSING if value is None else "present"
    past = _Past(["present"] * given + [MISSING] * (len(rows) - given), own, _show_presence)
    expected, expectation = _expectation(context, feature, conditioning, row, past)
    style = context.style(feature.field)
    return FieldExplanation(context.observed(feature.field, row), expected, expectation, style=style, rare=UNUSUAL)


def _expectation(
    context: ExplanationContext, feature: Feature, conditioning: str, row: int, past: _Past
) -> tuple[str, str]:
    """What was expected, and in words with its grounds: the entity's own invoices, or what the network makes of all."""
    if conditioning == GIVEN_HISTORY and past.levels:
        return _by_past(context, row, past)
    expected, expectation = _by_model(context, feature, conditioning, row, past.own, past.show)
    if expected:
        return expected, expectation
    return _by_past(context, row, past) if past.levels else ("another value", "expected one that was seen before")


def _by_past(context: ExplanationContext, row: int, past: _Past) -> tuple[str, str]:
    rows, counts = len(past.levels), past.counts
    usual = [
        (past.show(level), count)
        for level, count in counts.most_common(MOST_NAMED)
        if count >= USUAL_SHARE * rows and level != past.own
    ]
    of_all = context.earlier_invoices(row, rows)
    if not usual:
        return "other values", f"{context.earlier_invoices(row, rows)} had {len(counts):,} different ones"
    expected = " or ".join(f"{name} ({share(count, rows)})" for name, count in usual)
    if len(usual) > 1:
        return expected, f"expected {expected} as in {of_all}"
    name, count = usual[0]
    return expected, f"expected {name} as in {context.grounds(count, rows, row)}"


def _by_model(
    context: ExplanationContext, feature: Feature, conditioning: str, row: int, own: str, show: Show = shown
) -> tuple[str, str]:
    shares = context.shares(feature, conditioning)[row]
    names = context.detector.encoder.vocabularies[feature.name].names
    best = [
        (show(names[index]), float(shares[index]))
        for index in np.argsort(-shares)[:MOST_NAMED]
        if shares[index] >= USUAL_SHARE and names[index] not in (OTHER, own)
    ]
    expected = " or ".join(f"{name} ({part:.0%})" for name, part in best)
    return expected, f"expected {expected}{context.basis(conditioning, row)}"


def _own_count(past: _Past) -> str:
    """How often the entity had what is odd now, where that is not clear already."""
    times, rows, counts = past.counts[past.own], len(past.levels), past.counts
    if not times:
        return "never before" if len(counts) > 1 else ""
    return f"{past.show(past.own)} in {times:,} of {rows:,}"


def _show_level(level: str) -> str:
    return "empty" if level == MISSING else shown(level)


def _show_presence(level: str) -> str:
    return "empty" if level == MISSING else "a value"


_DESCRIBERS: dict[str, Callable[[ExplanationContext, Feature, str, int], FieldExplanation]] = {
    "value": _category,
    "weekday": _weekday,
    "shape": _shape,
    "presence": _presence,
}
