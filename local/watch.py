"""Tell beside a running step what its log says, from a process of its own.

A thread of the step's process would stand still for ten seconds and more while Python imports TensorFlow.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from local.heartbeat import EVERY_SECONDS, Heartbeat
from local.screen import task_of


class Watch:
    """Whether the step that is watched was told about in lines of their own; known when it is over."""

    told = False


@contextmanager
def watched(log: Path, screen: TextIO, every: float = EVERY_SECONDS) -> Iterator[Watch]:
    """Say on the screen, every few seconds, how long the step runs and which task writes to the log."""
    watch = Watch()
    command = [sys.executable, "-S", "-m", "local.watch", str(log), str(log.stat().st_size), str(every)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=screen.fileno(), text=True)
    try:
        yield watch
    finally:
        process.communicate("\n")
        watch.told = process.returncode == 1


def main() -> int:
    """Tell until a line, or the end, comes in; 1 where something was told."""
    log, since, every = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])

    def say(text: str) -> None:
        print(text if heartbeat.beats else f"\n{text}", flush=True)

    with Heartbeat(say, lambda: task_of(log, since), every) as heartbeat:
        sys.stdin.readline()
    return 1 if heartbeat.beats else 0


if __name__ == "__main__":
    sys.exit(main())
