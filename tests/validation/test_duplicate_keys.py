"""Fingerprints tell which rows have the same key, without its values; the row that keeps it is the first fit one."""

import numpy as np
import pandas as pd

from invoice_anomalies.validation.quarantine import duplicate_key_rows, equality_codes, fingerprints


def codes(values: pd.Series, chunk: int) -> pd.Series:
    """The codes of values that come in chunks of so many."""
    halves = [
        fingerprints(values.iloc[at : at + chunk].to_frame("key"), {"key"}) for at in range(0, len(values), chunk)
    ]
    first, second = (pd.concat(frames, ignore_index=True)["key"] for frames in zip(*halves, strict=True))
    return equality_codes(first, second)


def test_codes_are_equal_where_the_values_are_whatever_chunk_they_came_in() -> None:
    texts = pd.Series([f"A{number % 700}" for number in range(2000)] + [None, "", "a0", None], dtype="str")
    amounts = pd.Series([*(number % 13 / 4 for number in range(200)), np.nan, -0.0 + 0.0, 0.0])
    days = pd.to_datetime(pd.Series(["2026-01-31", None, "2026-02-01", "2026-01-31"])).astype("datetime64[us]")
    for values in (texts, amounts, days):
        for chunk in (1 if len(values) < 10 else 97, len(values)):
            found = codes(values, chunk)
            assert (found.isna() == values.isna()).all()
            assert (pd.factorize(values.dropna())[0] == pd.factorize(found.dropna())[0]).all()


def test_values_that_share_half_a_fingerprint_are_not_equal() -> None:
    same, other = pd.Series([7, 7, None], dtype="Int64"), pd.Series([1, 2, None], dtype="Int64")

    assert equality_codes(same, other).nunique() == 2
    assert equality_codes(other, same).nunique() == 2


def test_the_first_row_that_is_fit_in_all_else_keeps_its_key_and_a_key_that_is_missing_in_part_is_none() -> None:
    keys = pd.DataFrame({"vendor": ["V", "V", "V", "W", "V"], "number": ["1", "1", "1", None, "2"]})
    unfit = np.array([True, False, False, False, False])

    losers, keepers = duplicate_key_rows(keys, unfit)

    assert losers.tolist() == [0, 2]
    assert keepers.tolist() == [1, 1]
