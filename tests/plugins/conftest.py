"""A real mail server on loopback, and Airflow's settings, which must stand before airflow is imported."""

import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from include.places import PROJECT
from tests.plugins.mailbox import Mailbox, free_port, smtp_connection

if "AIRFLOW_HOME" not in os.environ:
    os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="airflow-home-")
    atexit.register(shutil.rmtree, os.environ["AIRFLOW_HOME"], ignore_errors=True)
os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
if str(PROJECT / "plugins") not in sys.path:  # Airflow does so too
    sys.path.append(str(PROJECT / "plugins"))


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox()
    box.port = free_port()
    controller = Controller(box, hostname="127.0.0.1", port=box.port)
    controller.start()
    yield box
    controller.stop()


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Give Airflow the connection smtp_default."""

    def connect(port: int, **extra: Any) -> None:
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", smtp_connection(port, **extra))

    return connect


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A deployment of its own for every test: no connection, an empty outbox, the project's contract."""
    monkeypatch.delenv("AIRFLOW_CONN_SMTP_DEFAULT", raising=False)
    monkeypatch.delenv("INVOICES_CONTRACT", raising=False)
    monkeypatch.setenv("INVOICES_HOME", str(tmp_path))
    return tmp_path
