"""Bring a history that came in one file into the warehouse, night by night: validate and split it, load, look back."""

import logging
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from invoice_anomalies import extract, warehouse
from invoice_anomalies.contract import Contract
from invoice_anomalies.errors import NightRefusedError, StagingError
from invoice_anomalies.files import read_staged, write_staged
from invoice_anomalies.paths import Paths
from invoice_anomalies.pipeline.history_nights import as_history, night_field, with_nights
from invoice_anomalies.pipeline.nights import today as nights_today
from invoice_anomalies.pipeline.payloads import (
    HistoryPlan,
    LeftOutNight,
    LoadedHistory,
    LoadedMonth,
    MonthPlan,
    PlannedHistory,
    Snapshot,
)
from invoice_anomalies.validation import staged_chunks, staged_report, validate
from invoice_anomalies.validation.result import no_quarantined_rows, no_valid_rows

log = logging.getLogger(__name__)

NIGHT = "extract_date"  # in the staged rows; no field of a contract may have this name
KINDS = ("valid", "quarantined")


def validate_history(
    contract: Contract,
    paths: Paths,
    dsn: str,
    snapshot: Snapshot,
    by: str | None = None,
    *,
    dry_run: bool = False,
) -> PlannedHistory:
    """Validate a staged history as one extract, and stage its rows by month; returns the plan of the load.

    The night of a row is the date of the field `by` (see night_field). A row without a night is quarantined with the
    reason, under the last night of the file. Nights that this file held before and has no more are taken back.
    A dry run has a plan without months. Raises NightRefusedError where the contract refuses the file.
    """
    file, copy = snapshot["file"], Path(snapshot["staged"])
    by, why = night_field(contract, by)
    log.info("%s is cut into nights by %s (%s)", file, by, why)
    today = nights_today(contract.schedule)
    nights: list[pd.Series] = []
    chunks = with_nights(contract, extract.read(contract, str(copy), name=file), by, today, nights)
    outcome = validate(
        as_history(contract, by, today), chunks, file=file, docs=paths.history_docs(file), staging=copy.parent
    )
    for warning in outcome.warnings:
        log.warning("%s", warning)
    if outcome.folder is None:
        raise _refused(file, outcome.problems, outcome.data_docs)
    log.info("%s rows: %s valid, %s quarantined", outcome.rows_in, outcome.valid_rows, outcome.quarantined_rows)
    with warehouse.connect(dsn) as connection:
        warehouse.migrate(connection, contract)
        held = warehouse.nights_of_other_files(connection, file)
        night_of = pd.concat(nights)
        valid = ((rows, night_of.loc[rows.index]) for rows, _ in staged_chunks(outcome.folder))
        elsewhere = warehouse.history_elsewhere(connection, contract, file, valid)
    _refuse_repeated(contract, file, outcome.valid_rows, elsewhere)
    days = {pd.Timestamp(str(day)).date() for day in night_of.dropna().unique()}
    last = _last_night(file, days, held, by)
    plan: HistoryPlan = {
        "file": file,
        "by": by,
        "why": why,
        "rows_in": outcome.rows_in,
        "quarantined": outcome.quarantined_rows,
        "data_docs": outcome.data_docs,
        "last": last.isoformat(),
        "staging": str(outcome.folder),
    }
    if dry_run:
        return {**plan, "months": []}
    months = _stage_months(outcome.folder, night_of.fillna(pd.Timestamp(last)))
    if (staged_rows := sum(rows for _, rows in months)) != outcome.rows_in:
        raise StagingError(
            f"{file}: {outcome.rows_in} rows came in, but {staged_rows} were split into nights; nothing was loaded. A "
            "row was lost or counted twice on the way: please report this"
        )
    _take_back_former_nights(contract, dsn, plan, days)
    return {**plan, "months": [{**plan, "month": month, "rows": rows} for month, rows in months]}


def load_month(contract: Contract, dsn: str, month: MonthPlan) -> LoadedMonth:
    """Load the nights of one month, each in a transaction of its own; returns the counts.

    A night that another file holds, or whose rows another night has, is left as it is, and told in `left_out`.
    """
    counts = {"nights": 0, "rows_in": 0, "loaded": 0, "quarantined": 0}
    left_out: list[LeftOutNight] = []
    with warehouse.connect(dsn) as connection:
        for night, valid, quarantined in _nights(contract, month):
            rows = len(valid) + len(quarantined)
            loaded = _load(connection, contract, month, night, [(valid, quarantined)])
            if isinstance(loaded, str):
                left_out.append({"night": night.isoformat(), "why": loaded, "rows": rows})
                continue
            counts["nights"] += 1
            for name in ("rows_in", "loaded", "quarantined"):
                counts[name] += getattr(loaded, name)
    log.info("%s: %s", month["month"], {"month": month["month"], **counts})
    for night_left in left_out:
        log.warning("%s", describe_left_out(night_left))
    return {
        "month": month["month"],
        "nights": counts["nights"],
        "rows_in": counts["rows_in"],
        "loaded": counts["loaded"],
        "quarantined": counts["quarantined"],
        "left_out": left_out,
    }


def finish_history(contract: Contract, dsn: str, plan: HistoryPlan, loaded: Sequence[LoadedMonth]) -> LoadedHistory:
    """Look back on all months, and count.

    Raises StagingError where rows_in is not loaded + quarantined + left out.
    """
    left_out = [night for month in loaded for night in month["left_out"]]
    rows_in = sum(month["rows_in"] for month in loaded) + sum(night["rows"] for night in left_out)
    if rows_in != plan["rows_in"]:
        raise StagingError(
            f"{plan['file']}: {plan['rows_in']} rows came in, but {rows_in} were loaded, quarantined or left out; run "
            "the history again, which repeats nothing that is right already"
        )
    with warehouse.connect(dsn) as connection:
        counts = warehouse.file_counts(connection, plan["file"])
        nights = warehouse.nights_of_file(connection, plan["file"])
    log.info("%s nights: %s loaded, %s quarantined", len(nights), counts.loaded, counts.quarantined)
    return {
        "extract_date": (nights[0] if nights else date.fromisoformat(plan["last"])).isoformat(),
        "last": plan["last"],
        "nights": len(nights),
        "rows_in": plan["rows_in"],
        "loaded": counts.loaded,
        "quarantined": counts.quarantined,
        "left_out": left_out,
    }


def describe_left_out(left_out: LeftOutNight) -> str:
    """Say that a night of the history was left out, and what to do."""
    night, rows = left_out["night"], left_out["rows"]
    return (
        f"{night}: {left_out['why']}, so the {rows:,} rows that the history has for it were left out; where the "
        f'history is right, take the night back (make take-back NIGHT={night} WHY="...") and load the history again'
    )


def _load(
    connection: Any,
    contract: Contract,
    month: MonthPlan,
    night: date,
    chunks: list[tuple[pd.DataFrame, pd.DataFrame]],
) -> "warehouse.LoadCounts | str":
    report = staged_report(Path(month["staging"]))
    # A day may have one invoice, and that one be booked again: no night that came under a wrong date.
    rules = contract.validation.model_copy(update={"max_repeated_share": 1})
    contract = contract.model_copy(update={"validation": rules})
    # What was said of the whole file stands once, where the rows without a night are.
    warnings = report.warnings if night.isoformat() == month["last"] else []
    return warehouse.load_history_night(
        connection,
        contract,
        warehouse.Extract(night, month["file"]),
        chunks,
        rows_in=sum(len(valid) + len(quarantined) for valid, quarantined in chunks),
        warnings=warnings,
        data_docs=report.data_docs,
    )


def _take_back_former_nights(contract: Contract, dsn: str, plan: HistoryPlan, nights: set[date]) -> None:
    """Take back the nights that this file held when it was loaded before, and has no more."""
    with warehouse.connect(dsn) as connection:
        former = [night for night in warehouse.nights_of_file(connection, plan["file"]) if night not in nights]
        for night in former:
            why = f"{plan['file']} has no rows of this day any more"
            warehouse.take_back(connection, contract, night, why, "the load of a history")
            connection.commit()
    if former:
        log.info("%s nights that the file has no more were taken back", len(former))


def _last_night(file: str, nights: set[date], held: dict[date, str], by: str) -> date:
    """The last night of the file that it may hold; raise NightRefusedError where there is none."""
    if free := nights - set(held):
        return max(free)
    problem = f"no row has a night: no value of {by} is a date from schedule.start_date to today"
    if nights:
        problem = (
            f"each of its {len(nights):,} nights is held by another file already, {min(nights)} by "
            f"{held[min(nights)]}; a corrected history takes the place of the former one under the same path; else "
            f'take the nights back first (make take-back NIGHT={min(nights)} WHY="..."), one after the other'
        )
    raise _refused(file, [problem], "")


def _refuse_repeated(contract: Contract, file: str, valid: int, elsewhere: list[tuple[date, str, int]]) -> None:
    """Raise NightRefusedError where other nights have (next to) all invoices of the history, on other days than it."""
    rows = sum(rows for _, _, rows in elsewhere)
    limit = contract.validation.max_repeated_share
    if limit == 1 or rows <= limit * valid:
        return
    night, other, most = elsewhere[0]
    raise _refused(
        file,
        [
            f"{rows:,} of its {valid:,} invoices are those of other nights, on other days than in this file, {most:,} "
            f"of them of the night of {night} (from {other}); expected invoices that no night has; where the history "
            f'is right, take that night back first (make take-back NIGHT={night} WHY="...")'
        ],
        "",
    )


def _refused(file: str, problems: list[str], data_docs: str) -> NightRefusedError:
    docs = [f"Data Docs: {data_docs}"] if data_docs else []
    return NightRefusedError(
        "\n".join(
            [
                f"{file}: the history is refused and nothing of it was loaded:",
                *problems,
                *docs,
                "Correct the file, or the rule in the contract, and load it again",
            ]
        )
    )


def _stage_months(folder: Path, night_of: "pd.Series") -> list[tuple[str, int]]:
    """Write the staged rows again by month, each row with its night; returns the months in order, and their rows.

    night_of: the night of each line of the file.
    """
    rows: dict[str, int] = {}
    for number, frames in enumerate(staged_chunks(folder)):
        for kind, frame in zip(KINDS, frames, strict=True):
            dated = frame.assign(**{NIGHT: night_of.loc[frame.index].to_numpy()})
            for month, of_month in dated.groupby(dated[NIGHT].dt.strftime("%Y-%m")):
                target = folder / str(month)
                target.mkdir(exist_ok=True)
                write_staged(of_month, target / f"{kind}_{number:05}.parquet")
                rows[str(month)] = rows.get(str(month), 0) + len(of_month)
    return sorted(rows.items())


def _nights(contract: Contract, month: MonthPlan) -> Iterator[tuple[date, pd.DataFrame, pd.DataFrame]]:
    """The nights of a month in order, with their valid and their quarantined rows."""
    folder = Path(month["staging"]) / month["month"]
    valid, quarantined = (
        pd.concat([read_staged(path) for path in sorted(folder.glob(f"{kind}_*"))] or [empty])
        for kind, empty in zip(KINDS, (no_valid_rows(contract), no_quarantined_rows()), strict=True)
    )
    quarantined["reasons"] = quarantined["reasons"].map(list).astype(object)
    groups = [_by_night(frame) for frame in (valid, quarantined)]
    for night in sorted({*groups[0], *groups[1]}):
        yield night, groups[0].get(night, valid.iloc[:0]), groups[1].get(night, quarantined.iloc[:0])


def _by_night(rows: pd.DataFrame) -> dict[date, pd.DataFrame]:
    return {pd.Timestamp(str(day)).date(): group for day, group in rows.groupby(NIGHT)} if NIGHT in rows else {}
