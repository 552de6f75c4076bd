import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from local.postgres import Cluster, main
from local.postgres_copy import programs_for
from local.postgres_programs import ClusterError


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the server's user can reach, and that is stopped and removed afterwards."""
    parent = Path(tempfile.mkdtemp(prefix="invoices-test-"))
    parent.chmod(0o755)
    yield parent / "postgres"
    Cluster(parent / "postgres").stop()
    elsewhere = parent / "postgres" / "elsewhere"
    if elsewhere.exists():
        shutil.rmtree(elsewhere.read_text().strip())
    shutil.rmtree(parent)


def ask(dsn: str, question: str) -> object:
    connection = psycopg2.connect(dsn)
    try:
        with connection.cursor() as cursor:
            cursor.execute(question)
            row = cursor.fetchone()
            return row and row[0]
    finally:
        connection.close()


def server_process(folder: Path) -> int:
    return int((folder / "data" / "postmaster.pid").read_text().split()[0])


def test_a_cluster_starts_answers_over_tcp_with_its_password_and_stops(folder: Path) -> None:
    cluster = Cluster(folder)
    cluster.start()

    assert cluster.running()
    assert str(ask(cluster.dsn(), "SHOW server_encoding")) == "UTF8"
    assert cluster.dsn("invoices").endswith(f"@127.0.0.1:{cluster.port}/invoices")
    with pytest.raises(psycopg2.OperationalError, match="password"):
        psycopg2.connect(f"postgresql://postgres:wrong@127.0.0.1:{cluster.port}/postgres")

    cluster.stop()
    assert not cluster.running()


def test_the_password_can_be_read_by_its_owner_alone_and_differs_between_clusters(folder: Path) -> None:
    cluster = Cluster(folder)
    cluster.start()

    assert (folder / "password").stat().st_mode & 0o777 == 0o600
    assert not (folder / "pwfile").exists()
    other = Cluster(folder.parent / "other")
    other.start()
    try:
        assert (folder / "password").read_text() != (other.folder / "password").read_text()
        assert cluster.port != other.port
    finally:
        other.stop()


def test_starting_twice_keeps_the_same_server_and_restarting_keeps_its_data_and_port(folder: Path) -> None:
    cluster = Cluster(folder)
    cluster.start()
    cluster.create_database("invoices")
    cluster.create_database("invoices")
    before, port = server_process(folder), cluster.port

    cluster.start()
    assert server_process(folder) == before

    cluster.stop()
    cluster.stop()
    again = Cluster(folder)
    again.start()
    assert again.port == port
    assert ask(again.dsn("invoices"), "SELECT 1") == 1


def test_two_starts_at_once_make_one_server(folder: Path) -> None:
    starts = [threading.Thread(target=Cluster(folder).start) for _ in range(2)]
    for start in starts:
        start.start()
    for start in starts:
        start.join()

    assert Cluster(folder).running()


def test_it_starts_again_after_kill_9_and_keeps_what_was_committed(folder: Path) -> None:
    cluster = Cluster(folder)
    cluster.start()
    connection = psycopg2.connect(cluster.dsn())
    with connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE kept AS SELECT 42 AS answer")

    os.kill(server_process(folder), signal.SIGKILL)
    cluster.start()

    assert ask(cluster.dsn(), "SELECT answer FROM kept") == 42


def test_a_stale_lock_file_with_the_number_of_another_program_does_not_hold_it_up(folder: Path) -> None:
    cluster = Cluster(folder)
    cluster.start()
    cluster.stop()
    lock = folder / "data" / "postmaster.pid"
    owner = (folder / "data").stat()
    user, group = (owner.st_uid, owner.st_gid) if os.geteuid() == 0 else (None, None)
    sleeper = subprocess.Popen(["sleep", "60"], cwd="/", user=user, group=group)
    try:
        lock.write_text(f"{sleeper.pid}\n{folder / 'data'}\n1700000000\n{cluster.port}\n\n127.0.0.1\n\nready\n")
        os.chown(lock, owner.st_uid, owner.st_gid)

        cluster.stop()
        assert not cluster.running()
        cluster.start()

        assert cluster.running()
        assert sleeper.poll() is None, "the other program was killed"
    finally:
        sleeper.kill()
        sleeper.wait()


def test_a_remembered_port_that_somebody_else_took_is_exchanged(folder: Path) -> None:
    cluster = Cluster(folder)
    cluster.start()
    cluster.stop()
    other = Cluster(folder.parent / "other", port=cluster.port)
    other.start()
    try:
        assert not cluster.running()
        cluster.start()
        assert cluster.port != other.port
        assert ask(cluster.dsn(), "SELECT 1") == 1
    finally:
        other.stop()


def test_an_initdb_that_was_killed_half_way_is_begun_anew(folder: Path) -> None:
    (folder / "data.new" / "base").mkdir(parents=True)
    (folder / "data.new" / "PG_VERSION").write_text("18\n")

    cluster = Cluster(folder)
    cluster.start()

    assert cluster.running()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as somebody else")
def test_as_root_a_folder_closed_to_others_gets_its_data_elsewhere_and_says_so(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.parent.chmod(0o700)
    cluster = Cluster(folder)
    cluster.start()

    assert cluster.running()
    elsewhere = Path((folder / "elsewhere").read_text().strip())
    assert str(elsewhere) in capsys.readouterr().err
    assert (elsewhere / "data").stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run something as somebody else")
def test_it_works_as_an_ordinary_user(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir()
    # The packages may lie in a folder of root's that is closed to others.
    programs = programs_for((65534, 65534), folder.parent / "programs", renew=True)
    monkeypatch.setenv("INVOICES_POSTGRES_BIN", str(programs.folder))
    if programs.libraries:
        monkeypatch.setenv("LD_LIBRARY_PATH", str(programs.libraries))
    os.chown(folder, 65534, 65534)
    child = os.fork()  # not another interpreter: that one may lie below /root
    if child == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        try:
            cluster = Cluster(folder)
            cluster.start()
            os._exit(0 if cluster.running() else 1)
        finally:
            os._exit(2)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert (folder / "data").stat().st_uid == 65534
    assert (folder / "password").stat().st_uid == 65534


def test_the_binaries_can_be_exchanged_and_a_wrong_folder_is_named(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVOICES_POSTGRES_BIN", str(tmp_path))
    with pytest.raises(ClusterError, match="no pg_ctl here"):
        Cluster(folder).start()


def test_the_command_tells_status_by_its_code(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", str(folder)]) == 3
    assert main(["psql-dsn", str(folder)]) == 1
    assert "start it first" in capsys.readouterr().err
    assert main(["start", str(folder)]) == 0
    assert main(["status", str(folder)]) == 0
    capsys.readouterr()
    assert main(["psql-dsn", str(folder), "--database", "postgres"]) == 0
    assert ask(capsys.readouterr().out.strip(), "SELECT 1") == 1
    assert main(["stop", str(folder)]) == 0
    assert main(["status", str(folder)]) == 3
