"""The numbers stored beside the texts of a field are what the texts say: by them a BI tool sorts and plots."""

from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest

from invoice_anomalies import text
from invoice_anomalies.contract import Contract
from invoice_anomalies.contract.fields import NUMERIC_TYPES
from invoice_anomalies.detection import explain
from invoice_anomalies.warehouse.scores import FIELD_NUMBERS
from tests.golden import adapter
from tests.golden.record import weights_of


@pytest.fixture(scope="module", name="told")
def told_of_all_flagged() -> Iterator[tuple[Contract, pd.DataFrame]]:
    """The fields of all that is flagged in the golden night, with the contract that judges every field."""
    with adapter.trained_before(weights_of("wide")):
        detector = adapter.fit(adapter.contracts()["wide"])
        night = adapter.judged("wide", detector)["night"]
        yield detector.contract, explain(detector, night, night.flagged())[1]


def style_of(contract: Contract, name: str) -> text.Style | None:
    """How numbers of a field are written; None where it is no number."""
    derived = contract.derived.get(name)
    if derived and derived.operation == "ratio":
        return "ratio"
    types = {contract.fields[part].type for part in (derived.parts if derived else [name])}
    return "amount" if "amount" in types else "number" if types <= set(NUMERIC_TYPES) else None


def test_the_stored_numbers_in_words_are_the_stored_texts(told: tuple[Contract, pd.DataFrame]) -> None:
    contract, fields = told
    compared = 0
    line: Any
    for line in fields.itertuples():
        style = style_of(contract, line.field)
        numbers = {name: getattr(line, f"{name}_number") for name in ("observed", "expected", "low", "high")}
        if style is None:
            assert all(pd.isna(number) for number in numbers.values()), line.field
            continue
        for name, number in numbers.items():
            if pd.isna(number):
                continue
            exact, nearly = text.written(number, style), text.estimated(number, style)
            said = getattr(line, name)
            if name == "observed":
                assert said == exact or said.startswith(f"{exact} ("), line
            else:
                assert said in (exact, text.about(number, style) if name == "expected" else nearly), line
            compared += 1
    assert compared > 100


def test_a_field_that_is_a_number_has_it_beside_its_text(told: tuple[Contract, pd.DataFrame]) -> None:
    contract, fields = told
    is_number = fields["field"].map(lambda name: style_of(contract, name) is not None)
    assert (fields["observed_number"].notna() == (is_number & (fields["observed"] != "empty"))).all()
    assert (fields.dtypes[FIELD_NUMBERS] == "float64").all()


def test_fields_are_sorted_by_their_numbers_and_not_by_their_digits(told: tuple[Contract, pd.DataFrame]) -> None:
    amounts = told[1].query("field == 'gross_amount'")
    by_number, by_text = (list(amounts.sort_values(name).index) for name in ("observed_number", "observed"))
    assert amounts.loc[by_number, "observed_number"].is_monotonic_increasing
    assert by_number != by_text
