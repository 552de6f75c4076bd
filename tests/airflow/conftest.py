"""A deployment of its own for every test of the plugins."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No connection, an empty outbox, the project's contract."""
    monkeypatch.delenv("AIRFLOW_CONN_SMTP_DEFAULT", raising=False)
    monkeypatch.delenv("INVOICES_CONTRACT", raising=False)
    monkeypatch.setenv("INVOICES_HOME", str(tmp_path))
    return tmp_path
