"""All files of a deployment lie below one root, and staging does not grow for ever."""

import os
from datetime import date
from pathlib import Path

import pytest

from invoice_anomalies.paths import PROJECT, Paths


def test_the_root_comes_from_the_environment_or_lies_in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INVOICES_HOME", "/srv/invoices")
    assert Paths.from_environment().models == Path("/srv/invoices/models")
    monkeypatch.delenv("INVOICES_HOME")
    assert Paths.from_environment().root == PROJECT / "var"


def test_staged_files_of_old_runs_are_swept_and_recent_ones_kept(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    old, recent = (paths.staging(date(2026, 11, 2)) / name for name in ("old", "recent"))
    for folder in (old, recent):
        folder.mkdir()
        (folder / "valid.parquet").touch()
    long_ago = 1_700_000_000
    os.utime(old, (long_ago, long_ago))
    paths.sweep_staging(date.today())
    assert not old.exists()
    assert (recent / "valid.parquet").exists()


def test_two_nights_never_share_their_data_docs(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    assert paths.data_docs(date(2026, 11, 2)) != paths.data_docs(date(2026, 11, 3))
