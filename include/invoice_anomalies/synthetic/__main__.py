"""Write sample extracts: python -m invoice_anomalies.synthetic FOLDER --history 2025-11-01 2026-10-31 --nights 3."""

import argparse
import sys
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

from invoice_anomalies.synthetic.anomalies import KINDS
from invoice_anomalies.synthetic.files import write_sample

HISTORY = (date(2025, 11, 1), date(2026, 10, 31))


def working_days(after: date, count: int) -> list[date]:
    """List the first so many Mondays to Fridays after a day."""
    days = (after + timedelta(days=ahead) for ahead in range(1, 3 * count + 3))
    return [day for day in days if day.weekday() < 5][:count]


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    made = argparse.ArgumentParser(
        prog="python -m invoice_anomalies.synthetic",
        description="Write made-up invoice extracts with planted anomalies: FOLDER/landing holds a history and the "
        "nights after it, FOLDER/labels says which invoices are wrong, and which lines are broken.",
    )
    start, end = HISTORY
    add = made.add_argument
    add("folder", type=Path, metavar="FOLDER", help="folder to write to, e.g. var (INVOICES_HOME)")
    days = f"days of booking in the history ({start} {end})"
    add("--history", type=date.fromisoformat, nargs=2, metavar=("FROM", "TO"), default=HISTORY, help=days)
    add("--nights", type=int, default=3, help="nights to write: the working days after the history (%(default)s)")
    add("--seed", type=int, default=7, help="the same seed gives the same files (%(default)s)")
    add("--vendors", type=int, default=120, help="vendors of the company (%(default)s)")
    add("--rows-per-day", type=float, default=120, help="invoices of a working day, on average (%(default)s)")
    add("--anomaly-share", type=float, default=0.02, help="share of a night's invoices that are wrong (%(default)s)")
    add("--kinds", nargs="+", metavar="KIND", choices=list(KINDS), default=list(KINDS), help="all: " + ", ".join(KINDS))
    add("--broken-rows", type=int, default=3, help="lines of a night that belong into quarantine (%(default)s)")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files and say where they are; 2 for arguments that make no sense."""
    asked = parser().parse_args(arguments)
    start, end = asked.history
    try:
        files = write_sample(
            asked.folder,
            seed=asked.seed,
            vendors=asked.vendors,
            history=(start, end),
            nights=working_days(end, asked.nights),
            rows_per_day=asked.rows_per_day,
            anomaly_share=asked.anomaly_share,
            broken_rows=asked.broken_rows,
            kinds=asked.kinds,
        )
    except ValueError as problem:
        sys.stderr.write(f"invoice_anomalies.synthetic: {problem}\n")
        return 2
    for path in (files.history, *files.nights.values(), files.history_labels.parent):
        sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
