"""The judged rows of a night on disk: a folder with two Parquet files for each part, which appears whole or not at all.

Each try of a task writes a folder of its own, so that a killed one and its retry never mix their parts.
"""

import json
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from invoice_anomalies.errors import StagingError
from invoice_anomalies.files import delete_abandoned, disk_full_errors

STAGED = "parts-"
WRITING = ".parts-"
VALID, QUARANTINED, RAW = "valid", "quarantined", "raw"
REPORT = "report.json"
COMPRESSION: Literal["lz4"] = "lz4"  # as fast as none, at half the size


@dataclass(frozen=True)
class Report:
    """What is said of the night beside its rows; warnings hold values of invoices, which Airflow is not to keep."""

    rows_in: int
    warnings: list[str]
    data_docs: str


class StagedParts:
    """Writes the parts of one night; `finish` makes them visible, leaving without it removes them.

    What came (raw) is kept beside them until then, for rows that only the whole night can tell to be unfit.
    """

    def __init__(self, staging: Path) -> None:
        """staging: folder of the run. Removes what earlier tries left there long ago, as nobody will read it."""
        delete_abandoned(staging, f"{STAGED}*", f"{WRITING}*")
        name = uuid.uuid4().hex[:12]
        self._final = staging / f"{STAGED}{name}"
        self._folder = staging / f"{WRITING}{name}"
        self._in_memory: dict[int, pd.DataFrame] = {}
        with disk_full_errors(staging):
            self._folder.mkdir(parents=True)

    def write(self, part: int, valid: pd.DataFrame, quarantined: pd.DataFrame) -> None:
        """Stage the rows of a part, in place of what was staged for it. Raises StorageFullError."""
        with disk_full_errors(self._folder.parent):
            valid.to_parquet(_file(self._folder, VALID, part), compression=COMPRESSION)
            quarantined.to_parquet(_file(self._folder, QUARANTINED, part), compression=COMPRESSION)

    def read(self, part: int) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The rows of a part as they were written."""
        return _read(self._folder, part)

    def quarantined(self, part: int) -> pd.DataFrame:
        """The quarantined rows of a part as they were written."""
        return pd.read_parquet(_file(self._folder, QUARANTINED, part))

    def keep_raw(self, part: int, raw: pd.DataFrame, *, on_disk: bool) -> None:
        """Keep what came, on disk where Arrow has a type for each column (of a CSV file it has)."""
        import pyarrow as pa
        from pyarrow import feather

        if on_disk:
            try:
                table = pa.Table.from_pandas(raw)
            except pa.ArrowException:
                pass
            else:
                with disk_full_errors(self._folder.parent):
                    feather.write_feather(table, str(_file(self._folder, RAW, part)), compression="lz4")
                return
        self._in_memory[part] = raw

    def raw(self, part: int) -> pd.DataFrame:
        """What came in a part."""
        from pyarrow import feather

        if part in self._in_memory:
            return self._in_memory[part]
        table = feather.read_table(str(_file(self._folder, RAW, part)), memory_map=False)
        raw: pd.DataFrame = table.to_pandas(integer_object_nulls=True)
        return raw

    def finish(self, report: "Report") -> Path:
        """Make the staged parts visible, with the report on them, all at once; returns their folder."""
        for left in self._folder.glob(f"{RAW}_*"):
            left.unlink()
        self._in_memory.clear()
        with disk_full_errors(self._folder.parent):
            (self._folder / REPORT).write_text(json.dumps(asdict(report)))
            self._folder.rename(self._final)
        return self._final

    def __enter__(self) -> "StagedParts":
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


def staged_parts(folder: Path) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """The valid and the quarantined rows of each part, in the order of the file.

    Raises StagingError where the folder is not (or no longer) there.
    """
    files = sorted(folder.glob(f"{VALID}_*"))
    if not files:
        raise _gone(folder)
    for part in range(len(files)):
        valid, quarantined = _read(folder, part)
        quarantined["reasons"] = quarantined["reasons"].map(list).astype(object)
        yield valid, quarantined[["raw", "reasons"]]


def staged_report(folder: Path) -> Report:
    """The report on the staged rows of a folder; raises StagingError."""
    try:
        return Report(**json.loads((folder / REPORT).read_text()))
    except (OSError, ValueError, TypeError):
        raise _gone(folder) from None


def _gone(folder: Path) -> StagingError:
    return StagingError(
        f"{folder}: expected the staged rows of the night; they are not there; clear the task `validate` (of a history "
        "`validate_history`) and what follows, so that they are staged again"
    )


def _read(folder: Path, part: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    try:
        return pd.read_parquet(_file(folder, VALID, part)), pd.read_parquet(_file(folder, QUARANTINED, part))
    except (OSError, ValueError) as problem:
        raise StagingError(
            f"{folder}, part {part}: the staged rows cannot be read: {str(problem).splitlines()[0]}; clear the task "
            "`validate` (of a history `validate_history`) and what follows, so that they are staged again"
        ) from None


def _file(folder: Path, kind: str, part: int) -> Path:
    return folder / f"{kind}_{part:05}"
