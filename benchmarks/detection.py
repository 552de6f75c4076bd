"""Measure detection on known anomalies, beside the detectors that a user would try first.

    python -m benchmarks.detection [payments] [retail] [sample] [--seeds 3] [--data FOLDER] [--no-peers]

Anomalies are planted by the protocols of `benchmarks.planting` in the real data sets, where they are at hand, and in
the made-up company. Every detector learns from the same history and judges the same invoices, once for every seed of
planting. Tables go to the screen, figures and a plot to var/benchmarks/detection.json and .png.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path

import pandas as pd

from benchmarks.data_sets import DATA_SETS, DEFAULT_DATA, FILES, DataSet, load, sample_of
from benchmarks.measures import measures
from benchmarks.peers import Judge, Peer, peers
from benchmarks.project import peak_memory, this_project
from benchmarks.results import LEGEND, Figures, Results, plot, tables, write_json
from invoice_anomalies.contract import Contract, load_contract
from invoice_anomalies.paths import PROJECT

OURS = "this project"
OUT = PROJECT / "var" / "benchmarks"
QUICK_EPOCHS = 3
QUICK_DAYS = (date(2026, 1, 1), date(2026, 4, 30), date(2026, 6, 14))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; 0 when done, 2 for arguments that make no sense."""
    asked = _parser().parse_args(arguments)
    mistake = _mistake(asked)
    if mistake:
        print(mistake, file=sys.stderr)
        return 2
    with without_messages():
        everything = _measured(asked, list(range(1, asked.seeds + 1)))
    if everything:
        plot(everything, asked.out / "detection.png", OURS)
        print(f"{LEGEND}\n\n{asked.out / 'detection.json'}\n{asked.out / 'detection.png'}")
    return 0


def _measured(asked: argparse.Namespace, seeds: list[int]) -> list[Results]:
    import keras  # noqa: F401  # now, so that nobody's training time has it

    say = _Clock()
    everything: list[Results] = []
    for name in ["sample"] if asked.quick else asked.sets or DATA_SETS:
        if name in FILES and not (asked.data / FILES[name]).is_file():
            print(f"{name}: skipped, {asked.data / FILES[name]} is not here; name its folder with --data\n", flush=True)
            continue
        say(f"{name}: planting with {len(seeds)} seeds")
        # The histories are the same, so that one training serves all seeds.
        drawn = {seed: _quick(seed) if asked.quick else load(name, asked.data, seed) for seed in seeds}
        found: dict[str, Peer] = {OURS: partial(this_project, progress=partial(say, detail=True))}
        found |= peers() if asked.peers else {}
        everything.append(_run(name, drawn, found, asked.retrain, say))
        print(f"\n{tables(everything[-1])}\n", flush=True)
        write_json(everything, seeds, asked.out / "detection.json")
    return everything


def _parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m benchmarks.detection", description=__doc__.splitlines()[0])
    add = made.add_argument
    add("sets", nargs="*", metavar="SET", help=f"data sets: {', '.join(DATA_SETS)} (all)")
    add("--seeds", type=int, default=3, help="how often to plant anew (%(default)s)")
    add("--data", type=Path, default=DEFAULT_DATA, metavar="FOLDER", help="where the real data sets lie")
    add("--peers", action=argparse.BooleanOptionalAction, default=True, help="also run the peers (yes)")
    add("--retrain", action="store_true", help="train this project's model anew for each seed, with that seed")
    add("--quick", action="store_true", help="a small made-up company and few epochs: does the benchmark run?")
    add("--out", type=Path, default=OUT, metavar="FOLDER", help="where figures and plot go (var/benchmarks)")
    return made


def _mistake(asked: argparse.Namespace) -> str:
    """What makes no sense in the arguments, empty where nothing is wrong."""
    if unknown := sorted(set(asked.sets) - set(DATA_SETS)):
        return f"{', '.join(unknown)} is no data set; choose from {', '.join(DATA_SETS)}"
    return "" if asked.seeds >= 1 else f"--seeds must be 1 or more, not {asked.seeds}"


def _run(
    name: str, drawn: dict[int, DataSet], detectors: dict[str, Peer], retrain: bool, say: Callable[[str], None]
) -> Results:
    first = next(iter(drawn.values()))
    results = Results(name, len(first.history), len(first.invoices), int(first.planted.sum()))
    for detector, train in detectors.items():
        judge: Judge | None = None
        trained: Figures = {}
        for seed, data in drawn.items():
            if judge is None or (retrain and detector == OURS):
                contract = _with_seed(data.contract, seed) if retrain and detector == OURS else data.contract
                judge, trained = _train(train, contract, data.history)
            figures = trained | _judge(judge, data, seed)
            results.runs.setdefault(detector, []).append(figures)
            say(f"{name}, seed {seed}, {detector}: AP {figures['ap']:.3f}, R@2k {figures['r2k']:.3f}")
    return results


def _train(train: Peer, contract: Contract, history: pd.DataFrame) -> tuple[Judge, Figures]:
    peak, began = peak_memory(), time.perf_counter()
    judge = train(contract, history)
    figures = {"train_seconds": time.perf_counter() - began}
    memory = peak()
    return judge, figures | ({"train_peak_mb": memory} if memory is not None else {})


def _judge(judge: Judge, data: DataSet, seed: int) -> Figures:
    peak, began = peak_memory(), time.perf_counter()
    opinion = judge(data.invoices)
    seconds = time.perf_counter() - began
    figures = {"score_seconds": seconds, "rows_per_second": len(data.invoices) / seconds}
    memory = peak()
    figures |= {"score_peak_mb": memory} if memory is not None else {}
    figures |= {f"{part}_seconds": spent for part, spent in opinion.seconds.items()}
    return figures | measures(data, opinion, seed)


def _quick(seed: int) -> DataSet:
    contract = load_contract(PROJECT / "include" / "invoices.yaml")
    detection = contract.detection.model_copy(update={"epochs": QUICK_EPOCHS})
    return sample_of(contract.model_copy(update={"detection": detection}), seed, QUICK_DAYS, 30, 40)


def _with_seed(contract: Contract, seed: int) -> Contract:
    return contract.model_copy(update={"detection": contract.detection.model_copy(update={"seed": seed})})


@contextmanager
def without_messages() -> Iterator[None]:
    """Keep from the screen what TensorFlow's own parts write there past Python; errors are raised as ever."""
    kept = os.dup(2)
    with Path(os.devnull).open("w", encoding="ascii") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


class _Clock:
    """Says what goes on, with the minutes since the start; details only every few seconds."""

    EVERY = 5.0

    def __init__(self) -> None:
        self.began = self.last = time.monotonic()

    def __call__(self, text: str, detail: bool = False) -> None:
        now = time.monotonic()
        if not detail or now - self.last >= self.EVERY:
            self.last = now
            minutes, seconds = divmod(int(now - self.began), 60)
            print(f"{minutes}:{seconds:02d} {'  ' if detail else ''}{text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
