"""The end of the demo: what was planted, and what of it was found."""

from datetime import date
from pathlib import Path

import pytest

from invoice_anomalies.synthetic import SampleFiles
from local.scoreboard import scoreboard

FIRST, SECOND = date(2025, 6, 2), date(2025, 6, 3)


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    (tmp_path / f"invoices_{FIRST}.labels.csv").write_text(
        "vendor_id,invoice_number,kind,fields\nV1,A1,amount_shifted,net_amount\nV1,A2,tax_mismatch,tax_amount\n"
    )
    (tmp_path / f"invoices_{SECOND}.labels.csv").write_text(
        "vendor_id,invoice_number,kind,fields\nV2,B1,amount_shifted,net_amount\n"
    )
    return tmp_path


def counts(lines: list[str]) -> dict[str, list[int]]:
    """The numbers of each line of the table, by its name."""
    table = [line.split() for line in lines[1:] if line[:1].strip() and line.split()[-1].isdigit()]
    return {name: [int(number) for number in numbers] for name, *numbers in table}


def test_planted_found_missed_and_false_are_counted_by_kind_by_night_and_in_all(labels: Path):
    lines = scoreboard(labels, {FIRST: {"V1|A1", "V9|Z9"}, SECOND: {"V2|B1"}})

    assert lines[0].split() == ["planted", "found", "missed", "false"]
    assert counts(lines) == {
        "amount_shifted": [2, 2, 0],
        "tax_mismatch": [1, 0, 1],
        str(FIRST): [2, 1, 1, 1],
        str(SECOND): [1, 1, 0, 0],
        "total": [3, 2, 1, 1],
    }
    assert f"  {FIRST}  V1|A2  (tax_mismatch)" in lines


def test_a_flag_of_another_night_finds_nothing(labels: Path):
    assert counts(scoreboard(labels, {FIRST: set(), SECOND: {"V1|A1"}}))["total"] == [3, 0, 3, 1]


def test_a_night_without_labels_has_nothing_planted(labels: Path):
    later = date(2025, 6, 4)

    assert counts(scoreboard(labels, {later: {"V1|A1"}})) == {str(later): [0, 0, 0, 1], "total": [0, 0, 0, 1]}


def test_the_labels_that_the_sample_writes_are_read(sample: SampleFiles):
    folder = sample.history_labels.parent

    lines = scoreboard(folder, {night: set() for night in sample.labels})

    rows = sum(len(path.read_text().splitlines()) - 1 for path in sample.labels.values())
    assert counts(lines)["total"] == [rows, 0, rows, 0]
