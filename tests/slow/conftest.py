"""A division's payments on a real Airflow: `make up`, a history and a champion trained on it, made once."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from invoice_anomalies.paths import PROJECT
from tests.airflow.mailbox import free_port
from tests.e2e.api import make_up
from tests.e2e.conftest import Shell
from tests.slow.payments import HISTORY, LAST, SMALL, SMALL_ROWS, Payments

SECONDS = 150 * 60  # the whole of a session of its own: fixtures count with the test that asks for them first
DATA = PROJECT.parent / "shared" / "data" / "corporate_payments.csv.gz"
# A dead worker is noticed after 5 minutes by itself; these tests do not have them.
HEARTBEAT_SECONDS = 30
API_SECONDS = 300


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.timeout(SECONDS))


@pytest.fixture(scope="session")
def book() -> pd.DataFrame:
    """The payments up to the last of the nights, as they lie in the file: texts, and the `night` that brings each."""
    if not DATA.exists():
        pytest.skip(f"the real data set {DATA} is not here")
    rows = pd.read_csv(DATA, dtype=str, keep_default_na=False)
    rows["night"] = rows["invoice_date"].where(rows["invoice_date"] > str(HISTORY), str(HISTORY))
    return rows.sort_values("night", kind="stable", ignore_index=True)


@pytest.fixture(scope="session")
def payments(book: pd.DataFrame) -> Iterator[Payments]:
    """The division's deployment, in a folder and on ports of its own."""
    # Not below tmp_path: as root that is closed to the server's user.
    home = Path(tempfile.mkdtemp(prefix="invoices-slow-"))
    home.chmod(0o755)
    contract = home / "invoices.yaml"
    contract.write_text(yaml.safe_dump(_contract(), sort_keys=False))
    deliver(book, home / "landing")
    settings = {
        "INVOICES_CONTRACT": str(contract),
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": str(HEARTBEAT_SECONDS),
    }
    shell = Shell(home, free_port(), settings)
    try:
        made = Payments(shell, make_up(shell, API_SECONDS))
        made.wait_for_dags()
        made.succeed("validate_invoices", HISTORY)
        made.succeed("train_autoencoder", HISTORY)
        yield made
    finally:
        shell.run("make -s down", 120)
        shutil.rmtree(home, ignore_errors=True)


def deliver(book: pd.DataFrame, landing: Path) -> None:
    """Write the extracts: the history as one, a night each for the sixty, ten rows each for the small ones."""
    landing.mkdir()
    texts = book.drop(columns="night")
    for night, rows in texts[book["night"] <= str(LAST)].groupby(book["night"]):
        rows.to_csv(landing / f"payments_{night}.csv.gz", index=False)
    for night in map(str, SMALL):
        texts[book["night"] == night].head(SMALL_ROWS).to_csv(landing / f"payments_{night}.csv.gz", index=False)


def _contract() -> dict[str, Any]:
    """The example contract, made strict: rows that come twice are refused, so that quarantine has work too."""
    contract: dict[str, Any] = yaml.safe_load((PROJECT / "docs" / "contracts" / "corporate_payments.yaml").read_text())
    contract["key"] = ["vendor_id", "invoice_number", "amount"]
    contract["extract"]["path"] = "landing/payments_{extract_date}.csv.gz"
    contract["fields"]["invoice_date"]["detect"] = False  # the same as the extract date on every row
    # A night has up to 13 % of repetitions; the small nights have far fewer rows than usual.
    contract["validation"] = {"rows": {"min": 1}, "max_quarantined_share": 0.3}
    # A model of seconds that flags something every night: its quality is judged elsewhere.
    contract["detection"] = {"epochs": 3, "hidden_units": [16]}
    return contract
