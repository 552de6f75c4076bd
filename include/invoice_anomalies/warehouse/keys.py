"""The key of an invoice."""

from datetime import date

import numpy as np
import pandas as pd

from invoice_anomalies.contract import Contract
from invoice_anomalies.contract.fields import NUMERIC_TYPES
from invoice_anomalies.contract.schema import LINE

SEPARATOR = "|"


def invoice_keys(contract: Contract, valid: pd.DataFrame, extract_date: date) -> "pd.Series[str]":
    """Build the key of each invoice from a TYPED frame (index line): the contract's key fields joined by "|".

    Dates are ISO, numbers plain (12 and 12.5); the part `line` becomes "<extract_date>#<line>". A "|" or "\\" in a
    value is written with a "\\" before it where there are several parts, so that two invoices never share a key.
    """
    parts = [_part(contract, name, valid, extract_date) for name in contract.key]
    if len(parts) == 1:
        return parts[0]
    keys = _escaped(parts[0])
    for part in parts[1:]:
        keys = keys.str.cat(_escaped(part), sep=SEPARATOR)
    return keys


def _escaped(part: "pd.Series[str]") -> "pd.Series[str]":
    return part.str.replace("\\", "\\\\", regex=False).str.replace(SEPARATOR, "\\" + SEPARATOR, regex=False)


def _part(contract: Contract, name: str, valid: pd.DataFrame, extract_date: date) -> "pd.Series[str]":
    if name == LINE:
        return extract_date.isoformat() + "#" + valid.index.to_series().astype("str")
    if contract.fields[name].type == "date":
        days = np.datetime_as_string(valid[name].to_numpy(dtype="datetime64[D]"))
        return pd.Series(days, index=valid.index, dtype="str")
    if contract.fields[name].type in NUMERIC_TYPES:
        return pd.Series([_plain(number) for number in valid[name]], index=valid.index, dtype="str")
    return valid[name].astype("str")


def _plain(number: float) -> str:
    return str(int(number)) if float(number).is_integer() else repr(float(number))
