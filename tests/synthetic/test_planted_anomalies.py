"""Each planted anomaly is what its kind says, in the fields that its label names, and nowhere else."""

import pandas as pd
import pytest

from invoice_anomalies.synthetic import KINDS, plant
from invoice_anomalies.synthetic.anomalies import shape
from invoice_anomalies.synthetic.trades import TAX_PERCENT

KEY = ["vendor_id", "invoice_number"]
AMOUNTS = ["net_amount", "tax_amount", "gross_amount"]
CHANGED = {
    "amount_shifted": AMOUNTS,
    "amount_unusual": AMOUNTS,
    "tax_mismatch": ["tax_amount", "gross_amount"],
    "date_moved": ["invoice_date"],
    "date_swapped": ["invoice_date"],
    "due_date_wrong": ["due_date"],
    "category_wrong": ["cost_center", "gl_account", "currency", "tax_code"],
    "identifier_wrong": ["invoice_number"],
    "duplicate_rekeyed": ["invoice_number", "posting_date"],
}
"""The fields that may differ from the clean invoice; what follows from the wrong one included."""


def planted_pairs(year: pd.DataFrame, kind: str, share: float = 0.01) -> pd.DataFrame:
    """Plant one kind; return the anomalies with their labels and, with the suffix _clean, the invoices they were."""
    wrong, labels = plant(year, share, seed=3, kinds=[kind])
    assert len(labels) == round(share * len(year))
    if kind == "duplicate_rekeyed":
        return labels.merge(wrong, on=KEY, validate="one_to_one")
    pairs = wrong.join(year, rsuffix="_clean").merge(labels, on=KEY, validate="one_to_one")
    assert len(pairs) == len(labels)
    return pairs


def differing(pairs: pd.DataFrame, name: str) -> pd.Series:
    return (pairs[name] != pairs[f"{name}_clean"]) & ~(pairs[name].isna() & pairs[f"{name}_clean"].isna())


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "duplicate_rekeyed"])
def test_an_anomaly_differs_from_its_invoice_only_where_its_kind_says(year, kind):
    pairs = planted_pairs(year, kind)

    changed = {name: differing(pairs, name) for name in year.columns}
    assert {name for name, where in changed.items() if where.any()} == set(CHANGED[kind])
    assert pd.DataFrame(changed).any(axis=1).all()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "duplicate_rekeyed"])
def test_every_changed_invoice_has_a_label_that_blames_a_changed_field(year, kind):
    wrong, labels = plant(year, 0.01, seed=3, kinds=[kind])
    changed = (wrong.fillna("") != year.fillna("")).any(axis=1)

    assert set(wrong.loc[changed, "vendor_id"] + wrong.loc[changed, "invoice_number"]) == set(
        labels["vendor_id"] + labels["invoice_number"]
    )
    assert set(labels["kind"]) == {kind}
    assert all(set(fields.split("|")) & set(CHANGED[kind]) for fields in labels["fields"])
    assert all(set(fields.split("|")) <= set(year.columns) for fields in labels["fields"])


def test_a_shifted_amount_is_ten_or_a_hundred_times_off_in_all_three_amounts(year):
    pairs = planted_pairs(year, "amount_shifted")

    ratio = pairs["gross_amount"] / pairs["gross_amount_clean"]
    assert ((ratio.round(1) == 10) | (ratio.round(1) == 100) | ((ratio - 0.01).abs() < 0.0002)).all()
    assert (pairs["gross_amount"] - pairs["net_amount"] - pairs["tax_amount"]).abs().max() < 0.001
    assert (pairs["net_amount"] >= 1).all()


def test_an_unusual_amount_is_beyond_all_that_its_vendor_ever_charged_and_has_the_right_tax(year):
    pairs = planted_pairs(year, "amount_unusual")

    own = year.groupby("vendor_id")["net_amount"].agg(["min", "max"]).loc[pairs["vendor_id"]].reset_index()
    assert ((pairs["net_amount"] > 3.9 * own["max"]) | (pairs["net_amount"] < own["min"] / 3.9)).all()
    tax = pairs["net_amount"] * pairs["tax_code"].map(TAX_PERCENT) / 100
    assert (pairs["tax_amount"] - tax).abs().max() < 0.0051
    assert (pairs["gross_amount"] - pairs["net_amount"] - pairs["tax_amount"]).abs().max() < 0.001


def test_a_wrong_tax_fits_no_code_and_the_gross_follows_it_half_the_time(year):
    pairs = planted_pairs(year, "tax_mismatch")

    for percent in TAX_PERCENT.values():
        assert ((pairs["tax_amount"] - pairs["net_amount"] * percent / 100).abs() > 0.1).all()
    follows = (pairs["gross_amount"] - pairs["net_amount"] - pairs["tax_amount"]).abs() < 0.001
    assert follows.mean() == pytest.approx(0.5, abs=0.01)
    assert (pairs.loc[~follows, "gross_amount"] == pairs.loc[~follows, "gross_amount_clean"]).all()


def test_a_moved_date_is_a_year_or_more_off_and_stays_within_the_contract(year):
    pairs = planted_pairs(year, "date_moved")

    assert (pairs["invoice_date"] - pairs["invoice_date_clean"]).abs().min() >= pd.Timedelta(days=365)
    assert pairs["invoice_date"].min() >= pd.Timestamp("2015-01-01")


def test_a_swapped_date_has_day_and_month_exchanged(year):
    pairs = planted_pairs(year, "date_swapped")

    new, old = pairs["invoice_date"].dt, pairs["invoice_date_clean"].dt
    assert ((new.day == old.month) & (new.month == old.day) & (new.year == old.year)).all()


def test_a_wrong_due_date_comes_much_sooner_than_the_terms(year):
    pairs = planted_pairs(year, "due_date_wrong")

    assert (pairs["due_date_clean"] - pairs["due_date"]).min() > pd.Timedelta(days=10)
    assert (pairs["due_date"] >= pairs["invoice_date"]).all()


def test_a_wrong_category_was_never_used_by_the_vendor_and_is_the_one_field_that_is_blamed(year):
    pairs = planted_pairs(year, "category_wrong")

    assert set(pairs["fields"]) == {"cost_center", "gl_account", "currency", "tax_code"}
    for name, some in pairs.groupby("fields"):
        assert differing(some, str(name)).all()
        used = set(zip(year["vendor_id"], year[name], strict=True))
        assert not set(zip(some["vendor_id"], some[name], strict=True)) & used
        assert set(some[name]) <= set(year[name])


def test_a_wrong_identifier_has_the_shape_of_another_vendors_numbers(year):
    pairs = planted_pairs(year, "identifier_wrong")

    assert all(
        shape(new) != shape(old)
        for new, old in zip(pairs["invoice_number"], pairs["invoice_number_clean"], strict=True)
    )
    assert set(pairs["invoice_number"].map(shape)) <= set(year["invoice_number"].map(shape))


def test_a_rekeyed_duplicate_is_an_earlier_invoice_with_one_character_changed(year):
    pairs = planted_pairs(year, "duplicate_rekeyed")
    same = [name for name in year.columns if name not in (*CHANGED["duplicate_rekeyed"], "purchase_order")]

    twins = pairs.merge(year, on=same, suffixes=("", "_first"))
    characters = [
        sum(new != old for new, old in zip(again, first, strict=True))
        for again, first in zip(twins["invoice_number"], twins["invoice_number_first"], strict=True)
    ]
    twins = twins[[count == 1 for count in characters]]
    assert set(zip(pairs["vendor_id"], pairs["invoice_number"], strict=True)) == set(
        zip(twins["vendor_id"], twins["invoice_number"], strict=True)
    )
    later = (twins["posting_date"] - twins["posting_date_first"]).dt.days
    # On the first two days of a book there is nothing older to book again.
    assert later[twins["posting_date"] > year["posting_date"].min() + pd.Timedelta(days=2)].between(2, 30).all()


def test_duplicates_are_added_beside_the_invoices_and_the_rest_stays(year):
    wrong, labels = plant(year, 0.01, seed=3, kinds=["duplicate_rekeyed"])

    assert len(wrong) == len(year) + len(labels)
    assert wrong["posting_date"].is_monotonic_increasing
    rest = wrong.merge(labels[KEY], on=KEY, how="left", indicator=True).query("_merge == 'left_only'")
    assert set(rest["vendor_id"] + rest["invoice_number"]) == set(year["vendor_id"] + year["invoice_number"])


def test_all_kinds_are_planted_evenly_and_keys_stay_unique(year):
    wrong, labels = plant(year, 0.05, seed=11)

    counts = labels["kind"].value_counts()
    assert counts.sum() == round(0.05 * len(year))
    assert counts.max() - counts.min() <= 1
    assert set(labels["kind"]) == set(KINDS)
    assert not wrong.duplicated(KEY).any()
    assert not labels.duplicated(KEY).any()
    assert labels.merge(wrong, on=KEY).shape[0] == len(labels)
    assert wrong.dtypes.to_dict() == year.dtypes.to_dict()


def test_planting_is_repeatable_and_leaves_the_clean_invoices_alone(year):
    before = year.copy()
    first, again, other = (plant(year, 0.01, seed) for seed in (5, 5, 6))

    pd.testing.assert_frame_equal(first[0], again[0])
    pd.testing.assert_frame_equal(first[1], again[1])
    assert not first[1].equals(other[1])
    pd.testing.assert_frame_equal(year, before)


def test_the_share_of_a_kind_can_be_set(year):
    _, labels = plant(year, 0.01, seed=5, kinds={"amount_shifted": 4, "duplicate_rekeyed": 1, "date_moved": 0})

    counts = labels["kind"].value_counts()
    assert counts["amount_shifted"] == pytest.approx(4 * counts["duplicate_rekeyed"], abs=4)
    assert "date_moved" not in counts


def test_labels_never_stand_in_the_extract(year):
    wrong, labels = plant(year, 0.01, seed=5)

    assert list(wrong.columns) == list(year.columns)
    assert list(labels.columns) == [*KEY, "kind", "fields"]


@pytest.mark.parametrize(
    "share, kinds, words", [(0.01, ["amount_shiftd"], "amount_shiftd is no kind"), (0.7, None, "between 0 and 0.5")]
)
def test_nonsense_is_refused_in_words(year, share, kinds, words):
    with pytest.raises(ValueError, match=words):
        plant(year, share, seed=1, kinds=kinds)


def test_nothing_is_planted_for_a_share_of_zero_or_in_no_invoices(year):
    for invoices, share in ((year, 0.0), (year.iloc[:0], 0.1)):
        wrong, labels = plant(invoices, share, seed=1)
        assert len(wrong) == len(invoices)
        assert labels.empty
        assert list(labels.columns) == [*KEY, "kind", "fields"]


def test_every_kind_says_what_it_is_and_what_is_to_blame():
    assert all("To blame:" in (kind.__doc__ or "") for kind in KINDS.values())
