"""Broken lines are broken as their labels say; the others stay as they were."""

from datetime import datetime
from typing import Any

import pandas as pd
import pytest

from invoice_anomalies.synthetic import as_texts, break_rows
from invoice_anomalies.synthetic.broken import FAULTS, REPEATED

KEY = ["vendor_id", "invoice_number"]


@pytest.fixture
def texts(year) -> pd.DataFrame:
    return as_texts(year.tail(200))


def unreadable(kind: str, text: str) -> bool:
    """Whether the text is unfit for its field in the way that the kind says."""
    if kind in ("missing_vendor", "missing_amount"):
        return text in ("", "NULL")
    if kind in ("impossible_date", "foreign_date_format", "unparsable_amount"):
        try:
            float(text) if kind == "unparsable_amount" else datetime.strptime(text, "%Y-%m-%d")
        except ValueError:
            return True
        return False
    if kind == "unknown_tax_code":
        return text not in ("S20", "R05", "Z00")
    return not (text.startswith("V") and text[1:].isdigit())


def test_each_kind_of_fault_breaks_the_field_that_its_label_names(texts):
    broken, labels = break_rows(texts, len(FAULTS) + 1, seed=1)

    assert sorted(labels["kind"]) == sorted([*FAULTS, REPEATED])
    label: Any
    for label in labels[labels["kind"] != REPEATED].itertuples():
        assert unreadable(label.kind, broken.loc[label.line - 2, label.field]), label


def test_a_line_has_one_fault_and_the_lines_without_labels_have_none(texts):
    broken, labels = break_rows(texts, len(FAULTS), seed=1)

    changed = (broken != texts.reset_index(drop=True)).sum(axis=1)
    assert sorted(changed[changed > 0].index + 2) == list(labels["line"])
    assert changed.max() == 1


def test_a_repeated_key_is_a_second_copy_at_the_end(texts):
    broken, labels = break_rows(texts, 1, seed=1, start=len(FAULTS))

    assert len(broken) == len(texts) + 1
    assert labels.loc[0, "line"] == len(broken) + 1
    assert broken.duplicated().sum() == 1
    assert list(broken.iloc[-1][KEY]) == list(labels.loc[0, KEY])


def test_spared_invoices_stay_whole(texts):
    spare = texts[KEY].iloc[5:]

    _, labels = break_rows(texts, 50, seed=1, spare=spare)

    assert len(labels) == 5
    assert labels.merge(spare, on=KEY).empty


def test_breaking_is_repeatable(texts):
    first, again, other = (break_rows(texts, 5, seed)[0] for seed in (1, 1, 2))

    pd.testing.assert_frame_equal(first, again)
    assert not first.equals(other)
