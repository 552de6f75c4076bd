"""A history in one file: the field that tells the night of a row, and the contract that validates such a file."""

from collections.abc import Iterable, Iterator
from datetime import date

import pandas as pd

from invoice_anomalies.contract import Contract
from invoice_anomalies.contract.schema import LINE, Expectation, Rows
from invoice_anomalies.errors import ContractError
from invoice_anomalies.validation.parse import parse


def night_field(contract: Contract, by: str | None = None) -> tuple[str, str]:
    """The date field that tells the night of a row, and why it is that one.

    The field `by` where it is given; else the date that is held against no other date (no `relative_to`); of several,
    the date that others are held against. Raises ContractError where that leaves none or several.
    """
    dates = contract.of_type("date")
    if by:
        if by not in dates:
            raise ContractError(f"BY={by}: expected a date field of the contract, one of: {_listed(dates)}")
        return by, "as asked for"
    against = {contract.fields[name].relative_to for name in dates}
    first = [name for name in dates if contract.fields[name].relative_to is None]
    if len(first) > 1:
        first = [name for name in first if name in against] or first
    if len(first) == 1:
        why = "the date that others are relative to" if first[0] in against else "the only date of its kind"
        return first[0], why
    raise ContractError(
        f"the contract does not tell by which date a history is cut into nights; expected one date that is relative to "
        f"no other; there are {_listed(first) or 'none'}; name the field with BY=, best the date of booking, one of: "
        f"{_listed(dates) or '(the contract has no date field)'}"
    )


def as_history(contract: Contract, by: str, last: date) -> Contract:
    """The contract by which a history is validated that is cut into nights by the field `by`.

    Each row must have a night: a date from schedule.start_date to `last`, the day of loading. A key is unique within
    its night; over the nights the warehouse sees to it. The number of rows of a night is not checked.
    """
    schedule, validation = contract.schedule, contract.validation
    is_night = Expectation(
        type="expect_column_values_to_be_between",
        kwargs={"column": by, "min_value": schedule.start_date, "max_value": last},
        reason=f"no night to load; expected a date from {schedule.start_date} (schedule.start_date of the contract) to "
        "the day of loading",
    )
    field = contract.fields[by].model_copy(update={"required": True, "severity": "quarantine"})
    key = contract.key if {LINE, by} & set(contract.key) else [*contract.key, by]
    rules = {"rows": Rows(), "expectations": [*validation.expectations, is_night]}
    return contract.model_copy(
        update={
            "key": key,
            "fields": {**contract.fields, by: field},
            "validation": validation.model_copy(update=rules),
        }
    )


def with_nights(
    contract: Contract, chunks: Iterable[pd.DataFrame], by: str, last: date, nights: list[pd.Series]
) -> Iterator[pd.DataFrame]:
    """Pass the raw chunks on; append the night of each row to `nights`, by line, missing where it has none."""
    first = contract.schedule.start_date
    for raw in chunks:
        if by in raw:
            days = parse(contract, raw[[by]]).values[by]
            nights.append(days.where(days.between(pd.Timestamp(first), pd.Timestamp(last))))
        yield raw


def _listed(names: list[str]) -> str:
    return ", ".join(names)
