"""Pairs are those that comparing all with all would give, each told by how its numbers differ."""

import numpy as np
import pandas as pd
import pytest

from invoice_anomalies.detection.checks.duplicates.candidates import (
    EDITS,
    ComparisonLevel,
    DeletionVariants,
    list_pairs,
    read_candidates,
)
from invoice_anomalies.detection.checks.duplicates.u_probabilities import NeighbourCounts
from tests.detection.checks.invoice_frames import contract, frame_of


def kinds(numbers: list[str], amounts: float | list[float] = 5.0) -> dict[tuple[int, int], int]:
    """ComparisonLevel of each pair of invoices of one vendor, one a night."""
    rows = len(numbers)
    invoices = frame_of(vendor="V", number=numbers, amount=np.broadcast_to(amounts, rows), day=np.arange(rows))
    position, candidates = read_candidates(invoices, contract(), "number", np.zeros(len(invoices), dtype=bool))
    pairs = list_pairs(candidates, DeletionVariants.of_candidates(candidates))
    found = zip(position[pairs.later], position[pairs.earlier], pairs.level, strict=True)
    return {(int(later), int(earlier)): int(kind) for later, earlier, kind in found}


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        ("AB-1234", "AB-1234", ComparisonLevel.SAME),
        ("AB-1234", "ab 1234", ComparisonLevel.WRITING),
        ("AB-1204", "AB-12O4", ComparisonLevel.WRITING),
        ("AB-1214", "AB-l2I4", ComparisonLevel.WRITING),
        ("0001234", "1234", ComparisonLevel.WRITING),
        ("AB-0012", "AB-12", ComparisonLevel.WRITING),
        ("AB-1234", "1234", ComparisonLevel.AFFIX),
        ("AB-1234", "AB-1234-A", ComparisonLevel.AFFIX),
        ("AB-1234", "AB-1234 COPY", ComparisonLevel.AFFIX),
        ("AB-1234", "AB-1239", ComparisonLevel.LAST),
        ("AB-1234", "AB-1294", ComparisonLevel.SECOND),
        ("AB-1234", "AB-1934", ComparisonLevel.THIRD),
        ("AB-1234", "AX-1234", ComparisonLevel.FARTHER),
        ("0001234", "0901234", ComparisonLevel.FARTHER),
        ("AB-1234", "AB-1324", ComparisonLevel.EXCHANGED),
        ("AB-1234", "AB-124", ComparisonLevel.LENGTH),
        ("AB-1234", "AB-12334", ComparisonLevel.LENGTH),
    ],
)
def test_a_pair_is_told_by_how_its_numbers_differ(one: str, other: str, kind: ComparisonLevel) -> None:
    assert kinds([one, other]) == {(1, 0): kind}
    assert kinds([other, one]) == {(1, 0): kind}


@pytest.mark.parametrize(("one", "other"), [("AB-1234", "AB-4321"), ("1234", "1243567"), ("AB-1234", "AB-1298")])
def test_numbers_farther_apart_are_no_pair(one: str, other: str) -> None:
    assert kinds([one, other]) == {}


def test_equal_numbers_with_amounts_far_apart_are_no_pair() -> None:
    assert kinds(["1", "1"], [100.0, 150.0]) == {}
    assert kinds(["1", "1"], [100.0, -100.0]) == {}
    assert kinds(["1", "1"], [100.0, 100.4]) == {(1, 0): ComparisonLevel.NEAR_AMOUNT}
    assert kinds(["1", "1"], [190.0, 910.0]) == {(1, 0): ComparisonLevel.NEAR_AMOUNT}


def one_edit(one: str, other: str) -> bool:
    """Whether a character is changed, missing, or exchanged with its neighbour."""
    if len(one) == len(other):
        positions = [position for position in range(len(one)) if one[position] != other[position]]
        swapped = len(positions) == 2 and positions[1] == positions[0] + 1
        return len(positions) == 1 or (
            swapped and one[positions[0]] == other[positions[1]] and one[positions[1]] == other[positions[0]]
        )
    long, short = sorted((one, other), key=len, reverse=True)
    return len(long) == len(short) + 1 and any(long[:p] + long[p + 1 :] == short for p in range(len(long)))


def test_no_pair_within_one_edit_is_missed_and_none_beyond_is_made() -> None:
    rng = np.random.default_rng(5)
    for _ in range(150):
        # Few characters and short numbers: many are near, some in several ways at once.
        first, second = ("".join(rng.choice(list("259X"), rng.integers(3, 7))) for _ in range(2))
        found = kinds([first, second]).get((1, 0), -1)
        assert (found in (*EDITS, ComparisonLevel.AFFIX)) >= one_edit(first, second), (first, second)
        assert found not in EDITS or one_edit(first, second), (first, second)


def test_a_large_bucket_is_compared_with_its_latest_only() -> None:
    found = kinds(["4711"] * 50)
    assert max(pd.Series([later for later, _ in found]).value_counts()) == 3
    assert all(later - earlier <= 3 for later, earlier in found)


def test_near_numbers_are_counted_as_comparing_all_with_all_would() -> None:
    rng = np.random.default_rng(6)
    # No characters that are taken for each other, and no leading zeros: those are other kinds.
    numbers = ["".join(rng.choice(list("2359"), rng.integers(3, 6))) for _ in range(60)]
    night = np.sort(rng.integers(0, 20, 60))
    invoices = frame_of(vendor="V", number=numbers, amount=1.0, day=night)
    position, candidates = read_candidates(invoices, contract(), "number", np.zeros(len(invoices), dtype=bool))
    near = NeighbourCounts.of_candidates(candidates, DeletionVariants.of_candidates(candidates))
    for row, at in enumerate(position):
        for kind in (ComparisonLevel.SAME, *EDITS):
            others = {n: counted(numbers[at], numbers[n], kind) for n in position if n != at}
            own = sum(count for n, count in others.items() if night[n] == night[at])
            before = sum(count for n, count in others.items() if night[n] < night[at])
            assert (near.same_night[kind][row], near.before[kind][row]) == (own, before), (numbers[at], kind.name)


def counted(one: str, other: str, kind: ComparisonLevel) -> float:
    """1 for a number that differs in this way; for characters exchanged, also 1/2 where one has moved farther."""
    if kind == ComparisonLevel.SAME or one == other:
        return float(kind == ComparisonLevel.SAME and one == other)
    if kind == ComparisonLevel.LENGTH:
        return float(len(one) != len(other) and one_edit(one, other))
    if len(one) != len(other):
        return 0.0
    if kind == ComparisonLevel.EXCHANGED:
        forms, others = ({(text[:p] + text[p + 1 :], text[p]) for p in range(len(text))} for text in (one, other))
        return 0.5 * len(forms & others)
    positions = [position for position in range(len(one)) if one[-1 - position] != other[-1 - position]]
    return float(len(positions) == 1 and kind == ComparisonLevel.LAST + min(positions[0], 3))
