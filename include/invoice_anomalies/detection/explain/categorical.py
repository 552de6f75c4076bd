"""Findings of categorical features: categories, weekdays, ways of writing, and whether there is a value at all."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from invoice_anomalies.detection.explain.context import Scene
from invoice_anomalies.detection.explain.field_explanation import FieldExplanation
from invoice_anomalies.detection.explain.slips import quiet_day, shape_slip, usual_weekdays, weekday_span
from invoice_anomalies.detection.features.features import MISSING, WEEKDAYS, Feature
from invoice_anomalies.detection.features.identifiers import shape_of
from invoice_anomalies.detection.profiles.encoder import OTHER
from invoice_anomalies.text import count, quoted, share, shown

USUAL_SHARE = 0.1  # levels below this share are not worth naming
MOST_NAMED = 2
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


def describe_level(scene: Scene, feature: Feature, view: str, place: int) -> FieldExplanation:
    """Describe one categorical feature of one invoice in one view."""
    if feature.field == scene.contract.entity and feature.measure == "value":
        return _entity(scene, feature, view, place)
    return _DESCRIBERS[feature.measure](scene, feature, view, place)


def _category(scene: Scene, feature: Feature, view: str, place: int) -> FieldExplanation:
    value = scene.value(feature.field, place)
    levels = scene.precedents.column(feature.field)[scene.earlier(place)].tolist()
    past = _Past(
        [MISSING if level is None else level for level in levels], MISSING if value is None else value, _show_level
    )
    expected, expectation = _expectation(scene, feature, view, place, past)
    return FieldExplanation(value, expected, expectation, rare=UNUSUAL, note=_own_count(past))


def _entity(scene: Scene, feature: Feature, view: str, place: int) -> FieldExplanation:
    """The entity itself: its own past cannot say that it is odd, only the book and the other fields can."""
    value, what, rows = scene.value(feature.field, place), scene.contract.label(feature.field), scene.known_rows(place)
    new, latest = scene.precedents.newcomers
    if not rows:
        remark = f"of the last {latest:,} invoices {f'{new:,}' if new else 'none'} had a new {what}"
        expected, expectation = f"a known {what}", "never seen before"
        return FieldExplanation(value, expected, expectation, rare=UNUSUAL, note=remark if latest else "")
    expected, expectation = _by_model(scene, feature, view, place, value)
    if not expected:
        expected, expectation = f"another {what}", f"expected another {what}"
    seen = f"{count(rows, 'earlier invoice')} of it"
    return FieldExplanation(value, expected, expectation, rare=UNUSUAL, note=seen)


def _weekday(scene: Scene, feature: Feature, view: str, place: int) -> FieldExplanation:
    name = feature.field
    if scene.value(name, place) is None:
        return _presence(scene, feature, view, place)
    day, night = scene.day(name, place), scene.day("extract_date", place)
    days = scene.precedents.values(name, scene.earlier(place))
    past = _Past([WEEKDAYS[int(one + FIRST_WEEKDAY) % 7] for one in days], WEEKDAYS[day.weekday()], str)
    counts = [past.counts[weekday] for weekday in WEEKDAYS]
    usual = usual_weekdays(counts)
    if usual and day.weekday() not in usual and view == "past":
        expected = weekday_span(usual, WEEKDAYS)
        grounds = scene.grounds(sum(counts[weekday] for weekday in usual), len(past.levels), place)
        expectation = f"expected {expected} as in {grounds}"
    else:
        expected, expectation = _expectation(scene, feature, view, place, past)
    remarks = [_own_count(past)] if past.levels else [_weekday_of_the_book(scene, name, day.weekday())]
    remarks += [quiet_day(*scene.precedents.others_on(name, day, night, scene.earlier(place)))]
    return FieldExplanation(
        day, expected, expectation, detail=f", a {past.own}", rare=UNUSUAL, note="; ".join(filter(None, remarks))
    )


def _weekday_of_the_book(scene: Scene, name: str, weekday: int) -> str:
    days = scene.precedents.column(name)
    known = days[np.isfinite(days)]
    if not len(known):
        return ""
    same = int(np.count_nonzero((known + FIRST_WEEKDAY) % 7 == weekday))
    return f"a {WEEKDAYS[weekday]} on {same:,} of {count(len(known), 'earlier invoice')} at hand"


def _shape(scene: Scene, feature: Feature, view: str, place: int) -> FieldExplanation:
    name, text = feature.field, scene.value(feature.field, place)
    if text is None:
        return _presence(scene, feature, view, place)
    shapes = scene.precedents.shapes(name, scene.earlier(place))
    examples = dict(zip(shapes, scene.precedents.values(name, scene.earlier(place)), strict=True))

    def show(shape: str) -> str:
        return f"one like {quoted(examples[shape])}" if shape in examples else f"one written {shown(shape)}"

    past = _Past(shapes, shape_of(text), show)
    expected, expectation = _expectation(scene, feature, view, place, past)
    remarks = []
    if scene.contract.fields[name].type == "identifier":
        remarks = [_foreign_scheme(scene, name, text, place)]
    if past.levels:
        remarks += [shape_slip(text, past.own, past.counts.most_common(1)[0][0])]
    if past.counts[past.own]:
        remarks += [f"{past.counts[past.own]:,} of {len(shapes):,} were written so"]
    return FieldExplanation(text, expected, expectation, rare=UNUSUAL, note="; ".join(filter(None, remarks)))


def _foreign_scheme(scene: Scene, name: str, text: str, place: int) -> str:
    """Name the entity whose numbers are written like this one."""
    if scene.contract.entity is None:
        return ""
    scheme = scene.precedents.scheme(name, text, scene.value(scene.contract.entity, place) or "")
    if scheme is None:
        return ""
    owner, nearest = shown(scheme.owner), quoted(scheme.number)
    if scheme.owners == 1:
        return f"written like the numbers of {owner}, nearest to {nearest} of {scheme.night.isoformat()}"
    return f"written like the numbers of {scheme.owners} others, nearest to {nearest} of {owner}"


def _presence(scene: Scene, feature: Feature, view: str, place: int) -> FieldExplanation:
    value, rows = scene.value(feature.field, place), scene.earlier(place)
    given = len(scene.precedents.values(feature.field, rows))
    own = MISSING if value is None else "present"
    past = _Past(["present"] * given + [MISSING] * (len(rows) - given), own, _show_presence)
    expected, expectation = _expectation(scene, feature, view, place, past)
    style = scene.style(feature.field)
    return FieldExplanation(scene.observed(feature.field, place), expected, expectation, style=style, rare=UNUSUAL)


def _expectation(scene: Scene, feature: Feature, view: str, place: int, past: _Past) -> tuple[str, str]:
    """What was expected, and in words with its grounds: the entity's own invoices, or what the network makes of all."""
    if view == "past" and past.levels:
        return _by_past(scene, place, past)
    expected, expectation = _by_model(scene, feature, view, place, past.own, past.show)
    if expected:
        return expected, expectation
    return _by_past(scene, place, past) if past.levels else ("another value", "expected one that was seen before")


def _by_past(scene: Scene, place: int, past: _Past) -> tuple[str, str]:
    rows, counts = len(past.levels), past.counts
    usual = [
        (past.show(level), count)
        for level, count in counts.most_common(MOST_NAMED)
        if count >= USUAL_SHARE * rows and level != past.own
    ]
    of_all = scene.earlier_invoices(place, rows)
    if not usual:
        return "other values", f"{scene.earlier_invoices(place, rows)} had {len(counts):,} different ones"
    expected = " or ".join(f"{name} ({share(count, rows)})" for name, count in usual)
    if len(usual) > 1:
        return expected, f"expected {expected} as in {of_all}"
    name, count = usual[0]
    return expected, f"expected {name} as in {scene.grounds(count, rows, place)}"


def _by_model(scene: Scene, feature: Feature, view: str, place: int, own: str, show: Show = shown) -> tuple[str, str]:
    shares = scene.shares(feature, view)[place]
    names = scene.detector.encoder.vocabularies[feature.name].names
    best = [
        (show(names[index]), float(shares[index]))
        for index in np.argsort(-shares)[:MOST_NAMED]
        if shares[index] >= USUAL_SHARE and names[index] not in (OTHER, own)
    ]
    expected = " or ".join(f"{name} ({part:.0%})" for name, part in best)
    return expected, f"expected {expected}{scene.context(view, place)}"


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


_DESCRIBERS: dict[str, Callable[[Scene, Feature, str, int], FieldExplanation]] = {
    "value": _category,
    "weekday": _weekday,
    "shape": _shape,
    "presence": _presence,
}
