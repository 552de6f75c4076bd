"""Read an extract in the format that the contract names, or that its path tells."""

from collections.abc import Iterator
from pathlib import PurePosixPath

import pandas as pd

from invoice_anomalies.contract import Contract
from invoice_anomalies.errors import ExtractUnreadableError
from invoice_anomalies.extract.columnar import read_excel, read_parquet
from invoice_anomalies.extract.csv_file import read_csv
from invoice_anomalies.extract.location import opened, shown
from invoice_anomalies.extract.rows import raw_frame
from invoice_anomalies.extract.split import LIMITS, Limits, split

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


def read(contract: Contract, location: str, name: str | None = None, limits: Limits = LIMITS) -> Iterator[pd.DataFrame]:
    """Read one night's extract as it came, in chunks; the memory is that of one.

    name: what to call the file in messages, where it is a copy of the one that was delivered.

    Yields at least one frame, with the index `line` (the line of the file; the first data row is 2, in every format)
    and columns named by field where a header is a field's header, else by the header, the same in all chunks; values
    are texts, or what a Parquet or Excel file holds natively; missing where blank or one of extract.empty_values. A
    row with more values than the header has its surplus told in the column STRUCTURE_ERROR, which chunks without such
    rows lack.
    Raises ExtractNotArrivedError and ExtractUnreadableError, on the way at the latest.
    """
    called = shown(name or location)
    kind = contract.extract.format or _format(called)
    with opened(location) as stream:
        if not stream.read(1):
            raise ExtractUnreadableError(
                f"{called}: the file is empty (0 bytes), not even a header came; have the extract delivered again"
            )
        stream.seek(0)
        for cells in split(READERS[kind](contract, stream, called, limits), limits):
            yield raw_frame(contract, cells, called)


def _format(called: str) -> str:
    path = PurePosixPath(called.lower())
    suffix = (path.with_suffix("") if path.suffix == ".gz" else path).suffix
    if suffix not in SUFFIXES:
        raise ExtractUnreadableError(
            f"{called}: the format cannot be told from the name; set extract.format to csv, parquet or excel"
        )
    return SUFFIXES[suffix]
