"""Each decision has a status, the parts of a record, and its line in the index."""

import re
from pathlib import Path

import pytest

from invoice_anomalies.paths import PROJECT
from tests.docs.pages import page

FOLDER = PROJECT / "docs" / "decisions"
RECORDS = sorted(FOLDER.glob("0*.md"))

each_record = pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.name)


@each_record
def test_a_record_has_a_status_with_its_day_and_tells_context_decision_and_consequence(path: Path) -> None:
    text = page(path)

    assert re.search(r"^\*\*Status\.\*\* (Accepted|Superseded), \d{4}-\d\d-\d\d[.;]", text, re.MULTILINE)
    assert [part for part in ("Context", "Decision", "Consequence") if f"**{part}.**" not in text] == []


@each_record
def test_a_record_is_in_the_index_under_its_number_and_title(path: Path) -> None:
    number, title = int(path.name[:4]), page(path).splitlines()[0]

    assert title.startswith(f"# {number}. ")
    (line,) = re.findall(
        rf"^\| \[{number}\]\({re.escape(path.name)}\) \| (.+) \| \w.* \|$", page(FOLDER / "README.md"), re.M
    )
    assert line == title.removeprefix(f"# {number}. ")


def test_numbers_have_no_gap_and_no_double() -> None:
    assert [int(path.name[:4]) for path in RECORDS] == list(range(1, len(RECORDS) + 1))
