"""The whole benchmark on a small made-up company, and what it does where the real data is not at hand."""

import json
from pathlib import Path

import pytest

from benchmarks.detection import OURS, main
from benchmarks.peers import peers

PNG = b"\x89PNG"


def test_the_benchmark_prints_tables_and_writes_figures_and_a_plot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sample", "--quick", "--seeds", "2", "--out", str(tmp_path)]) == 0

    document = json.loads((tmp_path / "detection.json").read_text())
    detectors = document["data_sets"]["sample"]["detectors"]
    assert set(detectors) == {OURS, *peers()}
    for name, found in detectors.items():
        assert len(found["runs"]) == 2
        assert 0 < found["mean"]["ap"] <= 1, name
        assert found["spread"].keys() == found["mean"].keys()
    ours = detectors[OURS]["mean"]
    assert ours.keys() >= {
        "ap", "auc", "r2k", "recall_1", "recall_5", "recall_10", "hit1", "hit3", "hit1_all", "hit3_all", "named1",
        "factor_off", "days_off", "train_seconds", "score_seconds", "rows_per_second", "kind_date_moved",
    }  # fmt: skip
    # Even a model of few epochs on little data is better than chance by far, and than the usual first choice.
    assert ours["ap"] > max(0.5, 3 * detectors["Isolation Forest"]["mean"]["ap"])
    assert (tmp_path / "detection.png").read_bytes().startswith(PNG)
    screen = capsys.readouterr().out
    assert all(name in screen for name in detectors)
    assert "R@2k" in screen and "±" in screen


def test_data_sets_that_are_not_at_hand_are_skipped_with_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["payments", "retail", "--data", str(tmp_path), "--out", str(tmp_path / "out")]) == 0

    screen = capsys.readouterr().out
    assert screen.count("skipped") == 2
    assert "corporate_payments.csv.gz" in screen and "--data" in screen
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "told"), [(["paymants"], "choose from payments, retail, sample"), (["--seeds", "0"], "1 or more")]
)
def test_arguments_that_make_no_sense_are_told(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2

    assert told in capsys.readouterr().err


def test_pyod_brings_no_torch() -> None:
    pytest.importorskip("pyod")

    assert "torch" not in (Path(__file__).parents[2] / "requirements-dev.txt").read_text()
