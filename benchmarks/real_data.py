"""Run the pipeline's own DAGs over the real data sets: rows by stage, wall time by task, explanations as printed.

    python -m benchmarks.real_data payments|retail [--data FOLDER] [--nights 22]

payments: corporate_payments.csv.gz, one DAG run a night; validated from January to the end of October, trained on the
nights up to the end of September, scored for the nights of October. retail: invoices.csv, four fifths as history.
State and log stay below var/benchmarks/.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import TextIO

import pandas as pd

from invoice_anomalies import warehouse
from invoice_anomalies.contract import load_contract
from invoice_anomalies.extract import locate
from invoice_anomalies.paths import PROJECT, Paths
from local.dag_runs import NightRun, run_dag
from local.deployment import Deployment
from local.screen import screen_beside

SHOWN = 3


def payments(root: Path, data: Path, nights: int, run: Callable[[str, date], None]) -> list[date]:
    """Backfill and train, then score nights of October; returns the scored nights."""
    contract = load_contract(PROJECT / "docs" / "contracts" / "corporate_payments.yaml")
    texts = pd.read_csv(data / "corporate_payments.csv.gz", dtype=str, keep_default_na=False)
    written = []
    for day, rows in texts[texts["invoice_date"] <= "2010-10-31"].groupby("invoice_date"):
        written.append(date.fromisoformat(str(day)))
        path = Path(locate(contract, written[-1], Paths(root)))
        path.parent.mkdir(parents=True, exist_ok=True)
        rows.to_csv(path, index=False)
    for night in written:
        run("validate_invoices", night)
    run("train_autoencoder", date(2010, 9, 30))
    scored = [night for night in written if night >= date(2010, 10, 1)][:nights]
    for night in scored:
        run("score_invoices", night)
    run("summarise_anomalies", scored[-1])
    return scored


def retail(root: Path, data: Path, nights: int, run: Callable[[str, date], None]) -> list[date]:
    """Load four fifths as history, train, and score the rest as one night; returns that night."""
    contract = load_contract(PROJECT / "docs" / "contracts" / "retail_invoices.yaml")
    texts = pd.read_csv(data / "invoices.csv", dtype=str, keep_default_na=False)
    history, night = date(2024, 6, 1), date(2024, 6, 2)
    for day, rows in ((history, texts.iloc[:8000]), (night, texts.iloc[8000:])):
        path = root / contract.extract.path.format(extract_date=day)
        path.parent.mkdir(parents=True, exist_ok=True)
        rows.to_csv(path, index=False)
        run("validate_invoices", day)
    run("train_autoencoder", history)
    run("score_invoices", night)
    run("summarise_anomalies", night)
    return [night]


SETS = {"payments": (payments, "corporate_payments.yaml"), "retail": (retail, "retail_invoices.yaml")}


def main() -> None:
    """Run one data set and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("set", choices=SETS)
    parser.add_argument("--data", type=Path, default=PROJECT.parent / "shared" / "data")
    parser.add_argument("--nights", type=int, default=22)
    given = parser.parse_args()
    if not given.data.is_dir():
        parser.error(f"{given.data}: the data sets are not here; name their folder with --data")
    root = PROJECT / "var" / "benchmarks" / given.set
    root.mkdir(parents=True, exist_ok=True)
    screen = screen_beside(root / "log.txt")
    go, contract = SETS[given.set]
    deployment = Deployment(root)
    os.environ["INVOICES_CONTRACT"] = str(PROJECT / "docs" / "contracts" / contract)
    os.environ.update(deployment.prepare())
    subprocess.run([Path(sys.executable).with_name("airflow"), "db", "migrate"], check=True)
    runs: list[NightRun] = []

    def run(dag_id: str, night: date) -> None:
        done = run_dag(dag_id, night)
        runs.append(done)
        print(f"{dag_id} {night}: {done.state}", file=screen, flush=True)
        if done.state != "success":
            print(f"see {root / 'log.txt'}: {done.states}", file=screen)
            sys.exit(1)

    began = time.monotonic()
    scored = go(root, given.data, given.nights, run)
    print(f"\n{len(runs)} DAG runs in {timedelta(seconds=round(time.monotonic() - began))}", file=screen)
    _show_times(runs, screen)
    _show_rows(scored, screen)
    deployment.cluster.stop()


def _show_times(runs: list[NightRun], screen: TextIO) -> None:
    by_task: dict[tuple[str, str], list[float]] = defaultdict(list)
    for run in runs:
        for task, seconds in run.seconds.items():
            by_task[run.dag_id, task].append(seconds)
    print(f"\n{'task':<38}{'runs':>6}{'median s':>10}{'total s':>10}", file=screen)
    for (dag_id, task), took in by_task.items():
        line = f"{dag_id}.{task}"
        print(f"{line:<38}{len(took):>6}{statistics.median(took):>10.2f}{sum(took):>10.1f}", file=screen)


def _show_rows(scored: list[date], screen: TextIO) -> None:
    columns = ("rows_in", "loaded", "quarantined", "scored", "flagged")
    with warehouse.connect(os.environ["AIRFLOW_CONN_INVOICES_DB"]) as connection:
        nights = {night: warehouse.day_counts(connection, night) for night in scored}
        found = [
            anomaly
            for night, counts in nights.items()
            for anomaly in warehouse.night_anomalies(connection, night, counts["model_version"])
        ]
        model = warehouse.champion(connection)
    print("\n" + f"{'night':<12}" + "".join(f"{name:>13}" for name in columns), file=screen)
    for night, counts in nights.items():
        print(f"{night!s:<12}" + "".join(f"{counts[name]:>13,}" for name in columns), file=screen)
    total = {name: sum(counts[name] for counts in nights.values()) for name in columns}
    print(f"{'total':<12}" + "".join(f"{total[name]:>13,}" for name in columns), file=screen)
    if model is not None:
        print("\nevaluation " + json.dumps(model.metrics), file=screen)
    print("\nhighest scores", file=screen)
    for anomaly in sorted(found, key=lambda anomaly: -anomaly.score)[: 3 * SHOWN]:
        print(f"  {anomaly.score:5.2f}  {anomaly.invoice_key}: {anomaly.explanation}", file=screen)


if __name__ == "__main__":
    main()
