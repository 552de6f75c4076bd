"""Write invoices as the extracts of the default contract: a history, the nights after it, and their labels."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pandas as pd

from invoice_anomalies.synthetic.anomalies import KINDS, fitting
from invoice_anomalies.synthetic.broken import break_rows
from invoice_anomalies.synthetic.company import Company
from invoice_anomalies.synthetic.planting import plant, plant_counts

HISTORY_SHARE = 0.003
"""Anomalies that nobody found are in every company's past, and so in what the model learns from."""
LEAST_ANOMALIES = 4
"""A night has this many at least, so that three nights show every kind,"""
MOST_SHARE = 0.1
"""but on a night of few invoices no more than this share of them."""


@dataclass
class SampleFiles:
    """What was written, by extract date; a night without postings has no files."""

    history: Path
    history_labels: Path
    nights: dict[date, Path] = field(default_factory=dict)
    labels: dict[date, Path] = field(default_factory=dict)
    broken: dict[date, Path] = field(default_factory=dict)


def as_texts(invoices: pd.DataFrame) -> pd.DataFrame:
    """Write typed invoices out as the default contract spells them: 2 decimals, ISO dates, nothing for missing."""
    texts = {}
    for name, values in invoices.items():
        if values.dtype.kind == "M":
            codes, days = pd.factorize(values)
            # A missing date has the code -1, and so the last text.
            spelled = pd.Series([*pd.DatetimeIndex(days).strftime("%Y-%m-%d"), ""], dtype="str")
            texts[name] = spelled.take(codes).set_axis(invoices.index)
        elif values.dtype.kind == "f":
            amounts = [f"{value:.2f}" for value in values]
            texts[name] = pd.Series(amounts, index=values.index, dtype="str").mask(values.isna(), "")
        else:
            texts[name] = values.fillna("")
    return pd.DataFrame(texts)


def write_extract(invoices: pd.DataFrame, path: Path) -> Path:
    """Write invoices, typed or as texts, in the format of the suffix: .csv, .csv.gz, .parquet or .xlsx.

    CSV holds texts; Parquet and Excel hold native numbers and dates where the invoices are typed. The same invoices
    give the same bytes (but for Excel, which notes the time). Raises ValueError for another suffix.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.name.endswith((".csv", ".csv.gz")):
        texts = as_texts(invoices)
        packed = {"method": "gzip", "compresslevel": 5, "mtime": 1} if path.suffix == ".gz" else None
        texts.to_csv(path, index=False, lineterminator="\n", compression=packed)
    elif path.suffix == ".parquet":
        invoices.to_parquet(path, index=False)
    elif path.suffix == ".xlsx":
        invoices.to_excel(path, index=False)
    else:
        raise ValueError(f"{path.name}: extracts end in .csv, .csv.gz, .parquet or .xlsx")
    return path


def write_sample(
    folder: Path,
    *,
    seed: int = 7,
    vendors: int = 120,
    history: tuple[date, date],
    nights: Sequence[date],
    rows_per_day: float = 120,
    anomaly_share: float = 0.02,
    broken_rows: int = 3,
    kinds: Iterable[str] = tuple(KINDS),
) -> SampleFiles:
    """Write landing/invoices_<date>.csv.gz for the history (all that was posted in it, named by its last day) and for
    each night (what was posted that day), and labels/invoices_<date>.labels.csv and .broken.csv beside them.

    The kinds of anomaly go on from night to night, so that three nights show all of them. A night without postings
    gets no file. Raises ValueError for nights that are not after the history.
    """
    start, end = history
    if any(night <= end for night in nights):
        raise ValueError(f"nights must be after the history, which ends on {end}")
    waiting = list(kinds)
    book = Company(seed, vendors).invoices(start, max([end, *nights]), rows_per_day)
    past, labels = plant(book[book["posting_date"] <= pd.Timestamp(end)], HISTORY_SHARE, seed, waiting, book)
    files = SampleFiles(
        history=write_extract(past, _landing(folder, end)),
        history_labels=_write_labels(labels, folder, end, "labels"),
    )
    for turn, night in enumerate(sorted(set(nights))):
        posted = book[book["posting_date"] == pd.Timestamp(night)]
        if posted.empty:
            continue
        counts = _next_kinds(posted, waiting, anomaly_share)
        planted, labels = plant_counts(posted, counts, seed + night.toordinal(), book)
        texts, broken = break_rows(
            as_texts(planted), broken_rows, seed + night.toordinal(), spare=labels, start=turn * broken_rows
        )
        files.nights[night] = write_extract(texts, _landing(folder, night))
        files.labels[night] = _write_labels(labels, folder, night, "labels")
        files.broken[night] = _write_labels(broken, folder, night, "broken")
    return files


def _next_kinds(posted: pd.DataFrame, waiting: list[str], share: float) -> dict[str, int]:
    """Take the kinds whose turn it is and move them to the end of those waiting; a kind that fits no invoice of the
    night keeps its turn."""
    most = max(round(MOST_SHARE * len(posted)), round(share * len(posted)))
    wanted = min(max(round(share * len(posted)), LEAST_ANOMALIES), most) if share > 0 else 0
    counts = dict.fromkeys(waiting, 0)
    # Half of the fitting invoices, so that the kinds need not fight for them.
    room = {kind: (int(fitting(kind, posted).sum()) + 1) // 2 for kind in waiting}
    while sum(counts.values()) < wanted:
        kind = next((kind for kind in waiting if counts[kind] < room[kind]), None)
        if kind is None:
            break
        counts[kind] += 1
        waiting.remove(kind)
        waiting.append(kind)
    return {kind: count for kind, count in counts.items() if count}


def _landing(folder: Path, day: date) -> Path:
    return folder / "landing" / f"invoices_{day}.csv.gz"


def _write_labels(labels: pd.DataFrame, folder: Path, day: date, what: str) -> Path:
    path = folder / "labels" / f"invoices_{day}.{what}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    labels.to_csv(path, index=False, lineterminator="\n")
    return path
