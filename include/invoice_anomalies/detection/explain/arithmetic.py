"""What the derived fields of the contract make of a number: the one that fits the other fields of its invoice exactly.

A network only comes near a product or a sum. Where a derived field has one value as a rule, the others of its parts
say to the cent what a part must be, and no expectation may say otherwise.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from invoice_anomalies.contract import Contract
from invoice_anomalies.detection.explain.context import ExplanationContext
from invoice_anomalies.detection.features.features import FloatArray

AS_A_RULE = 0.5  # share of the earlier values from which a derived field has one value as a rule ...
FEWEST = 3  # ... and how often it must have had it
NEARLY = 4  # decimals: a rate of 0.2 is not quite that where tax was rounded to the cent
A_CENT = 0.0051  # half a cent of rounding, with room for the error of a float
MOST_OF_THE_BOOK = 1_000  # latest invoices whose usual rate is taken where the entity has none


@dataclass(frozen=True)
class Demand:
    """The value that a derived field demands of one of its parts, being as it is as a rule."""

    derived: str
    usual: float
    value: float


def demands(context: ExplanationContext, name: str, row: int) -> list[Demand]:
    """What each derived field with this part demands of it, given the other parts of the same invoice."""
    found = []
    for derived, what in context.contract.derived.items():
        if name not in what.parts:
            continue
        parts = [context.value(part, row) for part in what.parts]
        usual = _as_a_rule(context, derived, row)
        if usual is None or any(part is None for part in parts):
            continue
        value = _part(what.operation, [float(part) for part in parts], what.parts.index(name), usual)
        if np.isfinite(value):
            found.append(Demand(derived, usual, value))
    return found


def demanded(context: ExplanationContext, name: str, row: int, value: float) -> Demand | None:
    """The demand that the value meets, else the one that all derived fields agree on; None where there is none."""
    found = demands(context, name, row)
    met = [demand for demand in found if abs(demand.value - value) < A_CENT]
    if met:
        return met[0]
    values = [demand.value for demand in found]
    return found[0] if found and max(values) - min(values) < A_CENT else None


def linked(contract: Contract, name: str) -> set[str]:
    """All fields that this one is tied to by derived fields, directly or not, with the derived fields; itself too."""
    found, grew = {name}, True
    while grew:
        ties = [{derived, *what.parts} for derived, what in contract.derived.items()]
        joined = found.union(*(tie for tie in ties if tie & found))
        grew, found = joined != found, joined
    return found


def _as_a_rule(context: ExplanationContext, derived: str, row: int) -> float | None:
    """The value that a derived field nearly always has: for the entity, and for a new one in the book at hand."""
    column = context.history.column(derived)
    earlier = context.earlier(row)
    values: FloatArray = column[earlier] if len(earlier) else column[-MOST_OF_THE_BOOK:]
    known = values[np.isfinite(values)]
    if not len(known):
        return None
    value, times = Counter((np.round(known, NEARLY) + 0.0).tolist()).most_common(1)[0]
    return value if times >= max(FEWEST, AS_A_RULE * len(known)) else None


def _part(operation: str, parts: list[float], index: int, usual: float) -> float:
    """Solve a derived field for one of its parts."""
    if operation == "ratio":
        if index == 0:
            return round(usual * parts[1], 2)
        return round(parts[0] / usual, 2) if usual else float("nan")
    others = sum(parts[1:]) - (parts[index] if index else 0.0)
    if operation == "sum":
        return round(usual - others - (parts[0] if index else 0.0), 2)
    return round(usual + others, 2) if index == 0 else round(parts[0] - usual - others, 2)
