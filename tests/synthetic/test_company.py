"""The clean invoices are credible: they keep the rules that real ones keep."""

import re
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from invoice_anomalies.contract import load_contract
from invoice_anomalies.synthetic import Company
from invoice_anomalies.synthetic.trades import TAX_PERCENT

CONTRACT = load_contract(Path(__file__).parents[2] / "include" / "invoices.yaml")


def cents(amounts: pd.Series) -> pd.Series:
    return (amounts * 100).round().astype("int64")


def working_days(days: pd.DatetimeIndex) -> pd.DatetimeIndex:
    return days[days.day_of_week < 5]


def test_the_columns_are_the_fields_of_the_default_contract_and_have_their_types(year):
    kinds = {"amount": "f", "number": "f", "date": "M"}

    assert list(year.columns) == list(CONTRACT.fields)
    for name, field in CONTRACT.fields.items():
        assert year[name].dtype.kind == kinds.get(field.type, year["vendor_name"].dtype.kind), name
        assert not (field.required and year[name].isna().any()), name


def test_categories_keep_the_rules_of_the_default_contract(year):
    assert year["vendor_id"].str.fullmatch(CONTRACT.fields["vendor_id"].pattern).all()
    assert year["currency"].str.fullmatch(CONTRACT.fields["currency"].pattern).all()
    allowed = CONTRACT.fields["tax_code"].allowed
    assert allowed is not None
    assert set(year["tax_code"]) == set(allowed)


def test_the_same_seed_gives_the_same_invoices_and_another_seed_others():
    first, again, other = (
        Company(seed, vendors=30).invoices(date(2026, 3, 1), date(2026, 3, 20)) for seed in (7, 7, 8)
    )

    pd.testing.assert_frame_equal(first, again)
    assert not set(first["vendor_name"] + first["invoice_number"]) & set(other["vendor_name"] + other["invoice_number"])


def test_a_day_has_the_same_invoices_in_every_range(company, year):
    alone = company.invoices(date(2026, 10, 1), date(2026, 10, 1))

    inside = year[year["posting_date"] == "2026-10-01"].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, inside)


@pytest.mark.parametrize("seed", range(4))
def test_keys_are_unique_over_years(seed):
    invoices = Company(seed, vendors=60).invoices(date(2024, 6, 1), date(2026, 6, 30), rows_per_day=400)

    assert not invoices.duplicated(CONTRACT.key).any()


def test_invoices_come_in_order_of_posting_and_fill_the_range(year):
    assert year["posting_date"].is_monotonic_increasing
    posted = set(year["posting_date"])
    assert posted >= set(working_days(pd.date_range("2025-11-01", "2026-10-31")))


def test_gross_is_net_and_tax_to_the_cent_and_the_tax_fits_its_code(year):
    net, tax = cents(year["net_amount"]), cents(year["tax_amount"])

    assert (cents(year["gross_amount"]) == net + tax).all()
    assert ((tax - net * year["tax_code"].map(TAX_PERCENT) / 100).abs() <= 0.5).all()
    assert (year[["net_amount", "tax_amount", "gross_amount"]].round(2) == year.filter(like="_amount")).all(axis=None)
    assert (net > 0).all()


def test_rows_per_day_is_the_mean_of_working_days(year):
    assert len(year) / len(working_days(pd.date_range("2025-11-01", "2026-10-31"))) == pytest.approx(120, rel=0.05)


def test_weekends_are_rare(year):
    assert 0 < (year["posting_date"].dt.day_of_week >= 5).sum() < 0.02 * len(year)


@pytest.mark.parametrize("rhythm", ["daily", "month_end"])
def test_month_ends_are_busier(company, year, rhythm):
    some = {vendor.vendor_id for vendor in company.vendors if vendor.rhythm == rhythm}
    per_day = year[year["vendor_id"].isin(some)].groupby("posting_date").size()
    days = pd.DatetimeIndex(per_day.index)
    # The last working day of each month against the middle of the months.
    last = per_day[per_day.index.isin(pd.date_range("2025-11-01", "2026-10-31", freq="BME"))]
    middle = per_day[(days.day >= 10) & (days.day <= 20) & (days.day_of_week < 5)]

    assert last.mean() > 1.4 * middle.mean()


def test_due_dates_follow_the_terms(year):
    days = year["payment_terms"].str.removeprefix("NET").astype(int)

    assert ((year["due_date"] - year["invoice_date"]).dt.days == days).all()


def test_invoices_are_booked_a_vendors_usual_lag_after_their_date(year):
    lag = (year["posting_date"] - year["invoice_date"]).dt.days
    by_vendor = lag.groupby(year["vendor_id"]).agg(["median", lambda lags: lags.quantile(0.9) - lags.quantile(0.1)])

    assert lag.between(0, 8).all()
    assert by_vendor["median"].nunique() >= 5
    assert by_vendor.iloc[:, 1].median() <= 3


def test_each_vendor_numbers_in_one_scheme_and_rises_with_the_date(year):
    shapes = year["invoice_number"].str.replace(r"\d", "9", regex=True).groupby(year["vendor_id"]).nunique()
    digits = year.assign(
        count=year["invoice_number"].str.replace(r"/\d\d$", "", regex=True).str.extract(r"(\d+)$")[0].astype("int64"),
        year=year["invoice_date"].dt.year,
    )
    by_date = digits.groupby(["vendor_id", "year", "invoice_date"])["count"].agg(["min", "max"])
    highest_before = by_date.groupby(level=["vendor_id", "year"])["max"].shift()

    assert (shapes == 1).all()
    assert year["invoice_number"].map(lambda number: re.sub(r"[A-Z]+|\d+", "x", number)).nunique() >= 3
    assert not (by_date["min"] <= highest_before).any()


def test_vendors_have_their_own_amounts_and_categories(year):
    log_net = np.log(year["net_amount"])
    within = log_net.groupby(year["vendor_id"]).std().median()
    used = year.groupby("vendor_id")[["currency", "tax_code", "payment_terms", "cost_center", "gl_account"]].nunique()

    assert within < 0.5 * log_net.std()
    assert used.max().max() <= 4
    assert (used.median() == 1).all()
    assert year["currency"].nunique() >= 3


def test_contracts_charge_the_same_amount_on_the_first_of_each_month(year):
    rents = year[year["gl_account"] == "4210"]
    months = rents.groupby(["vendor_id", rents["invoice_date"].dt.to_period("M")]).size()
    amounts = rents.groupby(["vendor_id", rents["invoice_date"].dt.year])["net_amount"].nunique()

    assert len(rents) > 50
    assert (rents["invoice_date"].dt.day == 1).all()
    assert (amounts <= 3).all()
    assert months.groupby("vendor_id").nunique().eq(1).all()
    assert months.groupby("vendor_id").size().ge(12).all()


def test_heating_costs_more_in_winter(company):
    invoices = company.invoices(date(2023, 1, 1), date(2026, 12, 31))
    energy = invoices[invoices["gl_account"].isin(["4240", "4241"])]
    relative = energy["net_amount"] / energy.groupby("vendor_id")["net_amount"].transform("median")
    month = energy["invoice_date"].dt.month

    assert relative[month.isin([12, 1, 2])].median() > 1.3 * relative[month.isin([6, 7, 8])].median()


def test_some_vendors_work_on_purchase_orders_and_some_do_not(year):
    ordered = year["purchase_order"].notna().groupby(year["vendor_id"]).mean()

    assert year["purchase_order"].dropna().str.fullmatch(r"45\d{8}").all()
    assert (ordered == 0).sum() > 20
    assert (ordered > 0.7).sum() > 20


@pytest.mark.parametrize("vendors", [1, 17, 2000])
def test_a_company_may_have_any_number_of_vendors(vendors):
    made = Company(vendors=vendors)
    invoices = made.invoices(date(2026, 5, 1), date(2026, 5, 31))

    assert len({vendor.vendor_id for vendor in made.vendors}) == vendors
    assert len({vendor.name for vendor in made.vendors}) == vendors
    assert set(invoices["vendor_id"]) <= {vendor.vendor_id for vendor in made.vendors}


@pytest.mark.parametrize("start, end", [(date(2026, 2, 2), date(2026, 2, 1)), (date(2014, 12, 1), date(2026, 1, 1))])
def test_an_impossible_range_is_refused_in_words(company, start, end):
    with pytest.raises(ValueError, match="must not end before it starts, nor start before 2015-02-01"):
        company.invoices(start, end)


def test_a_quiet_sunday_gives_an_empty_frame_with_its_columns():
    quiet = Company(vendors=1).invoices(date(2026, 5, 3), date(2026, 5, 3), rows_per_day=0.1)

    assert quiet.empty
    assert list(quiet.columns) == list(CONTRACT.fields)
    assert quiet["invoice_date"].dtype.kind == "M"
