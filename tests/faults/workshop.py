"""A process that runs stages of the pipeline in children of its own, which can be killed at a chosen point.

It imports everything once and forks for each stage, so that a hundred killed stages cost a second each, not ten. It
reads orders from stdin, a JSON object a line, and answers each with one:

    {"start": stage, "arguments": {...}, ...}  -> {"pid": ...}
    {"wait": pid}                              -> an outcome
    {"wait_stopped": pid}                      -> {"stopped": ...}, once the process has stopped itself or ended

With "start" may come: "kill_at", the point to be killed at; "stop_at", the point to stop at (SIGCONT lets it go on);
"pause", seconds to wait at each point; "most_bytes", how long a file may become before the system refuses to write.

A point is a moment before or after something that others can see: a statement or a commit in the database, a part of a
COPY, a file opened for writing, renamed or removed, a line in the log. Points are counted from 1.
"""

import json
import logging
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import psycopg2
import psycopg2.extensions

FILE_EVENTS = {"os.rename", "os.remove", "os.mkdir", "os.rmdir"}
Stages = dict[str, Callable[..., Any]]


class Points:
    """The points that a stage has come to; at one of them the process ends, as by kill -9, or stops."""

    def __init__(self, kill_at: int | None, stop_at: int | None, pause: float) -> None:
        self.names: list[str] = []
        self._kill_at, self._stop_at, self._pause = kill_at, stop_at, pause

    def reach(self, name: str) -> None:
        self.names.append(name)
        if len(self.names) == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        if len(self.names) == self._stop_at:
            os.kill(os.getpid(), signal.SIGSTOP)
        time.sleep(self._pause)


def watch_database(points: Points) -> None:
    """Reach a point before and after each statement, copy and commit, and at each part of a copy."""

    class Cursor(psycopg2.extensions.cursor):
        def execute(self, query: Any, values: Any = None) -> None:
            points.reach("before a statement")
            super().execute(query, values)
            points.reach("after a statement")

        def copy_expert(self, query: Any, file: Any, size: int = 8192) -> None:
            points.reach("before a copy")
            super().copy_expert(query, Read(file) if hasattr(file, "read") else file, size)
            points.reach("after a copy")

    class Read:
        def __init__(self, file: Any) -> None:
            self._file = file

        def read(self, size: int = -1) -> Any:
            points.reach("within a copy")
            return self._file.read(size)

        def write(self, data: Any) -> Any:
            return self._file.write(data)

    class Connection(psycopg2.extensions.connection):
        def commit(self) -> None:
            points.reach("before a commit")
            super().commit()
            points.reach("after a commit")

    real_connect = psycopg2.connect
    # A function of the same call but of no overloads takes the place of a function of several.
    psycopg2.connect = lambda *args, **kwargs: real_connect(  # type: ignore[assignment]
        *args, connection_factory=Connection, cursor_factory=Cursor, **kwargs
    )


def watch_files(points: Points, home: str) -> None:
    """Reach a point before each file below home is opened for writing, renamed or removed."""

    def on_event(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR)
        elif event in FILE_EVENTS:
            path, writes = arguments[0], True
        else:
            return
        if writes and str(path).startswith(home):
            points.reach(f"{event} {Path(str(path)).name}")

    sys.addaudithook(on_event)


def watch_log(points: Points) -> None:
    """Reach a point at each line in the log."""

    class Log(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            points.reach(f"log {record.getMessage()[:30]}")

    logging.getLogger("invoice_anomalies").addHandler(Log())
    logging.getLogger("invoice_anomalies").setLevel(logging.INFO)


def stages(contract: Any, paths: Any, dsn: str, night: date, staging: Path) -> Stages:
    """The pipeline's functions with what a task would give each; `given` is what the task before it returned."""
    from invoice_anomalies import warehouse
    from invoice_anomalies.pipeline import notify, score, train, validate
    from invoice_anomalies.reporting import write_to_outbox

    def send(message: Any) -> str:
        return str(write_to_outbox(message, paths.outbox, contract.report.sender))

    def migrate() -> list[str]:
        with warehouse.connect(dsn) as connection:
            return warehouse.migrate(connection, contract)

    return {
        "migrate": lambda given: migrate(),
        "take_snapshot": lambda given: validate.take_snapshot(contract, paths, night, given, staging),
        "validate_snapshot": lambda given: validate.validate_snapshot(contract, paths, dsn, night, given),
        "load_night": lambda given: validate.load_night(contract, dsn, night, given),
        "plan_scoring": lambda given: score.plan_scoring(contract, dsn, night, given, staging),
        "score_chunk": lambda given: score.score_chunk(contract, dsn, given),
        "publish_night": lambda given: score.publish_night(contract, dsn, given),
        "send_alert": lambda given: notify.send_alert(contract, dsn, given, send),
        "send_summary": lambda given: notify.send_summary(contract, dsn, night, send),
        "stage_training_set": lambda given: train.stage_training_set(contract, dsn, night, staging),
        "train": lambda given: train.train(contract, paths, given),
        "evaluate_challenger": lambda given: train.evaluate_challenger(contract, dsn, paths, given),
        "promote": lambda given: train.promote(dsn, given, "always"),
    }


def work(order: dict[str, Any], answer: Path) -> None:
    """Run one stage in this process, which is a child, and leave its outcome in a file."""
    from invoice_anomalies.contract import load_contract
    from invoice_anomalies.errors import PipelineError
    from invoice_anomalies.paths import Paths

    given = order["arguments"]
    points = Points(order.get("kill_at"), order.get("stop_at"), order.get("pause") or 0.0)
    contract, paths = load_contract(Path(given["contract"])), Paths(Path(given["home"]))
    staging = Path(given["staging"])
    staging.mkdir(parents=True, exist_ok=True)
    stage = stages(contract, paths, given["dsn"], date.fromisoformat(given["night"]), staging)[order["start"]]
    outcome: dict[str, Any] = {}
    watch_database(points)
    watch_files(points, given["home"])
    watch_log(points)
    if most := order.get("most_bytes"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
    try:
        outcome["result"] = stage(given.get("given"))
    except BaseException as error:
        outcome["error"] = {
            "type": type(error).__name__,
            "message": str(error),
            "retryable": error.retryable if isinstance(error, PipelineError) else None,
        }
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    outcome["points"] = list(points.names)
    answer.write_text(json.dumps(outcome))


def start(order: dict[str, Any], answers: Path) -> int:
    """Fork a child that runs a stage."""
    pid = os.fork()
    if pid == 0:
        os.setsid()
        try:
            work(order, answers / f"{os.getpid()}.json")
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
    return pid


def outcome_of(pid: int, status: int | None, answers: Path) -> dict[str, Any]:
    """Wait for a child unless it has ended; its outcome, or that it was killed."""
    if status is None:
        _, status = os.waitpid(pid, 0)
    answer = answers / f"{pid}.json"
    if os.WIFSIGNALED(status):
        return {"killed": True}
    outcome: dict[str, Any] = json.loads(answer.read_text())
    answer.unlink()
    return outcome


def main() -> None:
    import great_expectations
    import keras

    del great_expectations, keras
    answers = Path(tempfile.mkdtemp(prefix="invoices-workshop-"))
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the stages print is no answer
    ended: dict[int, int] = {}
    for line in sys.stdin:
        order = json.loads(line)
        if "start" in order:
            answer = {"pid": start(order, answers)}
        elif "wait_stopped" in order:
            pid, status = os.waitpid(order["wait_stopped"], os.WUNTRACED)
            answer = {"stopped": os.WIFSTOPPED(status)}
            if not answer["stopped"]:
                ended[pid] = status
        else:
            answer = outcome_of(order["wait"], ended.pop(order["wait"], None), answers)
        out.write(json.dumps(answer) + "\n")
        out.flush()
    shutil.rmtree(answers)


if __name__ == "__main__":
    main()
