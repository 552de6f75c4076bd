"""Parse the raw columns by the contract's types; a value that cannot be read is told in a sentence, never guessed."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from invoice_anomalies.contract import Contract
from invoice_anomalies.contract.fields import NUMERIC_TYPES, InvoiceField
from invoice_anomalies.contract.schema import Extract
from invoice_anomalies.extract import STRUCTURE_ERROR

LARGEST_AMOUNT = 1e15  # beyond it a float no longer holds cents, and no invoice is that large
SHOWN = 60  # characters of a value in a sentence
EXAMPLE_DAY = date(2024, 1, 31)
EARLIEST_DAY, LATEST_DAY = date(1900, 1, 1), date(2199, 12, 31)  # beyond them stand placeholders for "no date"
LONGEST_TEXT = 100_000  # characters; a spreadsheet's cell has 32,767, and no invoice says more
LONGEST_NAME = 500  # characters of a category or identifier
KEY_BYTES = 2400  # a key is indexed, and Postgres indexes at most 2,704 bytes
CONTROL = r"[\x00-\x1f\x7f-\x9f]"
# Two vendors that look the same must be the same; joiners and direction marks stay, as some scripts need them.
INVISIBLE = "[\u00ad\u200b\u2028\u2029\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]"
CONTROL_IN_TEXT = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"  # free text may have tabs and line breaks
# Formats without marks between the numbers, which would otherwise be read with digits left out.
COMPACT = re.compile(r"%[YymdHMSj]%[YymdHMSj]")
# Marks that writers of numbers use for one another.
SAME_MARK = {" ": "[ \u00a0\u202f]", "'": "['\u2019]"}


@dataclass(frozen=True)
class Parsed:
    """The fields that came, typed, and the sentence for each value that could not be read.

    values: one typed column for each field that came; missing where nothing came or it could not be read.
    unreadable: the same columns as text: what came and what was expected; missing where all is well.
    Both have the index of the raw frame.
    """

    values: pd.DataFrame
    unreadable: pd.DataFrame


def parse(contract: Contract, raw: pd.DataFrame) -> Parsed:
    """Parse every field that came; columns that the contract does not know are left out."""
    values: dict[str, pd.Series] = {}
    unreadable: dict[str, pd.Series] = {}
    columns = sum(name != STRUCTURE_ERROR for name in raw)
    for name, field in contract.fields.items():
        if name not in raw:
            continue
        context = ParseContext(
            contract.extract, columns, KEY_BYTES // len(contract.key) if name in contract.key else None
        )
        column = _plain(raw[name])
        typed, bad, sentence = _parser(field)(column, context, field)
        bad &= column.notna()
        sentences = [sentence(came, value) for came, value in zip(column[bad], typed[bad], strict=True)]
        values[name] = typed.mask(bad)
        unreadable[name] = pd.Series(sentences, index=raw.index[bad], dtype="str").reindex(raw.index)
    return Parsed(pd.DataFrame(values, index=raw.index), pd.DataFrame(unreadable, index=raw.index, dtype="str"))


def shown(value: Any) -> str:
    """A value as it may stand in a sentence: quoted, on one line, at most 60 characters."""
    if value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return "empty"
    if isinstance(value, datetime | date):
        return value.isoformat().removesuffix("T00:00:00")
    text = repr(value.item() if isinstance(value, np.generic) else value)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


@dataclass(frozen=True)
class ParseContext:
    """How the extract is written, by the contract, and how many columns the file has.

    key_bytes: how long a value of this field may be in the key; None where it is in none.
    """

    extract: Extract
    columns: int
    key_bytes: int | None = None


# From what came and the value that it was read as, the sentence about it.
Sentence = Callable[[Any, Any], str]
Parser = Callable[[pd.Series, ParseContext, InvoiceField], tuple[pd.Series, pd.Series, Sentence]]


def _parser(field: InvoiceField) -> Parser:
    if field.type in NUMERIC_TYPES:
        return _numbers
    return _dates if field.type == "date" else _texts


def _plain(column: pd.Series) -> pd.Series:
    """The column as texts, numbers, datetimes, or Python objects of several kinds."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = pd.Series(column.astype(column.cat.categories.dtype))
    if column.dtype == object:
        kinds = {type(value) for value in column[column.notna()]}
        return column.astype("str") if kinds <= {str} else column
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return pd.Series(column.dt.tz_localize(None))
    return column.astype(object) if column.dtype == bool else column


def _numbers(column: pd.Series, context: ParseContext, field: InvoiceField) -> tuple[pd.Series, pd.Series, Sentence]:
    if pd.api.types.is_numeric_dtype(column.dtype):
        values = column.astype("float64")
    elif column.dtype == object:
        text = column.where(column.map(lambda value: isinstance(value, str)).astype(bool)).astype("str")
        native = column.map(_native_number).astype("float64")
        values = _numbers_of_text(text, context.extract, field).fillna(native)
    else:
        values = _numbers_of_text(column.astype("str"), context.extract, field)
    example = _example_number(context.extract)

    def sentence(came: Any, value: float) -> str:
        if math.isnan(value) or (isinstance(came, float) and math.isinf(came)):
            mark = context.extract.decimal
            return f"{shown(came)} is not a number; expected e.g. {example} with decimal mark {mark!r}"
        return f"{shown(came)} is beyond {LARGEST_AMOUNT:.0e}, too large to be right; expected e.g. {example}"

    return values, ~(values.abs() <= LARGEST_AMOUNT), sentence


def _native_number(value: Any) -> float:
    if not isinstance(value, int | float | Decimal | np.number) or isinstance(value, bool):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _numbers_of_text(column: pd.Series, extract: Extract, field: InvoiceField) -> pd.Series:
    """Numbers of the texts that are numbers throughout; a minus may stand behind, as SAP writes it."""
    text = column.str.strip()
    fits = text.str.fullmatch(_number_pattern(extract, field)).fillna(False).astype(bool)
    digits = text[fits]
    if extract.thousands:
        digits = digits.str.replace(SAME_MARK.get(extract.thousands, re.escape(extract.thousands)), "", regex=True)
    digits = digits.str.replace(extract.decimal, ".", regex=False)
    behind = digits.str.endswith("-")
    numbers = digits.str.removesuffix("-").astype("float64")
    # Adding zero turns a minus zero into zero.
    return (numbers.mask(behind, -numbers) + 0.0).reindex(column.index)


def _number_pattern(extract: Extract, field: InvoiceField) -> str:
    mark = re.escape(extract.decimal)
    whole = "[0-9]+"
    if extract.thousands:
        thousands = SAME_MARK.get(extract.thousands, re.escape(extract.thousands))
        whole = f"(?:[0-9]+|[0-9]{{1,3}}(?:{thousands}[0-9]{{3}})+)"
    number = f"(?:{whole}(?:{mark}[0-9]*)?|{mark}[0-9]+)"
    # Money in scientific notation has lost its cents (a spreadsheet wrote it); a rate of 1e-05 has lost nothing.
    power = "" if field.type == "amount" else "(?:[eE][+-]?[0-9]{1,3})?"
    return f"[+-]?{number}{power}|{number}-"


def _example_number(extract: Extract) -> str:
    return f"1{extract.thousands or ''}234{extract.decimal}56"


def _dates(column: pd.Series, context: ParseContext, field: InvoiceField) -> tuple[pd.Series, pd.Series, Sentence]:
    if pd.api.types.is_datetime64_dtype(column.dtype):
        values = column
    else:
        values = _dates_of_text(_as_text(column).str.strip(), context.extract.date_format)
        if column.dtype == object:
            native = column.where(column.map(lambda value: isinstance(value, date)).astype(bool))
            wall_clock = native.map(lambda value: value.replace(tzinfo=None) if isinstance(value, datetime) else value)
            values = values.fillna(pd.to_datetime(wall_clock, errors="coerce").astype("datetime64[us]"))
    # to_datetime knows more than dates ("now"), which no format names; its missing values are the unreadable ones.
    values = values.astype("datetime64[us]").dt.normalize()
    # Parquet and %Y know years that neither Python's dates nor readers of the tables do.
    values = values.where(values.dt.year.between(MINYEAR, MAXYEAR))
    # A bound of the contract judges its side alone.
    first = pd.Timestamp(EARLIEST_DAY if field.min is None else date.min)
    last = pd.Timestamp(LATEST_DAY if field.max is None else date.max)
    example = EXAMPLE_DAY.strftime(context.extract.date_format)

    def sentence(came: Any, value: Any) -> str:
        if pd.isna(value):
            return f"{shown(came)} is not a date; expected e.g. {example} ({context.extract.date_format})"
        too, bound = ("before", first) if value < first else ("after", last)
        return f"{shown(came)} is {too} {bound:%Y-%m-%d}, no day of an invoice; expected e.g. {example}"

    return values, values.isna() | (values < first) | (values > last), sentence


def _dates_of_text(text: pd.Series, date_format: str) -> pd.Series:
    # pandas takes "today" and "now" for dates in every format.
    text = text.where(text.str.contains("[0-9]", na=False))
    if COMPACT.search(date_format):
        text = text.where(text.str.len() == len(EXAMPLE_DAY.strftime(date_format)))
    if "%z" in date_format.lower():
        # Offsets may differ from row to row; the day on the writer's clock is what counts.
        days = {each: _day(each, date_format) for each in text.dropna().unique()}
        return text.map(days).astype("datetime64[us]")
    return pd.to_datetime(text, format=date_format, errors="coerce").astype("datetime64[us]")


def _day(text: str, date_format: str) -> datetime | None:
    try:
        return datetime.strptime(text, date_format).replace(tzinfo=None)
    except ValueError:
        return None


def _texts(column: pd.Series, context: ParseContext, field: InvoiceField) -> tuple[pd.Series, pd.Series, Sentence]:
    is_name = field.type != "text"
    control, longest = (CONTROL, LONGEST_NAME) if is_name else (CONTROL_IN_TEXT, LONGEST_TEXT)
    # Stripped first: a line break behind a value harms nobody, one inside a vendor's number does.
    values = _as_text(column).str.strip()
    bad = values.str.contains(f"{control}|{INVISIBLE}" if is_name else control, na=False)
    bad |= values.str.len() > longest
    if context.key_bytes is not None:
        bad |= _beyond(values, context.key_bytes)
    if not is_name:
        bad |= _swallowed_rows(values, context.extract, context.columns)

    def sentence(came: Any, _: Any) -> str:
        value = str(came).strip()
        if len(value) > longest:
            return f"{shown(came)} has {len(value):,} characters; expected at most {longest:,}"
        if re.search(control, value):
            return f"{shown(came)} contains a control character; expected plain text"
        if is_name and re.search(INVISIBLE, value):
            return f"{ascii(value)[:SHOWN]} contains an invisible character; expected only what can be seen"
        if "\n" in value:
            return f"{shown(came)} looks like several rows in one value; expected every opened quote to be closed"
        return f"{shown(came)} is too long for a part of the key; expected at most {context.key_bytes:,} bytes"

    return values, bad, sentence


def _beyond(values: pd.Series, most: int) -> pd.Series:
    """Which values take more bytes than these in a key, where some marks are written with a backslash before them."""
    # A character takes four bytes at most, so few values need counting.
    long = values[values.str.len().fillna(0) * 4 > most]
    beyond = [
        line
        for line, value in long.items()
        if len(value.encode("utf-8", "replace")) + value.count("|") + value.count("\\") > most
    ]
    return pd.Series(values.index.isin(beyond), index=values.index)


def _swallowed_rows(text: pd.Series, extract: Extract, columns: int) -> pd.Series:
    """Where a stray quote made one value of this row's end and the next rows' beginning: a whole row of delimiters."""
    if extract.format in ("parquet", "excel"):
        return pd.Series(False, index=text.index)
    broken = text.str.contains("\n", regex=False, na=False)
    delimiters = text.where(broken).str.count(re.escape(extract.delimiter)).fillna(0)
    return broken & (delimiters >= max(columns - 1, 1))


def _as_text(column: pd.Series) -> pd.Series:
    """Native values as the text a CSV file would hold: whole numbers without a decimal point."""
    if isinstance(column.dtype, pd.StringDtype):
        return column
    if pd.api.types.is_integer_dtype(column.dtype):
        return column.astype("str")
    return column.astype(object).map(_text, na_action="ignore").astype("str")


def _text(value: Any) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat().removesuffix("T00:00:00")
    if isinstance(value, float | np.floating) and math.isfinite(value) and value == int(value):
        return str(int(value))
    return str(value)
