"""The planted anomalies of the benchmark are what its protocol says."""

import re
from datetime import date

import numpy as np
import pandas as pd
import pytest

from benchmarks.data_sets import DEFAULT_DATA, FILES, DataSet, load, sample_of
from benchmarks.planting import DAYS_MOVED, KINDS, LEAST_HISTORY, OFF_MEDIAN, RESENT_DAYS, STEADY, shape
from invoice_anomalies.contract import Contract


def needs(name: str) -> pytest.MarkDecorator:
    path = DEFAULT_DATA / FILES[name]
    return pytest.mark.skipif(not path.is_file(), reason=f"the real data set is not here: {path.name}")


@pytest.fixture(scope="module")
def payments() -> DataSet:
    return load("payments", DEFAULT_DATA, seed=1)


@pytest.fixture(scope="module")
def retail() -> DataSet:
    return load("retail", DEFAULT_DATA, seed=1)


@pytest.fixture(scope="module")
def sample(contract: Contract) -> DataSet:
    return small_company(contract, seed=1)


def small_company(contract: Contract, seed: int) -> DataSet:
    return sample_of(
        contract, seed, (date(2026, 1, 1), date(2026, 3, 31), date(2026, 5, 31)), vendors=30, rows_per_day=40
    )


def planted(data: DataSet, kind: str) -> pd.DataFrame:
    """The planted invoices of a kind, and what they were before as `was_<field>`; nothing for the added ones."""
    now = data.invoices[data.truth["kind"] == kind]
    return now.join(data.clean.add_prefix("was_"))


@needs("payments")
def test_payments_have_one_percent_of_the_test_window_planted_in_five_even_kinds(payments: DataSet) -> None:
    counts = payments.truth["kind"].value_counts().drop("")

    assert set(counts.index) == set(KINDS)
    assert counts.nunique() == 1
    assert counts.sum() / len(payments.invoices) == pytest.approx(0.01, rel=0.02)


@needs("payments")
def test_payments_are_judged_in_the_last_quarter_and_learned_from_before_it(payments: DataSet) -> None:
    assert payments.history["extract_date"].max() < pd.Timestamp(2010, 10, 1)
    assert payments.invoices["extract_date"].min() >= pd.Timestamp(2010, 10, 1)
    assert (payments.history["amount"] > 0).all()
    assert payments.invoices["extract_date"].is_monotonic_increasing
    assert payments.history.index.append(payments.invoices.index).is_unique


@needs("payments")
def test_payments_are_planted_only_in_vendors_with_a_long_and_steady_past(payments: DataSet) -> None:
    vendors = payments.invoices.loc[payments.planted, "vendor_id"].unique()
    logs = np.log(payments.history["amount"]).groupby(payments.history["vendor_id"])

    for vendor in vendors:
        own = logs.get_group(vendor)
        assert len(own) >= LEAST_HISTORY
        assert 1.4826 * (own - own.median()).abs().median() < STEADY


@needs("payments")
def test_only_the_blamed_field_of_a_payment_differs_from_what_it_was(payments: DataSet) -> None:
    fields = list(payments.contract.fields)
    was = payments.clean
    now = payments.invoices.loc[was.index]

    differs = now[fields] != was[fields]

    blamed = payments.truth.loc[was.index, "fields"]
    for name in fields:
        assert (differs[name] == (blamed == name)).all()
    assert (now["extract_date"] == was["extract_date"]).all()


@needs("payments")
def test_a_shifted_amount_is_a_hundred_times_off(payments: DataSet) -> None:
    rows = planted(payments, "amount_shifted")

    ratio = rows["amount"] / rows["was_amount"]

    assert (np.isclose(ratio, 100, rtol=1e-6) | np.isclose(ratio, 0.01, rtol=0.4)).all()
    assert (ratio > 1).any() and (ratio < 1).any()
    assert (rows["amount"] >= 0.01).all()


@needs("payments")
def test_an_unusual_amount_is_far_off_the_vendors_median_and_stands_on_another_vendors_invoice(
    payments: DataSet,
) -> None:
    rows = planted(payments, "amount_unusual")
    medians = payments.history.groupby("vendor_id")["amount"].median()

    off = np.abs(np.log(rows["amount"] / rows["vendor_id"].map(medians)))

    assert (off >= np.log(OFF_MEDIAN) - 1e-9).all()
    unplanted = payments.invoices.drop(payments.clean.index)
    book = pd.concat([payments.history, unplanted, payments.clean])
    for vendor, amount in zip(rows["vendor_id"], rows["amount"], strict=True):
        assert (book.loc[book["amount"] == amount, "vendor_id"] != vendor).any()


@needs("payments")
def test_a_moved_date_is_more_than_a_year_off_and_mostly_back(payments: DataSet) -> None:
    rows = planted(payments, "date_moved")

    days = (rows["invoice_date"] - rows["was_invoice_date"]).dt.days

    assert days.abs().between(*DAYS_MOVED).all()
    assert 0.5 < (days < 0).mean() < 1


@needs("payments")
def test_a_resent_payment_comes_days_after_its_twin_with_one_character_changed(payments: DataSet) -> None:
    rows = planted(payments, "duplicate_rekeyed")
    book = pd.concat([payments.history, payments.invoices[~payments.planted]])
    book = book[book["vendor_id"].isin(rows["vendor_id"])]

    for _, row in rows.iterrows():
        same = book[(book["vendor_id"] == row["vendor_id"]) & (book["amount"] == row["amount"])]
        twins = [
            other
            for _, other in same.iterrows()
            if len(other["invoice_number"]) == len(row["invoice_number"])
            and sum(a != b for a, b in zip(other["invoice_number"], row["invoice_number"], strict=True)) == 1
            and RESENT_DAYS[0] <= (row["extract_date"] - other["extract_date"]).days <= RESENT_DAYS[1]
        ]
        assert twins, row.to_dict()
    assert rows["was_amount"].isna().all()
    assert (rows["invoice_date"] == rows["extract_date"]).all()


@needs("payments")
def test_a_foreign_number_has_a_shape_that_the_vendor_never_used(payments: DataSet) -> None:
    rows = planted(payments, "identifier_foreign")
    book = pd.concat([payments.history, payments.invoices[~payments.planted]])

    for vendor, number in zip(rows["vendor_id"], rows["invoice_number"], strict=True):
        assert shape(number) not in {shape(own) for own in book.loc[book["vendor_id"] == vendor, "invoice_number"]}
        assert (book.loc[book["invoice_number"] == number, "vendor_id"] != vendor).any()


@needs("retail")
def test_retail_has_two_percent_of_single_shifted_fields(retail: DataSet) -> None:
    names = list(retail.contract.fields)
    was, now = retail.clean, retail.invoices.loc[retail.clean.index]

    differs = now[names] != was[names]

    assert (differs.sum(axis=1) == 1).all()
    assert (differs.idxmax(axis=1) == retail.truth.loc[was.index, "fields"]).all()
    assert len(was) == retail.planted.sum() == round(0.02 * len(retail.invoices))
    assert retail.truth["kind"].value_counts().drop("").nunique() == 1
    assert "product_id" in retail.contract.detected


@needs("retail")
def test_shifted_retail_dates_and_products_are_outside_of_the_history_and_numbers_mostly(retail: DataSet) -> None:
    past = retail.history
    dates = planted(retail, "invoice_date_shifted")["invoice_date"]
    amounts = planted(retail, "amount_shifted")
    pieces = planted(retail, "qty_shifted")

    assert not dates.between(past["invoice_date"].min(), past["invoice_date"].max()).any()
    assert not planted(retail, "product_id_shifted")["product_id"].isin(past["product_id"]).any()
    assert (~amounts["amount"].between(past["amount"].min(), past["amount"].max())).mean() > 0.6
    assert (pieces["qty"] % 1 == 0).all() and (pieces["qty"] >= 1).all()
    for rows, name in ((amounts, "amount"), (pieces, "qty")):
        assert (np.abs(np.log(rows[name] / rows[f"was_{name}"])) > np.log(3)).mean() > 0.8


@pytest.mark.parametrize("name", [pytest.param(name, marks=needs(name)) for name in FILES])
def test_real_data_is_planted_alike_with_the_same_seed_and_otherwise_with_another(name: str) -> None:
    first, again, other = (load(name, DEFAULT_DATA, seed) for seed in (1, 1, 2))

    pd.testing.assert_frame_equal(first.invoices, again.invoices)
    pd.testing.assert_frame_equal(first.truth, again.truth)
    pd.testing.assert_frame_equal(first.history, other.history)
    assert set(first.truth.index[first.planted]) != set(other.truth.index[other.planted])


def test_the_company_has_every_kind_planted_and_labels_that_find_their_invoices(sample: DataSet) -> None:
    counts = sample.truth["kind"].value_counts().drop("")

    assert len(counts) == 9
    assert counts.sum() == sample.planted.sum() == pytest.approx(0.02 * len(sample.invoices), abs=2)
    assert sample.invoices.index.equals(sample.truth.index)
    assert sample.history["extract_date"].max() < sample.invoices["extract_date"].min()
    assert all(re.fullmatch(r"\w+(\|\w+)*", fields) for fields in sample.truth.loc[sample.planted, "fields"])


def test_the_company_has_the_same_history_for_every_seed_and_other_anomalies(
    contract: Contract, sample: DataSet
) -> None:
    again, other = small_company(contract, seed=1), small_company(contract, seed=2)

    pd.testing.assert_frame_equal(sample.invoices, again.invoices)
    pd.testing.assert_frame_equal(sample.history, other.history)
    assert set(sample.truth.index[sample.planted]) != set(other.truth.index[other.planted])


def test_the_clean_invoices_of_the_company_differ_from_the_planted_only_in_what_may_be_blamed(sample: DataSet) -> None:
    fields = list(sample.contract.fields)
    was = sample.clean
    now = sample.invoices.loc[was.index]
    differs = (now[fields] != was[fields]) & ~(now[fields].isna() & was[fields].isna())

    for key, line in differs.iterrows():
        blamed = sample.truth.at[key, "fields"]
        assert isinstance(blamed, str)
        assert set(line.index[line]) <= set(blamed.split("|"))
    assert differs.any(axis=1).mean() > 0.9
