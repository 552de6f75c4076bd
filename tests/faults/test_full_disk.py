"""A disk without room: a clear error that is tried again, and nothing half-written that anybody takes for whole."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from invoice_anomalies.errors import StagingError
from invoice_anomalies.files import read_staged
from tests.company import NIGHT, Company
from tests.faults.conftest import Clean, Outcome, Run, Workshop, score_night, training, undisturbed, whole_night
from tests.faults.left import files_of, left_by, same

# Every one of these writes files; the others write to the database alone.
WRITERS = {
    "take_snapshot", "validate_snapshot", "score_chunk", "send_alert", "send_summary", "stage_training_set", "train",
}  # fmt: skip


def without_room(workshop: Workshop, company: Company, most_bytes: int) -> Run:
    """A way to run stages: each first where the system writes no file to its end, then where there is room."""

    def run(stage: str, given: Any, night: date = NIGHT) -> Any:
        if stage in WRITERS:
            before = files_of(company)
            refused(workshop.run(stage, company, given, night, most_bytes=most_bytes), stage)
            after = files_of(company)
            assert {name: after[name] for name in before} == before, stage
            new = set(after) - set(before)
            assert all("data_docs" in name for name in new), (stage, new)
        return workshop.result(stage, company, given, night)

    return run


def refused(outcome: Outcome, stage: str) -> None:
    assert outcome.error is not None, stage
    assert outcome.error["type"] == "StorageFullError", (stage, outcome.error)
    assert outcome.error["retryable"]
    assert "no room left" in outcome.error["message"] or "disk is full" in outcome.error["message"]


@pytest.mark.parametrize("most_bytes", [700, pytest.param(1, marks=pytest.mark.slow)])
def test_a_night_whose_every_file_found_no_room_at_first_ends_as_an_undisturbed_one(
    companies: Callable[[], Company], workshop: Workshop, clean_night: Clean, most_bytes: int
):
    company = companies()

    whole_night(without_room(workshop, company, most_bytes))

    same(left_by(company), clean_night.left)


@pytest.mark.slow
def test_a_training_whose_every_file_found_no_room_at_first_makes_one_model(
    companies: Callable[[], Company], workshop: Workshop, clean_training: Clean
):
    company = companies()

    training(without_room(workshop, company, 4000))

    same(left_by(company), clean_training.left)
    assert not [path for path in (company.home / "models").iterdir() if path.name.startswith(".")], "room is given back"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[Path], None]]:
    """Put a disk of 100 KB, really full after that, at a folder."""
    mounted: list[Path] = []

    def mount(folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", str(folder)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            pytest.skip(f"this user or container may not mount a disk: {done.stderr.strip()}")
        mounted.append(folder)

    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root may mount a disk")
    yield mount
    for folder in mounted:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_of_staged_files_is_told_and_scoring_goes_on_when_there_is_room(
    companies: Callable[[], Company], workshop: Workshop, small_disk: Callable[[Path], None]
):
    company = companies()
    run = undisturbed(workshop, company)
    run("load_night", run("validate_snapshot", run("take_snapshot", None)))
    shutil.rmtree(company.home / "staging")
    small_disk(company.home / "staging")
    filler = company.home / "staging" / "filler"
    filler.write_bytes(bytes(100 * 1024 - 8192))
    chunks = run("plan_scoring", None)

    outcome = workshop.run("score_chunk", company, chunks[0])

    refused(outcome, "score_chunk")
    assert outcome.error is not None
    assert "0.0 MB free" in outcome.error["message"]
    filler.unlink()
    assert score_night(run)["scored"] == company.count("invoices", NIGHT)


@pytest.mark.slow
def test_the_full_disk_of_the_models_is_told_and_left_as_it_was(
    companies: Callable[[], Company], workshop: Workshop, small_disk: Callable[[Path], None]
):
    company = companies()
    small_disk(company.home / "models")
    training_set = workshop.result("stage_training_set", company)

    refused(workshop.run("train", company, training_set), "train")

    assert list((company.home / "models").iterdir()) == []


def test_staged_files_that_are_gone_or_cut_off_are_named_with_the_way_out(
    companies: Callable[[], Company], workshop: Workshop
):
    company = companies()
    run = undisturbed(workshop, company)
    run("load_night", run("validate_snapshot", run("take_snapshot", None)))
    scored = [run("score_chunk", chunk) for chunk in run("plan_scoring", None)]
    for path in (company.home / "staging").rglob("anomalies_*.parquet"):
        path.unlink()

    outcome = workshop.run("publish_night", company, scored)

    assert outcome.error is not None
    assert outcome.error["type"] == "StagingError"
    assert not outcome.error["retryable"]
    assert "Clear the run from its first task on" in outcome.error["message"]
    assert company.count("scores") == 0


@pytest.mark.parametrize("left", [b"", b"PAR1", b"PAR1" + bytes(40) + b"PAR1"])
def test_a_staged_file_that_was_cut_off_is_no_frame(tmp_path: Path, left: bytes):
    (tmp_path / "scores_0.parquet").write_bytes(left)

    with pytest.raises(StagingError, match=r"scores_0\.parquet: unreadable"):
        read_staged(tmp_path / "scores_0.parquet")
