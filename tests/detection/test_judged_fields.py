"""Derived fields, the entity itself and missing values are judged as a reader would judge them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from invoice_anomalies.contract import Contract
from invoice_anomalies.detection import Detector, ScoringResult, explain, fit, score
from invoice_anomalies.detection.autoencoder.inference import CONDITIONINGS, GIVEN_FIELDS, Reconstruction
from tests.detection.orders import contract, fields, orders, typed

LEARNED, ROWS = 2000, 2600


@dataclass(frozen=True)
class Case:
    """A detector, the orders that it learned from, and later ordinary ones."""

    detector: Detector
    history: pd.DataFrame
    invoices: pd.DataFrame

    def judge(self, invoices: pd.DataFrame) -> ScoringResult:
        return score(self.detector, invoices, self.history)

    def flagged(self, invoices: pd.DataFrame) -> np.ndarray:
        scores = self.judge(invoices).scores
        return (scores["score"] >= scores["threshold"]).to_numpy()


def learned(contract: Contract, book: pd.DataFrame) -> Case:
    frame = typed(contract, book)
    history, invoices = frame.iloc[:LEARNED], frame.iloc[LEARNED:]
    return Case(fit(contract, history), history, invoices)


@pytest.fixture(scope="module")
def products() -> Case:
    return products_of()


def products_of(seed: int = 7) -> Case:
    """Six products, each with its price and, every other one, with a note; the product itself is judged."""
    return learned(
        contract(
            fields("product", "quantity", "amount", "note"),
            entity="product",
            derived={"unit_price": {"ratio": ["amount", "quantity"]}},
            detection={"epochs": 8, "hidden_units": [16], "seed": seed},
        ),
        orders(ROWS),
    )


@pytest.fixture(scope="module")
def newcomers() -> Case:
    return newcomers_of()


def newcomers_of(seed: int = 7) -> Case:
    """Every third order is the only one of its vendor, and the vendor itself is judged."""
    book = orders(ROWS, seed=4)
    once = np.random.default_rng(5).random(ROWS) < 1 / 3
    vendor = book["vendor"].where(~once, [f"ONCE{n}" for n in range(ROWS)])
    return learned(
        contract(
            fields("vendor", "quantity", "amount", vendor={"detect": True}),
            detection={"epochs": 5, "hidden_units": [16], "seed": seed},
        ),
        book.assign(vendor=vendor),
    )


def sold_at_another_price(products: Case) -> pd.DataFrame:
    """The cheapest product at the price of the third: each amount and each quantity is ordinary."""
    cheap = products.invoices[products.invoices["product"] == "P0"].head(40)
    return cheap.assign(amount=(cheap["quantity"] * 11.0).round(2))


def test_a_wrong_unit_price_is_found_where_value_and_quantity_are_ordinary(products: Case) -> None:
    wrong = sold_at_another_price(products)
    past = products.history[products.history["product"] == "P0"]
    ordinary = wrong["amount"].between(past["amount"].min(), past["amount"].max())
    assert ordinary.mean() > 0.8
    assert products.flagged(wrong).mean() > 0.97
    assert products.flagged(wrong[ordinary]).mean() > 0.9


def test_a_wrong_unit_price_is_named(products: Case) -> None:
    # Amount and quantity do not fit each other either: which of the three is the oddest is up to the seed.
    result = products.judge(sold_at_another_price(products))
    _, fields = explain(products.detector, result, np.arange(len(result.errors)))
    named = fields.loc[fields["field"] == "unit_price", "invoice_key"]
    assert len(named) > 0.9 * len(result.errors)


def test_a_derived_field_and_its_parts_are_hidden_from_one_another(products: Case) -> None:
    hides = products.detector.encoder.slots.masked_together
    assert set(hides["unit_price"]) == {"unit_price", "amount", "quantity"}
    assert set(hides["amount"]) == {"unit_price", "amount"}
    assert set(hides["product"]) == {"product"}


def first_of(expected: Reconstruction) -> npt.NDArray[np.floating]:
    """The expected values of the first five invoices."""
    assert expected.location is not None
    return expected.location[:5]


def test_what_is_expected_does_not_depend_on_the_value_itself_nor_on_what_is_derived_from_it(products: Case) -> None:
    before = products.detector.reconstruct(products.judge(products.invoices.head(50)).given)
    changed = products.invoices.head(50).assign(amount=lambda night: night["amount"] * 7.0)
    after = products.detector.reconstruct(products.judge(changed).given)
    for name in ("amount.value", "unit_price.value"):
        for view in CONDITIONINGS:
            np.testing.assert_allclose(first_of(after[name, view]), first_of(before[name, view]), rtol=1e-4)
    quantity = ("quantity.value", GIVEN_FIELDS)
    assert not np.allclose(first_of(after[quantity]), first_of(before[quantity]))


def test_a_product_is_judged_by_the_book_and_not_by_its_own_past(products: Case) -> None:
    given = products.judge(products.invoices).given
    population = products.detector.encoder.vocabularies["product.value"].shares
    assert given.history_rows.min() > 100
    np.testing.assert_allclose(
        given.categorical["product.value"].shares, np.tile(population, (len(products.invoices), 1))
    )


def test_an_unknown_product_is_flagged_where_the_book_is_closed(products: Case) -> None:
    unknown = products.invoices.head(30).assign(product="P999")
    errors = products.judge(unknown).errors
    assert products.flagged(unknown).mean() > 0.97
    # The first of them; to those of the later nights it is known.
    assert errors.iloc[0].idxmax() == "product"
    assert errors["product"].iloc[0] > 2.5


def test_a_known_product_is_not_odd_itself(products: Case) -> None:
    errors = products.judge(products.invoices).errors["product"]
    assert (errors > 2.0).mean() < 0.03


def test_a_product_that_another_one_was_mistaken_for_is_found(products: Case) -> None:
    dear = products.invoices[products.invoices["product"] == "P5"].head(40).assign(product="P0")
    assert products.flagged(dear).mean() > 0.97


def test_a_new_vendor_is_not_flagged_for_being_new_where_new_ones_are_common(newcomers: Case) -> None:
    new = newcomers.invoices["vendor"].str.startswith("ONCE")
    errors = newcomers.judge(newcomers.invoices).errors["vendor"]
    assert 0.25 < new.mean() < 0.4
    assert errors[new].max() < 1.0
    assert newcomers.flagged(newcomers.invoices)[new].mean() < 0.03


def test_an_ordinary_order_is_not_flagged(products: Case, newcomers: Case) -> None:
    for case in (products, newcomers):
        assert case.flagged(case.invoices).mean() < 0.04


def test_a_value_where_there_never_was_one_is_odd(products: Case) -> None:
    without = products.invoices[products.invoices["product"].isin(["P0", "P2", "P4"])].head(30)
    assert without["note"].isna().all()
    errors = products.judge(without.assign(note="delivery of product 1")).errors
    assert (errors.idxmax(axis=1) == "note").mean() > 0.9
    assert errors["note"].iloc[0] > 2.0


def test_a_missing_value_where_there_always_was_one_is_odd(products: Case) -> None:
    noted = products.invoices[products.invoices["product"].isin(["P1", "P3", "P5"])].head(30)
    assert noted["note"].notna().all()
    errors = products.judge(noted.assign(note=pd.Series(pd.NA, index=noted.index, dtype="str"))).errors
    assert (errors.idxmax(axis=1) == "note").mean() > 0.9
    assert errors["note"].iloc[0] > 2.0


def test_a_value_that_is_usually_missing_is_not_odd_when_it_is(products: Case) -> None:
    errors = products.judge(products.invoices).errors["note"]
    assert products.invoices["note"].isna().mean() > 0.4
    assert (errors > 2.0).mean() < 0.02


@pytest.mark.parametrize("missing", [["amount"], ["quantity"], ["amount", "quantity"]])
def test_a_required_number_that_is_missing_has_nothing_to_be_wrong(products: Case, missing: list[str]) -> None:
    invoices = products.invoices.head(50).assign(**dict.fromkeys(missing, np.nan))
    errors = products.judge(invoices).errors
    assert not errors[[*missing, "unit_price"]].to_numpy().any()
    assert np.isfinite(errors.to_numpy()).all()


def test_nothing_ordered_has_no_unit_price(products: Case) -> None:
    errors = products.judge(products.invoices.head(50).assign(quantity=0.0)).errors
    assert not errors["unit_price"].any()
    assert (errors["quantity"] > 1.0).mean() > 0.9
