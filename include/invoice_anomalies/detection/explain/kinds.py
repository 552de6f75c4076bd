"""What kind of finding an anomaly is: one word of a small vocabulary, by which lists are sorted and sifted.

Decided here and nowhere else, from what detection knows of the headline: the collective check that is told, the slip
that was recognised, else the field.
"""

from invoice_anomalies.contract import Contract
from invoice_anomalies.detection.explain.field_explanation import FieldExplanation

OF_CHECKS = {"duplicate": "copy", "split": "split", "burst": "burst"}
OF_FIELDS: dict[str, str] = {
    "amount": "an amount that is not usual",
    "quantity": "a number that is not usual: pieces, a weight, a discount",
    "tax": "tax amount, code or rate",
    "arithmetic": "fields of the invoice that do not fit each other: a unit price, a sum",
    "date": "a date or weekday that is not usual",
    "number": "a number that is out of sequence, or written in another way",
    "account": "an account or a cost centre that is not usual",
    "terms": "terms of payment that are not usual",
    "category": "another category that is not usual",
    "text": "the length or form of a text",
}
KINDS: dict[str, str] = {
    "copy": "booked before under this or nearly this number",
    "split": "with others just below an approval limit",
    "burst": "one of far more invoices than usual in a night",
    "slip": "a value mistyped: decimal point, digits exchanged, sign, year, day and month",
    "vendor": "the vendor itself: new, or not expected with the other fields",
    "currency": "a currency that is not usual",
    **OF_FIELDS,
}
"""The whole vocabulary with what each word means; the comments of the database's columns say the same."""


def kind_of(contract: Contract, name: str, finding: FieldExplanation) -> str:
    """The kind of a finding in a field."""
    if finding.check:
        return OF_CHECKS[finding.check]
    if finding.slip:
        return "slip"
    if name in (contract.entity, contract.entity_name):
        return "vendor"
    if name == contract.currency:
        return "currency"
    return contract.derived[name].kind if name in contract.derived else contract.fields[name].called
