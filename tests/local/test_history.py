"""`make history` tells what it does and what became of every row, and what to do next."""

import io
import json
import shlex
from datetime import date, timedelta
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag

from invoice_anomalies.contract import Contract
from invoice_anomalies.paths import PROJECT, Paths
from local.history import Screen, command_line, commands, last_nights, load, located, main, offer
from tests.validation.conftest import contract_of

HEADER = "vendor,number,day,amount,kind,note"
FIRST = date(2024, 3, 25)


@pytest.fixture
def contract() -> Contract:
    small = contract_of()
    return small.model_copy(update={"detection": small.detection.model_copy(update={"minimum_rows": 50})})


def screen(folder: Path, shown: io.StringIO | None = None) -> Screen:
    (folder / "log").touch()
    return Screen(shown or io.StringIO(), folder / "log")


def written(folder: Path, nights: int, rows: int, *more: str) -> str:
    days = [FIRST + timedelta(days=n) for n in range(nights)]
    fit = [f"V1,A{day:%m%d}-{n},{day},10.50,std," for day in days for n in range(rows)]
    path = folder / "history.csv"
    path.write_text("\n".join([HEADER, *fit, *more]) + "\n")
    return str(path)


def test_the_screen_tells_progress_by_month_and_what_became_of_every_row(
    tmp_path: Path, dsn: str, contract: Contract
) -> None:
    shown, file = io.StringIO(), written(tmp_path, 10, 3, "V1,B1,2024-03-26,x,std,", "V1,B2,soon,1,std,")

    counts = load(screen(tmp_path, shown), contract, Paths(tmp_path / "home"), dsn, file)

    said = shown.getvalue()
    assert "A night is a day of day (the only date of its kind" in said
    assert "2024-03    7 nights         21 loaded        1 quarantined" in said
    assert "2024-04    3 nights          9 loaded        1 quarantined" in said
    assert "32 rows in = 30 loaded + 2 quarantined, 10 nights up to 2024-04-03" in said
    assert "line 32       amount: 'x' is not a number" in said
    assert "line 33       day: 'soon' is not a date" in said
    assert counts["nights"] == 10
    assert list((tmp_path / "home" / "staging" / "history").iterdir()) == []


def test_without_a_terminal_it_says_how_to_train_and_score_the_last_nights(
    tmp_path: Path, dsn: str, contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    shown = screen(tmp_path)
    counts = load(shown, contract, Paths(tmp_path / "home"), dsn, written(tmp_path, 30, 3))
    said = io.StringIO()

    offer(screen(tmp_path, said), contract, dsn, counts, "")

    assert "Train on the nights up to 2024-04-17, and score the 6 nights after it" in said.getvalue()
    assert 'dags trigger train_autoencoder --conf \'{\\"extract_date\\": \\"2024-04-17\\"}\'' in said.getvalue()
    assert said.getvalue().count("score_invoices") == 6


def test_too_few_invoices_are_told_instead(tmp_path: Path, dsn: str, contract: Contract) -> None:
    counts = load(screen(tmp_path), contract, Paths(tmp_path / "home"), dsn, written(tmp_path, 10, 1))
    said = io.StringIO()

    offer(screen(tmp_path, said), contract, dsn, counts, "yes")

    assert "10 invoices in 10 nights; expected at least 50 (detection.minimum_rows)" in said.getvalue()


def test_the_nights_to_score_are_a_fifth_and_ten_at_most_and_leave_enough_to_train_on(contract: Contract) -> None:
    def nights(number: int, rows: int) -> list[tuple[date, int]]:
        return [(FIRST + timedelta(days=n), rows) for n in range(number)]

    assert len(last_nights(contract, nights(300, 10))[1]) == 10
    assert len(last_nights(contract, nights(30, 10))[1]) == 6
    until, scored = last_nights(contract, nights(11, 5))
    assert (until, scored) == (FIRST + timedelta(days=9), [FIRST + timedelta(days=10)])
    assert last_nights(contract, nights(1, 5000)) == (None, [])


def test_the_commands_that_are_printed_name_dags_and_fill_their_forms() -> None:
    dags = DagBag(PROJECT / "dags").dags

    for command in commands(FIRST, [FIRST + timedelta(days=1)]):
        make, target, arguments = shlex.split(command)
        *words, dag_id, option, conf = shlex.split(arguments.removeprefix("ARGS="))
        assert (make, target, words, option) == ("make", "airflow", ["dags", "trigger"], "--conf")
        for name, value in json.loads(conf).items():
            assert dags[dag_id].params.get_param(name).resolve(value) == value


def test_a_relative_path_is_of_the_folder_in_which_the_command_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert located("my history.csv") == str(tmp_path / "my history.csv")
    assert located("s3://bucket/history.csv") == "s3://bucket/history.csv"


def test_a_file_that_is_not_there_is_told_before_anything_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INVOICES_HOME", str(tmp_path / "home"))

    assert main([str(tmp_path / "nothing.csv")]) == 1
    assert main([""]) == 2

    said = capsys.readouterr().err
    assert f"{tmp_path}/nothing.csv: expected the history there" in said
    assert "make history FROM=history.csv" in said
    assert not (tmp_path / "home").exists()


def test_the_command_that_is_printed_is_the_one_that_was_given() -> None:
    assert command_line("my $ history.csv", "paid") == "make history FROM='my $$ history.csv' BY=paid"
    assert command_line("history.csv", "") == "make history FROM=history.csv"
