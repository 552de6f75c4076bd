"""Cut a history that came as one CSV file into the nights it would have come in, for a backfill.

    python -m include.extract.split FILE DATE_FIELD [--from DATE] [--until DATE]

Each night's rows go, as they are, to where the contract expects that night's extract. Rows whose date cannot be read
go to the last night written, where validation will quarantine them with the reason: nothing is dropped.
"""

import argparse
import sys
from datetime import date
from pathlib import Path

import pandas as pd

from include.contract import Contract, load_contract
from include.errors import ContractError, ExtractUnreadableError, PipelineError
from include.extract.location import locate
from include.places import Places, contract_path

EARLIEST, LATEST = date(1700, 1, 1), date(2200, 1, 1)


def split_history(
    contract: Contract,
    places: Places,
    history: Path,
    field: str,
    first: date = EARLIEST,
    last: date = LATEST,
) -> dict[date, Path]:
    """Write a night's extract for each date of `field` between first and last; returns them by night."""
    settings = contract.extract
    targets = {locate(contract, day, places) for day in (date(2000, 1, 1), date(2000, 1, 2))}
    if len(targets) == 1 or any("://" in target for target in targets) or settings.format not in (None, "csv"):
        raise ContractError(
            f"extract.path {settings.path!r} and extract.format {settings.format or 'csv'!r} cannot take one CSV "
            "file a night; for splitting use a local path with {extract_date} in it, and format csv"
        )
    texts = pd.read_csv(history, sep=settings.delimiter, encoding=settings.encoding, dtype=str, keep_default_na=False)
    header = contract.header(field)
    headers = [str(name) for name in texts.columns]
    column = next((name for name in headers if name.strip().lower() == header.lower()), None)
    if column is None:
        raise ExtractUnreadableError(
            f"{history}: there is no column {header!r}; its header has {', '.join(map(repr, headers[:12]))}; "
            f"check extract.delimiter ({settings.delimiter!r}) and the field's column in the contract"
        )
    dates = pd.to_datetime(texts[column], format=settings.date_format, errors="coerce")
    if len(texts) and dates.isna().all():
        raise ExtractUnreadableError(
            f"{history}: no value of {header!r} can be read as {settings.date_format}, e.g. {texts[column].iloc[0]!r}; "
            "correct extract.date_format in the contract"
        )
    wanted = dates.between(pd.Timestamp(first), pd.Timestamp(last))
    unreadable = dates.isna()
    dates[unreadable] = dates[wanted].max()
    written: dict[date, Path] = {}
    for day, rows in texts[wanted | unreadable].groupby(dates, sort=True):
        night = pd.Timestamp(str(day)).date()
        path = Path(locate(contract, night, places))
        path.parent.mkdir(parents=True, exist_ok=True)
        rows.to_csv(path, index=False, sep=settings.delimiter, encoding=settings.encoding)
        written[night] = path
    return written


def main() -> int:
    """Run the command; 0 when done, 1 with a message on failure."""
    parser = argparse.ArgumentParser(prog="python -m include.extract.split", description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path, help="CSV file, plain or gzip")
    parser.add_argument("date_field", help="field of the contract that tells the night, e.g. the date of booking")
    parser.add_argument(
        "--from", dest="first", type=date.fromisoformat, default=date.min, help="first night, YYYY-MM-DD"
    )
    parser.add_argument(
        "--until", dest="last", type=date.fromisoformat, default=date.max, help="last night, YYYY-MM-DD"
    )
    given = parser.parse_args()
    try:
        contract = load_contract(contract_path())
        if given.date_field not in contract.of_type("date"):
            parser.error(f"{given.date_field} is not a date field; use one of: {', '.join(contract.of_type('date'))}")
        nights = split_history(
            contract, Places.from_environment(), given.file, given.date_field, given.first, given.last
        )
    except (PipelineError, OSError, ValueError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    if not nights:
        print(f"{given.file}: no row between {given.first} and {given.last}", file=sys.stderr)  # noqa: T201
        return 1
    print(f"nights written: {len(nights)}, from {min(nights)} to {max(nights)}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
