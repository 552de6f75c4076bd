"""Say every few seconds how long something takes already and what it does, on a terminal and in a pipe alike.

    python -m local.heartbeat TITLE COMMAND...

runs a command (the installers of packages), tells its title, its progress and its seconds, and what it said where it
fails. Needs nothing but Python: it runs before the packages are there.
"""

import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import IO, Self

EVERY_SECONDS = 5.0
LINES_OF_A_FAILURE = 30


class Heartbeat:
    """Tells, until it is left, the seconds so far and what is being done; `began` is when it was entered."""

    def __init__(self, say: Callable[[str], None], doing: Callable[[], str], every: float = EVERY_SECONDS) -> None:
        self._say, self._doing, self._every = say, doing, every
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self.beats = 0

    @property
    def seconds(self) -> float:
        """Seconds since it was entered."""
        return time.monotonic() - self._began

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._over.wait(self._every):
            self._say(f"{self.seconds:>8.0f} s  {self._doing()}".rstrip())
            self.beats += 1


class Output:
    """What a command says, and in few words how far an installer is."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._collected = 0

    def read(self, pipe: IO[str]) -> None:
        """Take all lines of a pipe."""
        for line in pipe:
            self.lines.append(line.rstrip())
            self._collected += line.startswith("Collecting ")  # pip says so once a package

    def doing(self) -> str:
        """The last line that says something and is no warning, shortened; of pip the number of packages too."""
        telling = (line.strip() for line in reversed(self.lines) if line and not line.startswith("WARNING"))
        last = next(telling, "")
        if last.startswith("Installing collected packages"):
            return f"unpacking {self._collected} packages"
        last = re.sub(r"\S+://\S+/", "", last)[:60]
        return f"{self._collected} packages: {last}" if self._collected else last


def run(title: str, command: list[str]) -> int:
    """Run a command and tell how far it is; returns its code, after the end of what it said where that is not 0."""

    def say(text: str) -> None:
        print(text, flush=True)

    say(f"{title} ...")
    output = Output()
    with Heartbeat(say, output.doing) as heartbeat:
        try:
            process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
            )
        except OSError as error:
            say(str(error))
            return 127
        with process:
            if process.stdout:
                output.read(process.stdout)
    if process.returncode:
        say("\n".join(output.lines[-LINES_OF_A_FAILURE:]))
    else:
        say(f"       done in {heartbeat.seconds:.0f} s")
    return process.returncode


if __name__ == "__main__":
    sys.exit(run(sys.argv[1], sys.argv[2:]))
