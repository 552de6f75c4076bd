"""Measure what a night costs, stage by stage, beside the least that any pipeline does.

    python -m benchmarks.throughput [ROWS ...] [--workers 2] [--vendors 2000] [--quick]

Nights of the made-up company go through the functions that the DAGs' tasks call, each in a process of its own as a task
is; the chunks of scoring run side by side, as mapped tasks do. The floor of the same run reads the same file with
pandas and copies the same rows into a table like that of the invoices. Tables go to the screen, figures and a plot to
var/benchmarks/throughput.json and .png.
"""

import argparse
import json
import math
import os
import platform
import shutil
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml

from benchmarks import stages
from benchmarks.stages import Cost
from invoice_anomalies import warehouse
from invoice_anomalies.contract import load_contract
from invoice_anomalies.paths import PROJECT, contract_path
from invoice_anomalies.synthetic.company import Company
from invoice_anomalies.synthetic.files import write_extract
from local.postgres import Cluster

OUT = PROJECT / "var" / "benchmarks"
SIZES = [10_000, 100_000, 1_000_000]
HISTORY = (date(2025, 10, 1), date(2025, 12, 31))
HISTORY_ROWS_PER_DAY = 1_000
FIRST_NIGHT = date(2026, 1, 12)
STAGES = ("snapshot", "validate", "load", "plan", "score", "publish")
SPARE = 2.0  # a day of the company has fewer invoices than the mean of its year; what is over is cut off


@dataclass
class Stage:
    """What a stage of one night cost. seconds: wall clock, with the start of its processes; peak_mb: of the largest."""

    seconds: float
    peak_mb: float
    processes: int = 1
    details: dict[str, float] = field(default_factory=dict)


@dataclass
class NightCost:
    """What one night cost. floor: seconds of reading and copying alone."""

    rows: int
    floor: float
    floor_parts: dict[str, float]
    stages: dict[str, Stage]
    flagged: int

    @property
    def seconds(self) -> float:
        return sum(stage.seconds for stage in self.stages.values())

    @property
    def ratio(self) -> float:
        return self.seconds / self.floor


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; 0 when done."""
    asked = _parser().parse_args(arguments)
    # Not below var/: as root that may be closed to the server's user.
    home = Path(tempfile.mkdtemp(prefix="invoices-throughput-"))
    home.chmod(0o755)
    cluster = Cluster(home / "postgres")
    os.environ["INVOICES_CONTRACT"] = str(_contract(home, asked.quick))
    try:
        cluster.start()
        cluster.create_database("invoices")
        nights = _measured(asked, home, cluster.dsn("invoices"))
    finally:
        cluster.stop()
        shutil.rmtree(home, ignore_errors=True)
    print(f"\n{table(nights)}\n")
    asked.out.mkdir(parents=True, exist_ok=True)
    document = {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "workers": asked.workers},
        "nights": [{**asdict(night), "seconds": night.seconds, "ratio": night.ratio} for night in nights],
        "growth": {name: growth(nights, _seconds_of(name)) for name in STAGES},
    }
    (asked.out / "throughput.json").write_text(json.dumps(document, indent=2))
    plot(nights, asked.out / "throughput.png")
    print(f"{asked.out / 'throughput.json'}\n{asked.out / 'throughput.png'}")
    return 0


def _parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m benchmarks.throughput", description=__doc__.splitlines()[0])
    made.add_argument("rows", nargs="*", type=int, default=SIZES, help="rows of the nights (%(default)s)")
    made.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="chunks scored at a time (%(default)s)")
    made.add_argument("--vendors", type=int, default=2_000, help="vendors of the made-up company (%(default)s)")
    made.add_argument("--quick", action="store_true", help="small history, few epochs: does the benchmark run?")
    made.add_argument("--out", type=Path, default=OUT, metavar="FOLDER", help="where figures and plot go")
    return made


def _contract(home: Path, quick: bool) -> Path:
    """The contract in force, but that a night may have any number of rows; for a quick run with a small model."""
    document = yaml.safe_load(contract_path().read_text(encoding="utf-8"))
    document["validation"]["rows"] = {"min": 1}
    if quick:
        document["detection"] |= {"epochs": 2, "hidden_units": [16], "minimum_rows": 200, "chunk_rows": 200}
    path = home / "invoices.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return path


def _measured(asked: argparse.Namespace, home: Path, dsn: str) -> list[NightCost]:
    contract = load_contract(contract_path())
    company = Company(7, asked.vendors)
    where = {"home": home, "dsn": dsn}
    with warehouse.connect(dsn) as connection:
        warehouse.migrate(connection, contract)

    def deliver(day: date, invoices: Any) -> int:
        write_extract(invoices, home / contract.extract.path.format(extract_date=day))
        return len(invoices)

    book = company.invoices(*HISTORY, 20 if asked.quick else HISTORY_ROWS_PER_DAY)
    _say(f"history of {len(book):,} invoices: loading, training")
    # At once: beside nights of a thousand invoices, one of a million would be a burst, and flagged throughout.
    deliver(HISTORY[1], book)
    _ingest(where, HISTORY[1])
    stages.run("train", **where, night=HISTORY[1])
    nights = []
    for place, size in enumerate(asked.rows):
        day = FIRST_NIGHT + timedelta(days=place)
        deliver(day, company.invoices(day, day, SPARE * size).head(size))
        _say(f"night of {size:,} rows: floor")
        floor = stages.run("floor", **where, night=day)
        costs = _ingest(where, day, _say)
        nights.append(_scored(where, day, asked.workers, costs, floor))
    return nights


def _ingest(where: dict[str, Any], night: date, say: Callable[[str], None] = lambda _: None) -> dict[str, Cost]:
    costs = {"snapshot": stages.run("snapshot", **where, night=night)}
    say("  validate")
    costs["validate"] = stages.run("validate", **where, night=night, taken=costs["snapshot"].answer)
    say("  load")
    costs["load"] = stages.run("load", **where, night=night, validated=costs["validate"].answer)
    return costs


def _scored(where: dict[str, Any], night: date, workers: int, costs: dict[str, Cost], floor: Cost) -> NightCost:
    plan = stages.run("plan", **where, night=night)
    _say(f"  score {len(plan.answer)} chunks, {workers} at a time")
    began = time.monotonic()
    chunks = _side_by_side(where, night, plan.answer, workers)
    scored = Stage(
        time.monotonic() - began,
        max(chunk.peak_mb for chunk in chunks),
        len(chunks),
        {"explain": sum(chunk.details["explain"] for chunk in chunks) / workers},
    )
    _say("  publish")
    published = stages.run("publish", **where, night=night, scored=[chunk.answer for chunk in chunks])
    alone = {**costs, "plan": plan, "publish": published}
    found = {name: Stage(cost.seconds, cost.peak_mb) for name, cost in alone.items()} | {"score": scored}
    loaded = costs["load"].answer
    assert loaded["rows_in"] == loaded["loaded"] + loaded["quarantined"]
    assert loaded["loaded"] == published.answer["scored"]
    return NightCost(
        loaded["rows_in"],
        floor.answer["seconds"],
        floor.details,
        {name: found[name] for name in STAGES},
        published.answer["flagged"],
    )


def _side_by_side(where: dict[str, Any], night: date, chunks: list[dict[str, Any]], workers: int) -> list[Cost]:
    """Score all chunks, so many at a time; returns their costs in the order of the chunks."""
    waiting, running, done = deque(enumerate(chunks)), deque[Any](), dict[int, Cost]()
    while waiting or running:
        while waiting and len(running) < workers:
            place, chunk = waiting.popleft()
            running.append((place, stages.start("score", **where, night=night, chunk=chunk), time.monotonic()))
        place, process, began = running.popleft()
        done[place] = stages.finish(process, began)
    return [done[place] for place in range(len(chunks))]


def growth(nights: Sequence[NightCost], of: Callable[[NightCost], float]) -> float | None:
    """Exponent of growth between the two largest nights: 1 is linear; None where there is one night only."""
    if len(nights) < 2:
        return None
    small, large = sorted(nights, key=lambda night: night.rows)[-2:]
    return math.log(of(large) / of(small)) / math.log(large.rows / small.rows)


def table(nights: Sequence[NightCost]) -> str:
    """Stages by nights: seconds, rows a second and peak memory, with the growth of each stage."""
    lines = [f"{'':12}" + "".join(f"{f'{night.rows:,} rows':>32}" for night in nights) + f"{'growth':>10}"]
    lines.append(f"{'':12}" + f"{'seconds':>12}{'rows/s':>11}{'peak MB':>9}" * len(nights))
    for name in STAGES:
        cells = [_cells(night.stages[name].seconds, night.rows, night.stages[name].peak_mb) for night in nights]
        lines.append(f"{name:12}" + "".join(cells) + _exponent(nights, _seconds_of(name)))
    explain = [_cells(night.stages["score"].details["explain"], night.flagged) for night in nights]
    lines.append(f"{' (explain)':12}" + "".join(explain) + "   per flagged invoice, within score")
    lines.append(f"{'together':12}" + "".join(_cells(night.seconds, night.rows) for night in nights))
    lines[-1] += _exponent(nights, lambda night: night.seconds)
    lines.append(f"{'floor':12}" + "".join(_cells(night.floor, night.rows) for night in nights))
    lines[-1] += _exponent(nights, lambda night: night.floor)
    lines.append(f"{'times floor':12}" + "".join(f"{night.ratio:>12.1f}{'':20}" for night in nights))
    return "\n".join(lines)


def _cells(seconds: float, rows: int, peak: float | None = None) -> str:
    rate = f"{rows / seconds:,.0f}" if seconds else "-"
    return f"{seconds:>12.1f}{rate:>11}" + (f"{peak:>9,.0f}" if peak else f"{'':9}")


def _seconds_of(stage: str) -> Callable[[NightCost], float]:
    return lambda night: night.stages[stage].seconds


def _exponent(nights: Sequence[NightCost], of: Callable[[NightCost], float]) -> str:
    exponent = growth(nights, of)
    return "" if exponent is None else f"{exponent:>10.2f}"


def plot(nights: Sequence[NightCost], path: Path) -> None:
    """Draw the seconds of each stage over the rows of the night, with all of them together and the floor."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
    rows = [night.rows for night in nights]
    for stage in STAGES:
        axes.plot(rows, [night.stages[stage].seconds for night in nights], marker="o", markersize=4, label=stage)
    axes.plot(rows, [night.seconds for night in nights], color="black", linewidth=2.5, label="together")
    axes.plot(rows, [night.floor for night in nights], color="black", linestyle="--", label="floor")
    for night in nights:
        place = (night.rows, night.seconds)
        axes.annotate(f"{night.ratio:.0f} x floor", place, xytext=(0, 8), textcoords="offset points", ha="center")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.margins(x=0.1, y=0.12)
    axes.set_xticks(rows, [f"{count:,}" for count in rows])
    axes.set_xlabel("rows of the night")
    axes.set_ylabel("seconds")
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend(ncols=4, fontsize="small", frameon=False, loc="upper left")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=130)
    plt.close(figure)


_BEGAN = time.monotonic()


def _say(text: str) -> None:
    minutes, seconds = divmod(int(time.monotonic() - _BEGAN), 60)
    print(f"{minutes}:{seconds:02d} {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
