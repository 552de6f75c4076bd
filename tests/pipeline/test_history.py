"""A history in one file becomes the nights it would have come in: every row once, repeatable, nothing replaced."""

import functools
import random
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg2
import pytest

from invoice_anomalies import extract, warehouse
from invoice_anomalies.contract import Contract
from invoice_anomalies.errors import NightRefusedError
from invoice_anomalies.paths import Paths
from invoice_anomalies.pipeline.history import finish_history, load_month, validate_history
from invoice_anomalies.pipeline.payloads import LoadedHistory, PlannedHistory
from invoice_anomalies.pipeline.validate import load_night, take_snapshot, validate_snapshot
from invoice_anomalies.validation.parse import parse
from tests.validation.conftest import contract_of

HEADER = "vendor,number,day,amount,kind,note"
TODAY = date.today()


def history_contract(**extract_keys: Any) -> Contract:
    return contract_of(extract=extract_keys, max_quarantined_share=0.9)


class History:
    """A deployment into which a history is loaded, as `make history` and the DAG do."""

    def __init__(self, folder: Path, dsn: str, contract: Contract) -> None:
        self.folder, self.dsn, self.contract, self.paths = folder, dsn, contract, Paths(folder / "home")
        self.tries = 0

    def write(self, rows: Sequence[str], name: str = "history.csv") -> Path:
        path = self.folder / name
        path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
        return path

    def plan(self, path: Path, by: str | None = None, **given: Any) -> PlannedHistory:
        self.tries += 1
        staging = self.folder / f"staging{self.tries}"
        staging.mkdir()
        snapshot = take_snapshot(self.contract, self.paths, TODAY, str(path), staging)
        return validate_history(self.contract, self.paths, self.dsn, snapshot, by, **given)

    def load(self, path: Path, by: str | None = None, months: Callable[[list[Any]], Any] = list) -> LoadedHistory:
        plan = self.plan(path, by)
        loaded = [load_month(self.contract, self.dsn, month) for month in months(plan["months"])]
        return finish_history(self.contract, self.dsn, plan, loaded)

    def load_one_night(self, night: date, path: Path) -> None:
        staging = self.paths.staging(night)
        snapshot = take_snapshot(self.contract, self.paths, night, str(path), staging)
        load_night(
            self.contract,
            self.dsn,
            night,
            validate_snapshot(self.contract, self.paths, self.dsn, night, snapshot),
        )

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        connection = psycopg2.connect(self.dsn)
        try:
            with connection.cursor() as cursor:
                cursor.execute(query, values)
                return cursor.fetchall()
        finally:
            connection.close()

    def tables(self, moments: bool = False) -> dict[str, list[tuple[Any, ...]]]:
        """What the nights hold; with the moments of change where asked."""
        more = ", {}" if moments else ""
        return {
            "invoices": self.rows(
                f"SELECT extract_date, line, invoice_key, file, amount{more.format('loaded_at')} "
                "FROM invoice_anomalies.invoices ORDER BY line"
            ),
            "quarantine": self.rows(
                f"SELECT extract_date, line, file, reasons, raw{more.format('quarantined_at')} "
                "FROM invoice_anomalies.quarantined_invoices ORDER BY line"
            ),
            "runs": self.rows(
                "SELECT extract_date, file, rows_in, valid, quarantined, success, current, warnings"
                f"{more.format('validated_at')} FROM invoice_anomalies.validation_runs ORDER BY 1, 2"
            ),
        }

    def reasons(self) -> dict[int, str]:
        return {
            line: "; ".join(reasons)
            for line, reasons in self.rows("SELECT line, reasons FROM invoice_anomalies.quarantined_invoices")
        }


@pytest.fixture
def history(tmp_path: Path, dsn: str) -> History:
    return History(tmp_path, dsn, history_contract())


def row(number: object, day: object, amount: str = "10.50", note: str = "") -> str:
    return f"V1,A{number},{day},{amount},std,{note}"


def weekdays(first: date, nights: int) -> list[date]:
    days = (first + timedelta(days=n) for n in range(2 * nights + 7))
    return [day for day in days if day.weekday() < 5][:nights]


# Writers of files that the nightly reader takes: from texts by header to a file.
def as_csv(encoding: str, delimiter: str, suffix: str = "csv") -> Callable[[pd.DataFrame, Path], Path]:
    def write(frame: pd.DataFrame, path: Path) -> Path:
        path = path.with_suffix(f".{suffix}")
        frame.to_csv(path, index=False, sep=delimiter, encoding=encoding)
        return path

    return write


def as_excel(frame: pd.DataFrame, path: Path) -> Path:
    frame.replace("", None).to_excel(path.with_suffix(".xlsx"), index=False)
    return path.with_suffix(".xlsx")


def as_parquet(frame: pd.DataFrame, path: Path) -> Path:
    frame.to_parquet(path.with_suffix(".parquet"))
    return path.with_suffix(".parquet")


FORMS = {
    "time_of_day_gzip": ({"date_format": "%Y-%m-%d %H:%M:%S"}, as_csv("utf-8", ",", "csv.gz")),
    "german": ({"date_format": "%d.%m.%Y", "delimiter": ";", "encoding": "cp1252"}, as_csv("cp1252", ";")),
    "excel": ({"date_format": "%d.%m.%Y"}, as_excel),
    "parquet": ({"date_format": "%Y-%m-%d"}, as_parquet),
}
MORE_FORMS = {
    "tabs": ({"date_format": "%d/%m/%y %H:%M", "delimiter": "\t", "encoding": "utf-16"}, as_csv("utf-16", "\t", "txt")),
    "compact": ({"date_format": "%Y%m%d", "delimiter": "|"}, as_csv("utf-8-sig", "|")),
    "zones": ({"date_format": "%Y-%m-%dT%H:%M:%S%z"}, as_csv("utf-8", ",")),
}


def any_rows(random_: random.Random, date_format: str, rows: int) -> pd.DataFrame:
    """Rows as companies deliver them: dates with blanks, times, none, of no calendar; keys twice; line breaks."""
    moments = [datetime(2024, 11, 1, 12) + timedelta(hours=random_.randrange(24 * 40)) for _ in range(rows)]
    days = [moment.astimezone().strftime(date_format) for moment in moments]
    odd = ["", "  ", "soon", "9999-12-31", "31.12.9999", "99991231", "0026-01-05", "05.01.0026", "2062-01-05", "NULL"]
    for place in random_.sample(range(rows), rows // 6):
        days[place] = random_.choice([*odd, f"  {days[place]} "])
    return pd.DataFrame(
        {
            "vendor": [random_.choice(["V1", "V2", "Müller"]) for _ in range(rows)],
            "number": [f"A{random_.randrange(2 * rows)}" for _ in range(rows)],
            "day": days,
            "amount": [random_.choice(["1", "2.50", "x", ""]) for _ in range(rows)],
            "kind": "std",
            "note": [random_.choice(["", "plain", 'a "quoted" one', "two\nlines", "semi;colon, comma"]) for _ in days],
        }
    )


@pytest.mark.parametrize(
    ("keys", "write", "seed"),
    [
        *(pytest.param(*form, 1, id=name) for name, form in FORMS.items()),
        *(pytest.param(*form, 1, id=name, marks=pytest.mark.slow) for name, form in MORE_FORMS.items()),
        *(
            pytest.param(*form, seed, id=f"{name}{seed}", marks=pytest.mark.slow)
            for seed in range(2, 8)
            for name, form in (FORMS | MORE_FORMS).items()
        ),
    ],
)
def test_any_file_that_the_nightly_reader_takes_comes_out_with_every_row_once_and_in_its_night(
    tmp_path: Path,
    dsn: str,
    keys: dict[str, str],
    write: Callable[[pd.DataFrame, Path], Path],
    seed: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    history = History(tmp_path, dsn, history_contract(**keys))
    path = write(any_rows(random.Random(seed), keys["date_format"], 150), tmp_path / "history")
    raw = pd.concat(extract.read(history.contract, str(path)))
    if "delimiter" in keys:  # as of files of millions of rows: in parts
        monkeypatch.setattr(extract, "read", functools.partial(extract.read, limits=extract.Limits(chunk_rows=80)))
    days = parse(history.contract, raw).values["day"]

    counts = history.load(path)

    found = history.rows(
        "SELECT line, extract_date FROM invoice_anomalies.invoices UNION ALL "
        "SELECT line, extract_date FROM invoice_anomalies.quarantined_invoices"
    )
    assert sorted(line for line, _ in found) == raw.index.tolist()
    assert counts["rows_in"] == counts["loaded"] + counts["quarantined"] == len(raw)
    dated = {line: day.date() for line, day in days.dropna().items() if day.date() <= TODAY and day.year >= 2024}
    assert len(set(dated.values())) > 20
    assert {line: night for line, night in found if line in dated} == dated
    assert {night for line, night in found if line not in dated} == {max(dated.values())}


def test_a_time_of_day_makes_no_nights_of_its_own(history: History) -> None:
    history.contract = history_contract(date_format="%Y-%m-%d %H:%M")
    days = weekdays(date(2024, 3, 1), 50)
    path = history.write([row(n, f"{days[n % 50]} {n % 24:02}:{n % 60:02}") for n in range(600)])

    counts = history.load(path)

    assert (counts["nights"], counts["loaded"], counts["quarantined"]) == (50, 600, 0)


def test_more_values_than_headers_and_a_row_without_a_date_shift_nothing(history: History) -> None:
    path = history.write([row(1, "2024-03-01"), f"{row(2, '2024-03-04')},50", row(3, ""), row(4, "2024-03-05")])

    history.load(path)

    assert "surplus ['50']" in history.reasons()[3]
    assert "day: empty, but a value is required" in history.reasons()[4]
    nights = history.rows("SELECT extract_date, rows_in, valid, quarantined FROM invoice_anomalies.validation_runs")
    assert sorted(nights) == [
        (date(2024, 3, 1), 1, 1, 0),
        (date(2024, 3, 4), 1, 0, 1),
        (date(2024, 3, 5), 2, 1, 1),
    ]


@pytest.mark.parametrize("bounds", [{}, {"min": "2020-01-01"}, {"max": "2100-01-01"}], ids=["none", "min", "max"])
def test_a_date_that_can_be_no_night_is_a_reason_and_no_night(tmp_path: Path, dsn: str, bounds: dict[str, str]) -> None:
    fields = {"day": {"type": "date", "min": None, "severity": "warn", **bounds}}
    history = History(tmp_path, dsn, contract_of(fields=fields, max_quarantined_share=0.9))
    odd = ["9999-12-31", "2062-01-05", "0026-01-05", "2023-12-31", "1899-12-30"]

    history.load(history.write([row(0, "2024-03-01"), *(row(n, day) for n, day in enumerate(odd, 1))]))

    assert sorted(history.reasons()) == [3, 4, 5, 6, 7]
    for line, day in enumerate(odd, 3):
        assert f"day: '{day}'" in history.reasons()[line]
    assert history.rows("SELECT extract_date FROM invoice_anomalies.validation_runs") == [(date(2024, 3, 1),)]


def test_the_reason_of_a_day_before_the_first_night_names_the_key_to_change(history: History) -> None:
    history.load(history.write([row(1, "2024-03-01"), row(2, "2023-05-01")]))

    assert "schedule.start_date" in history.reasons()[3]


def test_an_undated_row_of_an_optional_field_is_quarantined_too(tmp_path: Path, dsn: str) -> None:
    contract = contract_of(fields={"day": {"required": False, "severity": "warn"}}, max_quarantined_share=0.9)
    history = History(tmp_path, dsn, contract)

    history.load(history.write([row(1, "2024-03-01"), row(2, ""), row(3, "soon")]))

    assert sorted(history.reasons()) == [3, 4]
    assert "'soon' is not a date" in history.reasons()[4]


def test_loading_again_leaves_the_same_rows_and_the_moments_at_which_they_changed(history: History) -> None:
    days = weekdays(date(2024, 3, 25), 12)
    path = history.write([*(row(n, days[n % 12]) for n in range(40)), row(5, days[3]), row(99, "soon")])
    history.load(path)
    first = history.tables(moments=True)

    history.load(path)

    assert history.tables(moments=True) == first
    assert history.rows("SELECT count(*) FROM invoice_anomalies.loads") == [(12,)]


def test_a_load_that_was_killed_halfway_and_repeated_ends_as_a_clean_one(tmp_path: Path, history: History) -> None:
    days = weekdays(date(2024, 3, 28), 26)
    path = history.write([*(row(n % 70, days[n % 26]) for n in range(90)), row(99, "soon")])
    plan = history.plan(path)
    assert len(plan["months"]) == 3
    load_month(history.contract, history.dsn, plan["months"][1])

    history.load(path)

    killed = history.tables()
    with warehouse.connect(history.dsn) as connection, connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA invoice_anomalies CASCADE")
    history.load(path)
    assert killed == history.tables()


def test_an_invoice_of_two_nights_stays_with_the_earlier_wherever_it_stands_in_the_file(history: History) -> None:
    path = history.write([row(1, "2024-04-02"), row(1, "2024-03-01"), row(1, "2024-03-01"), row(2, "2024-04-02")])

    history.load(path)

    assert history.rows("SELECT line, extract_date FROM invoice_anomalies.invoices ORDER BY 1") == [
        (3, date(2024, 3, 1)),
        (5, date(2024, 4, 2)),
    ]
    assert history.reasons()[2] == "already loaded with the extract of 2024-03-01"
    assert "same key as line 3" in history.reasons()[4]


def test_a_night_whose_only_invoice_an_earlier_one_has_is_loaded_with_that_row_in_quarantine(history: History) -> None:
    path = history.write([row(1, "2024-03-01"), row(2, "2024-03-01"), row(1, "2024-03-04"), row(2, "2024-04-02")])

    counts = history.load(path)

    assert (counts["loaded"], counts["quarantined"], counts["left_out"]) == (2, 2, [])
    assert set(history.reasons().values()) == {"already loaded with the extract of 2024-03-01"}


@pytest.mark.parametrize("months", [list, reversed], ids=["in_order", "last_month_first"])
def test_a_corrected_history_moves_rows_between_nights_and_empties_nights_that_are_gone(
    history: History, months: Callable[[list[Any]], Any]
) -> None:
    moved_later, moved_earlier = "2024-03-01", "2024-04-02"
    history.load(
        history.write([row(1, moved_later), row(2, moved_earlier), row(3, "2024-03-04"), row(4, "2024-05-06")])
    )
    corrected = [row(1, "2024-04-02"), row(2, "2024-03-04"), row(3, "2024-03-04"), row(4, "2024-04-03")]

    counts = history.load(history.write(corrected), months=months)

    assert history.rows("SELECT line, extract_date FROM invoice_anomalies.invoices ORDER BY 1") == [
        (2, date(2024, 4, 2)),
        (3, date(2024, 3, 4)),
        (4, date(2024, 3, 4)),
        (5, date(2024, 4, 3)),
    ]
    assert history.reasons() == {}
    assert (counts["nights"], counts["loaded"]) == (3, 4)


def test_another_field_cuts_the_same_file_anew(tmp_path: Path, dsn: str) -> None:
    contract = contract_of(fields={"paid": {"type": "date", "relative_to": "day"}}, max_quarantined_share=0.9)
    history = History(tmp_path, dsn, contract)
    path = tmp_path / "history.csv"
    path.write_text(f"{HEADER},paid\n{row(1, '2024-03-01')},2024-03-11\n{row(2, '2024-03-04')},2024-03-01\n")
    assert history.plan(path)["by"] == "day"
    history.load(path)

    history.load(path, by="paid")

    assert history.rows("SELECT line, extract_date FROM invoice_anomalies.invoices ORDER BY 1") == [
        (2, date(2024, 3, 11)),
        (3, date(2024, 3, 1)),
    ]


def test_a_night_that_its_own_extract_holds_is_left_as_it_is_and_told(history: History) -> None:
    night = date(2024, 3, 4)
    own = history.write([row(7, night), row(8, night)], "small_2024-03-04.csv")
    history.load_one_night(night, own)
    before = history.rows("SELECT * FROM invoice_anomalies.invoices ORDER BY line")
    path = history.write([row(1, "2024-03-01"), row(2, night), row(7, night), row(3, "soon")])

    counts = history.load(path)

    assert counts["left_out"] == [{"night": "2024-03-04", "why": f"{own} holds this night", "rows": 2}]
    assert counts["rows_in"] == 4
    assert (counts["loaded"], counts["quarantined"]) == (1, 1)
    held = history.rows("SELECT * FROM invoice_anomalies.invoices WHERE extract_date = %s ORDER BY line", night)
    assert held == before
    # What has no night stands under the last night that is the history's own.
    assert history.rows("SELECT line, extract_date FROM invoice_anomalies.quarantined_invoices") == [
        (5, date(2024, 3, 1))
    ]


def test_a_history_all_of_whose_nights_are_held_says_what_to_do(history: History) -> None:
    history.load(history.write([row(1, "2024-03-01")]))

    with pytest.raises(NightRefusedError, match=r"held by another file already.*history\.csv.*under the same path"):
        history.load(history.write([row(2, "2024-03-01")], "corrected.csv"))


def test_a_history_whose_invoices_one_night_has_already_is_refused_and_moves_nothing(history: History) -> None:
    rows = [row(1, "2024-03-01"), row(2, "2024-03-04"), row(3, "2024-03-05")]
    history.load_one_night(date(2024, 4, 1), history.write(rows, "small_2024-04-01.csv"))
    before = history.tables()

    with pytest.raises(NightRefusedError, match=r"3 of its 3 invoices .* take that night back .*NIGHT=2024-04-01"):
        history.load(history.write(rows))

    assert history.tables() == before


def test_how_many_rows_a_night_has_is_not_judged_but_the_share_of_unfit_rows_of_the_file_is(
    tmp_path: Path, dsn: str
) -> None:
    contract = contract_of(rows={"min": 50, "max": 60, "times_usual": 2}, max_quarantined_share=0.25)
    history = History(tmp_path, dsn, contract)
    sizes = [1, 20, 1, 2, 30, 1]
    days = weekdays(date(2024, 3, 1), len(sizes))
    fit = [row(f"{day}{n}", day) for day, size in zip(days, sizes, strict=True) for n in range(size)]
    unfit = [row(f"x{n}", days[3], amount="x") for n in range(10)]
    history.load(history.write([*fit, *unfit]))
    before = history.tables()
    assert len(before["runs"]) == len(sizes)

    with pytest.raises(NightRefusedError, match=r"(?s)history is refused.*max_quarantined_share.*'x' is not a number"):
        history.load(history.write([*fit, *unfit, *(row(f"y{n}", days[3], amount="x") for n in range(30))]))

    assert history.tables() == before


def test_a_file_without_any_readable_date_says_which_format_was_expected(history: History) -> None:
    history.contract = contract_of(extract={"date_format": "%d.%m.%Y"}, max_quarantined_share=1)

    with pytest.raises(NightRefusedError, match=r"no row has a night: no value of day is a date"):
        history.load(history.write([row(1, "2024-03-01")]))


def test_a_dry_run_plans_no_month_and_changes_nothing(history: History) -> None:
    plan = history.plan(history.write([row(1, "2024-03-01")]), dry_run=True)

    assert plan["months"] == []
    assert plan["rows_in"] == 1
    assert history.tables()["runs"] == []
