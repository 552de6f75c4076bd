"""What a collective check found, in words that name the other invoices."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from invoice_anomalies.contract import Contract
from invoice_anomalies.detection.checks.duplicates.invoice_numbers import CONFUSED
from invoice_anomalies.text import amount

MOST_NAMED = 5  # related invoices that a sentence names
_DIGITS = str.maketrans("".join(CONFUSED), "".join(CONFUSED.values()))

Say = Callable[[pd.DataFrame, Contract, "pd.Series[Any]", Mapping[str, float]], str]


def describe_match(
    check: str, related: pd.DataFrame, contract: Contract, own: "pd.Series[Any]", details: Mapping[str, float]
) -> str:
    """Say what a check found in one invoice, naming the others; "" where there are none.

    related: rows of the other invoices, most telling first, by invoice key; own: the invoice; details: its numbers, of
    `CheckResult.details_of`.
    """
    return _SAY[check](related, contract, own, details) if len(related) else ""


def difference(one: str, other: str) -> str:
    """How two numbers differ, in words."""
    if one == other:
        return "the same number"
    here, there = _plain(one), _plain(other)
    if re.sub(r"(?<!\d)0+(?=\d)", "", here) == re.sub(r"(?<!\d)0+(?=\d)", "", there):
        return "the number is only written otherwise"
    if len(here) == len(there):
        positions = [
            position
            for position, characters in enumerate(zip(here, there, strict=True))
            if characters[0] != characters[1]
        ]
        if len(positions) == 1:
            return "one character of the number differs"
        if len(positions) == 2 and here[slice(*_span(positions))] == there[slice(*_span(positions))][::-1]:
            return "two neighbouring characters of the number are exchanged"
    if abs(len(here) - len(there)) == 1 and sorted((here, there), key=len)[0] in _shortened(max(here, there, key=len)):
        return "one character of the number is missing or added"
    return "the number has something before or after it"


def _span(positions: list[int]) -> tuple[int, int]:
    return positions[0], positions[1] + 1


def _shortened(text: str) -> set[str]:
    return {text[:position] + text[position + 1 :] for position in range(len(text))}


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.upper()).translate(_DIGITS)


def _duplicate(related: pd.DataFrame, contract: Contract, own: "pd.Series[Any]", details: Mapping[str, float]) -> str:
    original = related.iloc[0]
    number = contract.invoice_number_field
    assert number is not None
    alike = [_amounts(original, contract, own), difference(str(own[number]), str(original[number]))]
    if contract.entity and original[contract.entity] != own[contract.entity]:
        alike.append(f"{_entity(contract)} {original[contract.entity]}")
    said = f"looks like a copy of {related.index[0]}{_dated(original, contract)} ({', '.join(alike)})"
    return said + (f", also of {_named(related.iloc[1:])}" if len(related) > 1 else "")


def _amounts(original: "pd.Series[Any]", contract: Contract, own: "pd.Series[Any]") -> str:
    assert contract.amount is not None
    there, here = float(original[contract.amount]), float(own[contract.amount])
    return (
        "the same amount" if round(there * 100) == round(here * 100) else f"{amount(there)} there, {amount(here)} here"
    )


def _split(related: pd.DataFrame, contract: Contract, own: "pd.Series[Any]", details: Mapping[str, float]) -> str:
    days = int(details["days"])
    return (
        f"{int(details['count'])} invoices of this {_entity(contract)} in {days} day{'' if days == 1 else 's'}, "
        f"{amount(details['total'])} together, each below the limit of {details['limit']:,.10g}: with {_named(related)}"
    )


def _burst(related: pd.DataFrame, contract: Contract, own: "pd.Series[Any]", details: Mapping[str, float]) -> str:
    count, low, high = (int(details[name]) for name in ("count", "low", "high"))
    usual = f"usual are {low} to {high}" if low < high else f"usual is {high}"
    if not details["nights"]:
        usual = f"it is the first night of this {_entity(contract)}"
    others = f"with {_named(related)}"
    left = count - 1 - min(len(related), MOST_NAMED)
    return f"{count} invoices in this night; {usual}; {others}" + (f" and {left:,} more" if left else "")


def _dated(original: "pd.Series[Any]", contract: Contract) -> str:
    dates = [name for name in (contract.invoice_date_field, "extract_date") if name and pd.notna(original.get(name))]
    return f" of {original[dates[0]].date().isoformat()}" if dates else ""


def _named(related: pd.DataFrame) -> str:
    return ", ".join(str(key) for key in related.index[:MOST_NAMED])


def _entity(contract: Contract) -> str:
    return contract.label(contract.entity) if contract.entity else "entity"


_SAY: dict[str, Say] = {"duplicate": _duplicate, "split": _split, "burst": _burst}
