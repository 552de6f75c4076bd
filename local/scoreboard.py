"""What the demo planted, beside what was flagged: found, missed and false, by kind and by night."""

import csv
from collections import Counter
from collections.abc import Mapping
from datetime import date
from pathlib import Path

MISSED_SHOWN = 8


def scoreboard(folder: Path, flagged: Mapping[date, set[str]]) -> list[str]:
    """The lines of the scoreboard, to be printed as they are.

    folder: of the labels that the sample writes. flagged: keys of the flagged invoices, by night; a night without
    labels counts as one in which nothing was planted.
    """
    planted = {night: _planted(folder / f"invoices_{night}.labels.csv") for night in flagged}
    pairs = [(night, key, kind) for night, kinds in planted.items() for key, kind in kinds.items()]
    found = [(night, key, kind) for night, key, kind in pairs if key in flagged[night]]
    false = {night: len(keys - planted[night].keys()) for night, keys in flagged.items()}
    by_kind = _counted(Counter(kind for *_, kind in pairs), Counter(kind for *_, kind in found))
    by_night = _counted(Counter(str(night) for night, *_ in pairs), Counter(str(night) for night, *_ in found))
    lines = [
        f"{'':<20}{'planted':>10}{'found':>10}{'missed':>10}{'false':>10}",
        *(_line(kind, *counts) for kind, counts in sorted(by_kind.items())),
        *(_line(str(night), *by_night.get(str(night), (0, 0)), false[night]) for night in sorted(flagged)),
        _line("total", len(pairs), len(found), sum(false.values())),
        "False: flagged, though nothing was planted in it.",
    ]
    return [*lines, *_missed([each for each in pairs if each not in found])]


def _planted(labels: Path) -> dict[str, str]:
    """Kind by key of what was planted in a night."""
    if not labels.exists():
        return {}
    with labels.open(encoding="utf-8", newline="") as file:
        return {f"{row['vendor_id']}|{row['invoice_number']}": row["kind"] for row in csv.DictReader(file)}


def _counted(planted: Counter[str], found: Counter[str]) -> dict[str, tuple[int, int]]:
    return {name: (count, found[name]) for name, count in planted.items()}


def _line(name: str, planted: int, found: int, false: int | None = None) -> str:
    counts = f"{name:<20}{planted:>10,}{found:>10,}{planted - found:>10,}"
    return counts if false is None else f"{counts}{false:>10,}"


def _missed(missed: list[tuple[date, str, str]]) -> list[str]:
    if not missed:
        return []
    shown = [f"  {night}  {key}  ({kind})" for night, key, kind in sorted(missed)[:MISSED_SHOWN]]
    more = [f"  and {len(missed) - MISSED_SHOWN} more"] if len(missed) > MISSED_SHOWN else []
    return ["missed:", *shown, *more]
