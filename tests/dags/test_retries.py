"""Which errors are worth another try: those that pass by themselves, and no others."""

from datetime import date
from pathlib import Path

import pytest
from airflow.sdk.exceptions import AirflowFailException

from invoice_anomalies import extract, warehouse
from invoice_anomalies.airflow.runs import fail_without_retry
from invoice_anomalies.contract import Contract
from invoice_anomalies.errors import (
    ExtractNotArrivedError,
    NightRefusedError,
    StorageUnreachableError,
    WarehouseUnreachableError,
)
from invoice_anomalies.paths import Paths
from tests.airflow.mailbox import free_port


def test_a_database_that_is_down_is_tried_again():
    @fail_without_retry
    def task() -> None:
        with warehouse.connect(f"postgresql://clerk:secret@127.0.0.1:{free_port()}/invoices"):
            pass

    with pytest.raises(WarehouseUnreachableError):
        task()


def test_an_extract_that_has_gone_is_tried_again(contract: Contract, tmp_path: Path):
    @fail_without_retry
    def task() -> None:
        location = extract.locate(contract, date(2025, 6, 2), Paths(tmp_path))
        extract.copy(location, tmp_path / "snapshot")

    with pytest.raises(ExtractNotArrivedError):
        task()


def test_a_storage_that_answers_with_an_error_is_tried_again(tmp_path: Path):
    (tmp_path / "mount").symlink_to(tmp_path / "mount")  # no folder, and no "not found" either

    @fail_without_retry
    def task() -> None:
        extract.arrived(str(tmp_path / "mount" / "invoices.csv"))

    with pytest.raises(StorageUnreachableError):
        task()


def test_a_refused_night_fails_at_once_with_its_words():
    @fail_without_retry
    def task() -> None:
        raise NightRefusedError("gross_amount is missing")

    with pytest.raises(AirflowFailException, match=r"^NightRefusedError: gross_amount is missing$"):
        task()
