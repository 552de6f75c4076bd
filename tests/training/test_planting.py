"""Planted anomalies are single wrong fields in otherwise real invoices, for any contract."""

from datetime import date

import pandas as pd
import pytest

from invoice_anomalies.contract import Contract
from invoice_anomalies.synthetic import Company
from invoice_anomalies.training.evaluate import hold_out
from invoice_anomalies.training.inject import plant


@pytest.fixture(scope="module")
def invoices() -> pd.DataFrame:
    made = Company(vendors=30).invoices(date(2026, 1, 1), date(2026, 3, 31), 40)
    return made.assign(extract_date=made["posting_date"])


def test_each_planted_invoice_differs_in_its_wrong_field_and_nowhere_else(
    contract: Contract, invoices: pd.DataFrame
) -> None:
    planted, wrong = plant(contract, invoices, seed=1)
    differs = (planted != invoices) & ~(planted.isna() & invoices.isna())
    assert (differs.sum(axis=1) == (wrong != "")).all()
    for row in wrong.index[wrong != ""]:
        assert differs.loc[row, wrong[row]]


def test_every_detected_field_has_its_turn(contract: Contract, invoices: pd.DataFrame) -> None:
    _, wrong = plant(contract, invoices, seed=1)
    assert set(wrong[wrong != ""]) == set(contract.detected)


def test_a_derived_field_is_made_wrong_by_its_parts_also_where_they_are_not_judged(
    contract: Contract, invoices: pd.DataFrame
) -> None:
    document = contract.model_dump() | {"invoice_number": None}
    for name, field in document["fields"].items():
        field["detect"] = name == "cost_center"
    planted, wrong = plant(Contract.model_validate(document), invoices, seed=1)
    assert set(wrong[wrong != ""]) == {"cost_center", "tax_amount", "net_amount", "gross_amount"}
    assert list(planted.columns) == list(invoices.columns)


def test_the_entity_stays_as_it_is_where_it_is_judged_itself(contract: Contract, invoices: pd.DataFrame) -> None:
    document = contract.model_dump()
    document["fields"]["vendor_id"]["detect"] = True
    planted, wrong = plant(Contract.model_validate(document), invoices, seed=1)
    assert planted["vendor_id"].equals(invoices["vendor_id"])
    assert set(wrong[wrong != ""]) == set(contract.detected)


def test_nothing_is_planted_where_only_the_entity_is_judged(contract: Contract, invoices: pd.DataFrame) -> None:
    document = contract.model_dump() | {"derived": {}, "invoice_number": None}
    for name, field in document["fields"].items():
        field["detect"] = name == "vendor_id"
    planted, wrong = plant(Contract.model_validate(document), invoices, seed=1)
    pd.testing.assert_frame_equal(planted, invoices)
    assert (wrong == "").all()


@pytest.mark.parametrize("rows", [0, 1, 2, 7])
def test_of_few_invoices_half_stay_ordinary(contract: Contract, invoices: pd.DataFrame, rows: int) -> None:
    planted, wrong = plant(contract, invoices.head(rows), seed=1)
    assert len(planted) == rows
    assert (wrong != "").sum() <= rows / 2


def test_planting_keeps_the_types_and_the_original(contract: Contract, invoices: pd.DataFrame) -> None:
    before = invoices.copy()
    planted, _ = plant(contract, invoices, seed=1)
    assert planted.dtypes.equals(invoices.dtypes)
    pd.testing.assert_frame_equal(invoices, before)


def test_the_same_seed_plants_the_same(contract: Contract, invoices: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(plant(contract, invoices, seed=4)[0], plant(contract, invoices, seed=4)[0])


def test_the_newest_nights_are_held_out(invoices: pd.DataFrame) -> None:
    older, newest = hold_out(invoices)
    assert older["extract_date"].max() < newest["extract_date"].min()
    assert 0.04 < len(newest) / len(invoices) <= 0.15
    assert len(older) + len(newest) == len(invoices)


def test_a_history_of_one_night_is_held_out_at_random(invoices: pd.DataFrame) -> None:
    one_night = invoices.assign(extract_date=pd.Timestamp(2026, 4, 1))
    older, held = hold_out(one_night)
    assert len(held) == int(0.15 * len(invoices))
    assert held["vendor_id"].nunique() > 15
    assert set(older.index) | set(held.index) == set(invoices.index)
