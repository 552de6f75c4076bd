"""As root, where folders are closed to the user that the server runs as."""

import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.deployment import Deployment
from local.postgres import SERVER_USER, Cluster
from local.postgres_copy import Programs, check_owner, open_place, programs_for
from local.postgres_programs import ClusterError, User, binaries

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as somebody else")


@pytest.fixture
def user() -> User:
    named = pwd.getpwnam(SERVER_USER)
    return named.pw_uid, named.pw_gid


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that everybody may enter."""
    place = Path(tempfile.mkdtemp(prefix="invoices test ü "))
    place.chmod(0o755)
    yield place
    shutil.rmtree(place)


@pytest.fixture
def closed(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The installed Postgres with the libraries beside it, in a folder of root's that is closed to others."""
    installed = binaries().parent
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    package = installed.parent
    for folder in (Path(package.name, installed.name), Path(f"{package.name}.libs")):
        shutil.copytree(package.parent / folder, closed / folder, symlinks=True)
    # Closed by its door alone, whatever the umask of whoever installed the packages.
    for path in closed.rglob("*"):
        path.chmod(path.stat().st_mode | 0o055)
    monkeypatch.setenv("INVOICES_POSTGRES_BIN", str(closed / package.name / installed.name / "bin"))
    return closed


def test_a_cluster_runs_where_data_and_programs_lie_in_closed_folders(closed: Path) -> None:
    cluster = Cluster(closed / "var" / "postgres", fsync=False)
    cluster.start()
    elsewhere = cluster.elsewhere
    try:
        assert cluster.running()
        cluster.stop()
        assert not cluster.running()

        assert elsewhere
        assert elsewhere.stat().st_mode & 0o777 == 0o711
        assert (elsewhere / "data").stat().st_mode & 0o777 == 0o700
        shutil.rmtree(elsewhere / "data")
        with pytest.raises(ClusterError, match=r"is gone, with all that it held.*make clean"):
            Cluster(cluster.folder).start()
    finally:
        cluster.stop()
        shutil.rmtree(elsewhere or closed)


def test_a_copy_of_the_programs_runs_by_itself_follows_its_source_and_goes_when_the_source_opens(
    closed: Path, place: Path, user: User
) -> None:
    copy = place / "postgres"
    umask = os.umask(0o077)
    try:
        programs = programs_for(user, copy, renew=True)
    finally:
        os.umask(umask)
    assert programs == Programs(copy / "bin", copy / "libraries")
    first = (copy / "bin" / "postgres").stat()

    # The same programs are copied once, and half a copy is made whole.
    assert programs_for(user, copy, renew=True) == programs
    assert (copy / "bin" / "postgres").stat().st_ino == first.st_ino
    shutil.rmtree(copy / "libraries")
    assert programs_for(user, copy, renew=False) == programs

    # Another version is installed in their place.
    os.utime(binaries() / "initdb", (1_700_000_000, 1_700_000_000))
    programs_for(user, copy, renew=True)
    assert (copy / "bin" / "initdb").stat().st_mtime == 1_700_000_000
    # While a server runs from it, nobody touches it.
    os.utime(binaries() / "initdb", (1_600_000_000, 1_600_000_000))
    programs_for(user, copy, renew=False)
    assert (copy / "bin" / "initdb").stat().st_mtime == 1_700_000_000

    closed.chmod(0o755)
    assert programs_for(user, copy, renew=True) == Programs(binaries())
    assert not copy.exists()
    closed.chmod(0o700)
    assert programs_for(user, copy, renew=True) == programs


def test_a_copy_that_cannot_run_either_says_what_both_said(closed: Path, place: Path, user: User) -> None:
    place.chmod(0o700)

    with pytest.raises(ClusterError, match=r"can run neither .*Permission denied.* nor its copy .*set TMPDIR"):
        programs_for(user, place / "postgres", renew=True)


def test_a_closed_folder_for_temporary_files_is_passed_over(
    place: Path, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.chmod(0o700)
    monkeypatch.setenv("TMPDIR", str(place))

    found = open_place(user)
    found.rmdir()

    assert place not in found.parents
    assert list(place.iterdir()) == []


def test_data_of_another_version_or_behind_a_door_that_closed_is_told_with_the_remedy(place: Path, user: User) -> None:
    data = place / "data"
    data.mkdir()
    data.chmod(0o755)
    (data / "PG_VERSION").write_text("13\n")
    with pytest.raises(ClusterError, match=r"made by Postgres 13, and .*INVOICES_POSTGRES_BIN"):
        Programs(binaries()).check_version(data)

    check_owner(data, user)
    place.chmod(0o700)
    with pytest.raises(ClusterError, match=r"cannot enter it any more.*chmod o\+x"):
        check_owner(data, user)


def test_clean_deletes_the_data_that_lies_elsewhere(place: Path) -> None:
    deployment = Deployment(place / "var")
    elsewhere = place / "elsewhere"
    (elsewhere / "data").mkdir(parents=True)
    deployment.cluster.folder.mkdir(parents=True)
    (deployment.cluster.folder / "elsewhere").write_text(f"{elsewhere}\n")

    deployment.clean()

    assert not elsewhere.exists()
