"""The main job end to end on this machine: made-up extracts, validation, training, scoring, alert, summary.

    python -m local.demo

Runs the real DAGs, a DAG run for each step, and prints the anomalies it found. The full log is in the folder that
`Paths` names; the state stays for `make up`. Can be run again: the same nights leave the same rows.
"""

import gc
import os
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, TextIO

from invoice_anomalies import warehouse
from invoice_anomalies.contract import load_contract
from invoice_anomalies.paths import Paths, contract_path
from invoice_anomalies.synthetic import write_sample
from local.dag_runs import run_dag
from local.deployment import Deployment
from local.scoreboard import scoreboard
from local.screen import screen_beside
from local.watch import watched

HISTORY = (date(2025, 11, 1), date(2026, 10, 31))
NIGHTS = [date(2026, 11, 2), date(2026, 11, 3), date(2026, 11, 4)]
SPARE_NIGHT = date(2026, 11, 5)  # written but not run: something to try in the web UI
ROWS_PER_DAY = 60
TOP = 10


class Demo:
    """Runs the steps, says how long each took, and stops at the first that fails."""

    def __init__(self, screen: TextIO, log: Path, steps: int) -> None:
        self._screen, self._log, self._steps, self._step = screen, log, steps, 0

    def say(self, text: str = "") -> None:
        print(text, file=self._screen, flush=True)

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Print a step, every few seconds the task that runs, and its seconds when it is done."""
        self._step += 1
        print(f"[{self._step}/{self._steps}] {what} ... ", end="", file=self._screen, flush=True)
        began = time.monotonic()
        with watched(self._log, self._screen) as watch:
            yield
        self.say(f"{'       done in ' if watch.told else ''}{time.monotonic() - began:.1f} s")

    def run_dag(self, dag_id: str, night: date) -> None:
        """Run a DAG for a night; leave the demo where it fails."""
        if run_dag(dag_id, night).state != "success":
            self.fail(dag_id, _last_error(self._log))

    def fail(self, what: str, why: str) -> None:
        self.say(f"failed\n\n{what} failed:\n{textwrap.indent(why, '  ')}\n\nThe full log is {self._log}")
        sys.exit(1)


def main() -> None:
    """Run the demo; whatever goes wrong is said on the screen, with the log to read on in."""
    deployment = Deployment(Paths.from_environment().root)
    deployment.root.mkdir(parents=True, exist_ok=True)
    log = deployment.root / "demo.log"
    demo = Demo(screen_beside(log), log, steps=5 + 2 * len(NIGHTS))
    demo.say("A company's invoices, from the nightly extract to the explained anomaly\n")
    if os.environ.get("AIRFLOW_CONN_INVOICES_DB"):
        demo.say("AIRFLOW_CONN_INVOICES_DB is set: these made-up invoices go to that database\n")
    try:
        _run(demo, deployment)
    except Exception as error:
        demo.fail("the demo", f"{type(error).__name__}: {error}")


def _run(demo: Demo, deployment: Deployment) -> None:
    with demo.step("Start Postgres, prepare Airflow's tables"):
        os.environ.update(deployment.prepare())
        subprocess.run([Path(sys.executable).with_name("airflow"), "db", "migrate"], check=True)
    with demo.step(f"Write a year of made-up invoices and {len(NIGHTS)} nights with planted anomalies"):
        write_sample(deployment.root, history=HISTORY, nights=[*NIGHTS, SPARE_NIGHT], rows_per_day=ROWS_PER_DAY)
    with demo.step(f"validate_invoices    the year up to {HISTORY[1]}"):
        demo.run_dag("validate_invoices", HISTORY[1])
    with demo.step("train_autoencoder    on that year"):
        demo.run_dag("train_autoencoder", HISTORY[1])
    for night in NIGHTS:
        with demo.step(f"validate_invoices    night of {night}"):
            demo.run_dag("validate_invoices", night)
        with demo.step(f"score_invoices       night of {night}"):
            demo.run_dag("score_invoices", night)
    with demo.step(f"summarise_anomalies  night of {NIGHTS[-1]}"):
        demo.run_dag("summarise_anomalies", NIGHTS[-1])
    with warehouse.connect(os.environ["AIRFLOW_CONN_INVOICES_DB"]) as connection:
        _show(demo, connection, deployment)


def _show(demo: Demo, connection: Any, deployment: Deployment) -> None:
    contract, paths = load_contract(contract_path()), Paths(deployment.root)
    counts = {night: warehouse.day_counts(connection, night) for night in [HISTORY[1], *NIGHTS]}
    last = counts[NIGHTS[-1]]
    width = min(shutil.get_terminal_size((110, 24)).columns, 120)
    demo.say(f"\nTop anomalies of {NIGHTS[-1]}, model {last['model_version']}\n")
    for anomaly in warehouse.night_anomalies(connection, NIGHTS[-1], last["model_version"], TOP):
        money = f"{anomaly.amount_at_risk:,.2f} {anomaly.currency or ''}" if anomaly.amount_at_risk is not None else ""
        who = " ".join(filter(None, [anomaly.entity_name, anomaly.invoice_key]))
        demo.say(f"{anomaly.rank_of_day:>3}. {who:<48} {money:>17}  {anomaly.kind or ''}, score {anomaly.score:.1f}")
        demo.say(textwrap.fill(anomaly.explanation, width, initial_indent=" " * 5, subsequent_indent=" " * 5))
    demo.say(f"\n{'night':<12}{'rows in':>10}{'valid':>10}{'quarantined':>13}{'scored':>10}{'flagged':>10}")
    for night, row in counts.items():
        demo.say(
            f"{night!s:<12}{row['rows_in']:>10,}{row['loaded']:>10,}{row['quarantined']:>13,}{row['scored']:>10,}"
            f"{row['flagged']:>10,}"
        )
    flagged = {night: _flagged(connection, night, counts[night]["model_version"]) for night in NIGHTS}
    demo.say("\nWhat was planted, and what was found\n")
    demo.say("\n".join(scoreboard(paths.root / "labels", flagged)))
    newest = sorted(paths.outbox.glob("*summary*.html"), key=lambda path: path.stat().st_mtime)
    recipients = ", ".join(contract.report.recipients)
    summary = str(newest[-1]) if newest else f"mailed to {recipients}"
    demo.say(
        textwrap.dedent(f"""
        Where to look
          summary    {summary}
          alerts     {paths.outbox}
          Data Docs  {last["data_docs"][0]}
          labels     {paths.root / "labels"}   (what was planted, by kind and field)
          database   make psql, then: SELECT * FROM invoice_anomalies.v_open_anomalies;
                     or: psql "$(make -s dsn)"
          web UI     make up; then switch on validate_invoices and score_invoices and trigger both for {SPARE_NIGHT}
          the end    make down stops the database, make clean deletes all of this
        """)
    )
    if elsewhere := deployment.cluster.elsewhere:
        demo.say(
            f"The database's files lie in {elsewhere}: Postgres refuses to run as root, and {deployment.root}\n"
            "is closed to others\n"
        )


def _flagged(connection: Any, night: date, version: str) -> set[str]:
    return {anomaly.invoice_key for anomaly in warehouse.night_anomalies(connection, night, version)}


def _last_error(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    errors = [line for line in lines if "Error" in line or "Exception" in line]
    return "\n".join(errors[-3:] or lines[-10:])


if __name__ == "__main__":
    main()
    gc.freeze()  # at its end Python would look through all of TensorFlow and Airflow for cycles, for seconds
