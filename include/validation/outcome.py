"""What validation says of a night."""

from dataclasses import dataclass, field

import pandas as pd

from include.contract import Contract


@dataclass(frozen=True)
class Outcome:
    """The judgement of one night.

    valid: the contract's fields in its order, typed, index `line`; empty where the night is refused.
    quarantined: index `line`, columns raw (JSON text of the row as it came) and reasons (list of sentences).
    success: False where the night is refused; problems then says why.
    warnings: broken rules of severity warn, with counts; their rows are valid.
    data_docs: path of the index page of the night's Data Docs.
    """

    valid: pd.DataFrame
    quarantined: pd.DataFrame
    rows_in: int
    success: bool
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    data_docs: str = ""


def typed_frame(contract: Contract) -> pd.DataFrame:
    """The typed frame without rows."""
    dtypes = {"amount": "float64", "number": "float64", "date": "datetime64[us]"}
    return pd.DataFrame(
        {name: pd.Series(dtype=dtypes.get(field.type, "str")) for name, field in contract.fields.items()},
        index=pd.Index([], dtype="int64", name="line"),
    )


def no_quarantine() -> pd.DataFrame:
    """The frame of quarantined rows without rows."""
    return pd.DataFrame(
        {"raw": pd.Series(dtype="str"), "reasons": pd.Series(dtype="object")},
        index=pd.Index([], dtype="int64", name="line"),
    )
