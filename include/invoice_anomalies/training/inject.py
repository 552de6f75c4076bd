"""Plant single-field anomalies into real invoices, by field type, so that any contract can be evaluated.

Each planted invoice gets one wrong field: an amount or number shifted by one or two powers of ten or taken from
elsewhere in the book, a date moved by about a year, a level or an identifier taken from another entity's invoice.
The entity stays as it is: the other fields are judged by it. A derived field is wrong where one of its parts is.
"""

from typing import Any

import numpy as np
import pandas as pd

from invoice_anomalies.contract import Contract
from invoice_anomalies.contract.fields import NUMERIC_TYPES

PLANTED_SHARE = 0.02
SHIFTS = (0.01, 0.1, 10.0, 100.0)
TRIES = 20  # draws of another invoice until one differs in the field


def plant(contract: Contract, invoices: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, "pd.Series[str]"]:
    """Return a copy with anomalies planted, and per invoice the wrong field, empty where none (same index)."""
    random = np.random.default_rng(seed)
    wrong = pd.Series("", index=invoices.index, dtype=object)
    parts = [part for derived in contract.derived.values() for part in derived.parts]
    fields = [name for name in dict.fromkeys([*contract.detected, *parts]) if name != contract.entity]
    columns = {name: invoices[name].to_numpy(object, copy=True) for name in fields}
    # Each field has its turn, but ordinary invoices must remain.
    wanted = min(max(len(fields), round(len(invoices) * PLANTED_SHARE)), len(invoices) // 2) if fields else 0
    chosen = random.choice(len(invoices), size=wanted, replace=False)
    for turn, row in enumerate(chosen):
        name = fields[turn % len(fields)]
        value = _wrong_value(contract, invoices, name, int(row), random)
        if value is not None:
            columns[name][row], wrong.iloc[row] = value, name
    planted = invoices.assign(
        **{
            name: pd.Series(values, index=invoices.index, dtype=invoices[name].dtype)
            for name, values in columns.items()
        }
    )
    return planted, wrong


def _wrong_value(contract: Contract, book: pd.DataFrame, name: str, row: int, random: np.random.Generator) -> Any:
    """A wrong value for one field of one invoice; None where the book offers nothing to make it wrong with."""
    value, kind = book[name].iloc[row], contract.fields[name].type
    if pd.isna(value):
        return None
    if kind == "date":
        return value + pd.Timedelta(days=int(random.choice([-1, 1]) * random.integers(330, 400)))
    if kind in NUMERIC_TYPES and value != 0 and random.random() < 0.5:
        return value * random.choice(SHIFTS)
    return _from_elsewhere(contract, book, name, row, random)


def _from_elsewhere(contract: Contract, book: pd.DataFrame, name: str, row: int, random: np.random.Generator) -> Any:
    """The field's value in another entity's invoice, different from its own."""
    values, entities = book[name], book[contract.entity] if contract.entity else None
    for other in random.integers(len(book), size=TRIES):
        found = values.iloc[other]
        differs = not pd.isna(found) and found != values.iloc[row]
        if differs and (entities is None or entities.iloc[other] != entities.iloc[row]):
            return found
    return None
