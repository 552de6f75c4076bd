"""What validation says of a night."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from invoice_anomalies.contract import Contract
from invoice_anomalies.validation.staged import staged_parts
from invoice_anomalies.validation.story import Broken


@dataclass(frozen=True)
class Outcome:
    """The judgement of one night.

    rows_in: rows of the extract; valid_rows and quarantined_rows add up to it, and are 0 where the night is refused.
    success: False where the night is refused; problems then says why.
    warnings: broken rules of severity warn, with counts; their rows are valid.
    data_docs: path of the index page of the night's Data Docs.
    folder: where the rows are staged, None where the night is refused.
    broken: the rules that rows broke, those of most rows first.
    """

    contract: Contract
    rows_in: int
    success: bool
    valid_rows: int = 0
    quarantined_rows: int = 0
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    data_docs: str = ""
    folder: Path | None = None
    broken: list[Broken] = field(default_factory=list)

    def parts(self) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
        """The staged rows part by part: valid (the contract's fields, typed, index line) and quarantined.

        Quarantined rows have the index line and the columns raw (JSON text of the row as it came) and reasons (list of
        sentences).
        """
        return staged_parts(self.folder) if self.folder else iter(())

    @property
    def valid(self) -> pd.DataFrame:
        """The valid rows of a night that is small enough to be held as one frame."""
        frames = [valid for valid, _ in self.parts() if len(valid)]
        return pd.concat(frames) if frames else typed_frame(self.contract)

    @property
    def quarantined(self) -> pd.DataFrame:
        """The quarantined rows of a night that is small enough to be held as one frame."""
        frames = [quarantined for _, quarantined in self.parts() if len(quarantined)]
        return pd.concat(frames) if frames else no_quarantine()


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
