"""A contract gets the checks that it has the fields for, each blaming a field that is scored."""

import pytest

from invoice_anomalies.contract import Contract
from invoice_anomalies.detection.checks import checks_of
from tests.detection.checks.invoice_frames import contract


def without(*names: str, **changes: object) -> Contract:
    document = contract().model_dump()
    for name in names:
        document["fields"][name]["detect"] = False
    return Contract.model_validate({**document, **changes})


def blamed(given: Contract) -> dict[str, str]:
    return {check.name: check.field for check in checks_of(given)}


def test_all_fields_give_all_checks() -> None:
    assert blamed(contract()) == {"duplicate": "number", "split": "amount", "burst": "invoice_date"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (without(entity=None), {}),
        (without("number"), {"split": "amount", "burst": "invoice_date"}),
        (without("amount"), {"duplicate": "number", "burst": "invoice_date"}),
        (without("invoice_date"), {"duplicate": "number", "split": "amount", "burst": "number"}),
        (without("invoice_date", "number"), {"split": "amount", "burst": "amount"}),
        (without(amount=None), {"burst": "invoice_date"}),
        (contract(approval_limits=[]), {"duplicate": "number", "burst": "invoice_date"}),
        (contract(duplicate_days=0), {"split": "amount", "burst": "invoice_date"}),
    ],
)
def test_a_check_needs_its_fields(given: Contract, expected: dict[str, str]) -> None:
    assert blamed(given) == expected
