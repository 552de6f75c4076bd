"""Load a history that lies in one file, night by night; then train on it and score its last nights, where asked to.

    python -m local.history FILE [--by FIELD] [--train yes|no]

Runs in this process on the Postgres of this deployment, without Airflow's scheduler; training and scoring are runs of
the real DAGs. Can be run again at any time: the same file leaves the same rows.
"""

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import textwrap
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TextIO

from invoice_anomalies import warehouse
from invoice_anomalies.contract import Contract, load_contract
from invoice_anomalies.errors import PipelineError
from invoice_anomalies.paths import Paths, contract_path
from invoice_anomalies.pipeline.history import describe_left_out, finish_history, load_month, validate_history
from invoice_anomalies.pipeline.payloads import HistoryPlan, LoadedHistory
from invoice_anomalies.pipeline.validate import take_snapshot
from invoice_anomalies.validation import staged_report
from local.deployment import Deployment
from local.heartbeat import Heartbeat
from local.postgres_programs import ClusterError
from local.screen import screen_beside, task_of

REASONS = 10  # most frequent reasons that are shown
MOST_SCORED, SCORED_SHARE = 10, 0.2  # how many of the last nights are scored, and of all nights at most
TOP = 10


class Screen:
    """What people read; the rest of the output goes to a log."""

    def __init__(self, screen: TextIO, log: Path) -> None:
        self._screen, self._log = screen, log

    def say(self, text: str = "", end: str = "\n") -> None:
        print(text, file=self._screen, end=end, flush=True)

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Print a step, every few seconds that it goes on, and its seconds when it is done."""
        self.say(f"{what} ... ", end="")
        logged = self._log.stat().st_size

        def beat(text: str) -> None:
            self.say(text if heartbeat.beats else f"\n{text}")

        with Heartbeat(beat, lambda: task_of(self._log, logged)) as heartbeat:
            yield
        self.say(f"{'  done in ' if heartbeat.beats else ''}{heartbeat.seconds:.1f} s")


def main(arguments: list[str] | None = None) -> int:
    """Load a history; 0 when done, 1 with a message on failure, 2 for arguments that make no sense."""
    parser = argparse.ArgumentParser(prog="make history", description="Load a history that lies in one file.")
    parser.add_argument("file", help="CSV (also gzip), Excel or Parquet, written as the contract says: FROM=")
    parser.add_argument("--by", default="", help="date field that tells the night of a row: BY=")
    parser.add_argument(
        "--train", choices=["yes", "no", ""], default="", help="train and score the last nights: TRAIN="
    )
    given = parser.parse_args(arguments)
    if not given.file:
        print("name the file: make history FROM=history.csv [BY=posting_date] [TRAIN=yes]", file=sys.stderr)
        return 2
    file = located(given.file)
    if "://" not in file and not Path(file).is_file():
        print(f"{file}: expected the history there, and no file is; correct FROM=", file=sys.stderr)
        return 1
    deployment = Deployment(Paths.from_environment().root)
    deployment.root.mkdir(parents=True, exist_ok=True)
    log = deployment.root / "history.log"
    screen = Screen(screen_beside(log), log)
    try:
        contract = load_contract(contract_path())
        with screen.step("Start Postgres"):
            os.environ.update(deployment.prepare())
        dsn = os.environ["AIRFLOW_CONN_INVOICES_DB"]
        counts = load(screen, contract, Paths(deployment.root), dsn, file, given.by or None)
        offer(screen, contract, dsn, counts, given.train, command_line(given.file, given.by))
    except (PipelineError, ClusterError) as error:
        screen.say(f"\n\n{error}")
        return 1
    except Exception as error:
        screen.say(f"\n\n{type(error).__name__}: {error}\nThe full log is {log}")
        raise
    return 0


def located(file: str) -> str:
    """The file as an absolute path or URL: a relative path is of this folder."""
    return file if "://" in file else str(Path(file).absolute())


def command_line(file: str, by: str) -> str:
    """The command line that loads this file; make takes a dollar for itself."""
    given = {"FROM": file, "BY": by}
    words = [f"{name}={shlex.quote(value)}" for name, value in given.items() if value]
    return " ".join(["make history", *words]).replace("$", "$$")


def load(screen: Screen, contract: Contract, paths: Paths, dsn: str, file: str, by: str | None = None) -> LoadedHistory:
    """Load the history, and say what became of its rows; returns the counts."""
    staging = paths.root / "staging" / "history" / uuid.uuid4().hex[:12]
    staging.mkdir(parents=True)
    try:
        with screen.step(f"Read and validate {file}"):
            snapshot = take_snapshot(contract, paths, date.today(), file, staging)
            plan = validate_history(contract, paths, dsn, snapshot, by)
        screen.say(f"\nA night is a day of {plan['by']} ({plan['why']}; BY=field takes another). How many rows a night")
        screen.say("has is not judged in a history; the share of unfit rows is that of the whole file.\n")
        loaded = []
        for month in plan["months"]:
            counts = load_month(contract, dsn, month)
            loaded.append(counts)
            screen.say(
                f"  {counts['month']}  {counts['nights']:>3} nights {counts['loaded']:>10,} loaded "
                f"{counts['quarantined']:>8,} quarantined"
            )
        finished = finish_history(contract, dsn, plan, loaded)
        _say_outcome(screen, dsn, plan, finished)
        return finished
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _say_outcome(screen: Screen, dsn: str, plan: HistoryPlan, counts: LoadedHistory) -> None:
    left = sum(night["rows"] for night in counts["left_out"])
    screen.say(
        f"\n{counts['rows_in']:,} rows in = {counts['loaded']:,} loaded + {counts['quarantined']:,} quarantined"
        + (f" + {left:,} left out" if left else "")
        + f", {counts['nights']:,} nights up to {counts['last']}"
    )
    for warning in staged_report(Path(plan["staging"])).warnings:
        screen.say(f"  warning: {warning}")
    for night in counts["left_out"]:
        screen.say(f"  left out: {describe_left_out(night)}")
    with warehouse.connect(dsn) as connection:
        reasons = warehouse.file_reasons(connection, plan["file"], REASONS)
    if reasons:
        screen.say("\nWhy rows are in quarantine (rows, first line, reason)")
        for each in reasons:
            screen.say(f"  {each.rows:>6,}  line {each.line:<8} {each.reason}")
        screen.say("  All of them: make psql, then SELECT * FROM invoice_anomalies.quarantined_invoices;")
        screen.say(f"  In colour: {plan['data_docs']}")
    screen.say()


def offer(
    screen: Screen, contract: Contract, dsn: str, counts: LoadedHistory, train: str, command: str = "make history"
) -> None:
    """Train on the history but for its last nights and score those, where asked to; else say how to.

    command: the one that loaded the history.
    """
    with warehouse.connect(dsn) as connection:
        nights = warehouse.loaded_nights(connection, date.fromisoformat(counts["last"]))
    until, scored = last_nights(contract, nights)
    if until is None:
        rows = sum(rows for _, rows in nights)
        screen.say(
            f"Not enough to train on: {rows:,} invoices in {len(nights)} nights; expected at least "
            f"{contract.detection.minimum_rows:,} (detection.minimum_rows) before the last nights. Load more."
        )
        return
    question = f"Train on the nights up to {until}, and score the {len(scored)} nights after it"
    if not train and sys.stdin.isatty():
        screen.say(f"{question}? (a minute or two) [Y/n] ", end="")
        train = "no" if sys.stdin.readline().strip().lower().startswith("n") else "yes"
    if train == "yes":
        train_and_score(screen, dsn, until, scored)
        return
    screen.say(f"{question}, here and now:\n  {command} TRAIN=yes")
    screen.say("or, where Airflow runs (make up) with these DAGs switched on, one after the other,")
    for each in commands(until, scored):
        screen.say(f"  {each}")


def last_nights(contract: Contract, nights: list[tuple[date, int]]) -> tuple[date | None, list[date]]:
    """The last night to train on, None where too few invoices are left for that, and the nights after it to score.

    nights: loaded nights in order, with their invoices.
    """
    most = min(MOST_SCORED, int(SCORED_SHARE * len(nights)))
    for scored in range(most, 0, -1):
        known = nights[:-scored]
        if sum(rows for _, rows in known) >= contract.detection.minimum_rows:
            return known[-1][0], [night for night, _ in nights[-scored:]]
    return None, []


def commands(until: date, scored: list[date]) -> list[str]:
    """The commands that have the Airflow of this deployment train and score."""
    runs = [("train_autoencoder", until), *(("score_invoices", night) for night in scored)]
    return [
        f"""make airflow ARGS="dags trigger {dag_id} --conf '{{\\"extract_date\\": \\"{night}\\"}}'\""""
        for dag_id, night in runs
    ]


def train_and_score(screen: Screen, dsn: str, until: date, scored: list[date]) -> None:
    """Run the DAGs that train on the nights up to `until` and score the ones after it; show what they found."""
    from local.dag_runs import run_dag

    # A look at nights that are over: nobody is to be woken by it, so mails are written to files.
    os.environ.pop("AIRFLOW_CONN_SMTP_DEFAULT", None)
    with screen.step("Prepare Airflow's tables"):
        subprocess.run([Path(sys.executable).with_name("airflow"), "db", "migrate"], check=True)
    for dag_id, night in [("train_autoencoder", until), *(("score_invoices", night) for night in scored)]:
        with screen.step(f"{dag_id:<18} {night}"):
            run = run_dag(dag_id, night)
            if run.state != "success":
                failed = ", ".join(task for task, state in run.states.items() if state == "failed")
                raise ClusterError(f"{dag_id} failed for {night} ({failed}); the end of history.log says why")
    with warehouse.connect(dsn) as connection:
        found = [
            anomaly
            for night in scored
            for anomaly in warehouse.night_anomalies(
                connection, night, warehouse.day_counts(connection, night)["model_version"]
            )
        ]
    width = min(shutil.get_terminal_size((110, 24)).columns, 120)
    screen.say(
        f"\n{len(found)} invoices of the {len(scored)} nights do not fit; the {min(TOP, len(found))} highest scores\n"
    )
    for place, anomaly in enumerate(sorted(found, key=lambda each: -each.score)[:TOP], 1):
        money = f"{anomaly.amount_at_risk:,.2f} {anomaly.currency or ''}" if anomaly.amount_at_risk is not None else ""
        who = " ".join(filter(None, [anomaly.entity_name, anomaly.invoice_key]))
        screen.say(f"{place:>3}. {who:<48} {money:>17}  {anomaly.kind or ''}, score {anomaly.score:.1f}")
        screen.say(textwrap.fill(anomaly.explanation, width, initial_indent=" " * 5, subsequent_indent=" " * 5))
    screen.say("\nAll of them: make psql, then SELECT * FROM invoice_anomalies.v_open_anomalies;")
    screen.say(f"Mails: {Paths.from_environment().outbox}")


if __name__ == "__main__":
    sys.exit(main())
