"""What a collective check found, in words that name the other invoices."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from invoice_anomalies.contract import Contract
from invoice_anomalies.detection.checks.duplicates.invoice_numbers import CONFUSED
from invoice_anomalies.text import amount

MOST_NAMED = 5
_DIGITS = str.maketrans("".join(CONFUSED), "".join(CONFUSED.values()))

Say = Callable[[pd.DataFrame, Contract, "pd.Series[Any]", Mapping[str, float]], str]


def remark(
    check: str, twins: pd.DataFrame, contract: Contract, own: "pd.Series[Any]", figures: Mapping[str, float]
) -> str:
    """Say what a check found in one invoice, naming the others; "" where there are none.

    twins: the others' rows, most telling first, by invoice key; own: the invoice; figures: `CheckResult.details_of` it.
    """
    return _SAY[check](twins, contract, own, figures) if len(twins) else ""


def difference(one: str, other: str) -> str:
    """How two numbers differ, in words."""
    if one == other:
        return "the same number"
    here, there = _plain(one), _plain(other)
    if re.sub(r"(?<!\d)0+(?=\d)", "", here) == re.sub(r"(?<!\d)0+(?=\d)", "", there):
        return "the number is only written otherwise"
    if len(here) == len(there):
        places = [place for place, signs in enumerate(zip(here, there, strict=True)) if signs[0] != signs[1]]
        if len(places) == 1:
            return "one character of the number differs"
        if len(places) == 2 and here[slice(*_span(places))] == there[slice(*_span(places))][::-1]:
            return "two neighbouring characters of the number are exchanged"
    if abs(len(here) - len(there)) == 1 and sorted((here, there), key=len)[0] in _shortened(max(here, there, key=len)):
        return "one character of the number is missing or added"
    return "the number has something before or after it"


def _span(places: list[int]) -> tuple[int, int]:
    return places[0], places[1] + 1


def _shortened(text: str) -> set[str]:
    return {text[:place] + text[place + 1 :] for place in range(len(text))}


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.upper()).translate(_DIGITS)


def _duplicate(twins: pd.DataFrame, contract: Contract, own: "pd.Series[Any]", figures: Mapping[str, float]) -> str:
    original = twins.iloc[0]
    number = contract.invoice_number_field
    assert number is not None
    alike = [_amounts(original, contract, own), difference(str(own[number]), str(original[number]))]
    if contract.entity and original[contract.entity] != own[contract.entity]:
        alike.append(f"{_entity(contract)} {original[contract.entity]}")
    said = f"looks like a copy of {twins.index[0]}{_dated(original, contract)} ({', '.join(alike)})"
    return said + (f", also of {_named(twins.iloc[1:])}" if len(twins) > 1 else "")


def _amounts(original: "pd.Series[Any]", contract: Contract, own: "pd.Series[Any]") -> str:
    assert contract.amount is not None
    there, here = float(original[contract.amount]), float(own[contract.amount])
    return (
        "the same amount" if round(there * 100) == round(here * 100) else f"{amount(there)} there, {amount(here)} here"
    )


def _split(twins: pd.DataFrame, contract: Contract, own: "pd.Series[Any]", figures: Mapping[str, float]) -> str:
    days = int(figures["days"])
    return (
        f"{int(figures['count'])} invoices of this {_entity(contract)} in {days} day{'' if days == 1 else 's'}, "
        f"{amount(figures['total'])} together, each below the limit of {figures['limit']:,.10g}: with {_named(twins)}"
    )


def _burst(twins: pd.DataFrame, contract: Contract, own: "pd.Series[Any]", figures: Mapping[str, float]) -> str:
    count, low, high = (int(figures[name]) for name in ("count", "low", "high"))
    usual = f"usual are {low} to {high}" if low < high else f"usual is {high}"
    if not figures["nights"]:
        usual = f"it is the first night of this {_entity(contract)}"
    others = f"with {_named(twins)}"
    left = count - 1 - min(len(twins), MOST_NAMED)
    return f"{count} invoices in this night; {usual}; {others}" + (f" and {left:,} more" if left else "")


def _dated(original: "pd.Series[Any]", contract: Contract) -> str:
    dates = [name for name in (contract.invoice_date_field, "extract_date") if name and pd.notna(original.get(name))]
    return f" of {original[dates[0]].date().isoformat()}" if dates else ""


def _named(twins: pd.DataFrame) -> str:
    return ", ".join(str(key) for key in twins.index[:MOST_NAMED])


def _entity(contract: Contract) -> str:
    return contract.label(contract.entity) if contract.entity else "entity"


_SAY: dict[str, Say] = {"duplicate": _duplicate, "split": _split, "burst": _burst}
