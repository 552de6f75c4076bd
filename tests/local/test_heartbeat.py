"""Nobody is left to wonder whether something still runs."""

import re
import shlex
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from invoice_anomalies.paths import PROJECT
from local.heartbeat import Heartbeat, Output, run
from local.screen import task_of
from local.watch import watched


def test_it_says_what_is_done_and_for_how_long_until_it_is_left() -> None:
    said: list[str] = []
    twice = threading.Event()

    def say(text: str) -> None:
        said.append(text)
        if len(said) == 2:
            twice.set()

    with Heartbeat(say, lambda: "train, epoch 3/12", every=0.01) as heartbeat:
        assert twice.wait(30)

    assert said[0] == "       0 s  train, epoch 3/12"
    assert heartbeat.beats == len(said)
    assert not any(thread is heartbeat._thread for thread in threading.enumerate())


def test_the_running_task_and_its_epoch_are_read_off_the_log(tmp_path: Path) -> None:
    log = tmp_path / "demo.log"
    log.write_text("migrating\n")
    assert task_of(log) == ""

    before = log.stat().st_size
    with log.open("a") as file:
        file.write("[info     ] [DAG TEST] starting task_id=training_set map_index=-1 [airflow.sdk] loc=dag.py:1501\n")
        file.write("[info     ] [DAG TEST] starting task_id=train map_index=-1 [airflow.sdk] loc=dag.py:1501\n")
    assert task_of(log, before) == "train"
    with log.open("a") as file:
        file.write("[info     ] epoch 1/4  loss 3.1\n[info     ] epoch 2/4  loss 2.1\n")
    assert task_of(log, before) == "train, epoch 2/4"
    assert task_of(log, log.stat().st_size) == ""


def test_a_step_is_told_about_from_another_process_while_its_own_does_nothing_else(tmp_path: Path) -> None:
    log, screen = tmp_path / "demo.log", tmp_path / "screen"
    log.write_text("[DAG TEST] starting task_id=before\n")
    with screen.open("w") as file, watched(log, file, every=0.01) as watch:
        with log.open("a") as more:
            more.write("[info     ] [DAG TEST] starting task_id=train map_index=-1\n")
        while "train" not in screen.read_text():
            pass
    assert watch.told
    assert re.match(r"\n +\d+ s(  train)?\n", screen.read_text())
    assert "before" not in screen.read_text()

    with screen.open("w") as file, watched(log, file, every=3600) as watch:
        pass
    assert not watch.told
    assert screen.read_text() == ""


def test_an_installer_is_followed_by_its_packages() -> None:
    output = Output()
    assert output.doing() == ""
    with subprocess.Popen(
        [
            "printf",
            "%s\\n",
            "Collecting numpy==2",
            "  Downloading https://host/simple/numpy-2.whl (16 MB)",
            "WARNING: no",
            "",
        ],
        stdout=subprocess.PIPE,
        text=True,
    ) as said:
        assert said.stdout
        output.read(said.stdout)
    assert output.doing() == "1 packages: Downloading numpy-2.whl (16 MB)"
    output.lines.append("Installing collected packages: numpy, pandas")
    assert output.doing() == "unpacking 1 packages"


def test_a_command_that_fails_is_followed_by_what_it_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("Installing", ["sh", "-c", "echo no such package >&2; exit 3"]) == 3
    assert capsys.readouterr().out == "Installing ...\nno such package\n"
    assert run("Installing", ["/no/such/program"]) == 127
    assert "No such file" in capsys.readouterr().out
    assert run("Installing", ["true"]) == 0
    assert "done in" in capsys.readouterr().out


def test_make_takes_a_python_and_a_uv_whose_paths_hold_blanks_in_a_folder_that_holds_one(tmp_path: Path) -> None:
    project = tmp_path / "Rechnungen für März"
    programs = tmp_path / "all programs"
    for folder in (project / "local", programs):
        folder.mkdir(parents=True)
    for name in ("Makefile", "local/__init__.py", "local/heartbeat.py"):
        (project / name).write_bytes((PROJECT / name).read_bytes())
    for name in ("requirements.txt", "requirements-dev.txt"):
        (project / name).write_text("")
    (programs / "my python").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
    # Stands for uv: makes a .venv and says what it was asked for.
    (programs / "uv").write_text(
        '#!/bin/sh\necho "$@" >> "$0.asked"\ntest "$1" = pip || '
        f"{{ mkdir -p .venv/bin; ln -s {shlex.quote(sys.executable)} .venv/bin/python; }}\n"
    )
    for program in programs.iterdir():
        program.chmod(0o755)

    made = subprocess.run(
        ["make", f"PYTHON={programs}/my python", ".venv/installed-dev"],
        cwd=project,
        env={"PATH": f"{programs}:/usr/bin:/bin", "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert made.returncode == 0, made.stdout + made.stderr
    asked = (programs / "uv.asked").read_text().splitlines()
    assert [line.split()[0] for line in asked] == ["venv", "pip", "pip"]
    assert asked[1].endswith("--no-deps --require-hashes -r requirements.txt")
    assert (project / ".venv" / "installed-dev").exists()
