"""What the tasks of validate_invoices hand to each other: plain values, as Airflow keeps them as JSON."""

from typing import TypedDict


class Snapshot(TypedDict):
    """The copy of an extract.

    file: where the extract came from, as it may be shown. staged: path of the copy, of so many bytes. came: text that
    differs where another extract lies there; None where none does.
    """

    file: str
    staged: str
    bytes: int
    came: str | None


class ValidatedNight(TypedDict):
    """An accepted night. staging: folder of its staged rows; the others are counts of rows."""

    file: str
    staging: str
    rows_in: int
    valid: int
    quarantined: int


class LoadedNight(TypedDict):
    """A night in the warehouse. extract_date: ISO; the others are counts of rows; rows_in = loaded + quarantined."""

    extract_date: str
    rows_in: int
    loaded: int
    quarantined: int


class HistoryPlan(TypedDict):
    """How a history is to be loaded.

    by: the field that tells the night of a row; why: why it is that field. last: the last night, ISO, under which rows
    without a night stand. staging: folder of the staged rows.
    """

    file: str
    by: str
    why: str
    rows_in: int
    quarantined: int
    data_docs: str
    last: str
    staging: str


class MonthPlan(HistoryPlan):
    """The plan as the task of one month has it. month: YYYY-MM, of so many rows."""

    month: str
    rows: int


class PlannedHistory(HistoryPlan):
    """The plan with its months in order; a dry run has none."""

    months: list[MonthPlan]


class LeftOutNight(TypedDict):
    """A night (ISO) of a history that was left as it is in the warehouse, and how many rows the history has for it."""

    night: str
    why: str
    rows: int


class LoadedMonth(TypedDict):
    """Counts of nights and of rows of a month (YYYY-MM) of a history."""

    month: str
    nights: int
    rows_in: int
    loaded: int
    quarantined: int
    left_out: list[LeftOutNight]


class LoadedHistory(TypedDict):
    """Counts of nights and of rows of a history. extract_date: its first night, last: its last one; ISO."""

    extract_date: str
    last: str
    nights: int
    rows_in: int
    loaded: int
    quarantined: int
    left_out: list[LeftOutNight]
