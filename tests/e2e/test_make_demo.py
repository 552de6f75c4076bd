"""`make demo`: the main job end to end, and everything that it prints."""

import csv
import re
from datetime import date
from pathlib import Path

import pytest

from local.demo import HISTORY, NIGHTS
from local.screen import task_of
from tests.e2e.conftest import Demo, Shell

LAST = NIGHTS[-1]
ROW = re.compile(r"^(\d{4}-\d\d-\d\d) +([\d,]+) +([\d,]+) +([\d,]+) +([\d,]+) +([\d,]+)$", re.MULTILINE)
# Rank, vendor's name, key, amount, kind of finding, score.
ANOMALY = re.compile(
    r"^ *(\d+)\. (?P<name>.+?) (?P<key>\S+\|\S+) +([\d,.]+ [A-Z]{3}) +(?P<kind>\w+), score ([\d.]+)$", re.MULTILINE
)


def table(printed: str) -> dict[date, list[int]]:
    """The printed row counts by night: in, valid, quarantined, scored, flagged."""
    return {
        date.fromisoformat(night): [int(number.replace(",", "")) for number in numbers]
        for night, *numbers in ROW.findall(printed)
    }


def named(printed: str, what: str) -> Path:
    """The path that the demo names for something."""
    found = re.search(rf"^ *{what} +(/\S+)", printed, re.MULTILINE)
    assert found, f"{what} is not in:\n{printed}"
    return Path(found[1])


def tables_of_nights(shell: Shell) -> dict[str, list[list[str]]]:
    """What the demo's nights left in the tables that do not depend on the model, timestamps and all."""
    nights = ", ".join(f"'{night}'" for night in (HISTORY[1], *NIGHTS))
    return {
        name: shell.query(
            f"SELECT t::text FROM invoice_anomalies.{name} AS t WHERE extract_date IN ({nights}) ORDER BY 1"
        )
        for name in ("invoices", "quarantined_invoices", "validation_runs")
    }


def test_the_row_counts_add_up_and_are_those_of_the_database(demo: Demo):
    counts = table(demo.printed)

    assert list(counts) == [HISTORY[1], *NIGHTS]
    for night, (rows_in, valid, quarantined, scored, flagged) in counts.items():
        assert rows_in == valid + quarantined > 0
        assert scored == (0 if night == HISTORY[1] else valid)
        assert 0 <= flagged <= scored
    answer = demo.shell.query(
        "SELECT extract_date, rows_in, valid, quarantined FROM invoice_anomalies.validation_runs ORDER BY 1"
    )
    assert answer == [[str(night), *map(str, numbers[:3])] for night, numbers in counts.items()]


def test_the_top_anomalies_are_printed_with_their_explanations(demo: Demo):
    anomalies = list(ANOMALY.finditer(demo.printed))

    assert [int(found[1]) for found in anomalies] == list(range(1, len(anomalies) + 1))
    assert len(anomalies) == min(10, table(demo.printed)[LAST][4]) > 0
    for found in anomalies:
        explanation = " ".join(demo.printed[found.end() :].split("\n\n")[0].split())
        assert re.match(r"\w+ \w+ .*; (expected|looks like a copy|numbers of|\d+ invoices)", explanation), explanation


def test_at_least_half_of_what_was_planted_in_the_last_night_is_among_them(demo: Demo):
    labels = named(demo.printed, "labels") / f"invoices_{LAST}.labels.csv"
    planted = {f"{row['vendor_id']}|{row['invoice_number']}" for row in csv.DictReader(labels.open())}

    found = planted & {found["key"] for found in ANOMALY.finditer(demo.printed)}

    assert len(planted) >= 4
    assert len(found) >= len(planted) / 2, f"planted {planted}\n{demo.printed}"


def test_the_files_that_it_names_are_there(demo: Demo):
    summary, alerts = named(demo.printed, "summary"), named(demo.printed, "alerts")

    assert f"{LAST}" in summary.read_text()
    assert summary.with_suffix(".eml").exists()
    assert len(list(alerts.glob("*_alert_*.eml"))) == len(NIGHTS)
    assert "<html" in named(demo.printed, "Data Docs").read_text()
    assert str(demo.shell.home) in str(summary)
    assert task_of(demo.shell.home / "demo.log"), "Airflow's log no longer names the task that starts"


def test_the_commands_that_it_names_work(demo: Demo):
    assert 'psql "$(make -s dsn)"' in demo.printed
    statement = re.search(r"make psql, then: (SELECT .*;)", demo.printed)
    assert statement

    assert demo.shell.succeed("make -s dsn").strip() == demo.shell.dsn()
    by_path = demo.shell.query(statement[1])
    by_make = demo.shell.succeed(f'echo "{statement[1]}" | make -s psql')

    flagged = sum(numbers[4] for numbers in table(demo.printed).values())
    assert len(by_path) == flagged
    assert f"({flagged} rows)" in by_make
    assert "make up" in demo.printed


# Quickly: the demo below begins again where one has ended, and nights run again in tests/integration.
@pytest.mark.slow
def test_a_second_demo_succeeds_and_leaves_the_same_rows(demo: Demo):
    before = tables_of_nights(demo.shell)
    alerts = demo.shell.query("SELECT digest FROM invoice_anomalies.alerts ORDER BY 1")

    printed = demo.shell.succeed("make -s demo")

    assert tables_of_nights(demo.shell) == before
    assert [counts[:4] for counts in table(printed).values()] == [counts[:4] for counts in table(demo.printed).values()]
    # The newly trained model may send its own; none goes out a second time.
    digests = demo.shell.query("SELECT digest FROM invoice_anomalies.alerts ORDER BY 1")
    assert all(digest in digests for digest in alerts)
    assert len(digests) == len({digest for (digest,) in digests}) <= len(alerts) + len(NIGHTS)


def test_a_demo_that_cannot_go_on_says_why_and_fails(demo: Demo):
    environment = "AIRFLOW_CONN_INVOICES_DB=postgresql://clerk:open-sesame@127.0.0.1:9/nowhere"

    done = demo.shell.run(f"{environment} make -s demo")

    assert done.returncode != 0
    assert "validate_invoices failed" in done.stdout
    assert "cannot reach the invoices database at 127.0.0.1:9/nowhere" in done.stdout
    assert "open-sesame" not in done.stdout
    assert named(done.stdout, "The full log is").exists()
