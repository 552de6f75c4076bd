"""What validation hands on: the outcome of a night, and its rows in a folder of two Parquet files for each chunk.

The folder appears whole or not at all. Each try of a task writes a folder of its own, so that a killed try and its
retry never mix their chunks.
"""

import json
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

import pandas as pd

from invoice_anomalies.contract import Contract
from invoice_anomalies.errors import StagingError
from invoice_anomalies.files import delete_abandoned, disk_full_errors
from invoice_anomalies.validation.data_docs import BrokenRule

STAGED = "parts-"
WRITING = ".parts-"
VALID, QUARANTINED = "valid", "quarantined"
RAW, TYPED, REASONS = "raw", "typed", "reasons"  # of the first pass, for the second
REPORT = "report.json"
COMPRESSION: Literal["lz4"] = "lz4"  # as fast as none, at half the size


@dataclass(frozen=True)
class Outcome:
    """What becomes of one night.

    rows_in: rows of the extract; valid_rows and quarantined_rows add up to it, and are 0 where the night is refused.
    success: False where the night is refused; problems then says why.
    warnings: broken rules of severity warn, with counts; their rows are valid.
    data_docs: path of the index page of the night's Data Docs.
    folder: of the staged rows (see staged_chunks), None where the night is refused.
    broken: the rules that rows broke, those of most rows first.
    """

    rows_in: int
    success: bool
    valid_rows: int = 0
    quarantined_rows: int = 0
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    data_docs: str = ""
    folder: Path | None = None
    broken: list[BrokenRule] = field(default_factory=list)


@dataclass(frozen=True)
class Report:
    """What is said of the night beside its rows; warnings hold values of invoices, which Airflow is not to keep."""

    rows_in: int
    warnings: list[str]
    data_docs: str


class StagedChunks:
    """Writes the chunks of one night; `finish` makes them visible, leaving without it removes them.

    What the first pass found of a chunk is kept beside them until the second has written it.
    """

    def __init__(self, staging: Path) -> None:
        """staging: folder of the run. Removes what earlier tries left there long ago, as nobody will read it."""
        delete_abandoned(staging, f"{STAGED}*", f"{WRITING}*")
        name = uuid.uuid4().hex[:12]
        self._final = staging / f"{STAGED}{name}"
        self._folder = staging / f"{WRITING}{name}"
        self._in_memory: dict[tuple[str, int], pd.DataFrame] = {}
        with disk_full_errors(staging):
            self._folder.mkdir(parents=True)

    def keep(self, chunk: int, raw: pd.DataFrame, typed: pd.DataFrame, reasons: pd.DataFrame, *, on_disk: bool) -> None:
        """Keep a chunk for the second pass, on disk where Arrow has a type for each column (of a CSV file it has)."""
        import pyarrow as pa
        from pyarrow import feather

        for kind, frame in ((RAW, raw), (TYPED, typed), (REASONS, reasons)):
            try:
                table = pa.Table.from_pandas(frame) if on_disk else None
            except pa.ArrowException:
                table = None
            if table is None:
                self._in_memory[kind, chunk] = frame
                continue
            with disk_full_errors(self._folder.parent):
                feather.write_feather(table, str(_file(self._folder, kind, chunk)), compression=COMPRESSION)

    def raw(self, chunk: int) -> pd.DataFrame:
        """The rows of a chunk as they came."""
        return self._kept(RAW, chunk)

    def typed(self, chunk: int) -> pd.DataFrame:
        """The typed fields of a chunk."""
        return self._kept(TYPED, chunk)

    def reasons(self, chunk: int) -> pd.DataFrame:
        """The reasons of the first pass: columns position, rule_index and reason."""
        return self._kept(REASONS, chunk)

    def _kept(self, kind: str, chunk: int) -> pd.DataFrame:
        from pyarrow import feather

        if (kind, chunk) in self._in_memory:
            return self._in_memory[kind, chunk]
        table = feather.read_table(str(_file(self._folder, kind, chunk)), memory_map=False)
        frame: pd.DataFrame = table.to_pandas(integer_object_nulls=True)
        return frame

    def write(self, chunk: int, valid: pd.DataFrame, quarantined: pd.DataFrame) -> None:
        """Stage the rows of a chunk, and let go of what was kept of it. Raises StorageFullError."""
        with disk_full_errors(self._folder.parent):
            valid.to_parquet(_file(self._folder, VALID, chunk), compression=COMPRESSION)
            quarantined.to_parquet(_file(self._folder, QUARANTINED, chunk), compression=COMPRESSION)
        for kind in (RAW, TYPED, REASONS):
            self._in_memory.pop((kind, chunk), None)
            _file(self._folder, kind, chunk).unlink(missing_ok=True)

    def finish(self, report: Report) -> Path:
        """Make the staged chunks visible, with the report on them, all at once; returns their folder."""
        with disk_full_errors(self._folder.parent):
            (self._folder / REPORT).write_text(json.dumps(asdict(report)))
            self._folder.rename(self._final)
        return self._final

    def __enter__(self) -> "StagedChunks":
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


def staged_chunks(folder: Path) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """The valid and the quarantined rows of each chunk, in the order of the file.

    Valid rows have the contract's fields, typed; quarantined ones the columns raw (JSON text of the row as it came) and
    reasons (list of sentences); the index of both is the line. Raises StagingError where the folder is not (or no
    longer) there.
    """
    files = sorted(folder.glob(f"{VALID}_*"))
    if not files:
        raise _gone(folder)
    for chunk in range(len(files)):
        valid, quarantined = _read(folder, chunk)
        quarantined["reasons"] = quarantined["reasons"].map(list).astype(object)
        yield valid, quarantined[["raw", "reasons"]]


def staged_report(folder: Path) -> Report:
    """The report on the staged rows of a folder; raises StagingError."""
    try:
        return Report(**json.loads((folder / REPORT).read_text()))
    except (OSError, ValueError, TypeError):
        raise _gone(folder) from None


def no_valid_rows(contract: Contract) -> pd.DataFrame:
    """The frame of valid rows without rows."""
    dtypes = {"amount": "float64", "number": "float64", "date": "datetime64[us]"}
    return pd.DataFrame(
        {name: pd.Series(dtype=dtypes.get(field.type, "str")) for name, field in contract.fields.items()},
        index=pd.Index([], dtype="int64", name="line"),
    )


def no_quarantined_rows() -> pd.DataFrame:
    """The frame of quarantined rows without rows."""
    return pd.DataFrame(
        {"raw": pd.Series(dtype="str"), "reasons": pd.Series(dtype="object")},
        index=pd.Index([], dtype="int64", name="line"),
    )


def _gone(folder: Path) -> StagingError:
    return StagingError(
        f"{folder}: expected the staged rows of the night; they are not there; clear the task `validate` (of a history "
        "`validate_history`) and what follows, so that they are staged again"
    )


def _read(folder: Path, chunk: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    try:
        return pd.read_parquet(_file(folder, VALID, chunk)), pd.read_parquet(_file(folder, QUARANTINED, chunk))
    except (OSError, ValueError) as problem:
        raise StagingError(
            f"{folder}, part {chunk}: the staged rows cannot be read: {str(problem).splitlines()[0]}; clear the task "
            "`validate` (of a history `validate_history`) and what follows, so that they are staged again"
        ) from None


def _file(folder: Path, kind: str, chunk: int) -> Path:
    return folder / f"{kind}_{chunk:05}"
