"""Where a night's extract lies, whether it is there, and its bytes."""

import re
from datetime import date
from pathlib import Path
from typing import Any

from include.contract import Contract
from include.errors import ExtractNotArrivedError, ExtractUnreadableError, StorageUnreachableError
from include.places import Places


def locate(contract: Contract, extract_date: date, places: Places, path: str | None = None) -> str:
    """Name the place of a night's extract: the path given, else the contract's template; relative is below the root."""
    location = path or contract.extract.path.format(extract_date=extract_date)
    if "://" in location or Path(location).is_absolute():
        return location
    return str(places.root / location)


def arrived(location: str) -> bool:
    """Tell whether the extract is there; a file of no bytes counts as one whose writing has only begun."""
    files, path = _file_system(location)
    try:
        size = files.info(path).get("size")
    except FileNotFoundError:
        return False
    except OSError as problem:
        raise _unreachable(location, problem) from None
    return size is None or size > 0


def fetch(location: str) -> bytes:
    """Read the whole extract; raise ExtractNotArrivedError where there is none."""
    files, path = _file_system(location)
    try:
        return bytes(files.cat_file(path))
    except FileNotFoundError:
        raise _absent(location) from None
    except OSError as problem:
        raise _unreachable(location, problem) from None


def copy(location: str, target: Path) -> None:
    """Copy the extract as it is now to a local file; the file appears complete or not at all.

    Raises ExtractNotArrivedError where there is no extract.
    """
    files, path = _file_system(location)
    arriving = target.with_name(f".{target.name}.arriving")
    try:
        files.get_file(path, str(arriving))
    except FileNotFoundError:
        raise _absent(location) from None
    except OSError as problem:
        raise _unreachable(location, problem) from None
    arriving.replace(target)


def shown(location: str) -> str:
    """The location as it may stand in a message: without the credentials that a URL can carry."""
    return re.sub(r"://[^/@]*@", "://***@", location)


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


def _absent(location: str) -> ExtractNotArrivedError:
    return ExtractNotArrivedError(
        f"{shown(location)}: there is no extract here; deliver it, or correct extract.path in the contract"
    )


def _unreachable(location: str, problem: OSError) -> StorageUnreachableError:
    return StorageUnreachableError(
        f"{shown(location)}: cannot be opened: {problem}; check the storage and its permissions, then run it again"
    )
