"""How much each constant of detection matters: halved and doubled, with the change of average precision that follows.

    python -m benchmarks.sensitivity sample --only scoring
    python -m benchmarks.sensitivity payments --data ../shared/data

Every module-level constant that is a number, or holds numbers, is found by reading the modules, so that none can be
forgotten; a constant that other modules import by name is changed there too. Rooms without a say in scores (explain,
storage) are left out. The network is trained anew for each value, but for constants of scoring and checks, which act
after it: there the base's weights stay. Writes var/benchmarks/sensitivity.md.
"""

import argparse
import ast
import contextlib
import importlib
import pkgutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import numpy as np
from sklearn.metrics import average_precision_score

from benchmarks.data_sets import DEFAULT_DATA, DataSet, load, sample_of
from benchmarks.detection import without_messages
from invoice_anomalies import detection
from invoice_anomalies.contract import load_contract
from invoice_anomalies.detection.autoencoder import training
from invoice_anomalies.paths import PROJECT

OUT = PROJECT / "var" / "benchmarks" / "sensitivity.md"
ROOT = "invoice_anomalies.detection"
LEFT_OUT = ("explain", "storage")  # what they hold changes sentences and files, and no score
AFTER_THE_NETWORK = ("scoring", "checks")
FACTORS = (0.5, 2.0)
LARGEST_SHARE = 0.99  # a share stays below one
SMALL_DAYS, SMALL_VENDORS, SMALL_ROWS = (date(2026, 1, 1), date(2026, 4, 30), date(2026, 5, 31)), 40, 45
NOTHING = 5e-4  # changes of average precision below this are none


@dataclass(frozen=True)
class Constant:
    """A constant by its module below `detection` and its name."""

    module: str
    name: str
    value: Any

    @property
    def label(self) -> str:
        return f"{self.module}.{self.name}"

    def times(self, factor: float) -> Any:
        """The value with each of its numbers halved or doubled."""
        return _times(self.value, factor)


def constants() -> list[Constant]:
    """All constants of detection that are numbers or hold numbers.

    Left out are rooms without a say in scores, private names, tables of characters, and what is computed from others.
    """
    found = []
    for module in _modules():
        short = module.__name__.removeprefix(f"{ROOT}.")
        if short.startswith(LEFT_OUT):
            continue
        computed = {name for name, _ in _computed(module)}
        for name in _assigned(module):
            value = getattr(module, name)
            if name not in computed and not name.startswith("_") and _has_numbers(value):
                found.append(Constant(short, name, value))
    return found


def _modules() -> list[ModuleType]:
    package = importlib.import_module(ROOT)
    return [importlib.import_module(info.name) for info in pkgutil.walk_packages(package.__path__, f"{ROOT}.")]


def _assigned(module: ModuleType) -> list[str]:
    """Names in capitals that the module itself assigns."""
    assert module.__file__ is not None
    names = []
    for statement in ast.parse(Path(module.__file__).read_text()).body:
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        for target in targets:
            names += [part.id for part in ast.walk(target) if isinstance(part, ast.Name)] if target else []
    return [name for name in dict.fromkeys(names) if name.isupper()]


def _has_numbers(value: Any) -> bool:
    if isinstance(value, dict):  # by a name; by a number it is a table of characters
        return any(_has_numbers(part) and not isinstance(key, int) for key, part in value.items())
    if isinstance(value, list | tuple):
        return bool(value) and all(_has_numbers(part) for part in value)
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "iuf" and value.size > 0
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _times(value: Any, factor: float) -> Any:
    if isinstance(value, dict):
        return {key: _times(part, factor) if _has_numbers(part) else part for key, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_times(part, factor) for part in value)
    if isinstance(value, np.ndarray):
        return np.maximum(value * factor, 1).astype(value.dtype) if value.dtype.kind in "iu" else value * factor
    if isinstance(value, int | np.integer):
        return max(1, round(int(value) * factor)) if value > 0 else round(int(value) * factor)
    changed = float(value) * factor
    return min(changed, LARGEST_SHARE) if 0.0 < float(value) < 1.0 else changed


@contextlib.contextmanager
def changed_to(constant: Constant, value: Any) -> Iterator[None]:
    """Have every module of detection that knows the constant see another value, and what was computed from it too."""
    with contextlib.ExitStack() as stack:
        for module in _modules():
            if getattr(module, constant.name, None) is constant.value:
                stack.enter_context(patch.object(module, constant.name, value))
        for module in _modules():
            for name, expression in _computed(module):
                if constant.name in {part.id for part in ast.walk(expression) if isinstance(part, ast.Name)}:
                    code = compile(ast.Expression(expression), str(module.__file__), "eval")
                    stack.enter_context(patch.object(module, name, eval(code, dict(vars(module)))))
        yield


def _computed(module: ModuleType) -> list[tuple[str, ast.expr]]:
    """Names in capitals that a module computes from other such names, with the expression."""
    assert module.__file__ is not None
    found = []
    for statement in ast.parse(Path(module.__file__).read_text()).body:
        if isinstance(statement, ast.Assign) and isinstance(target := statement.targets[0], ast.Name):
            names = {part.id for part in ast.walk(statement.value) if isinstance(part, ast.Name)}
            if target.id.isupper() and any(name.isupper() for name in names):
                found.append((target.id, statement.value))
    return found


@dataclass(frozen=True)
class Trial:
    """One data set, the average precision with the constants as they are, and the networks that were trained for it."""

    data: DataSet
    base: float
    networks: list[training.TrainedNetwork]

    @classmethod
    def of(cls, data: DataSet) -> "Trial":
        """Train with the constants as they are, and keep the networks of both rounds."""
        kept: list[training.TrainedNetwork] = []
        train = training.train

        def keep(*given: Any, **named: Any) -> training.TrainedNetwork:
            kept.append(train(*given, **named))
            return kept[-1]

        with patch.object(training, "train", keep):
            base = precision(data)
        return cls(data, base, kept)

    def change(self, constant: Constant, factor: float) -> float:
        """Change of average precision where the constant is multiplied; NaN where detection fails with it."""
        networks = iter(self.networks)
        after = constant.module.startswith(AFTER_THE_NETWORK)
        train = (lambda *_, **__: next(networks)) if after else training.train
        with changed_to(constant, constant.times(factor)), patch.object(training, "train", train):
            try:
                return precision(self.data) - self.base
            except Exception as problem:
                print(f"  {constant.label} times {factor}: {type(problem).__name__}: {problem}", file=sys.stderr)
                return float("nan")


def precision(data: DataSet) -> float:
    """Average precision of a detector that is fitted on the history."""
    with without_messages():
        detector = detection.fit(data.contract, data.history)
        result = detection.score(detector, data.invoices, data.history)
    return float(average_precision_score(data.planted, result.scores["score"]))


def data_set(name: str, data: Path, seed: int, epochs: int) -> DataSet:
    """A small sample, or a real data set, with the epochs asked for."""
    contract = load_contract(PROJECT / "include" / "invoices.yaml")
    made = (
        sample_of(contract, seed, SMALL_DAYS, SMALL_VENDORS, SMALL_ROWS) if name == "sample" else load(name, data, seed)
    )
    settings = made.contract.detection.model_copy(update={"epochs": epochs})
    contract = made.contract.model_copy(update={"detection": settings})
    return DataSet(made.name, contract, made.history, made.invoices, made.truth, made.clean)


Row = tuple[Constant, tuple[float, ...]]


def table(name: str, base: float, rows: Sequence[Row]) -> str:
    """The constants by the size of their effect, then those without one, as markdown."""

    def effect(row: Row) -> float:
        return float(np.max(np.abs(row[1]))) if np.isfinite(row[1]).all() else np.inf

    ranked = sorted(rows, key=effect, reverse=True)
    lines = [
        f"{name}: average precision {base:.3f}",
        "",
        "| constant | value | halved | doubled |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| `{constant.label}` | {_shown(constant.value)} | {changes[0]:+.4f} | {changes[1]:+.4f} |"
        for constant, changes in ranked
        if effect((constant, changes)) >= NOTHING
    ]
    nothing = [f"`{constant.label}`" for constant, changes in ranked if effect((constant, changes)) < NOTHING]
    return "\n".join([*lines, "", f"Without effect here ({len(nothing)}): {', '.join(sorted(nothing))}", ""])


def _shown(value: Any) -> str:
    text = " ".join(str(np.asarray(value).tolist() if isinstance(value, np.ndarray) else value).split())
    return (text if len(text) <= 40 else f"{text[:37]}...").replace("|", "\\|")


def main(arguments: Sequence[str] | None = None, say: Callable[[str], None] = print) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sensitivity", description=__doc__.split("\n")[0])
    parser.add_argument("sets", nargs="*", default=["sample"], help="sample, payments or retail")
    parser.add_argument("--only", default="", help="constants whose name or module holds this text")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of the real data sets")
    given = parser.parse_args(arguments)
    wanted = [constant for constant in constants() if given.only.lower() in constant.label.lower()]
    written: list[str] = []
    began = time.monotonic()
    OUT.parent.mkdir(parents=True, exist_ok=True)
    for name in given.sets:
        trial = Trial.of(data_set(name, given.data, given.seed, given.epochs))
        say(f"{name}: average precision {trial.base:.3f}; {len(wanted)} constants")
        rows: list[Row] = []
        for index, constant in enumerate(wanted, start=1):
            changes = tuple(trial.change(constant, factor) for factor in FACTORS)
            rows.append((constant, changes))
            minutes = (time.monotonic() - began) / 60
            say(
                f"{minutes:5.1f} min  {index}/{len(wanted)} {constant.label}: " + " ".join(f"{c:+.4f}" for c in changes)
            )
            OUT.write_text("\n".join([*written, table(name, trial.base, rows)]))  # an hour may be cut short
        written.append(table(name, trial.base, rows))
    say("\n".join(written))
    say(f"written to {OUT}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
