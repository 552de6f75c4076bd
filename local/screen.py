"""Keep the screen for what people read, and send the rest to a log."""

import os
from pathlib import Path
from typing import TextIO


def screen_beside(log: Path) -> TextIO:
    """Send all output of this process and of those it starts to the log, and return the real screen."""
    screen = os.fdopen(os.dup(1), "w")
    with log.open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    return screen
