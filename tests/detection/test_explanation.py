"""Explanations say what came, what was expected and how rare that is, in words that hostile values cannot break."""

import numpy as np
import pandas as pd
import pytest

from invoice_anomalies.contract import Contract
from invoice_anomalies.detection import explain, fit, score
from invoice_anomalies.text import odds
from tests.trained_detector import Trained

AMOUNTS = ["net_amount", "tax_amount", "gross_amount"]


@pytest.fixture
def ordinary(trained: Trained) -> pd.DataFrame:
    """An invoice of a vendor with a long history, nothing planted."""
    calm = trained.result.scores[trained.result.scores["history_rows"] > 60].index
    unplanted = [key for key in calm if key not in trained.labels.index]
    return trained.invoices.loc[unplanted[:1]].copy()


def explained(trained: Trained, invoice: pd.DataFrame) -> tuple[pd.Series, pd.DataFrame]:
    anomalies, fields = explain(trained.detector, score(trained.detector, invoice, trained.history), [0])
    return anomalies.iloc[0], fields


def sentence_of(trained: Trained, invoice: pd.DataFrame, field: str) -> str:
    sentence: str = explained(trained, invoice)[1].set_index("field")["sentence"][field]
    return sentence


def past_of(trained: Trained, invoice: pd.DataFrame) -> pd.DataFrame:
    past: pd.DataFrame = trained.history[trained.history["vendor_id"] == invoice["vendor_id"].iloc[0]]
    return past


def test_a_shifted_decimal_point_is_recognised_and_put_right(trained: Trained, ordinary: pd.DataFrame) -> None:
    usual = past_of(trained, ordinary)[AMOUNTS].median()
    ordinary[AMOUNTS] = usual.to_numpy() * 1000
    anomaly, fields = explained(trained, ordinary)

    assert anomaly["top_field"] in AMOUNTS
    first = fields.iloc[0]
    assert float(first["low"].replace(",", "")) < float(first["high"].replace(",", ""))
    assert first["error"] > 3
    assert "looks like a shifted decimal point: " in first["sentence"]
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
    assert "the invoice date is odd itself" in fields.set_index("field")["sentence"]["due_date"]


def test_the_usual_number_of_days_is_told_with_the_invoices_that_had_it(
    trained: Trained, ordinary: pd.DataFrame
) -> None:
    ordinary["due_date"] -= pd.Timedelta(days=500)
    sentence = sentence_of(trained, ordinary, "due_date")

    past = past_of(trained, ordinary)
    days = (past["due_date"] - past["invoice_date"]).dt.days.mode()[0]
    fitting = (ordinary["invoice_date"] + pd.Timedelta(days=days)).dt.date.iloc[0]
    assert f"expected {fitting}, {days} days after the invoice date as in " in sentence
    assert f"earlier invoices of {ordinary['vendor_id'].iloc[0]}" in sentence


def test_a_category_is_compared_with_what_the_vendor_usually_has(trained: Trained, ordinary: pd.DataFrame) -> None:
    ordinary["cost_center"] = "CC9999"
    sentence = sentence_of(trained, ordinary, "cost_center")

    usual = past_of(trained, ordinary)["cost_center"].value_counts()
    assert sentence.startswith(f"cost center 'CC9999'; expected {usual.index[0]} ")
    assert f"{len(past_of(trained, ordinary)):,} earlier invoices of {ordinary['vendor_id'].iloc[0]}" in sentence
    assert "are this unusual" in sentence


def test_rarity_claims_no_more_than_ten_times_the_invoices_learned_from(
    trained: Trained, ordinary: pd.DataFrame
) -> None:
    ordinary["currency"] = "XXX"
    _, fields = explained(trained, ordinary)

    rarest = 10 * len(trained.history)
    assert fields["rarity"].max() <= rarest
    told = fields.iloc[0]
    assert f"fewer than 1 in {told['rarity']:,.0f} are this unusual" in told["sentence"]


def test_a_table_and_its_sentence_tell_one_rarity(trained: Trained) -> None:
    _, fields = explain(trained.detector, trained.result, trained.result.flagged(40))

    words = [odds(rarity, error) for rarity, error in zip(fields["rarity"], fields["error"], strict=True)]
    assert sum(word.startswith("fewer") for word in words) >= 5
    assert sum(word.startswith("1 in") for word in words) >= 5
    for word, sentence in zip(words, fields["sentence"], strict=True):
        assert f"; {word} are " in sentence


def test_a_derived_field_is_told_with_what_it_was_computed_from(trained: Trained, ordinary: pd.DataFrame) -> None:
    ordinary["tax_amount"] = 1.0
    ordinary["net_amount"] = 80.0
    ordinary["gross_amount"] = 81.0
    sentence = sentence_of(trained, ordinary, "tax_rate")

    assert sentence.startswith("tax rate 0.0125 (tax amount 1.00 / net amount 80.00); expected ")


def test_a_difference_is_told_in_money(trained: Trained, ordinary: pd.DataFrame) -> None:
    ordinary["gross_amount"] += 500
    net, tax, gross = ordinary[AMOUNTS].iloc[0]
    sentence = sentence_of(trained, ordinary, "sum_gap")

    assert sentence.startswith(
        f"sum gap 500.00 (gross amount {gross:,.2f} − net amount {net:,.2f} − tax amount {tax:,.2f}); expected 0.00 as"
    )


def test_another_vendors_number_is_told_whose_it_looks_like(trained: Trained) -> None:
    labels = trained.labels[trained.labels["kind"] == "identifier_wrong"]
    rows = trained.result.invoices.index.get_indexer(labels.index)
    _, fields = explain(trained.detector, trained.result, rows)

    sentences = fields[fields["field"] == "invoice_number"]["sentence"]
    told = sentences.str.contains("; written like the numbers of ")
    assert told.mean() > 0.6
    assert sentences.str.contains("; expected one like '").mean() > 0.6


def test_one_digit_more_is_told(trained: Trained, ordinary: pd.DataFrame) -> None:
    ordinary["invoice_number"] += "1"

    assert "one digit more than usual" in sentence_of(trained, ordinary, "invoice_number")


def test_a_copy_is_told_with_the_invoice_it_copies(trained: Trained) -> None:
    past = trained.history[trained.history["extract_date"] > trained.history["extract_date"].max() - pd.Timedelta("9d")]
    frequent = trained.history["vendor_id"].value_counts().index[0]
    original = past[past["vendor_id"] == frequent].iloc[[-1]]
    copy = original.assign(
        extract_date=trained.invoices["extract_date"].min(), posting_date=trained.invoices["extract_date"].min()
    )
    number = original["invoice_number"].iloc[0]
    copy["invoice_number"] = number[:-2] + str((int(number[-2]) + 5) % 10) + number[-1]
    copy.index = pd.Index([f"{frequent}|{copy['invoice_number'].iloc[0]}"], name="invoice_key")

    sentence = sentence_of(trained, copy, "invoice_number")

    assert f"looks like a copy of {original.index[0]}" in sentence


@pytest.mark.parametrize("hostile", ["{0}", "{context}", "%s %(x)s", "<b>x</b>", "=cmd|' /C calc'!A0", "\u202etxt"])
def test_hostile_values_come_through_as_they_are(trained: Trained, ordinary: pd.DataFrame, hostile: str) -> None:
    ordinary["cost_center"] = hostile

    assert repr(hostile) in sentence_of(trained, ordinary, "cost_center")


def test_nothing_that_an_explanation_says_has_control_characters(trained: Trained, ordinary: pd.DataFrame) -> None:
    evil = "V\x1b[31m\r\nBcc: x\u202e\x00"
    history = trained.history.copy()
    history.loc[history["vendor_id"] == ordinary["vendor_id"].iloc[0], ["vendor_id", "cost_center"]] = evil
    history.index = pd.Index([f"{key}\x07" for key in history.index], name="invoice_key")
    ordinary[["vendor_id", "invoice_number", "currency", "gl_account"]] = evil
    result = score(trained.detector, ordinary, history)
    anomalies, fields = explain(trained.detector, result, [0])

    said = [anomalies["explanation"].iloc[0], *fields[["observed", "expected", "sentence"]].to_numpy().ravel()]
    assert all(text.isprintable() for text in said), said


def test_the_shares_of_the_fields_are_shares(trained: Trained) -> None:
    _, fields = explain(trained.detector, trained.result, trained.result.flagged(20))

    assert fields["share"].between(0, 1).all()
    assert (fields.groupby("invoice_key")["share"].sum() <= 1 + 1e-9).all()
    assert (fields[fields["position"] == 1]["error"] >= 2.0).all()


def test_the_shares_of_all_judged_fields_add_up_to_one(trained: Trained) -> None:
    rows = trained.result.flagged(20)
    _, fields = explain(trained.detector, trained.result, rows)
    errors = trained.result.errors.iloc[rows]

    shares = (10.0**errors).div((10.0**errors).sum(axis=1), axis=0)
    expected = [shares[field][key] for key, field in zip(fields["invoice_key"], fields["field"], strict=True)]
    assert fields["share"].to_numpy() == pytest.approx(np.array(expected))


def test_a_new_vendor_is_said_to_be_new(trained: Trained, ordinary: pd.DataFrame) -> None:
    ordinary["vendor_id"] = "V99999"
    anomaly, fields = explained(trained, ordinary)

    assert anomaly["explanation"].endswith("V99999 is new: judged by all others")
    assert " for V99999" not in " ".join(fields["sentence"])


@pytest.mark.usefixtures("untraced")
def test_a_vendor_that_is_judged_itself_is_told_to_be_unknown(trained: Trained) -> None:
    document = trained.detector.contract.model_dump()
    for name, field in document["fields"].items():
        field["detect"] = name in ("vendor_id", "gross_amount")
    document |= {"derived": {}, "invoice_number": None, "invoice_date": None}  # neither is scored here
    document |= {"detection": {"epochs": 1, "hidden_units": [8], "approval_limits": []}}
    detector = fit(Contract.model_validate(document), trained.history.iloc[-1500:])
    invoice = trained.invoices.iloc[[0]].assign(vendor_id="V99999")
    invoice["gross_amount"] = trained.history["gross_amount"].median()

    _, fields = explain(detector, score(detector, invoice, trained.history), [0])

    sentence = fields.set_index("field")["sentence"]["vendor_id"]
    assert sentence.startswith("vendor id 'V99999'; never seen before; ")
    assert sentence.endswith("had a new vendor id")


def test_a_value_that_is_missing_where_it_never_was_is_told(trained: Trained) -> None:
    given = trained.history.groupby("vendor_id")["purchase_order"].agg(["size", "count"])
    always = given[(given["size"] == given["count"]) & (given["size"] > 100)].index[0]
    invoice = trained.invoices[trained.invoices["vendor_id"] == always].iloc[[0]].assign(purchase_order=None)

    sentence = sentence_of(trained, invoice, "purchase_order")

    assert sentence.startswith("purchase order empty; expected a value as in all ")


def test_an_invoice_explains_itself_the_same_alone_and_among_others(trained: Trained) -> None:
    rows = trained.result.flagged(30)
    together, _ = explain(trained.detector, trained.result, rows)
    alone = [explain(trained.detector, trained.result, [row])[0]["explanation"].iloc[0] for row in rows[::7]]

    assert alone == list(together["explanation"].iloc[::7])


def test_every_invoice_can_be_explained_whatever_is_missing_in_it(trained: Trained) -> None:
    some = trained.invoices.iloc[:40].copy()
    for column in [name for name in some.columns if name not in ("extract_date", "posting_date")]:
        some.loc[some.index[::2], column] = None
    result = score(trained.detector, some, trained.history)

    anomalies, fields = explain(trained.detector, result, np.arange(len(some)))

    assert anomalies["explanation"].notna().all()
    assert len(set(fields["invoice_key"])) == some.index.nunique()
    assert not fields["sentence"].str.contains("nan|NaT|None").any()


def test_a_whole_book_is_explained_without_a_history(trained: Trained) -> None:
    result = score(trained.detector, trained.invoices)

    anomalies, _ = explain(trained.detector, result, result.flagged(20))

    assert len(anomalies)


def test_a_night_with_nothing_flagged_has_nothing_to_explain(trained: Trained) -> None:
    anomalies, fields = explain(trained.detector, trained.result, [])

    assert (len(anomalies), len(fields)) == (0, 0)
    assert {"entity", "amount_at_risk", "currency", "top_field", "explanation"} <= set(anomalies.columns)
    assert "sentence" in fields.columns
