"""Explanations say what came, what was expected and how rare that is, in words that hostile values cannot break."""

from datetime import date

import pandas as pd
import pytest

from include.detection import explain
from include.detection.aspects import shape_of
from include.detection.explanation import rarity_in_words, rounded
from include.detection.patterns import amount_pattern, date_pattern
from tests.trained_detector import Trained


@pytest.fixture
def ordinary(trained: Trained) -> pd.DataFrame:
    """An invoice of a vendor with a long history, nothing planted."""
    calm = trained.judgement.scores[trained.judgement.scores["history_rows"] > 60].index
    calm = [key for key in calm if key not in trained.labels.index]
    return trained.invoices.loc[calm[:1]].copy()


def explained(trained: Trained, invoice: pd.DataFrame) -> tuple[pd.Series, pd.DataFrame]:
    anomalies, fields = explain(trained.detector, trained.detector.score(invoice, trained.history), [0])
    return anomalies.iloc[0], fields


def test_a_shifted_decimal_point_is_recognised(trained: Trained, ordinary: pd.DataFrame) -> None:
    ordinary[["net_amount", "tax_amount", "gross_amount"]] *= 1000
    anomaly, fields = explained(trained, ordinary)
    assert anomaly["top_field"] in ("net_amount", "tax_amount", "gross_amount")
    first = fields.iloc[0]
    assert float(first["low"].replace(",", "")) < float(first["high"].replace(",", ""))
    assert first["error"] > 3
    assert "×" in first["sentence"]
    assert "Judged on" in anomaly["explanation"]


def test_a_wrong_year_is_recognised(trained: Trained, ordinary: pd.DataFrame) -> None:
    ordinary["invoice_date"] -= pd.Timedelta(days=365)
    ordinary["due_date"] -= pd.Timedelta(days=365)
    anomaly, fields = explained(trained, ordinary)
    assert anomaly["top_field"] == "invoice_date"
    assert "the year looks wrong" in fields["sentence"].iloc[0]


def test_a_date_that_is_odd_itself_goes_before_the_dates_counted_from_it(
    trained: Trained, ordinary: pd.DataFrame
) -> None:
    ordinary["invoice_date"] -= pd.Timedelta(days=700)
    _, fields = explained(trained, ordinary)
    named = list(fields["field"])
    assert named.index("invoice_date") < named.index("due_date")


@pytest.mark.parametrize("hostile", ["{0}", "{context}", "%s %(x)s", "<b>x</b>", "=cmd|' /C calc'!A0", "\u202etxt"])
def test_hostile_values_come_through_as_they_are(trained: Trained, ordinary: pd.DataFrame, hostile: str) -> None:
    ordinary["cost_center"] = hostile
    _, fields = explained(trained, ordinary)
    assert repr(hostile) in fields.set_index("field")["sentence"]["cost_center"]


def test_the_shares_of_the_fields_are_shares(trained: Trained) -> None:
    _, fields = explain(trained.detector, trained.judgement, trained.judgement.flagged(20))
    assert fields["share"].between(0, 1).all()
    assert (fields.groupby("invoice_key")["share"].sum() <= 1 + 1e-9).all()
    assert (fields[fields["position"] == 1]["error"] >= 2.0).all()


def test_a_new_vendor_is_said_to_be_new(trained: Trained, ordinary: pd.DataFrame) -> None:
    ordinary["vendor_id"] = "V99999"
    anomaly, _ = explained(trained, ordinary)
    assert anomaly["explanation"].endswith("V99999 is new: judged by all others")


@pytest.mark.parametrize(
    ("observed", "expected", "words"),
    [
        (14_200.0, 1_310.0, "×10.8, looks like a shifted decimal point"),
        (13.1, 1_310.0, "×0.01, looks like a shifted decimal point"),
        (-1_310.0, 1_310.0, "the sign is the opposite of the usual one"),
        (4_000.0, 1_310.0, "×3.05 of the expected"),
        (1_400.0, 1_310.0, ""),
        (50.0, 0.0, ""),
    ],
)
def test_amount_patterns(observed: float, expected: float, words: str) -> None:
    assert amount_pattern(observed, expected) == words


@pytest.mark.parametrize(
    ("observed", "words"),
    [
        (date(2026, 7, 3), "day and month look swapped: 2026-03-07 would fit"),
        (date(2025, 3, 5), "the year looks wrong: 2026-03-05 would fit"),
        (date(2024, 2, 29), "the year looks wrong: 2026-02-28 would fit"),
        (date(2026, 5, 20), ""),
    ],
)
def test_date_patterns(observed: date, words: str) -> None:
    assert date_pattern(observed, date(2026, 3, 1), date(2026, 3, 10)) == words


def test_shapes_tell_how_an_identifier_is_written() -> None:
    assert shape_of("INV-2026/07b") == "AAA-9999/99a"


@pytest.mark.parametrize(("value", "text"), [(1313.2, "1,310"), (0.0, "0"), (0.123456, "0.123"), (-25.41, "-25.4")])
def test_expected_numbers_have_three_digits(value: float, text: str) -> None:
    assert rounded(value) == text


@pytest.mark.parametrize(
    ("rarity", "text"), [(1.0, "1 in 1"), (25_432.0, "1 in 25,000"), (1e9, "fewer than 1 in 1,000,000")]
)
def test_rarity_claims_no_more_than_the_data_can_tell(rarity: float, text: str) -> None:
    assert rarity_in_words(rarity) == text
