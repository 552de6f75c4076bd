"""An anomaly is of one kind, that of its headline, out of a small vocabulary; sentences use the contract's labels."""

from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest

from invoice_anomalies.contract import Contract
from invoice_anomalies.contract.fields import FieldKind, FieldType, InvoiceField
from invoice_anomalies.detection import explain, score
from invoice_anomalies.detection.checks import checks_of
from invoice_anomalies.detection.explain.field_explanation import FieldExplanation
from invoice_anomalies.detection.explain.kinds import KINDS, OF_CHECKS, OF_FIELDS, kind_of
from tests.detection.checks.invoice_frames import contract as plain_contract
from tests.trained_detector import Trained


def found(**changes: Any) -> FieldExplanation:
    return FieldExplanation(**{"observed": "1", "expected": "2", "expectation": "expected 2"} | changes)


def anomaly_of(trained: Trained, invoice: pd.DataFrame) -> tuple[pd.Series, pd.DataFrame]:
    anomalies, fields = explain(trained.detector, score(trained.detector, invoice, trained.history), [0])
    return anomalies.iloc[0], fields


@pytest.fixture
def ordinary(trained: Trained) -> pd.DataFrame:
    """An invoice of a vendor with a long history, nothing planted."""
    calm = trained.result.scores[trained.result.scores["history_rows"] > 60].index
    return trained.invoices.loc[[key for key in calm if key not in trained.labels.index][:1]].copy()


def test_every_check_every_type_and_every_kind_of_a_contract_has_its_word() -> None:
    assert {check.name for check in checks_of(plain_contract())} == set(OF_CHECKS)
    assert set(OF_CHECKS.values()) < set(KINDS)
    assert set(OF_FIELDS) == set(get_args(FieldKind))
    assert {InvoiceField(type=kind).called for kind in get_args(FieldType)} <= set(KINDS)


def test_what_a_check_found_comes_before_a_slip_and_a_slip_before_the_field(contract: Contract) -> None:
    assert kind_of(contract, "invoice_number", found(check="duplicate", slip=True)) == "copy"
    assert kind_of(contract, "gross_amount", found(slip=True)) == "slip"
    assert kind_of(contract, "gross_amount", found()) == "amount"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("invoice_number", "number"),
        ("due_date", "date"),
        ("gl_account", "account"),
        ("tax_code", "tax"),
        ("tax_rate", "tax"),
        ("sum_gap", "arithmetic"),
        ("currency", "currency"),
        ("vendor_id", "vendor"),
        ("payment_terms", "terms"),
        ("description", "text"),
    ],
)
def test_a_field_has_the_kind_of_its_contract_its_part_or_its_type(contract: Contract, name: str, kind: str) -> None:
    assert kind_of(contract, name, found()) == kind


def test_a_shifted_decimal_point_and_a_wrong_year_are_slips(trained: Trained, ordinary: pd.DataFrame) -> None:
    amounts = ["net_amount", "tax_amount", "gross_amount"]
    past = trained.history[trained.history["vendor_id"] == ordinary["vendor_id"].iloc[0]]
    shifted, late = ordinary.copy(), ordinary.copy()
    shifted[amounts] = past[amounts].median().to_numpy() * 1000
    late[["invoice_date", "due_date"]] -= pd.Timedelta(days=365)

    for invoice in (shifted, late):
        anomaly, fields = anomaly_of(trained, invoice)
        assert anomaly["kind"] == "slip", fields["sentence"].iloc[0]


def test_the_kind_of_an_anomaly_is_that_of_its_headline(trained: Trained) -> None:
    anomalies, fields = explain(trained.detector, trained.result, trained.result.flagged(30))
    headlines = fields[fields["position"] == 1].set_index("invoice_key")

    assert list(anomalies["kind"]) == list(headlines["kind"].reindex(anomalies.index))
    assert set(fields["kind"]) <= set(KINDS)
    for kind, said in (("slip", "looks? (?:wrong|swapped|transposed|like a shifted)|opposite"), ("copy", "a copy of")):
        assert fields.loc[fields["kind"] == kind, "sentence"].str.contains(said).all()


def test_an_anomaly_bears_the_name_of_its_vendor(trained: Trained, ordinary: pd.DataFrame) -> None:
    assert anomaly_of(trained, ordinary)[0]["entity_name"] == ordinary["vendor_name"].iloc[0]


def test_sentences_use_the_labels_of_the_contract(trained: Trained, ordinary: pd.DataFrame) -> None:
    document = trained.detector.contract.model_dump()
    labels = {
        "invoice_date": "Rechnungsdatum",
        "due_date": "Fälligkeit",
        "tax_amount": "USt",
        "net_amount": "{0} %s <b>",
    }
    for name, label in labels.items():
        document["fields"][name]["label"] = label
    document["derived"]["tax_rate"]["label"] = "Steuersatz"
    detector = replace(trained.detector, contract=Contract.model_validate(document))
    late, untaxed = ordinary.copy(), ordinary.copy()
    late["due_date"] -= pd.Timedelta(days=500)
    untaxed["tax_amount"] = untaxed["net_amount"] / 3

    def said(invoice: pd.DataFrame, name: str) -> str:
        _, fields = explain(detector, score(detector, invoice, trained.history), np.array([0]))
        return str(fields.set_index("field")["sentence"][name])

    assert said(late, "due_date").startswith("Fälligkeit ")
    assert "the Rechnungsdatum" in said(late, "due_date")
    assert said(untaxed, "tax_rate").startswith("Steuersatz ")
    assert "(USt " in said(untaxed, "tax_rate")
    assert " / {0} %s <b> " in said(untaxed, "tax_rate")
