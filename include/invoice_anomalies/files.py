"""Files that are whole or not there, whatever ends the process that writes them: what tasks hand to each other."""

import errno
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from invoice_anomalies.errors import StagingError, StorageFullError

if TYPE_CHECKING:
    import pandas as pd

# A disk, a quota and a process' own limit that are used up: one remedy.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
LONGEST_TRY_SECONDS = 2.5 * 3600  # Airflow ends a try after two hours


@contextmanager
def atomic_write(target: Path) -> Iterator[Path]:
    """Hand out a path to write to; what is there at the end takes the target's name, in one step.

    Two tries of a task at once write to files of their own. Raises StorageFullError where there is no room left.
    """
    with disk_full_errors(target.parent):
        # A folder, so that the file keeps its name: libraries choose a format by its ending.
        making = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        try:
            yield making / target.name
            (making / target.name).replace(target)
        finally:
            shutil.rmtree(making, ignore_errors=True)


def write_staged(frame: "pd.DataFrame", path: Path) -> Path:
    """Write a frame as Parquet for a later task; raise StorageFullError where there is no room left."""
    with atomic_write(path) as making:
        frame.to_parquet(making)
    return path


def read_staged(path: Path) -> "pd.DataFrame":
    """Read a frame that an earlier task staged; raise StagingError where it is gone or no longer what was written."""
    import pandas as pd
    import pyarrow as pa

    try:
        return pd.read_parquet(path)
    except (OSError, pa.ArrowException) as problem:
        if getattr(problem, "errno", None) is not None and not isinstance(problem, FileNotFoundError):
            raise  # the storage's own error, e.g. of a network folder: it may pass
        raise staging_error(path, problem) from None


def replace_folder(made: Path, target: Path) -> None:
    """Put a folder in the place of another, whatever other tries do at once; for a moment there is none."""
    while True:
        old = made.with_name(f"{made.name}.old")
        with suppress(FileNotFoundError):
            target.rename(old)
        try:
            made.rename(target)
        except OSError as problem:
            if problem.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise  # else another try was faster: it gives way as the one before it did
        else:
            return
        finally:
            shutil.rmtree(old, ignore_errors=True)


def delete_abandoned(folder: Path, *patterns: str) -> None:
    """Delete what killed tries left in a folder and nobody will read.

    Not what is younger than a try may run: one that was given up for lost may be at work beside its retry.
    """
    for left in (path for pattern in patterns for path in folder.glob(pattern)):
        with suppress(FileNotFoundError):
            if time.time() - left.stat().st_mtime > LONGEST_TRY_SECONDS:
                shutil.rmtree(left, ignore_errors=True)


def staging_error(path: Path, problem: Exception) -> StagingError:
    """The error for a staged file that is gone or not what was written."""
    gone = isinstance(problem, FileNotFoundError)
    return StagingError(
        f"{path}: {'an earlier task left this file here, and it is gone' if gone else f'unreadable: {problem}'}; "
        "staged files are kept for 14 days. Clear the run from its first task on, so that it is made again"
    )


@contextmanager
def disk_full_errors(folder: Path) -> Iterator[None]:
    """Turn the system's error of a full disk into a StorageFullError that names the folder; others pass."""
    try:
        yield
    except OSError as problem:
        if problem.errno not in NO_ROOM:
            raise
        raise StorageFullError(
            f"{folder}: no room left to write ({problem.strerror}){_free(folder)}; nothing half-written was left in "
            "place. Free room there, e.g. old folders below staging/ and data_docs/, or set INVOICES_HOME (TMPDIR for "
            "temporary files) to a larger disk; the task may then be run again"
        ) from problem


def _free(folder: Path) -> str:
    try:
        return f", {shutil.disk_usage(folder).free / 1e6:,.1f} MB free"
    except OSError:
        return ""
