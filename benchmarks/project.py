"""This project's detector as the benchmark sees it: through its public API, as the DAGs use it."""

import re
import time
from collections.abc import Callable

import pandas as pd

from benchmarks.measures import Opinion, Rows
from benchmarks.peers import Judge
from invoice_anomalies.contract import Contract
from invoice_anomalies.contract.fields import NUMERIC_TYPES
from invoice_anomalies.detection import Detector, ScoringResult, explain, fit, score

NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def this_project(contract: Contract, history: pd.DataFrame, progress: Callable[[str], None]) -> Judge:
    """Train on the history; judging gives all field errors and explains what is flagged, as a night's run does."""
    detector = fit(contract, history, progress)

    def judge(invoices: pd.DataFrame) -> Opinion:
        began = time.perf_counter()
        result = score(detector, invoices, history)
        scored = time.perf_counter()
        flagged = result.flagged()
        if len(flagged):
            explain(detector, result, flagged)
        told = time.perf_counter()
        return Opinion(
            scores=result.scores["score"].to_numpy(),
            errors=result.errors,
            expected=lambda rows: _expected(detector, result, rows),
            named=lambda rows: explain(detector, result, rows)[0]["top_field"],
            seconds={"scoring": scored - began, "explaining": told - scored},
        )

    return judge


def _expected(detector: Detector, result: ScoringResult, rows: Rows) -> pd.DataFrame:
    """The expected values that the explanations of these invoices tell, as numbers and dates; rows x fields."""
    lines = explain(detector, result, rows)[1]
    fields = detector.contract.fields
    table = lines.pivot(index="invoice_key", columns="field", values="expected")
    table = table.reindex(result.invoices.index[rows])
    return pd.DataFrame(
        {
            name: table[name].map(lambda text, kind=fields[name].type: read(text, kind))
            for name in table
            if name in fields
        }
    )


def read(text: object, kind: str) -> object:
    """Read an expected value as a reader would: the first number or day in it, None where there is none."""
    if not isinstance(text, str):
        return None
    if kind == "date":
        found = DATE.search(text)
        return pd.Timestamp(found.group()) if found else None
    found = NUMBER.search(text) if kind in NUMERIC_TYPES else None
    return float(found.group().replace(",", "")) if found else None


def peak_memory() -> Callable[[], float | None]:
    """Start to watch this process; the function returned tells by how many MB its memory peaked above the start.

    Linux only (proc(5): writing 5 to clear_refs resets the peak); None elsewhere.
    """

    def status(name: str) -> float:
        with open("/proc/self/status", encoding="ascii") as lines:  # noqa: PTH123
            return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024

    try:
        with open("/proc/self/clear_refs", "w", encoding="ascii") as file:  # noqa: PTH123
            file.write("5")
        before = status("VmRSS")
    except OSError:
        return lambda: None
    return lambda: max(0.0, status("VmHWM") - before)
