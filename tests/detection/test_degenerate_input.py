"""Whatever the invoices and the contract are like, training ends and every invoice gets a finite score."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from invoice_anomalies.contract import Contract
from invoice_anomalies.detection import Detector, explain, fit, load_detector, save_detector, score
from invoice_anomalies.detection.autoencoder import training
from tests.detection.orders import FIRST, contract, fields, orders, typed

pytestmark = pytest.mark.usefixtures("untraced")

ROWS, LEARNED = 400, 320
NO_TEXT = [None] * ROWS
WILD = np.resize([0.0, -1.0, 1e308, -1e308, 1e-300, 5.0, np.inf, -0.0, 0.01], ROWS)

ALL = fields()
CHANGED: dict[str, dict[str, Any]] = {
    "one vendor": {"vendor": "V1"},
    "an empty vendor": {"vendor": NO_TEXT},
    "an empty amount": {"amount": np.nan},
    "an empty category": {"product": NO_TEXT},
    "an empty date": {"ordered": pd.NaT},
    "an empty identifier": {"number": NO_TEXT},
    "an empty text": {"note": NO_TEXT},
    "nothing but empty columns": {
        "vendor": NO_TEXT, "product": NO_TEXT, "number": NO_TEXT, "note": NO_TEXT, "ordered": pd.NaT,
        "amount": np.nan, "quantity": np.nan,
    },
    "nothing but constant columns": {
        "vendor": "V", "product": "P", "number": "1", "note": "x", "ordered": FIRST, "amount": 5.0, "quantity": 1.0,
    },
    "amounts of zero": {"amount": 0.0},
    "amounts beyond reason": {"amount": WILD, "quantity": WILD},
    "dates beyond reason": {"ordered": np.resize(pd.to_datetime(["1700-01-01", "NaT", "2262-01-01"]), ROWS)},
    "one night": {"extract_date": FIRST},
    "two nights": {"extract_date": [FIRST] * 200 + [FIRST + pd.Timedelta(days=1)] * 200},
}  # fmt: skip
CHOSEN: dict[str, dict[str, Any]] = {
    "no entity": {"fields": fields("product", "number", "ordered", "quantity", "amount", "note")},
    "only categories": {"fields": fields("vendor", "product")},
    "only the entity": {"fields": fields("product"), "entity": "product"},
    "only numbers": {"fields": fields("vendor", "quantity", "amount")},
    "a single amount": {"fields": fields("amount")},
    "a single date": {"fields": fields("ordered", ordered={"required": True})},
    "only a derived field": {
        "fields": fields("vendor", "quantity", "amount", quantity={"detect": False}, amount={"detect": False}),
        "derived": {"unit_price": {"ratio": ["amount", "quantity"]}},
    },
}


# Each is like one that `make test` tries too.
ONLY_SLOWLY = {
    "an empty vendor", "an empty date", "an empty identifier", "an empty text", "amounts of zero", "one night",
    "only categories", "a single date",
}  # fmt: skip


def some_of(cases: dict[str, dict[str, Any]]) -> list[Any]:
    """The cases, those that are only thorough marked as slow."""
    return [
        pytest.param(case, id=name, marks=[pytest.mark.slow] if name in ONLY_SLOWLY else [])
        for name, case in cases.items()
    ]


def judged_in_any_way(contract: Contract, frame: pd.DataFrame) -> Detector:
    """Train, score and explain: a night, one invoice, none, with much history, none, and without any."""
    history, night = frame.iloc[:LEARNED], frame.iloc[LEARNED:]
    detector = fit(contract, history)
    for invoices, known in (
        (night, history),
        (night.head(1), history),
        (night.head(0), history),
        (night, history.head(0)),
        (night.head(0), history.head(0)),
        (frame, None),
        (night.head(1), None),
        (night.head(0), None),
    ):
        result = score(detector, invoices, known)
        assert list(result.scores.index) == list(invoices.index)
        assert np.isfinite(result.errors.to_numpy()).all()
        assert np.isfinite(result.scores[["score", "threshold", "history_rows"]].to_numpy(float)).all()
        assert result.scores["history_tier"].isin(["new", "thin", "short", "long"]).all()
        anomalies, said = explain(detector, result, np.arange(min(len(invoices), 3)))
        assert len(anomalies) == min(len(invoices), 3)
        assert np.isfinite(said["error"].to_numpy(float)).all()
    return detector


@pytest.mark.filterwarnings("error::RuntimeWarning:invoice_anomalies")
@pytest.mark.parametrize("changed", some_of(CHANGED))
def test_any_invoices_are_judged(changed: dict[str, Any]) -> None:
    everything = contract(ALL, detection={"epochs": 1})
    detector = judged_in_any_way(everything, typed(everything, orders(ROWS).assign(**changed)))
    assert np.isfinite([*detector.learning["loss"], *detector.learning["val_loss"]]).all()
    assert detector.threshold > 0


@pytest.mark.parametrize("chosen", some_of(CHOSEN))
def test_any_contract_is_judged_by(chosen: dict[str, Any], tmp_path) -> None:
    few = contract(**chosen, detection={"epochs": 1})
    frame = typed(few, orders(ROWS))
    detector = judged_in_any_way(few, frame)
    assert np.isfinite([*detector.learning["loss"], *detector.learning["val_loss"]]).all()

    save_detector(detector, tmp_path / "model", {})
    loaded = load_detector(tmp_path / "model", few)
    night, history = frame.iloc[LEARNED:], frame.iloc[:LEARNED]
    pd.testing.assert_frame_equal(score(loaded, night, history).errors, score(detector, night, history).errors)


def test_fifty_invoices_are_enough_where_the_contract_says_so() -> None:
    small = contract(ALL, detection={"epochs": 2, "minimum_rows": 50})
    frame = typed(small, orders(150))
    result = score(fit(small, frame.head(50)), frame.tail(100), frame.head(50))
    assert np.isfinite(result.errors.to_numpy()).all()
    # So few say little about what is ordinary, but not that everything is odd.
    assert (result.scores["score"] >= result.scores["threshold"]).mean() < 0.25


def test_where_nothing_ever_was_odd_nothing_is_flagged_until_something_is() -> None:
    everything = contract(ALL, detection={"epochs": 2})
    frame = typed(everything, orders(1200).assign(**CHANGED["nothing but constant columns"]))
    history, night = frame.iloc[:1000], frame.iloc[1000:]
    detector = fit(everything, history)
    assert not len(score(detector, night, history).flagged())
    for name, other in (("amount", 700.0), ("product", "Q"), ("number", "X/2"), ("ordered", pd.Timestamp(2020, 5, 1))):
        odd = score(detector, night.head(1).assign(**{name: other}).astype(night.dtypes.to_dict()), history)
        assert list(odd.flagged()) == [0], name
        assert odd.errors.iloc[0].idxmax() == name


def test_one_amount_beyond_reason_is_flagged_and_leaves_the_others_in_peace() -> None:
    # In cents' worth of units, these are more than a float can hold.
    tiny = orders(1200).assign(amount=lambda book: book["amount"] / 1000)
    everything = contract(ALL, detection={"epochs": 2})
    frame = typed(everything, tiny)
    history, night = frame.iloc[:1000].copy(), frame.iloc[1000:].copy()
    history.loc[history.index[[100, 500]], "amount"] = [1e308, -1e308]
    detector = fit(everything, history)
    before = score(detector, night, history).scores["score"]
    night.loc[night.index[7], "amount"] = 1e308

    result = score(detector, night, history)

    assert result.errors.iloc[7].idxmax() == "amount"
    assert result.scores["score"].iloc[7] > 2 * result.scores["threshold"].iloc[7]
    other_vendors = (night["vendor"] != night["vendor"].iloc[7]).to_numpy()
    # How often amounts are equal by chance is counted over the whole book.
    np.testing.assert_allclose(result.scores["score"][other_vendors], before[other_vendors], atol=0.05)
    assert (result.scores["score"] >= result.scores["threshold"]).mean() < 0.05


@pytest.mark.parametrize("rows", [20_000, pytest.param(200_000, marks=pytest.mark.slow)])
def test_a_category_and_an_identifier_of_many_values_are_judged(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    monkeypatch.setattr(training, "BATCH", 4096)  # fewer steps: there is nothing to learn
    rng = np.random.default_rng(0)
    many = contract(fields("product", "number"), detection={"epochs": 1})
    frame = typed(
        many,
        pd.DataFrame(
            {
                "product": [f"P{n:x}" for n in rng.permutation(rows)],
                "number": [f"N{n:x}" for n in rng.permutation(9 * rows)[:rows]],
                "extract_date": FIRST + pd.to_timedelta(np.arange(rows) * 200 // rows, unit="D"),
            }
        ),
    )
    history, night = frame.iloc[:-1000], frame.iloc[-1000:]
    detector = fit(many, history)
    result = score(detector, night, history)
    assert np.isfinite(result.errors.to_numpy()).all()
    # Where every value is new, a new one is no surprise; and the model does not grow with them.
    assert result.errors["product"].max() < 1.0
    assert detector.encoder.slots.inputs < 200
    assert all(len(levels.rarity) <= 5_000 for levels in detector.encoder.vocabularies.values())


def test_two_invoices_with_one_key_get_a_score_each_in_their_order() -> None:
    everything = contract(ALL, detection={"epochs": 1})
    frame = typed(everything, orders(ROWS))
    history, night = frame.iloc[:LEARNED], frame.iloc[LEARNED:]
    detector = fit(everything, history.set_axis(["same"] * LEARNED))
    expected = score(detector, night, history)
    result = score(detector, night.set_axis(["same"] * len(night)), history)
    np.testing.assert_array_equal(result.scores["score"], expected.scores["score"])
    np.testing.assert_array_equal(result.flagged(5), expected.flagged(5))


def test_invoices_of_the_night_of_their_history_have_all_of_it_as_their_past() -> None:
    everything = contract(ALL, detection={"epochs": 1})
    frame = typed(everything, orders(ROWS, vendors=1).assign(extract_date=FIRST))
    detector = fit(everything, frame.iloc[:LEARNED])
    result = score(detector, frame.iloc[LEARNED:], frame.iloc[:LEARNED])
    assert set(result.scores["history_rows"]) == {LEARNED}
