"""A newcomer's way as docs/bring-your-own-invoices.md tells it: a German file, a killed load, training, scores."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
import yaml

from invoice_anomalies.paths import PROJECT
from invoice_anomalies.synthetic import Company
from tests.airflow.mailbox import free_port
from tests.e2e.conftest import Shell

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(900)]

FIRST, LAST = date(2025, 11, 3), date(2026, 11, 6)
FIELDS = {
    "kreditor": {"type": "category", "detect": False},
    "name": {"type": "text", "column": "Name für Öl", "detect": False},
    "rechnungsnr": {"type": "identifier", "column": "Rechnungsnr."},
    "rechnungsdatum": {"type": "date", "relative_to": "buchungsdatum"},
    "buchungsdatum": {"type": "date", "detect": False},
    "betrag": {"type": "amount"},
    "konto": {"type": "category"},
}
CONTRACT = {
    "name": "rechnungen",
    "entity": "kreditor",
    "amount": "betrag",
    "key": ["kreditor", "rechnungsnr"],
    "extract": {
        "path": "landing/{extract_date}.csv",
        "delimiter": ";",
        "decimal": ",",
        "thousands": ".",
        "date_format": "%d.%m.%Y",
        "encoding": "cp1252",
    },
    "fields": FIELDS,
    "schedule": {"start_date": FIRST},
    "report": {"recipients": ["revision@example.com"]},
}
COUNTS = """
    SELECT count(*), sum(rows_in), sum(valid), sum(quarantined), count(DISTINCT file) FROM
    invoice_anomalies.validation_runs WHERE current AND success
"""


@pytest.fixture
def shell() -> Iterator[Shell]:
    home = Path(tempfile.mkdtemp(prefix="invoices-newcomer-"))
    home.chmod(0o755)
    contract = home / "invoices.yaml"
    contract.write_text(yaml.safe_dump(CONTRACT, sort_keys=False, allow_unicode=True), encoding="utf-8")
    made = Shell(home, free_port(), {"INVOICES_CONTRACT": str(contract)})
    try:
        yield made
    finally:
        made.run("make -s down", 60)
        shutil.rmtree(home, ignore_errors=True)


def german(number: float) -> str:
    return f"{number:,.2f}".replace(",", "x").replace(".", ",").replace("x", ".")


def write_history(path: Path) -> int:
    """A year on weekdays, with ten slips near its end and two rows without a day; returns how many rows."""
    invoices = Company(vendors=40).invoices(FIRST, LAST, 12)
    invoices = invoices[invoices["posting_date"].dt.day_of_week < 5].reset_index(drop=True)
    late = invoices.index[invoices["posting_date"] >= pd.Timestamp(2026, 10, 27)][::7][:10]
    invoices.loc[late, "gl_account"] = "9999"
    table = pd.DataFrame(
        {
            "kreditor": invoices["vendor_id"],
            "Name für Öl": invoices["vendor_name"] + " Müller",
            "Rechnungsnr.": invoices["invoice_number"],
            "rechnungsdatum": invoices["invoice_date"].dt.strftime("%d.%m.%Y"),
            "buchungsdatum": invoices["posting_date"].dt.strftime("%d.%m.%Y"),
            "betrag": invoices["gross_amount"].map(german),
            "konto": invoices["gl_account"],
        }
    )
    table.loc[[5, 500], "buchungsdatum"] = ["", "31.12.9999"]
    table.to_csv(path, index=False, sep=";", encoding="cp1252", errors="replace")
    return len(table)


def test_a_history_is_loaded_though_the_first_try_is_killed_and_its_last_nights_show_the_slips(shell: Shell) -> None:
    rows = write_history(shell.home / "meine historie.csv")
    load = f"make history FROM='{shell.home}/meine historie.csv'"
    killed = subprocess.Popen(
        ["bash", "-c", load], cwd=PROJECT, env=shell.environment(), stdout=subprocess.PIPE, start_new_session=True
    )
    assert killed.stdout is not None
    for line in killed.stdout:
        if b"2026-02" in line:
            os.killpg(killed.pid, signal.SIGKILL)
            break
    killed.wait()
    time.sleep(1)

    printed = shell.succeed(load)

    nights = len(pd.bdate_range(FIRST, LAST))
    assert f"{rows:,} rows in = {rows - 2:,} loaded + 2 quarantined, {nights} nights up to {LAST}" in printed
    assert "buchungsdatum: empty, but a value is required" in printed
    assert shell.query(COUNTS) == [[str(nights), str(rows), str(rows - 2), "2", "1"]]

    printed = shell.succeed(f"{load} TRAIN=yes", 600)

    assert "score_invoices     2026-11-06" in printed
    assert printed.count("'9999'") >= 5
    assert shell.query("SELECT count(DISTINCT extract_date) FROM invoice_anomalies.scoring_runs") == [["10"]]
