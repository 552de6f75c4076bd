"""What to set in the contract so that an extract can be read: worked out from the file, one key after the other.

Each hint is tried before it is given: what follows is judged by the contract as it would be then.
"""

import csv
import difflib
import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, product
from typing import Any

import pandas as pd

from invoice_anomalies.contract.fields import NUMERIC_TYPES
from invoice_anomalies.contract.schema import Contract
from invoice_anomalies.errors import ExtractUnreadableError
from invoice_anomalies.extract import STRUCTURE_ERROR, Limits, read
from invoice_anomalies.extract.location import opened
from invoice_anomalies.validation.parse import parse, shown

MOST_BYTES = 64 << 20  # of a file that are looked at
SAMPLE = 20_000  # rows
MOST_HINTS = 40
DELIMITERS = (",", ";", "\t", "|")
DECIMALS, THOUSANDS = (".", ","), (None, ",", ".", " ", "'")
DAYS = (
    "%Y-%m-%d",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%Y/%m/%d",
    "%d.%m.%y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%Y%m%d",
)
TIMES = ("", " %H:%M:%S", " %H:%M", "T%H:%M:%S", "T%H:%M:%S%z")
NO_VALUE = (
    "-",
    "--",
    "n/a",
    "N/A",
    "#N/A",
    "NA",
    "nan",
    "NaN",
    "None",
    "null",
    "(null)",
    "?",
    "0000-00-00",
    "00.00.0000",
)
MAGIC = {b"PAR1": "parquet", b"PK\x03\x04": "excel"}
LEAST_SHARE = 0.5  # of the values that cannot be read which a setting must mend to be worth telling


@dataclass(frozen=True)
class Hint:
    """A key of the contract, the value to set, and why."""

    key: tuple[str, ...]
    value: Any
    why: str

    def written(self) -> str:
        """The line of the contract: `decimal: ","`."""
        return f"{self.key[-1]}: {json.dumps(self.value, ensure_ascii=False)}"


def hints(contract: Contract, location: str) -> tuple[list[Hint], Contract]:
    """The keys to set, in the order in which they were found, and the contract with them set."""
    given: list[Hint] = []
    while len(given) < MOST_HINTS:
        found = [hint for hint in _next(contract, location) if hint.key not in {each.key for each in given}]
        if not found:
            break
        given += found
        for hint in found:
            contract = _with(contract, hint.key, hint.value)
    return given, contract


def _next(contract: Contract, location: str) -> list[Hint]:
    """What is to be set first; nothing where the file can be read, or nobody knows."""
    with opened(location) as stream:
        data = stream.read(MOST_BYTES)
    data = _unpacked(data)
    if kind := next((kind for magic, kind in MAGIC.items() if data.startswith(magic)), None):
        current = contract.extract.format or "csv"
        if current != kind and not (
            contract.extract.format is None and location.endswith((".parquet", ".pq", ".xlsx"))
        ):
            return [Hint(("extract", "format"), kind, f"the file is {kind}")]
    elif found := _encoding(contract, data) or _delimiter(contract, data):
        return [found]
    try:
        raw = next(islice(read(contract, location, limits=Limits(chunk_rows=SAMPLE)), 1))
    except ExtractUnreadableError:
        return []
    return list(_columns(contract, raw)) or [
        hint for find in (_no_values, _numbers, _dates, _optional) for hint in find(contract, raw)
    ]


def _unpacked(data: bytes) -> bytes:
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError):
        return b""


def _encoding(contract: Contract, data: bytes) -> Hint | None:
    encoding, fitting = contract.extract.encoding, _encoding_of(data)
    try:
        data.decode(encoding)
        reads = True
    except (UnicodeError, LookupError):
        reads = False
    is_ascii = data.isascii() and b"\x00" not in data
    # Every byte is a character of these, so a file in UTF-8 is read, and wrongly.
    single = encoding.lower().replace("_", "-") in ("cp1252", "latin-1", "iso-8859-1", "iso-8859-15", "windows-1252")
    if reads and (is_ascii or not (single and fitting == "utf-8")):
        return None
    return Hint(("extract", "encoding"), fitting, f"the file is no text in {encoding}, and is in {fitting}")


def _encoding_of(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    head = data[:4096]
    for name, zeros in (("utf-16-le", head[1::2]), ("utf-16-be", head[::2])):
        if len(zeros) and zeros.count(0) > 0.4 * len(zeros):
            return name
    for name in ("utf-8", "cp1252"):
        try:
            data.decode(name)
        except UnicodeDecodeError as problem:
            if name == "utf-8" and len(data) >= MOST_BYTES and problem.start > len(data) - 4:
                return name  # the last character is cut
        else:
            return name
    return "latin-1"


def _delimiter(contract: Contract, data: bytes) -> Hint | None:
    if contract.extract.format in ("parquet", "excel"):
        return None
    first = data[:100_000].decode(contract.extract.encoding, errors="ignore").lstrip("\ufeff").partition("\n")[0]
    used = contract.extract.delimiter
    widths = {mark: len(next(csv.reader([first], delimiter=mark), [])) for mark in {*DELIMITERS, used}}
    best = max(widths, key=lambda mark: (widths[mark], mark == used))
    if widths[used] > 1 or widths[best] <= 1:
        return None
    why = f"the header is one column with {used!r} and {widths[best]} with {best!r}"
    return Hint(("extract", "delimiter"), best, why)


def _columns(contract: Contract, raw: pd.DataFrame) -> Iterator[Hint]:
    """Headers for the fields that did not come: the nearest by name, then the only one that can be read as the type."""
    missing = [name for name in contract.fields if name not in raw]
    spare = [str(name) for name in raw if name not in contract.fields and name != STRUCTURE_ERROR]
    for by in (_by_name, _by_type):
        for name in list(missing):
            header = by(contract, name, spare, missing, raw)
            if header:
                missing.remove(name)
                spare.remove(header)
                why = f"no column is called {contract.header(name)!r}; the nearest that came is {header!r}"
                yield Hint(("fields", name, "column"), header, why)


def _by_name(contract: Contract, name: str, spare: list[str], missing: list[str], raw: pd.DataFrame) -> str | None:
    plain = {_letters(header): header for header in spare}
    for wanted in (contract.header(name), name, contract.fields[name].label or ""):
        near = difflib.get_close_matches(_letters(wanted), plain, n=1, cutoff=0.7)
        if near:
            return plain[near[0]]
    return None


def _by_type(contract: Contract, name: str, spare: list[str], missing: list[str], raw: pd.DataFrame) -> str | None:
    """The only header left, or the only one whose values look like the field's type where no other field wants it."""
    if len(spare) == len(missing) == 1:
        return spare[0]
    kind = _looks(contract.fields[name].type)
    rivals = [each for each in missing if _looks(contract.fields[each].type) == kind]
    fitting = [header for header in spare if _kind_of(raw[header]) == kind]
    return fitting[0] if kind != "text" and len(rivals) == len(fitting) == 1 else None


def _looks(kind: str) -> str:
    return "number" if kind in NUMERIC_TYPES else "date" if kind == "date" else "text"


def _kind_of(column: pd.Series) -> str:
    texts = column.dropna().astype("str").str.strip()
    if len(texts) and texts.str.fullmatch(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}([ T].*)?").all():
        return "date"
    if len(texts) and texts.str.fullmatch(r"[+-]?\d[\d.,' ]*[.,]\d{2}-?").all():
        return "number"
    return "text"


def _no_values(contract: Contract, raw: pd.DataFrame) -> Iterator[Hint]:
    unfit = _unreadable(contract, raw, ("amount", "number", "date"))
    marks = [mark for mark in NO_VALUE if mark in set(unfit)]
    if marks:
        value = [*contract.extract.empty_values, *marks]
        yield Hint(("extract", "empty_values"), value, f"{shown(marks[0])} stands where there is no value")


def _numbers(contract: Contract, raw: pd.DataFrame) -> Iterator[Hint]:
    now = {"decimal": contract.extract.decimal, "thousands": contract.extract.thousands}
    options = [
        {"decimal": decimal, "thousands": thousands}
        for decimal, thousands in product(DECIMALS, THOUSANDS)
        if decimal != thousands
    ]
    yield from _best(contract, raw, NUMERIC_TYPES, now, options, "numbers")


def _dates(contract: Contract, raw: pd.DataFrame) -> Iterator[Hint]:
    now = {"date_format": contract.extract.date_format}
    options = [{"date_format": day + time} for time, day in product(TIMES, DAYS)]
    yield from _best(contract, raw, ("date",), now, options, "dates")


def _best(
    contract: Contract,
    raw: pd.DataFrame,
    types: tuple[str, ...],
    now: dict[str, Any],
    options: list[dict[str, Any]],
    what: str,
) -> Iterator[Hint]:
    """The option that reads most of what cannot be read; of equal ones the nearest to what is set, then the first."""
    unfit = _unreadable(contract, raw, types)
    if unfit.empty:
        return
    left = [(len(_unreadable(_with_extract(contract, option), raw, types)), option) for option in options]
    fewest = min(count for count, _ in left)
    if fewest > (1 - LEAST_SHARE) * len(unfit):
        return
    equal = [option for count, option in left if count == fewest]
    best = min(equal, key=lambda option: sum(option[key] != now[key] for key in now))
    others = [option["date_format"] for option in equal if "date_format" in option and option != best]
    more = f"; {others[0]} reads them too: only you know which is meant" if others else ""
    for key, value in best.items():
        if value != now[key]:
            why = f"{len(unfit):,} {what} like {shown(unfit.iloc[0])} cannot be read as it is set{more}"
            yield Hint(("extract", key), value, why)


def _optional(contract: Contract, raw: pd.DataFrame) -> Iterator[Hint]:
    limit = contract.validation.max_quarantined_share
    for name, field in contract.fields.items():
        empty = float(raw[name].isna().mean()) if name in raw and len(raw) else 0.0
        if field.required and empty > limit and name not in contract.key:
            yield Hint(("fields", name, "required"), False, f"{empty:.0%} of the rows have no value there")


def _unreadable(contract: Contract, raw: pd.DataFrame, types: tuple[str, ...]) -> pd.Series:
    """The values of fields of these types that cannot be read."""
    names = [name for name in contract.of_type(*types) if name in raw]
    sentences = parse(contract, raw[names]).unreadable
    columns = [raw[name][sentences[name].notna()].astype(object) for name in names]
    return pd.concat(columns) if columns else pd.Series(dtype=object)


def _with_extract(contract: Contract, changes: dict[str, Any]) -> Contract:
    return contract.model_copy(update={"extract": contract.extract.model_copy(update=changes)})


def _with(contract: Contract, key: tuple[str, ...], value: Any) -> Contract:
    if key[0] == "extract":
        return _with_extract(contract, {key[1]: value})
    field = contract.fields[key[1]].model_copy(update={key[2]: value})
    return contract.model_copy(update={"fields": {**contract.fields, key[1]: field}})


def _letters(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.casefold())
