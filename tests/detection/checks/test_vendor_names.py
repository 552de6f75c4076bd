"""Names say the same where case, legal form, order and one slip are all that differs."""

import numpy as np
import pandas as pd
import pytest

from invoice_anomalies.contract import Contract
from invoice_anomalies.detection.checks.duplicates.vendor_names import cluster_vendor_names
from tests.detection.checks.invoice_frames import contract, frame_of


def together(*names: str | None, given: Contract | None = None) -> list[int]:
    """Cluster of each of some vendors, by the position of its first member."""
    rows = len(names)
    vendors = frame_of(
        vendor=[f"V{n}" for n in range(rows)], vendor_name=list(names), number="1", amount=1.0, day=[0] * rows
    )
    return list(cluster_vendor_names(vendors, given or contract(), np.arange(rows)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Müller GmbH", "MULLER"),
        ("Acme Supplies Inc.", "Supplies, Acme"),
        ("Société Générale S.A.", "SOCIETE GENERALE SA"),
        ("Johnson Logistics", "Jonson Logistics"),
        ("Johnson Logistics", "Johnson Logisitcs"),
        ("Acme & Sons Ltd", "Acme Sons Limited"),
    ],
)
def test_names_that_say_the_same_are_one(one: str, other: str) -> None:
    assert together("Another Company", one, other, "Someone Else") == [0, 1, 1, 3]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Plant 1", "Plant 2"),
        ("Vendor 10017", "Vendor 10018"),
        ("North Depot A", "North Depot B"),
        ("Bell", "Ball"),
        ("GmbH", "Ltd"),
        ("...", "---"),
    ],
)
def test_names_that_differ_by_what_tells_them_apart_are_two(one: str, other: str) -> None:
    assert together(one, other) == [0, 1]


def test_vendors_without_a_name_stand_for_themselves() -> None:
    assert together(None, None, "Acme", None) == [0, 1, 2, 3]


def test_many_names_one_letter_apart_are_a_pattern_and_no_slips() -> None:
    assert together(*(f"Station {letter}orth Road" for letter in "ABCDEFGH")) == list(range(8))


def test_without_a_field_for_the_name_every_vendor_is_its_own() -> None:
    document = contract().model_dump()
    unnamed = Contract.model_validate({**document, "entity_name": None})
    assert together("Acme", "Acme", given=unnamed) == [0, 1]


def test_invoices_without_a_vendor_belong_to_none() -> None:
    vendors = frame_of(vendor=["V", None], vendor_name=["Acme", "Acme"], number="1", amount=1.0, day=[0, 0])
    entity, _ = pd.factorize(vendors["vendor"])
    assert list(cluster_vendor_names(vendors, contract(), entity)) == [0, -1]
