"""Write the golden file, or prove a real training unchanged; run from the project's folder.

python -m tests.golden.record            expected/ anew, with the stored weights: after a change that is meant
python -m tests.golden.record --train    the weights anew, then expected/: after a change of what the network reads
python -m tests.golden.record --digest   train really and print a checksum of all that is said, to be compared before
                                         and after a change on one machine; trained weights differ between processors
"""

import argparse
import csv
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from threadpoolctl import threadpool_limits

from tests.golden import adapter

FOLDER = Path(__file__).parent
EXPECTED = FOLDER / "expected"
TOLERANCE = 1e-9
"""Of numbers, relative to the expected one or absolute, whichever is more; there is none of words."""


def weights_of(name: str) -> Path:
    return FOLDER / f"weights_{name}.npz"


def said(name: str) -> Iterator[tuple[str, pd.DataFrame | str]]:
    """All that is said with the contract of this name, by the name of its file."""
    detector = adapter.fit(adapter.contracts()[name])
    for case, judgement in adapter.judged(name, detector).items():
        tables, mail = adapter.tables(detector, judgement)
        start = f"{name} {case}".replace(" ", "_")
        yield from ((f"{start}.{what}.csv", table) for what, table in tables.items())
        if case == "night":  # the wording of mails is the same everywhere
            yield f"{start}.alert.txt", mail


def said_with_stored_weights(name: str) -> dict[str, pd.DataFrame | str]:
    with adapter.trained_before(weights_of(name)):
        return dict(said(name))


def as_text(thing: pd.DataFrame | str) -> str:
    """A table with every digit of its numbers; a text as it is."""
    if isinstance(thing, str):
        return thing
    return thing.to_csv(index=False, lineterminator="\n", quoting=csv.QUOTE_MINIMAL)


def differences(thing: pd.DataFrame | str, expected: str) -> list[str]:
    """Say where a thing differs from what is expected, beyond the tolerance; empty where it does not."""
    if isinstance(thing, str):
        return _of_lines(thing.splitlines(), expected.splitlines())
    header, *rows = csv.reader(expected.splitlines(keepends=True))
    _, *here = csv.reader(as_text(thing).splitlines(keepends=True))
    if list(thing.columns) != header or len(here) != len(rows):
        return [f"{len(here)} rows of {list(thing.columns)}, expected {len(rows)} of {header}"]
    found = []
    for index, name in enumerate(header):
        own, other = ([row[index] for row in table] for table in (here, rows))
        if thing[name].dtype.kind == "f":
            same = _near(own, other).tolist()
        else:
            same = [one == two for one, two in zip(own, other, strict=True)]
        found += [
            f"row {place + 1} ({rows[place][0]}), {name}: {own[place]!r}, expected {other[place]!r}"
            for place, is_same in enumerate(same)
            if not is_same
        ]
    return found


def _near(own: list[str], other: list[str]) -> npt.NDArray[np.bool_]:
    one, two = (np.array([float(value or "nan") for value in values]) for values in (own, other))
    near: npt.NDArray[np.bool_] = np.isclose(one, two, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
    return near


def _of_lines(own: list[str], other: list[str]) -> list[str]:
    if len(own) != len(other):
        return [f"{len(own)} lines, expected {len(other)}"]
    return [
        f"line {place}: {one!r}, expected {two!r}"
        for place, (one, two) in enumerate(zip(own, other, strict=True), start=1)
        if one != two
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", action="store_true")
    parser.add_argument("--digest", action="store_true")
    given = parser.parse_args()
    # The last digits differ with the number of threads; TensorFlow, not yet imported, asks for these.
    os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    names = adapter.contracts()
    if given.digest:
        digest = hashlib.sha256()
        with threadpool_limits(1, user_api="blas"):
            for name in names:
                for file, thing in said(name):
                    digest.update(f"{file}\n{as_text(thing)}\n".encode())
        print(digest.hexdigest())  # noqa: T201
        return
    if given.train:
        for name, contract in names.items():
            with adapter.storing(weights_of(name)):
                adapter.fit(contract)
    EXPECTED.mkdir(exist_ok=True)
    for path in EXPECTED.iterdir():
        path.unlink()
    for name in names:
        for file, thing in said_with_stored_weights(name).items():
            (EXPECTED / file).write_text(as_text(thing), encoding="utf-8", newline="")


if __name__ == "__main__":
    main()
