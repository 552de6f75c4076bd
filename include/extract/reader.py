"""Read an extract in the format that the contract names, or that its path tells."""

from pathlib import PurePosixPath

import pandas as pd

from include.contract import Contract
from include.errors import ExtractUnreadableError
from include.extract.csv_file import read_csv
from include.extract.frame import raw_frame
from include.extract.location import fetch, shown
from include.extract.typed_files import read_excel, read_parquet

READERS = {"csv": read_csv, "parquet": read_parquet, "excel": read_excel}
SUFFIXES = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".xlsx": "excel",
    ".xlsm": "excel",
}


def read(contract: Contract, location: str, name: str | None = None) -> pd.DataFrame:
    """Read one night's extract as it came.

    name: what to call the file in messages, where it is a copy of the one that was delivered.

    Returns a frame with the index `line` (the line of the file; the first data row is 2, in every format) and columns
    named by field where a header is a field's header, else by the header; values are texts, or what a Parquet or Excel
    file holds natively; missing where blank or one of extract.empty_values. A row with more values than the header
    has its surplus told in the column MISFIT.
    Raises ExtractNotArrivedError and ExtractUnreadableError.
    """
    kind = contract.extract.format or _format(location)
    data, called = fetch(location), shown(name or location)
    if not data:
        raise ExtractUnreadableError(
            f"{called}: the file is empty (0 bytes), not even a header came; have the extract delivered again"
        )
    return raw_frame(contract, READERS[kind](contract, data, called), called)


def _format(location: str) -> str:
    path = PurePosixPath(location)
    suffix = (path.with_suffix("") if path.suffix == ".gz" else path).suffix.lower()
    if suffix not in SUFFIXES:
        raise ExtractUnreadableError(
            f"{shown(location)}: the format cannot be told from the name; set extract.format to csv, parquet or excel"
        )
    return SUFFIXES[suffix]
