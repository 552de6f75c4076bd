"""With the roles of the contract set, the order of its fields decides nothing."""

import random
from typing import Any

import numpy as np
import pandas as pd
import pytest

from invoice_anomalies.contract import Contract
from invoice_anomalies.detection.checks import checks_of, describe_match
from invoice_anomalies.detection.storage import detection_hash
from tests.detection.checks.invoice_frames import append, company
from tests.detection.checks.invoice_frames import contract as plain_contract

OTHERS = {
    "order": {"type": "identifier", "required": False},
    "posted": {"type": "date", "required": False, "detect": False},
    "due": {"type": "date", "required": False},
}


def contract(order: list[str] | None = None, **roles: str) -> Contract:
    """The plain contract with a second identifier and two more dates, its fields in the given order."""
    given = plain_contract().model_dump(exclude_unset=True)
    given["fields"] |= OTHERS
    given["fields"]["invoice_date"]["relative_to"] = "posted"
    given["fields"] = {name: given["fields"][name] for name in order or given["fields"]}
    return Contract.model_validate(given | roles)


def invoices() -> pd.DataFrame:
    """A year with a copy, a split and a burst at its end."""
    history = company(vendors=12)
    copy = {"like": len(history) - 40, "day": 241, "dated": 241}
    parts = [{"like": 3, "number": f"S{n}", "amount": 4_900.0 + n, "day": 241, "dated": 241} for n in range(3)]
    burst = [{"like": 1, "number": f"B{n}", "amount": 100.0 + n, "day": 242} for n in range(40)]
    frame = append(history, copy, *parts, *burst)
    days = pd.to_timedelta(np.arange(len(frame)) % 3, unit="D")
    return frame.assign(order="P1", posted=frame["invoice_date"] + days, due=frame["invoice_date"] + 10 * days)


def told(given: Contract) -> dict[str, tuple[str, list[float], list[str]]]:
    """By check, the field that it blames, its surprisal and its sentences."""
    frame = invoices()
    rows = np.arange(len(frame) - 44, len(frame))
    found = {}
    for check in checks_of(given):
        result = check.find(frame, rows, check.fit(frame))
        sentences = [
            describe_match(check.name, frame.iloc[related], given, frame.iloc[rows[row]], result.details_of(row))
            for row, related in enumerate(result.related_invoices)
        ]
        found[check.name] = (check.field, result.surprisal.tolist(), sentences)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_with_roles_the_order_of_the_fields_changes_no_finding_and_no_sentence(seed: int) -> None:
    roles: dict[str, Any] = {"invoice_number": "number", "invoice_date": "invoice_date"}
    order = list(contract().fields)
    random.Random(seed).shuffle(order)
    expected = told(contract(**roles))
    assert all(any(sentences) for _, _, sentences in expected.values())
    assert told(contract(order, **roles)) == expected
    assert detection_hash(contract(order, **roles)) == detection_hash(contract(**roles))


def test_roles_set_to_what_their_defaults_are_change_nothing() -> None:
    assert told(contract(invoice_number="number", invoice_date="invoice_date")) == told(contract())


def test_the_hash_of_detection_covers_the_roles() -> None:
    given: dict[str, Any] = {"invoice_number": "number", "invoice_date": "invoice_date"}
    others = [given | {"invoice_date": "posted"}, given | {"invoice_number": "order"}]
    assert len({detection_hash(contract(**roles)) for roles in (given, *others)}) == 3


def test_a_contract_without_dates_and_numbers_has_no_roles() -> None:
    given = plain_contract().model_dump(exclude_unset=True)
    given["fields"] = {name: given["fields"][name] for name in ("vendor", "amount", "vendor_name")}
    without = Contract.model_validate(given)
    assert (without.invoice_number_field, without.invoice_date_field, without.booking_date_field) == (None, None, None)
    assert "duplicate" not in {check.name for check in checks_of(without)}
