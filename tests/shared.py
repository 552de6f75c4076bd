"""What all workers of one test run share: a folder, in which each costly thing is made once and found by the others.

The process that was started first (the only one, or the one that starts xdist's workers) makes the folder, hands its
place to the workers, and takes down what is left in it when all have ended.
"""

import fcntl
import pickle
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from local.postgres import Cluster

T = TypeVar("T")
FOLDER = pytest.StashKey[Path]()


class Shared:
    """The folder of a run, and what was made in it."""

    def __init__(self, folder: Path, worker: str) -> None:
        self.folder, self.worker = folder, worker

    def once(self, name: str, make: Callable[[], T]) -> T:
        """Make a thing that can be pickled, or take what another worker made; who comes meanwhile waits."""
        made = self.folder / f"{name}.pickle"
        with (self.folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not made.exists():
                thing = make()
                made.write_bytes(pickle.dumps(thing))
                return thing
        other: T = pickle.loads(made.read_bytes())
        return other


def pytest_configure(config: pytest.Config) -> None:
    given = getattr(config, "workerinput", None)
    # Not below tmp_path: as root that is closed to the server's user.
    folder = Path(given["shared"]) if given else Path(tempfile.mkdtemp(prefix="invoices-test-"))
    folder.chmod(0o755)
    config.stash[FOLDER] = folder


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of xdist where the folder is."""
    node.workerinput["shared"] = str(node.config.stash[FOLDER])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give each file to one worker, and all files of one deployment, the demo's, to the same."""
    from xdist.scheduler import LoadFileScheduling

    class ByDeployment(LoadFileScheduling):  # type: ignore[misc]  # xdist tells no types, so its class is Any
        def _split_scope(self, nodeid: str) -> str:
            return "tests/e2e" if nodeid.startswith("tests/e2e/") else str(super()._split_scope(nodeid))

    return ByDeployment(config, log)


def pytest_unconfigure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput") or FOLDER not in config.stash:
        return
    folder = config.stash[FOLDER]
    try:
        Cluster(folder / "postgres").stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def shared(request: pytest.FixtureRequest, worker_id: str) -> Shared:
    """What the workers of this run share."""
    return Shared(request.config.stash[FOLDER], worker_id)
