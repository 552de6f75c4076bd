"""make take-back: a night out of the tables of this deployment, with the reason on record."""

from datetime import timedelta

import pytest

from invoice_anomalies import warehouse
from invoice_anomalies.contract import Contract
from invoice_anomalies.warehouse import Extract
from local.take_back import main
from tests.warehouse.rows import EMPTY_QUARANTINE, NIGHT, ask, invoices


class Here:
    """This deployment, with a database that is there already."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn

    def prepare(self) -> dict[str, str]:
        return {"AIRFLOW_CONN_INVOICES_DB": self.dsn}


def test_a_night_is_taken_back_with_a_reason_and_not_without(
    dsn: str, contract: Contract, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("local.take_back.Deployment", lambda _: Here(dsn))
    with warehouse.connect(dsn) as connection:
        warehouse.migrate(connection, contract)
        for day, numbers in enumerate(["ab", "bc"]):
            parts = [(invoices(contract, *numbers).assign(vendor_id="V1"), EMPTY_QUARANTINE)]
            warehouse.load_night(connection, contract, Extract(NIGHT + timedelta(days=day), "f"), parts, 2, [], "docs")

    assert main([str(NIGHT), " "]) == 1
    assert "only with a reason" in capsys.readouterr().err
    assert main([str(NIGHT), "wrong date"]) == 0
    assert f"2 invoices and 0 quarantined rows removed; given back: 1 to {NIGHT + timedelta(days=1)}" in (
        capsys.readouterr().out
    )
    assert main([str(NIGHT + timedelta(days=9)), "wrong date"]) == 1
    assert "v_daily_summary lists the nights" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["", ""])
    assert 'NIGHT=2026-11-04 WHY="..."' in capsys.readouterr().err
    with warehouse.connect(dsn) as connection:
        assert ask(connection, "SELECT reason FROM invoice_anomalies.v_withdrawals") == [("wrong date",)]
