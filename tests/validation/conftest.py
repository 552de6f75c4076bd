"""A small contract whose rules the tests break one by one, and its fit rows."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from invoice_anomalies.contract import Contract
from invoice_anomalies.extract import Limits, read
from invoice_anomalies.validation import Outcome, staged_chunks, validate
from invoice_anomalies.validation.result import no_quarantined_rows, no_valid_rows

HEADER = "vendor,number,day,amount,kind,note"
FIT = "V1,A{},2024-01-31,10.50,std,"


@dataclass(frozen=True, kw_only=True)
class StagedOutcome(Outcome):
    """An outcome with its staged rows."""

    contract: Contract

    def chunks(self) -> list[tuple[pd.DataFrame, pd.DataFrame]]:
        """The valid and the quarantined rows, chunk by chunk."""
        return list(staged_chunks(self.folder)) if self.folder else []

    @property
    def valid(self) -> pd.DataFrame:
        """All valid rows."""
        return pd.concat([valid for valid, _ in self.chunks() if len(valid)] or [no_valid_rows(self.contract)])

    @property
    def quarantined(self) -> pd.DataFrame:
        """All quarantined rows."""
        return pd.concat([rows for _, rows in self.chunks() if len(rows)] or [no_quarantined_rows()])


Judge = Callable[..., StagedOutcome]


def contract_of(
    extract: dict[str, Any] | None = None, fields: dict[str, Any] | None = None, **validation: Any
) -> Contract:
    """The small contract, with parts of it exchanged."""
    given: dict[str, dict[str, Any]] = {
        "vendor": {"type": "category", "pattern": r"V\d+"},
        "number": {"type": "identifier"},
        "day": {"type": "date", "min": "2020-01-01"},
        "amount": {"type": "amount", "min": -100, "max": 1000},
        "kind": {"type": "category", "allowed": ["std", "fee"]},
        "note": {"type": "text", "required": False},
    }
    for name, more in (fields or {}).items():
        given[name] = {**given.get(name, {}), **more}
    return Contract.model_validate(
        {
            "name": "small",
            "entity": "vendor",
            "key": ["vendor", "number"],
            "extract": {"path": "small_{extract_date}.csv", **(extract or {})},
            "fields": given,
            "validation": validation,
            "report": {"recipients": ["a@example.com"]},
        }
    )


def judged_in(folder: Path, contract: Contract, parts: Iterable[pd.DataFrame], **given: Any) -> StagedOutcome:
    """Judge parts, with the Data Docs and the staged rows below a folder."""
    outcome = validate(contract, parts, **{"docs": folder / "docs", "staging": folder / "staged", **given})
    return StagedOutcome(**vars(outcome), contract=contract)


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    """Write rows below twenty fit ones into a real file, read it and judge it."""

    def judged(
        *rows: str,
        contract: Contract | None = None,
        header: str = HEADER,
        fit: int = 20,
        usual: float | None = None,
        chunk_rows: int = 1000,
    ) -> StagedOutcome:
        contract = contract or contract_of()
        path = tmp_path / "small.csv"
        path.write_text("\n".join([header, *(FIT.format(i) for i in range(fit)), *rows]) + "\n", encoding="utf-8")
        parts = read(contract, str(path), limits=Limits(chunk_rows=chunk_rows))
        return judged_in(tmp_path, contract, parts, file="small.csv", usual_rows=usual)

    return judged


def only_reasons(outcome: StagedOutcome) -> list[str]:
    """The reasons of the one quarantined row."""
    assert outcome.success, outcome.problems
    assert len(outcome.quarantined) == 1
    return list(outcome.quarantined["reasons"].iloc[0])


def assert_nothing_lost(outcome: StagedOutcome, raw: pd.DataFrame) -> None:
    """Each row is valid or quarantined, never both and never neither."""
    assert sorted([*outcome.valid.index, *outcome.quarantined.index]) == list(raw.index)
    assert len(outcome.valid) + len(outcome.quarantined) == outcome.rows_in == len(raw)


@pytest.fixture(scope="session", autouse=True)
def cheap_pages(pages_cost_little: None) -> None:
    """Most tests here write Data Docs."""
