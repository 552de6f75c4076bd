"""Programs and data where the server's user reaches them: what root needs, since Postgres refuses to run as root.

Folders of root's are often closed to others (/root is 0700 on many systems). The data then lies in a folder for
temporary files, and the programs are copied beside it together with the shared libraries that they load.
"""

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

from local.postgres_programs import ClusterError, User, binaries, reachable, run

# What a cluster needs; psql and the others are run by whoever calls them.
SERVER_PROGRAMS = ("initdb", "pg_ctl", "postgres")


@dataclass(frozen=True)
class Programs:
    """The programs of one Postgres, and the folder of their shared libraries (None: they find them themselves)."""

    folder: Path
    libraries: Path | None = None

    def run(self, program: str, *arguments: str, user: User | None) -> "CompletedProcess[str]":
        """Run one of them as a user; its code and all that it said, in stdout."""
        return run([str(self.folder / program), *arguments], user, self.libraries)

    def failure(self, user: User | None) -> str:
        """Tell why a user cannot run them; empty where he can."""
        for program in SERVER_PROGRAMS:
            done = self.run(program, "--version", user=user)
            if done.returncode != 0:
                return f"{program}: {done.stdout.strip()}"
        return ""

    def check_version(self, data: Path) -> None:
        """Raise ClusterError where data is of another major version than the programs, which read no other."""
        made_by = (data / "PG_VERSION").read_text().strip()
        told = self.run("postgres", "--version", user=None).stdout
        if f" {made_by}." not in told and told.startswith("postgres (PostgreSQL) "):
            raise ClusterError(
                f"{data}: made by Postgres {made_by}, and {self.folder} holds {told.strip()}; "
                f"set INVOICES_POSTGRES_BIN to the bin folder of a Postgres {made_by}, or begin anew by make clean"
            )


def programs_for(user: User | None, copy: Path, *, renew: bool) -> Programs:
    """Find programs that a user can run: the installed ones, or a copy of them that is made where he can not.

    copy: the folder of the copy. renew: bring an older copy up to date, or delete it where none is needed; only while
    no server runs from it. Raises ClusterError where there are none, or where even the copy does not run.
    """
    if user is None:
        return Programs(binaries())
    copied = Programs(copy / "bin", copy / "libraries")
    if not renew and not copied.failure(user):
        return copied
    installed = Programs(binaries())
    why = installed.failure(user)
    if not why:
        shutil.rmtree(copy, ignore_errors=True)
        return installed
    _copy(_files(installed), copy)
    if failure := copied.failure(user):
        raise ClusterError(
            f"user {user[0]} can run neither the Postgres of {installed.folder} ({why}) "
            f"nor its copy {copy} ({failure}); "
            "set TMPDIR to a folder that is open to all and may hold programs, or start as an ordinary user"
        )
    return copied


def check_owner(data: Path, user: User | None) -> None:
    """Raise ClusterError unless data belongs to this process' user, or as root to the server's, who must reach it."""
    owner = data.stat().st_uid
    if os.geteuid() not in (0, owner):
        raise ClusterError(
            f"{data}: belongs to user {owner}, you are {os.geteuid()}; "
            "start it as that user, or delete the folder to begin anew"
        )
    if user and not reachable(data, user):
        raise ClusterError(
            f"{data}: its user {user[0]} cannot enter it any more, since a folder above it is closed to others; "
            "open that (chmod o+x), or begin anew by make clean"
        )


def open_place(user: User) -> Path:
    """Make a folder for data that a user reaches: in TMPDIR, else where files outlive a restart of the machine.

    Raises ClusterError where he reaches none.
    """
    named = os.environ.get("TMPDIR")
    parents = [*([named] if named else []), "/var/tmp", tempfile.gettempdir(), "/tmp"]
    for parent in parents:
        try:
            place = Path(tempfile.mkdtemp(prefix="invoices-postgres-", dir=parent))
        except OSError:
            continue
        place.chmod(0o711)
        if reachable(place, user):
            return place
        place.rmdir()
    raise ClusterError(
        f"user {user[0]} reaches none of {', '.join(dict.fromkeys(parents))}, and Postgres refuses to run as root; "
        "set TMPDIR to a folder open to all, or start as an ordinary user"
    )


def _files(installed: Programs) -> dict[Path, Path]:
    """Where each file of the copy comes from: programs, their own folders, and the libraries beside them."""
    programs = (installed.folder / "pg_ctl").resolve().parent
    files = {Path("bin", name): programs / name for name in SERVER_PROGRAMS}
    for folder in _own_folders(programs):
        for path in folder.rglob("*"):
            if path.suffix != ".a" and path.is_file():
                files[path.relative_to(programs.parent)] = path
    for name, library in _libraries(programs).items():
        files[Path("libraries", name)] = library
    return files


def _own_folders(programs: Path) -> list[Path]:
    """Folders of shared files and modules; programs that were moved look for them at the same distance."""
    found = [programs.parent / "share", programs.parent / "lib"]
    if (programs / "pg_config").exists():
        told = run([str(programs / "pg_config"), "--sharedir", "--pkglibdir"], None)
        if told.returncode == 0:
            found = [Path(line) for line in told.stdout.splitlines()]
    return [folder for folder in found if folder.is_relative_to(programs.parent)]


def _libraries(programs: Path) -> dict[str, Path]:
    """What the programs load from outside the system's own folders, by name, as the system's loader tells it."""
    libraries = {}
    for name in SERVER_PROGRAMS:
        told = run([str(programs / name), "--version"], None, settings={"LD_TRACE_LOADED_OBJECTS": "1"}).stdout
        for line in told.splitlines():
            library, arrow, place = line.partition(" => ")
            path = Path(place.rpartition(" (")[0])
            # The system's own libraries must be those that fit its loader.
            if arrow and path.is_file() and path.parts[1] not in ("lib", "lib64") and path.parts[1:3] != ("usr", "lib"):
                libraries[library.strip()] = path
    return libraries


def _copy(files: dict[Path, Path], target: Path) -> None:
    """Copy files that anybody may read, all or none; what is there already and the same is left alone."""
    if all(_same(source, target / name) for name, source in files.items()):
        return
    new = target.with_name(f"{target.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    for name, source in files.items():
        (new / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, new / name)
    # Whoever installed them may have done so for himself alone (umask 077).
    for path in [new, *new.rglob("*")]:
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    shutil.rmtree(target, ignore_errors=True)
    new.rename(target)


def _same(source: Path, copied: Path) -> bool:
    """Whether a copy is as large and as old as its source."""
    try:
        there, here = source.stat(), copied.stat()
    except FileNotFoundError:
        return False
    return (there.st_size, int(there.st_mtime)) == (here.st_size, int(here.st_mtime))
