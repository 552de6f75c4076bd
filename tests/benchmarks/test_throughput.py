"""The throughput benchmark: its arithmetic, and that it runs."""

import json
from pathlib import Path

import pytest

from benchmarks.throughput import STAGES, NightCost, Stage, growth, main, table


def a_night(rows: int, seconds_per_row: float, power: float = 1.0) -> NightCost:
    """A night whose every stage costs the same, growing with a power of its rows."""
    cost = seconds_per_row * rows**power
    stages = {name: Stage(cost, 300.0, details={"explain": cost / 10} if name == "score" else {}) for name in STAGES}
    return NightCost(rows, floor=cost / 2, floor_parts={}, stages=stages, flagged=rows // 100)


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_growth_is_the_power_of_the_rows_by_which_the_cost_grows(power: float):
    nights = [a_night(rows, 1e-4, power) for rows in (1_000_000, 10_000, 100_000)]

    assert growth(nights, lambda night: night.seconds) == pytest.approx(power)
    assert growth(nights[:1], lambda night: night.seconds) is None


def test_the_table_tells_the_cost_of_each_stage_and_how_many_floors_it_is():
    text = table([a_night(10_000, 1e-4), a_night(100_000, 1e-4)])

    lines = {line.split()[0]: line for line in text.splitlines()[2:]}
    assert set(STAGES) <= set(lines)
    # Six stages of 10 seconds each on a floor of 5.
    assert lines["load"].split()[4:] == ["10.0", "10,000", "300", "1.00"]
    assert lines["together"].split()[3:] == ["60.0", "1,667", "1.00"]
    assert lines["times"].split()[2:] == ["12.0", "12.0"]


@pytest.mark.slow
def test_nights_go_through_every_stage_and_their_costs_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["300", "900", "--quick", "--vendors", "40", "--out", str(tmp_path)]) == 0

    assert "times floor" in capsys.readouterr().out
    measured = json.loads((tmp_path / "throughput.json").read_text())
    assert [night["rows"] for night in measured["nights"]] == [300, 900]
    assert measured["nights"][1]["stages"]["score"]["processes"] > 1
    assert all(night["ratio"] > 1 for night in measured["nights"])
    assert (tmp_path / "throughput.png").stat().st_size > 10_000
