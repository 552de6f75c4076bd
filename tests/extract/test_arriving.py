"""An extract that is still being written is not taken, and no room for it is said clearly."""

import os
import resource
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest

from invoice_anomalies import extract
from invoice_anomalies.contract import Contract
from invoice_anomalies.errors import ExtractNotArrivedError, ExtractUnreadableError
from invoice_anomalies.extract import location
from invoice_anomalies.paths import PROJECT, Paths


@pytest.fixture
def delivered(tmp_path: Path) -> Path:
    path = tmp_path / "a.csv"
    path.write_text("number\n1\n")
    return path


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that were asked to be waited for; none passes."""
    seconds: list[float] = []
    monkeypatch.setattr(time, "sleep", seconds.append)
    return seconds


@pytest.fixture
def just_changed(delivered: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second ago, however slowly the test runs."""
    os.utime(delivered, (1_800_000_000,) * 2)
    monkeypatch.setattr(time, "time", lambda: 1_800_000_001.0)


@pytest.mark.usefixtures("just_changed")
def test_a_file_that_has_just_changed_is_watched_until_it_has_settled(delivered: Path, watched: list[float]) -> None:
    assert extract.arrived(str(delivered), settle_seconds=3)

    assert watched == [2.0]


@pytest.mark.usefixtures("just_changed")
def test_a_file_that_changes_while_it_is_watched_has_not_arrived(
    delivered: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: delivered.write_text("number\n1\n2\n"))

    assert not extract.arrived(str(delivered), settle_seconds=3)


def test_a_file_that_settled_long_ago_is_taken_at_once(delivered: Path, watched: list[float]) -> None:
    os.utime(delivered, (time.time() - 100,) * 2)

    assert extract.arrived(str(delivered), settle_seconds=60)
    assert watched == []


def test_a_long_time_to_settle_is_waited_for_between_looks(delivered: Path, watched: list[float]) -> None:
    assert not extract.arrived(str(delivered), settle_seconds=60)
    assert watched == []


@pytest.mark.usefixtures("just_changed")
def test_a_file_that_changes_while_it_is_copied_is_not_taken(
    delivered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, _ = location._file_system(str(delivered))

    def slow(source: str, target: str) -> None:
        Path(target).write_bytes(Path(source).read_bytes())
        with delivered.open("a") as file:
            file.write("2\n")

    monkeypatch.setattr(type(files), "get_file", lambda self, source, target: slow(source, target))

    with pytest.raises(ExtractNotArrivedError, match=r"still being written: it had 9 bytes .* and 11 bytes behind"):
        extract.copy(str(delivered), tmp_path / "staged.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv"]
    assert ExtractNotArrivedError.retryable


def test_a_full_disk_names_the_folder_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    source, staging = tmp_path / "a.csv", tmp_path / "staging"
    source.write_bytes(b"x" * 100_000)
    staging.mkdir()
    code = (
        "import sys; from pathlib import Path\n"
        "from invoice_anomalies import extract; from invoice_anomalies.errors import StorageFullError\n"
        "try: extract.copy(sys.argv[1], Path(sys.argv[2]) / 'a.csv')\n"
        "except StorageFullError as error: print(error, error.retryable)"
    )

    # A limit on the size of files stands for the full disk: no test may fill one.
    done = subprocess.run(
        [sys.executable, "-c", code, str(source), str(staging)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000)),
    )

    assert done.stdout.startswith(f"{staging}: no room left to write")
    assert done.stdout.endswith("True\n")
    assert list(staging.iterdir()) == []


def test_an_address_without_the_credentials_that_messages_leave_out_is_no_path(contract: Contract, tmp_path: Path):
    told = extract.shown("s3://key:secret@bucket/invoices.csv")

    with pytest.raises(ExtractUnreadableError, match="without its credentials; give it whole"):
        extract.locate(contract, date(2024, 3, 5), Paths(tmp_path), told)
