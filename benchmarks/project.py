"""This project's detector as the benchmark sees it: through its public API, as the DAGs use it."""

import time
from collections.abc import Callable
from datetime import date

import pandas as pd

from benchmarks.measures import Opinion, Rows
from benchmarks.peers import Judge
from invoice_anomalies.contract import Contract
from invoice_anomalies.detection import Detector, ScoringResult, explain, explanations, fit, score
from invoice_anomalies.detection.explain.field_explanation import FieldExplanation


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
    """The expected values that the explanations of these invoices hold, as numbers and dates; rows x fields."""
    fields = detector.contract.fields
    told = {
        one.invoice_key: {
            ranked.field: expected_value(ranked.explanation) for ranked in one.fields if ranked.field in fields
        }
        for one in explanations(detector, result, rows)
    }
    table = pd.DataFrame.from_dict(told, orient="index", dtype=object)
    return table.where(table.notna(), None).reindex(result.invoices.index[rows])


def expected_value(said: FieldExplanation) -> float | pd.Timestamp | None:
    """The number or day that was expected of a field; None for texts, and where nothing was expected."""
    if isinstance(said.expected, date):
        return pd.Timestamp(said.expected)
    return said.numbers[1]


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
