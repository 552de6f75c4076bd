"""The headline of an anomaly is what explains the rest: a slip before the tax that follows from it, a copy first."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from invoice_anomalies.contract import Contract, load_contract
from invoice_anomalies.detection import explain, fit, score
from invoice_anomalies.detection.explain.field_explanation import FieldExplanation
from invoice_anomalies.detection.explain.order import in_order
from invoice_anomalies.paths import PROJECT
from tests.detection.orders import FIELDS, contract, orders, typed
from tests.trained_detector import Trained

AMOUNTS = ["net_amount", "tax_amount", "gross_amount"]


def order(contract: Contract, **odd: tuple[float, dict[str, Any]]) -> list[str]:
    """The order of odd fields, each given by its error and what its finding says."""
    findings = {name: FieldExplanation("1", "2", "expected 2", **changes) for name, (_, changes) in odd.items()}
    return in_order(contract, {name: error for name, (error, _) in odd.items()}, findings)


SLIP: dict[str, Any] = {"slip": True}
FITS: dict[str, Any] = {"fits": True}
COPY: dict[str, Any] = {"check": "duplicate"}
NOTHING: dict[str, Any] = {}


@pytest.fixture(scope="module")
def payables() -> Contract:
    return load_contract(PROJECT / "include" / "invoices.yaml")


def test_without_a_cause_the_oddest_goes_first(payables: Contract) -> None:
    found = order(payables, currency=(3.0, NOTHING), tax_amount=(4.0, NOTHING), gl_account=(2.0, NOTHING))
    assert found == ["tax_amount", "currency", "gl_account"]


def test_an_amount_that_is_off_by_ten_explains_its_tax_and_its_sum(payables: Contract) -> None:
    found = order(
        payables,
        tax_amount=(5.0, NOTHING),
        sum_gap=(4.5, NOTHING),
        gross_amount=(4.0, SLIP),
        net_amount=(3.0, SLIP),
        tax_rate=(2.5, NOTHING),
    )
    assert found == ["gross_amount", "net_amount", "tax_amount", "sum_gap", "tax_rate"]


def test_a_slip_does_not_explain_what_it_is_not_tied_to(payables: Contract) -> None:
    assert order(payables, gl_account=(5.0, NOTHING), gross_amount=(4.0, SLIP)) == ["gl_account", "gross_amount"]


def test_a_number_that_fits_the_others_comes_after_them(payables: Contract) -> None:
    found = order(payables, tax_amount=(5.0, FITS), due_date=(4.0, NOTHING), gross_amount=(3.0, NOTHING))
    assert found == ["gross_amount", "tax_amount", "due_date"]


def test_a_copy_explains_its_fields_where_it_is_plain(payables: Contract) -> None:
    odd = {"gross_amount": (6.0, SLIP), "tax_amount": (6.5, NOTHING)}
    assert order(payables, **odd, invoice_number=(3.5, COPY))[0] == "invoice_number"
    assert order(payables, **odd, invoice_number=(2.2, COPY))[-1] == "invoice_number"


@pytest.mark.parametrize(("error", "changes"), [(3.1, NOTHING), (2.1, SLIP)])
def test_a_date_that_is_odd_itself_goes_before_the_dates_counted_from_it(
    payables: Contract, error: float, changes: dict[str, Any]
) -> None:
    found = order(payables, due_date=(5.0, NOTHING), invoice_date=(error, changes), gl_account=(4.0, NOTHING))
    assert found == ["invoice_date", "due_date", "gl_account"]


def test_dates_that_are_counted_from_each_other_in_a_row_are_told_from_the_first_on() -> None:
    fields = {name: {"type": "date"} for name in ("booked", "written", "due")}
    fields["written"] |= {"relative_to": "booked"}
    fields["due"] |= {"relative_to": "written"}
    dates = contract({**fields, "amount": {"type": "amount"}})
    found = order(dates, due=(5.0, NOTHING), written=(4.0, NOTHING), booked=(3.0, NOTHING))
    assert found == ["booked", "written", "due"]


@pytest.mark.parametrize("name", ["corporate_payments", "retail_invoices"])
def test_the_contract_alone_says_what_is_tied_to_what(name: str) -> None:
    """In other contracts other columns are tied, or none; whatever is odd is told once."""
    other = load_contract(PROJECT / "docs" / "contracts" / f"{name}.yaml")
    odd = {field: (2.0 + place, SLIP if not place else NOTHING) for place, field in enumerate(other.scored_fields)}
    found = order(other, **odd)
    assert sorted(found) == sorted(odd)
    slip, *_ = other.scored_fields
    tied = {field for what in other.derived.items() if slip in (what[0], *what[1].parts) for field in what[1].parts}
    assert all(found.index(slip) <= found.index(field) for field in tied)


@pytest.mark.parametrize("factor", [10, 100])
def test_a_shifted_point_is_the_headline_and_not_the_tax_that_follows_from_it(trained: Trained, factor: int) -> None:
    history = trained.history
    free = history.groupby("vendor_id").filter(lambda own: (own["tax_amount"] == 0).all() and len(own) > 40)
    assert free["vendor_id"].nunique() >= 3
    for vendor in free["vendor_id"].unique()[:3]:
        own = trained.invoices[trained.invoices["vendor_id"] == vendor]
        invoice = own[(own["tax_amount"] == 0) & ~own.index.isin(trained.labels.index)].iloc[:1]
        if invoice.empty:
            continue
        usual = history.loc[history["vendor_id"] == vendor, "net_amount"].median()
        amount = round(factor * usual, 2)
        anomalies, fields = explain(
            trained.detector,
            score(trained.detector, invoice.assign(net_amount=amount, gross_amount=amount), history),
            [0],
        )
        assert anomalies["top_field"].iloc[0] in ("net_amount", "gross_amount"), vendor
        assert anomalies["explanation"].iloc[0].startswith(fields["sentence"].iloc[0])
        assert list(fields["position"]) == list(range(1, len(fields) + 1))
        assert factor == 10 or "shifted decimal point" in fields["sentence"].iloc[0]
        tax = fields[fields["field"] == "tax_amount"]
        assert set(tax["expected"]) <= {"0.00"}, tax["sentence"].tolist()


def test_no_amount_is_expected_to_be_what_its_own_row_contradicts(trained: Trained) -> None:
    """Where net and tax make the gross amount to the cent, no other gross amount follows from them."""
    rows = np.arange(len(trained.result.scores))
    _, fields = explain(trained.detector, trained.result, rows)
    told = fields[fields["field"].isin(AMOUNTS) & (fields["expected"].str.startswith("about"))]
    invoices = trained.invoices.loc[told["invoice_key"]]
    exact = (invoices["gross_amount"] - invoices["net_amount"] - invoices["tax_amount"]).abs().to_numpy() < 0.005
    assert exact.any()
    slips = told["sentence"].str.contains("looks like|look transposed|sign is the opposite").to_numpy()
    assert not told["sentence"].str.contains("given the other fields")[exact & ~slips].any()


def test_a_unit_price_says_what_an_amount_must_be_in_a_contract_of_other_columns() -> None:
    fields = {name: FIELDS[name] for name in ("vendor", "quantity", "amount")}
    of_orders = contract(
        fields, derived={"price": {"ratio": ["amount", "quantity"]}}, detection={"epochs": 3, "hidden_units": [16]}
    )
    rows = orders(1500, vendors=6)
    rows["amount"] = (rows["quantity"] * (1.0 + rows["vendor"].str[1:].astype(int))).round(2)
    frame = typed(of_orders, rows)
    night = frame["extract_date"].max()
    history, invoice = frame[frame["extract_date"] < night], frame[frame["extract_date"] == night].iloc[:1]
    detector = fit(of_orders, history)
    big = invoice.assign(quantity=50_000.0, amount=50_000.0 * invoice["amount"] / invoice["quantity"])
    wrong = invoice.assign(amount=invoice["amount"] * 1.7)

    def told(one: pd.DataFrame) -> pd.DataFrame:
        return explain(detector, score(detector, one, history), [0])[1].set_index("field")

    assert not told(big)["sentence"].str.contains("given the other fields").any()
    said = told(wrong)
    assert {"price", "amount"} & set(said.index)
    if "amount" in said.index and "expected about" in said["sentence"]["amount"]:
        assert "given the other fields" not in said["sentence"]["amount"]
