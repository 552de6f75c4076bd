"""The commands of the README exist."""

import re

import pytest

from invoice_anomalies.paths import PROJECT

README = PROJECT / "README.md"
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (PROJECT / "Makefile").read_text(), re.MULTILINE))


def commands() -> list[str]:
    """The lines of the README's blocks for a shell, without comments."""
    blocks = re.findall(r"^```(?:sh|bash|shell)\n(.*?)^```", README.read_text(), re.MULTILINE | re.DOTALL)
    lines = [line.split(" #")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def test_the_readme_names_the_two_commands_of_the_project():
    assert {"make demo", "make test"} <= set(commands())


@pytest.mark.parametrize("command", commands())
def test_every_target_of_make_that_the_readme_names_exists(command: str):
    for arguments in re.findall(r"\bmake((?: +[-\w=./]+)*)", command):
        words = [word for word in arguments.split() if not word.startswith("-") and "=" not in word]
        assert set(words) <= TARGETS, command
