"""Test ids: workers that collect at other seconds and with other hash seeds must collect the same tests."""

import os
import re
import subprocess
import sys

import pytest

from invoice_anomalies.paths import PROJECT


def ids_collected(seed: str, zone: str) -> list[str]:
    """Ids of the whole suite, slow tests too, as another process collects them."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", "", "-p", "no:cacheprovider"],
        cwd=PROJECT,
        env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
        capture_output=True,
        text=True,
        check=True,
    )
    return [line for line in done.stdout.splitlines() if "::" in line]


def test_bytes_stand_in_no_id(request: pytest.FixtureRequest) -> None:
    """What compresses, encrypts or writes a workbook puts the second into its bytes."""
    named = [
        item.nodeid
        for item in request.session.items
        for value in getattr(getattr(item, "callspec", None), "params", {}).values()
        if isinstance(value, bytes) and value and re.sub(r"^b.|.$", "", repr(value)) in item.nodeid
    ]

    assert not named


@pytest.mark.slow
def test_the_ids_are_the_same_at_another_second_on_another_date_and_with_another_hash_seed() -> None:
    # It is never the same date in these two zones.
    first = ids_collected("1", "Etc/GMT-14")
    second = ids_collected("2", "Etc/GMT+12")

    assert len(first) > 1000
    assert first == second
