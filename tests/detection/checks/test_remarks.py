"""Remarks name the other invoices by their keys, and say what an auditor can check."""

import numpy as np
import pandas as pd
import pytest

from invoice_anomalies.contract import Contract
from invoice_anomalies.detection.checks import Check, checks_of, describe_match
from invoice_anomalies.detection.explain.match_text import difference
from tests.detection.checks.invoice_frames import append, company, contract

USUAL = company(30, 200)


def said(name: str, *invoices: dict[str, object]) -> str:
    """The sentence of a check on the last finding in the invoices that follow the usual ones."""
    whole = append(USUAL, *invoices)
    keys = pd.Index([f"key {row}" for row in range(len(whole))])
    check: Check = next(check for check in checks_of(contract()) if check.name == name)
    query_rows = np.arange(len(USUAL), len(whole))
    found = check.find(whole, query_rows)
    row = int(np.flatnonzero(found.surprisal)[-1])
    related = whole.iloc[found.related_invoices[row]].set_axis(keys[found.related_invoices[row]])
    return describe_match(name, related, contract(), whole.iloc[query_rows[row]], found.details_of(row))


def test_a_copy_names_its_original_its_date_and_the_difference() -> None:
    number = USUAL["number"][3000]
    again = {"like": 3000, "number": number[:-3] + "X" + number[-2:], "day": 201}
    day = USUAL["invoice_date"][3000].date().isoformat()
    expected = f"looks like a copy of key 3000 of {day} (the same amount, one character of the number differs)"
    assert said("duplicate", again) == expected


def test_a_copy_for_another_vendor_names_the_vendor() -> None:
    names = {"vendor_name": "Acme Trading Ltd", "number": "RE-1", "amount": 77.7}
    text = said(
        "duplicate",
        {"like": 0, "vendor": "A", **names, "day": 201},
        {"like": 0, "vendor": "B", **names, "day": 202},
    )
    assert text.endswith("(the same amount, the same number, vendor A)")


def test_amounts_that_differ_are_both_given() -> None:
    first = {"like": 0, "number": "RE-1", "amount": 1_285.4, "day": 201}
    text = said("duplicate", dict(first), {**first, "amount": 1_258.4, "day": 203})
    assert "(1,285.40 there, 1,258.40 here, the same number)" in text


def test_a_split_gives_count_days_total_and_limit() -> None:
    day = len(USUAL)
    parts = [{"like": 0, "number": f"S{n}", "amount": 4_900.0, "day": 201 + n, "dated": 201 + n} for n in range(3)]
    assert said("split", *parts) == (
        "3 invoices of this vendor in 3 days, 14,700.00 together, each below the limit of 5,000: "
        f"with key {day + 1}, key {day}"
    )


def test_a_burst_gives_its_count_what_is_usual_and_some_of_the_others() -> None:
    many = [{"like": 0, "number": f"B{n}", "amount": 100.0 + n, "day": 201} for n in range(12)]
    last = len(USUAL) + 11
    others = ", ".join(f"key {last - n}" for n in range(1, 6))
    assert said("burst", *many) == f"12 invoices in this night; usual is 1; with {others} and 6 more"


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        ("A-10", "A-10", "the same number"),
        ("A-010", "a10", "the number is only written otherwise"),
        ("A-10", "A-19", "one character of the number differs"),
        ("A-1234", "A-1324", "two neighbouring characters of the number are exchanged"),
        ("A-1234", "A-134", "one character of the number is missing or added"),
        ("A-1234", "A-1234 COPY", "the number has something before or after it"),
    ],
)
def test_a_difference_is_put_in_words(one: str, other: str, words: str) -> None:
    assert difference(one, other) == difference(other, one) == words


def test_no_twins_no_words() -> None:
    assert describe_match("burst", USUAL.iloc[:0], contract(), USUAL.iloc[0], {}) == ""


def test_the_vendor_is_called_what_the_contract_calls_it() -> None:
    document = contract().model_dump()
    document["fields"]["vendor"]["label"] = "Lieferant"
    named = Contract.model_validate(document)
    own, related = USUAL.iloc[0], USUAL.iloc[[1]].set_axis(["key 1"])
    details = {"count": 2.0, "days": 1.0, "total": 9_800.0, "limit": 5_000.0, "nights": 0.0, "low": 1.0, "high": 1.0}

    assert "2 invoices of this Lieferant in 1 day" in describe_match("split", related, named, own, details)
    assert "first night of this Lieferant" in describe_match("burst", related, named, own, details)
    assert "Lieferant V" in describe_match("duplicate", USUAL[USUAL["vendor"] == "V001"].iloc[[0]], named, own, {})
