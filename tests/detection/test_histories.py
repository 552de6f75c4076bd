"""A history teaches the same, whether it came as one file, as months or night by night."""

from collections.abc import Callable
from datetime import date

import numpy as np
import pandas as pd
import pytest

from invoice_anomalies.contract import Contract
from invoice_anomalies.detection import fit, score
from invoice_anomalies.detection.checks.duplicates.check import Duplicates, DuplicateState
from invoice_anomalies.synthetic import Company, plant
from invoice_anomalies.synthetic.planting import plant_counts
from tests.trained_detector import as_nights, with_detection

LAST = pd.Timestamp(2026, 10, 31)
WAYS: dict[str, Callable[[pd.Series], pd.Series]] = {
    "one file": lambda nights: pd.Series(LAST, index=nights.index),
    "months": lambda nights: nights + pd.offsets.MonthEnd(0),
    "nights": lambda nights: nights,
}


def loaded(history: pd.DataFrame, way: str) -> pd.DataFrame:
    return history.assign(extract_date=WAYS[way](history["extract_date"]).astype("datetime64[us]"))


def company(contract: Contract, vendors: int, rows: float, end: date, copies: int) -> tuple[pd.DataFrame, ...]:
    """A year with a few anomalies, the nights after it, and whether each of their invoices is planted or a rent.

    Rents and subscriptions stand here for all that comes monthly with one amount under running numbers.
    """
    made = Company(vendors=vendors)
    book = made.invoices(date(2025, 11, 1), end, rows)
    past = book["posting_date"] <= LAST
    history, _ = plant(book[past], 0.003, 11)
    wrong, labels = plant_counts(book[~past], {"duplicate_rekeyed": copies}, 3, book)
    history, later = as_nights(contract, history), as_nights(contract, wrong)
    planted = later.index.isin(labels["vendor_id"] + "|" + labels["invoice_number"])
    monthly = {vendor.vendor_id for vendor in made.vendors if vendor.contracts}
    kinds = pd.DataFrame({"planted": planted, "rent": later["vendor_id"].isin(monthly) & ~planted}, index=later.index)
    return history, later, kinds


def night_by_night(check: Duplicates, state: DuplicateState, history: pd.DataFrame, later: pd.DataFrame) -> np.ndarray:
    """What the check finds in each night with its vendors' past alone, as the nightly run does."""
    everything, raw = pd.concat([history, later]), pd.Series(0.0, index=later.index)
    for night, asked in later.groupby("extract_date"):
        known = everything[(everything["extract_date"] < night) & everything["vendor_id"].isin(asked["vendor_id"])]
        book = pd.concat([known, asked]).reset_index(drop=True)
        raw[asked.index] = check.find(book, np.arange(len(known), len(book)), state).surprisal
    return raw.to_numpy()


def test_after_any_history_rents_are_no_copies_and_copies_are_found(quick_contract: Contract) -> None:
    history, later, kinds = company(quick_contract, 60, 30, date(2026, 11, 30), copies=20)
    rent, planted = kinds["rent"].to_numpy(), kinds["planted"].to_numpy()
    assert rent.sum() >= 15
    found = {}
    for way in WAYS:
        past = loaded(history, way)
        check = Duplicates(quick_contract, "invoice_number")
        found[way] = night_by_night(check, check.fit(past.reset_index(drop=True)), past, later)
        assert found[way][rent].max() == 0.0, way
        assert (found[way][planted] > 0.0).mean() >= 0.8, way
    for way in ("one file", "months"):
        flagged, as_nights_say = found[way] > 0.0, found["nights"] > 0.0
        assert (flagged != as_nights_say).mean() <= 0.005, way


@pytest.mark.slow
@pytest.mark.timeout(900, method="thread")
def test_what_is_flagged_does_not_depend_on_how_the_history_came(quick_contract: Contract) -> None:
    contract = with_detection(quick_contract, epochs=8)
    history, later, kinds = company(contract, 60, 60, date(2026, 12, 31), copies=20)
    flagged = {}
    for way in WAYS:
        past = loaded(history, way)
        result = score(fit(contract, past), later, past)
        flagged[way] = result.scores["score"] >= result.scores["threshold"]
        copies = result.errors["invoice_number"][flagged[way]] >= 2.0
        assert not (copies & (result.found["duplicate"].surprisal[flagged[way]] > 0) & kinds["rent"]).any(), way
        assert flagged[way][kinds["planted"]].mean() > 0.5, way
    for way in ("one file", "months"):
        assert abs(flagged[way].mean() - flagged["nights"].mean()) <= 0.005, way
