"""Plant single-field anomalies into real invoices, by field type, so that any contract can be evaluated.

Each planted invoice gets one wrong field: an amount or number shifted by one or two powers of ten or taken from
elsewhere in the book, a date moved by about a year, a level or an identifier taken from another entity's invoice.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.contract import Contract

PLANTED_SHARE = 0.02
SHIFTS = (0.01, 0.1, 10.0, 100.0)
TRIES = 20  # draws of another invoice until one differs in the field


def plant(contract: Contract, invoices: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, "pd.Series[str]"]:
    """Return a copy with anomalies planted, and per invoice the wrong field, empty where none (same index)."""
    random = np.random.default_rng(seed)
    planted = invoices.copy()
    wrong = pd.Series("", index=invoices.index, dtype=object)
    fields = [name for name in contract.detected if name not in contract.key or name != contract.entity]
    chosen = random.choice(len(invoices), size=max(len(fields), round(len(invoices) * PLANTED_SHARE)), replace=False)
    for turn, row in enumerate(chosen):
        name = fields[turn % len(fields)]
        if _spoil(contract, planted, invoices, name, int(row), random):
            wrong.iloc[row] = name
    return planted, wrong


def _spoil(
    contract: Contract, planted: pd.DataFrame, book: pd.DataFrame, name: str, row: int, random: np.random.Generator
) -> bool:
    """Make one field of one invoice wrong; False where the book offers nothing to make it wrong with."""
    column = planted.columns.get_loc(name)
    value, kind = planted.iat[row, column], contract.fields[name].type
    if pd.isna(value):
        return False
    if kind == "date":
        planted.iat[row, column] = value + pd.Timedelta(days=int(random.choice([-1, 1]) * random.integers(330, 400)))
        return True
    if kind in ("amount", "number") and value != 0 and random.random() < 0.5:
        planted.iat[row, column] = value * random.choice(SHIFTS)
        return True
    other = _from_elsewhere(contract, book, name, row, random)
    if other is None:
        return False
    planted.iat[row, column] = other
    return True


def _from_elsewhere(
    contract: Contract, book: pd.DataFrame, name: str, row: int, random: np.random.Generator
) -> object | None:
    values = book[name].to_numpy(object)
    entities = book[contract.entity].to_numpy(object) if contract.entity else None
    for other in _draws(len(book), random):
        differs = not pd.isna(values[other]) and values[other] != values[row]
        if differs and (entities is None or entities[other] != entities[row]):
            found: object = values[other]
            return found
    return None


def _draws(rows: int, random: np.random.Generator) -> npt.NDArray[np.int64]:
    return random.integers(rows, size=TRIES)
