"""Keep the screen for what people read, and send the rest to a log."""

import io
import os
import re
import sys
from pathlib import Path
from typing import TextIO


def screen_beside(log: Path) -> TextIO:
    """Send all output of this process and of those it starts to the log, and return the real screen."""
    screen = os.fdopen(os.dup(1), "w")
    with log.open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    # Into a pipe Python writes by blocks: the log would lag behind.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True)
    return screen


def task_of(log: Path, since: int = 0) -> str:
    """The Airflow task that wrote last to the log after its first `since` bytes, and how far its training is."""
    with log.open("rb") as file:
        file.seek(since)
        written = file.read().decode(errors="replace")
    _, started, lines = written.rpartition("starting task_id=")
    epochs = re.findall(r"\bepoch \d+/\d+", lines)
    return ", ".join([*([lines.split()[0]] if started else []), *epochs[-1:]])
