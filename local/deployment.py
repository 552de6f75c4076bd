"""Airflow on this machine: one embedded Postgres for its metadata and for the invoices, one folder for everything.

    python -m local.deployment up|down|clean|dsn|psql|airflow ...

`up` starts the real Airflow (scheduler, DAG processor, API server with the web UI, triggerer) and returns when it
answers; `down` stops it and the Postgres. With AIRFLOW_CONN_INVOICES_DB set, invoices go to that Postgres instead.
"""

import argparse
import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from invoice_anomalies.paths import PROJECT, Paths
from local.postgres import Cluster
from local.postgres_programs import ClusterError, binaries, port_is_free

READY_SECONDS = 180
STOP_SECONDS = 25
METADATA, INVOICES = "airflow", "invoices"
SCHEDULER = PROJECT / "local" / "scheduler"  # what its scheduler imports in advance


@dataclass(frozen=True)
class Deployment:
    """Everything below one folder: the cluster, Airflow's home, landing, staging, models, Data Docs, outbox."""

    root: Path

    @property
    def cluster(self) -> Cluster:
        return Cluster(self.root / "postgres")

    @property
    def home(self) -> Path:
        return self.root / "airflow"

    @property
    def log(self) -> Path:
        return self.home / "standalone.log"

    @property
    def pid_file(self) -> Path:
        return self.home / "standalone.pid"

    def prepare(self) -> dict[str, str]:
        """Start Postgres, make both databases and Airflow's home; returns the environment that Airflow needs."""
        self.home.mkdir(parents=True, exist_ok=True)
        self.cluster.start()
        for database in (METADATA, INVOICES):
            self.cluster.create_database(database)
        return self.environment()

    def environment(self) -> dict[str, str]:
        """Settings of Airflow and of the pipeline, beside those of this process; what is set already stays."""
        metadata = self.cluster.dsn(METADATA).replace("postgresql://", "postgresql+psycopg2://", 1)
        port = os.environ.get("AIRFLOW__API__PORT", "8080")
        ours = {
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": metadata,
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin,auditor:user,viewer:viewer",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self._passwords()),
            "AIRFLOW__CORE__FERNET_KEY": "",
            "AIRFLOW__API_AUTH__JWT_SECRET": self._secret("jwt_secret"),
            "AIRFLOW__API__SECRET_KEY": self._secret("api_secret_key"),
            # `airflow standalone` starts its parts by the name `airflow`.
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
            "PYTHONPATH": str(PROJECT / "include"),
            "INVOICES_HOME": str(self.root),
        }
        defaults = {
            "AIRFLOW_CONN_INVOICES_DB": self.cluster.dsn(INVOICES),
            # One machine: few workers (each costs 200 MB), and a scheduler that does not doze between tasks.
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "20",
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": port,
            "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
            "AIRFLOW__API__WORKERS": "1",
        }
        return {**os.environ, **ours, **{name: os.environ.get(name, value) for name, value in defaults.items()}}

    def up(self) -> None:
        """Start Airflow unless it runs, wait until it answers, and print where it is and how to log in."""
        environment = self.prepare()
        url = environment["AIRFLOW__API__BASE_URL"]
        if self.process() is None:
            port = int(environment["AIRFLOW__API__PORT"])
            if not port_is_free(port):
                raise ClusterError(
                    f"port {port} is taken by another program; stop that, or run AIRFLOW__API__PORT=8081 make up"
                )
            with self.log.open("w") as log:
                process = subprocess.Popen(
                    [str(Path(sys.executable).with_name("airflow")), "standalone"],
                    env=environment | {"PYTHONPATH": f"{PROJECT / 'include'}{os.pathsep}{SCHEDULER}"},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    cwd=PROJECT,
                )
            self.pid_file.write_text(str(process.pid))
            self._wait_until_ready(url, process)
        password = json.loads(self._passwords().read_text())["admin"]
        print(f"Airflow is at {url}\n  log in as admin with password {password}")
        print(f"  log: {self.log}\n  make down stops it")

    def down(self) -> None:
        """Stop Airflow with all its processes, then Postgres; what does not run is left alone."""
        group = self.process()
        if group is not None:
            for number, patience in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, 5)):
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(group, number)
                if _gone(group, patience):
                    break
        self.pid_file.unlink(missing_ok=True)
        self.cluster.stop()
        print("stopped")

    def clean(self) -> None:
        """Stop everything, and delete what lies outside of the folder."""
        self.down()
        if elsewhere := self.cluster.elsewhere:
            shutil.rmtree(elsewhere, ignore_errors=True)

    def process(self) -> int | None:
        """Process group of the running Airflow, if any."""
        try:
            group = int(self.pid_file.read_text())
            command = Path(f"/proc/{group}/cmdline")
            if command.exists() and b"airflow" not in command.read_bytes():
                return None
            os.killpg(group, 0)
        except (OSError, ValueError):
            return None
        return group

    def _wait_until_ready(self, url: str, process: "subprocess.Popen[bytes]") -> None:
        print("starting Airflow ", end="", flush=True)
        deadline = time.monotonic() + READY_SECONDS
        while not _healthy(url):
            if process.poll() is not None or time.monotonic() > deadline:
                tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])
                self.down()
                raise ClusterError(f"Airflow did not start; the end of {self.log}:\n{tail}")
            print(".", end="", flush=True)
            time.sleep(1)
        print()

    def _secret(self, name: str) -> str:
        """A random secret, made once and kept in a file that only its owner reads."""
        path = self.home / name
        if not path.exists():
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
                file.write(secrets.token_hex(32))
        return path.read_text()

    def _passwords(self) -> Path:
        path = self.home / "passwords.json"
        if not path.exists():
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
                json.dump({user: secrets.token_urlsafe(9) for user in ("admin", "auditor", "viewer")}, file)
        return path


def _healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/api/v2/monitor/health", timeout=2) as answer:
            health = json.load(answer)
    except (OSError, ValueError):
        return False
    return all(health[part]["status"] == "healthy" for part in ("metadatabase", "scheduler", "dag_processor"))


def _gone(group: int, patience: float) -> bool:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(-group, os.WNOHANG)
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.2)
    return False


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 when done, 1 with a message on failure."""
    parser = argparse.ArgumentParser(prog="python -m local.deployment", description="Airflow on this machine.")
    parser.add_argument("command", choices=["up", "down", "clean", "dsn", "psql", "airflow"])
    given, rest = parser.parse_known_args(arguments)
    deployment = Deployment(Paths.from_environment().root)
    try:
        if given.command == "up":
            deployment.up()
        elif given.command == "down":
            deployment.down()
        elif given.command == "clean":
            deployment.clean()
        else:
            environment = deployment.prepare()
            dsn = environment["AIRFLOW_CONN_INVOICES_DB"]
            if given.command == "dsn":
                print(dsn)
            elif given.command == "psql":
                os.execv(binaries() / "psql", ["psql", dsn])
            else:
                os.execve(Path(sys.executable).with_name("airflow"), ["airflow", *rest], environment)
    except ClusterError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
