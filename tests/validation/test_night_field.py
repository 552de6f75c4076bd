"""Which date cuts a history into nights, where nobody says so."""

from typing import Any

import pytest

from invoice_anomalies.contract import Contract
from invoice_anomalies.errors import ContractError
from invoice_anomalies.pipeline.history_nights import night_field
from tests.validation.conftest import contract_of


def dates(**fields: dict[str, Any]) -> Contract:
    return contract_of(fields={name: {"type": "date", **more} for name, more in fields.items()})


def test_it_is_the_date_that_others_are_relative_to(contract: Contract) -> None:
    assert night_field(contract) == ("posting_date", "the date that others are relative to")
    assert night_field(dates(due={"relative_to": "day"}))[0] == "day"


def test_it_is_the_only_date_where_there_is_one() -> None:
    assert night_field(contract_of())[0] == "day"


def test_of_several_that_are_relative_to_none_it_is_the_one_that_others_are_relative_to() -> None:
    assert night_field(dates(entered={}, due={"relative_to": "entered"}))[0] == "entered"


def test_where_nothing_tells_somebody_has_to_say() -> None:
    with pytest.raises(ContractError, match=r"there are day, entered; name the field with BY="):
        night_field(dates(entered={}))
    assert night_field(dates(entered={}), "entered") == ("entered", "as asked for")


def test_a_field_that_is_no_date_is_refused_with_the_ones_that_are(contract: Contract) -> None:
    with pytest.raises(ContractError, match=r"BY=vendor_id: expected a date field .* invoice_date, posting_date"):
        night_field(contract, "vendor_id")
