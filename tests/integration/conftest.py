"""Runs of whole DAGs on a small company (tests/company.py), each within its time."""

from pathlib import Path

import pytest

from tests.company import HISTORY, NIGHT, NIGHTS, Company, words

__all__ = ["HISTORY", "NIGHT", "NIGHTS", "Company", "words"]

SECONDS = 120


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            # By a thread: Airflow's own time limits use the alarm that pytest-timeout would, and reset it.
            item.add_marker(pytest.mark.timeout(SECONDS, method="thread"))
