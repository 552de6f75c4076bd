"""Where a night's extract lies, whether it is there and settled, and its bytes."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any, BinaryIO, Literal, cast

from invoice_anomalies.contract import Contract
from invoice_anomalies.errors import ExtractNotArrivedError, ExtractUnreadableError, StorageUnreachableError
from invoice_anomalies.files import NO_ROOM, atomic_write
from invoice_anomalies.paths import Paths

HIDDEN = "://***@"  # in place of credentials
WATCHED_SECONDS = 5.0  # so long a look at a file may last; for longer settling, the next look tells
CHANGED = ("mtime", "LastModified", "last_modified", "updated", "modified", "created")  # as file systems name it


def locate(contract: Contract, extract_date: date, paths: Paths, path: str | None = None) -> str:
    """Name the place of a night's extract: the path given, else the contract's template; relative is below the root.

    Raises ExtractUnreadableError where the path is an address without the credentials that it was shown without.
    """
    location = path or contract.extract.path.format(extract_date=extract_date)
    if HIDDEN in location:
        raise ExtractUnreadableError(
            f"{location}: expected an address; one came as messages and tables show it, without its credentials; give "
            "it whole, or leave the path empty where the contract names it"
        )
    if "://" in location or Path(location).is_absolute():
        return location
    return str(paths.root / location)


Arrival = Literal["arrived", "begun", "absent"]


def arrival(location: str, settle_seconds: float = 0) -> Arrival:
    """Tell whether the extract is there and whole, as far as can be seen from outside.

    A file of no bytes counts as one whose writing has only begun. One that changed within the last settle_seconds is
    watched until they are over (for 5 s at most, else its writing has only begun): it has arrived if it stays as it is.
    """
    before = _state(location)
    if before is None:
        return "absent"
    if before[0] == 0:
        return "begun"
    left = settle_seconds if before[1] is None else settle_seconds - _age(before[1])
    if left <= 0:
        return "arrived"
    if left > WATCHED_SECONDS and before[1] is not None:
        return "begun"
    time.sleep(min(left, WATCHED_SECONDS))
    return "arrived" if _state(location) == before else "begun"


def arrived(location: str, settle_seconds: float = 0) -> bool:
    """Tell whether the extract is there and whole."""
    return arrival(location, settle_seconds) == "arrived"


@contextmanager
def opened(location: str) -> Iterator[BinaryIO]:
    """Open the extract for reading; raise ExtractNotArrivedError where there is none."""
    files, path = _file_system(location)
    with _telling(location), files.open(path, "rb") as stream:
        yield cast(BinaryIO, stream)


def copy(location: str, target: Path) -> None:
    """Copy the extract to a local file, which appears complete or not at all.

    Raises ExtractNotArrivedError where there is no extract, or where it changed meanwhile; StorageFullError.
    """
    files, path = _file_system(location)
    before = _state(location)
    with atomic_write(target) as arriving:
        with _telling(location):
            files.get_file(path, str(arriving))
        after = _state(location)
        if before != after:
            raise ExtractNotArrivedError(
                f"{shown(location)}: the extract is still being written: it had {_said(before)} before it was copied "
                f"and {_said(after)} behind; expected it to stay as it is; the task may be run again once it is whole"
            )


def shown(location: str) -> str:
    """The location as it may stand in a message: without the credentials that a URL can carry."""
    return re.sub(r"://[^/@]*@", HIDDEN, location)


def state(location: str) -> str | None:
    """Text that differs where another extract lies at the location: its size and when it changed; None where none does.

    Raises StorageUnreachableError.
    """
    found = _state(location)
    return None if found is None else f"{found[0]} {found[1]}"


State = tuple[int | None, Any]  # bytes, and when it was changed, in whatever form its storage tells


def _state(location: str) -> State | None:
    files, path = _file_system(location)
    try:
        info = files.info(path)
    except FileNotFoundError:
        return None
    except OSError as problem:
        raise _unreachable(location, problem) from None
    return info.get("size"), next((info[key] for key in CHANGED if info.get(key) is not None), None)


def _age(changed: Any) -> float:
    """Seconds since a change; infinite where the clocks of storage and machine disagree, or it tells no time."""
    if isinstance(changed, str):
        try:
            changed = datetime.fromisoformat(changed)
        except ValueError:
            return float("inf")
    moment = changed.timestamp() if isinstance(changed, datetime) else float(changed)
    age = time.time() - moment
    return age if age >= 0 else float("inf")


def _said(state: State | None) -> str:
    return "gone" if state is None else f"{state[0]:,} bytes" if state[0] is not None else "a size not told"


@contextmanager
def _telling(location: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise ExtractNotArrivedError(
            f"{shown(location)}: there is no extract here; deliver it, or correct extract.path in the contract"
        ) from None
    except OSError as problem:
        if problem.errno in NO_ROOM:
            raise  # of the disk that is copied to
        raise _unreachable(location, problem) from None


def _file_system(location: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs

    try:
        files, path = url_to_fs(location, use_listings_cache=False)
    except (ImportError, ValueError) as problem:
        raise ExtractUnreadableError(
            f"{shown(location)}: this kind of storage cannot be opened: {problem}; add its fsspec package to "
            "requirements.in, or correct extract.path in the contract"
        ) from None
    return files, str(path)


def _unreachable(location: str, problem: OSError) -> StorageUnreachableError:
    return StorageUnreachableError(
        f"{shown(location)}: cannot be opened: {problem}; check the storage and its permissions, then run it again"
    )
