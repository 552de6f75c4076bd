"""The validation stage: raw parts in, outcome of the night out."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from invoice_anomalies.contract import Contract
from invoice_anomalies.validation.night import Night
from invoice_anomalies.validation.outcome import Outcome
from invoice_anomalies.validation.rules import build_rules
from invoice_anomalies.validation.staged import StagedParts


def validate(
    contract: Contract,
    parts: Iterable[pd.DataFrame],
    *,
    usual_rows: float | None = None,
    file: str = "",
    docs: Path,
    staging: Path,
) -> Outcome:
    """Judge one night by the contract, write its Data Docs into `docs` and stage its rows below `staging`.

    parts: the frames that extract.read gives; the judgement is the same whatever their number, and the memory is that
    of one, of the fields that make the key and of those that a rule about the whole night reads.
    usual_rows: rows of the usual night, None where not known yet. file: where the extract came from, for the messages.
    Bad data never raises: the night is refused, with its problems told. valid_rows + quarantined_rows == rows_in
    unless it is refused. Raises ContractError where the contract's own expectations are misspelled, StorageFullError,
    and what the reading of the parts raises.
    """
    rules = build_rules(contract, usual_rows)
    with StagedParts(staging) as staged:
        night = Night(contract, rules, file, docs, staged)
        rest = iter(parts)
        first, second = next(rest), next(rest, None)
        if second is None:
            night.take_whole(first)
        else:
            night.take(first)
            del first
            night.take(second)
            del second
            for part in rest:
                night.take(part)
            night.judge_whole()
        return night.outcome()
