"""In which order the odd fields of an invoice are told: what explains others goes before them, else the oddest first.

A copy explains what is odd in its fields. A number that looks mistyped explains the numbers that derived fields tie it
to, and a date that is odd itself the dates that are counted from it. A number that is just what the others demand comes
after them.
"""

from collections.abc import Mapping, Sequence

from invoice_anomalies.contract import Contract
from invoice_anomalies.detection.explain.arithmetic import linked
from invoice_anomalies.detection.explain.field_explanation import FieldExplanation

TELLING_ERROR = 3.0  # one in a thousand
COPY = "duplicate"


def in_order(contract: Contract, errors: Mapping[str, float], findings: Mapping[str, FieldExplanation]) -> list[str]:
    """Order the odd fields of one invoice; errors: of these at least, by field."""
    oddest = sorted(findings, key=lambda name: -errors[name])
    causes = {name: _causes(contract, name, errors, findings, oddest) for name in oddest}
    order: list[str] = []

    def tell(name: str, above: frozenset[str]) -> None:
        if name in order or name in above:
            return
        for cause in causes[name]:
            tell(cause, above | {name})
        order.append(name)

    for name in oddest:
        tell(name, frozenset())
    return order


def _causes(
    contract: Contract,
    name: str,
    errors: Mapping[str, float],
    findings: Mapping[str, FieldExplanation],
    oddest: Sequence[str],
) -> list[str]:
    """The fields that explain what is odd about one, the most telling first."""
    copies = [other for other in oddest if findings[other].check == COPY and errors[other] >= TELLING_ERROR]
    if name in copies:
        return []
    tied = linked(contract, name)
    others = [other for other in oddest if other in tied and other != name]
    slips = [] if findings[name].slip else [other for other in others if findings[other].slip]
    # What is just as the others demand is odd only because they are.
    misfits = [other for other in others if not findings[other].fits] if findings[name].fits else []
    field = contract.fields.get(name)
    reference = field.relative_to if field else None
    dates = [
        other for other in oddest if other == reference and (errors[other] >= TELLING_ERROR or findings[other].slip)
    ]
    return copies + slips + misfits + dates
