"""Which row of a night keeps a key that several rows have."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

Positions = npt.NDArray[np.int64]


def without_their_key(keys: pd.DataFrame, unfit: npt.NDArray[np.bool_]) -> tuple[Positions, Positions]:
    """The rows whose key another row keeps, and the row that keeps it, each by position.

    The first row that is fit in all else keeps its key, so that a broken line does not cost the good one after it.
    keys: the typed columns of the key, index: position; a key that is missing in part is none. unfit: by position.
    """
    keys = keys.dropna()
    keys = keys[keys.duplicated(keep=False)]
    if keys.empty:
        return np.array([], dtype="int64"), np.array([], dtype="int64")
    at = keys.index.to_numpy(dtype="int64")
    group = keys.groupby(list(keys.columns), sort=False).ngroup().to_numpy()
    rows = pd.DataFrame({"group": group, "at": at, "unfit": unfit[at]})
    keeper = rows.sort_values(["unfit", "at"]).groupby("group")["at"].first().to_numpy()[group]
    loses = keeper != at
    return at[loses], keeper[loses]


def fingerprints(values: pd.DataFrame, names: set[str]) -> pd.DataFrame:
    """The frame with a number of 64 bits in place of each value of these columns; equal values have equal numbers.

    Unequal ones may have, once in millions of nights: who finds equal numbers is to look at the values.
    """
    values = values.copy(deep=False)
    for name in names & set(values):
        numbers = pd.util.hash_array(values[name].array).view("int64")
        values[name] = pd.Series(pd.arrays.IntegerArray(numbers, values[name].isna().to_numpy()), values.index)
    return values


def same_key(key: Sequence[str], line: int) -> str:
    """The reason of a row whose key the row of this line keeps."""
    return f"{', '.join(key)}: same key as line {line}; expected each invoice once"
