"""The demo as a user runs it, once for the session, in a folder of its own."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from invoice_anomalies.paths import PROJECT
from local.deployment import INVOICES
from local.postgres import Cluster
from tests.airflow.mailbox import free_port
from tests.conftest import THREADS

SECONDS = 1200  # a net: on a busy machine, ten times of what it takes alone


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.timeout(SECONDS))


@dataclass(frozen=True)
class Shell:
    """A user's shell in the project, whose deployment lies in one folder."""

    home: Path
    port: int
    settings: dict[str, str] = field(default_factory=dict)  # what else the user has exported

    def run(self, command: str, seconds: float = SECONDS) -> "subprocess.CompletedProcess[str]":
        """Run a command line, and what it starts, to its end."""
        process = subprocess.Popen(
            ["bash", "-c", command],
            cwd=PROJECT,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # not make alone: Airflow's tasks would go on
            raise
        return subprocess.CompletedProcess(command, process.returncode, output, "")

    def succeed(self, command: str, seconds: float = SECONDS) -> str:
        """Run a command line that must succeed; returns what it printed."""
        done = self.run(command, seconds)
        assert done.returncode == 0, f"{command}\n{done.stdout}"
        return done.stdout

    def query(self, question: str) -> list[list[str]]:
        """Ask the invoices database by the psql that `make psql` opens."""
        psql = 'from local.postgres_programs import binaries; import os, sys; os.execv(binaries() / "psql", sys.argv)'
        dsn = self.dsn()
        answer = subprocess.run(
            [PROJECT / ".venv" / "bin" / "python", "-c", psql, "-XAt", "-F\t", dsn, "-c", question],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return [line.split("\t") for line in answer.stdout.splitlines()]

    def dsn(self) -> str:
        """What `make -s dsn` prints, without the two seconds that it takes."""
        return Cluster(self.home / "postgres").dsn(INVOICES)

    def environment(self) -> dict[str, str]:
        """The environment of a new shell: nothing of what the tests set for Airflow in their own process."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "INVOICES_"))}
        clean = {name: value for name, value in clean.items() if name not in THREADS}
        clean |= {"INVOICES_HOME": str(self.home), "AIRFLOW__API__PORT": str(self.port)}
        # Another Airflow on this machine keeps its log servers.
        for server in ("TRIGGER", "WORKER"):
            clean[f"AIRFLOW__LOGGING__{server}_LOG_SERVER_PORT"] = str(free_port())
        clean |= self.settings
        return {name: value for name, value in clean.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}


@dataclass(frozen=True)
class Demo:
    """A demo that was run to its end."""

    shell: Shell
    printed: str


@pytest.fixture(scope="session")
def shell() -> Iterator[Shell]:
    # Not below tmp_path: as root that is closed to the server's user.
    home = Path(tempfile.mkdtemp(prefix="invoices-e2e-"))
    home.chmod(0o755)
    made = Shell(home, free_port())
    try:
        yield made
    finally:
        made.run("make -s down", 60)
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def demo(shell: Shell) -> Demo:
    return Demo(shell, shell.succeed("make -s demo"))
