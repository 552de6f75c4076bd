"""One stage of the pipeline in a process of its own, as a task of Airflow is one; tells what it cost.

    echo '{"argument": ...}' | python -m benchmarks.stages STAGE

The last line printed is JSON: the stage's answer, its seconds, and the peak memory of the process in MB.
"""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from invoice_anomalies.contract import load_contract
from invoice_anomalies.paths import PROJECT, Paths, contract_path
from invoice_anomalies.pipeline.payloads import Snapshot, ValidatedNight


@dataclass(frozen=True)
class Cost:
    """What a stage gave and cost: wall seconds with and without the start of its process, peak memory in MB."""

    answer: Any
    seconds: float
    working: float
    peak_mb: float
    details: dict[str, float]


def start(stage: str, **arguments: Any) -> "subprocess.Popen[str]":
    """Start a stage in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "benchmarks.stages", stage],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
    )
    assert process.stdin is not None
    # Not on the command line, which everybody on the machine may read.
    process.stdin.write(json.dumps(arguments, default=str))
    process.stdin.close()
    process.stdin = None
    return process


def finish(process: "subprocess.Popen[str]", began: float) -> Cost:
    """Wait for a stage; raises RuntimeError with what it said where it failed."""
    out, err = process.communicate()
    if process.returncode:
        raise RuntimeError(f"{process.args!r}\n{err[-3000:]}")
    told = json.loads(out.splitlines()[-1])
    return Cost(told["answer"], time.monotonic() - began, told["seconds"], told["peak_mb"], told["details"])


def run(stage: str, **arguments: Any) -> Cost:
    """Run a stage to its end."""
    began = time.monotonic()
    return finish(start(stage, **arguments), began)


def snapshot(home: str, dsn: str, night: str) -> Any:
    from invoice_anomalies.pipeline.validate import take_snapshot

    paths, day = Paths(Path(home)), date.fromisoformat(night)
    return take_snapshot(_contract(), paths, day, None, paths.staging(day))


def validate(home: str, dsn: str, night: str, taken: Snapshot) -> Any:
    from invoice_anomalies.pipeline.validate import validate_snapshot

    return validate_snapshot(_contract(), Paths(Path(home)), dsn, date.fromisoformat(night), taken)


def load(home: str, dsn: str, night: str, validated: ValidatedNight) -> Any:
    from invoice_anomalies.pipeline.validate import load_night

    return load_night(_contract(), dsn, date.fromisoformat(night), validated)


def train(home: str, dsn: str, night: str) -> Any:
    from invoice_anomalies.pipeline import train as training

    paths, day = Paths(Path(home)), date.fromisoformat(night)
    staged = training.stage_training_set(_contract(), dsn, day, paths.staging(day))
    trained = training.train(_contract(), paths, staged)
    evaluated = training.evaluate_challenger(_contract(), dsn, paths, trained)
    return training.promote(dsn, evaluated, "always")


def plan(home: str, dsn: str, night: str) -> Any:
    from invoice_anomalies.pipeline.score import plan_scoring

    paths, day = Paths(Path(home)), date.fromisoformat(night)
    return plan_scoring(_contract(), dsn, day, None, paths.staging(day))


def score(home: str, dsn: str, night: str, chunk: dict[str, Any]) -> Any:
    from invoice_anomalies.detection import explain
    from invoice_anomalies.pipeline import score

    vars(score)["explain"] = _timed(explain, "explain")
    return score.score_chunk(_contract(), dsn, chunk)


def publish(home: str, dsn: str, night: str, scored: list[dict[str, Any]]) -> Any:
    from invoice_anomalies.pipeline.score import publish_night

    return publish_night(_contract(), dsn, scored)


def floor(home: str, dsn: str, night: str) -> Any:
    """The least that any pipeline does: read the file, and COPY its rows into a table like that of the invoices."""
    import pandas as pd

    from invoice_anomalies import extract, warehouse
    from invoice_anomalies.warehouse import invoice_keys
    from invoice_anomalies.warehouse.copy import copy_in

    contract, day = _contract(), date.fromisoformat(night)
    dates = list(contract.of_type("date"))
    began = time.perf_counter()
    frame = pd.read_csv(extract.locate(contract, day, Paths(Path(home))), parse_dates=dates, date_format="%Y-%m-%d")
    _DETAILS["read"] = time.perf_counter() - began
    with warehouse.connect(dsn) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE floor (LIKE invoice_anomalies.invoices INCLUDING ALL)")
        rows = frame[list(contract.fields)]
        rows = rows.assign(
            invoice_key=invoice_keys(contract, rows, day), extract_date=pd.Timestamp(day), file="x", line=rows.index
        )
        began = time.perf_counter()
        copy_in(cursor, "floor", rows)
        _DETAILS["copy"] = time.perf_counter() - began
        connection.rollback()
    return {"rows": len(frame), "seconds": _DETAILS["read"] + _DETAILS["copy"]}


STAGES = {each.__name__: each for each in (snapshot, validate, load, train, plan, score, publish, floor)}
_DETAILS: dict[str, float] = {}


def _timed(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    def call(*arguments: Any, **keywords: Any) -> Any:
        began = time.perf_counter()
        try:
            return function(*arguments, **keywords)
        finally:
            _DETAILS[name] = _DETAILS.get(name, 0.0) + time.perf_counter() - began

    return call


def _contract() -> Any:
    return load_contract(contract_path())


def _peak_mb() -> float:
    # Not ru_maxrss: a process inherits that of the one that started it.
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(stage: str) -> None:
    """Run a stage and print what it cost."""
    began = time.perf_counter()
    answer = STAGES[stage](**json.load(sys.stdin))
    told = {
        "answer": answer,
        "seconds": time.perf_counter() - began,
        "peak_mb": _peak_mb(),
        "details": _DETAILS,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1])
