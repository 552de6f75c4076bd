"""One database for each module, and a clerk's desk: a file goes in by the real path, and the answer comes back.

Each file is a night of its own. Whatever the answer is, the desk checks what holds for all of them: it is a message
with the file's name and never another exception, and no row of the file is lost.
"""

import json
import re
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from _pytest.mark import ParameterSet

from invoice_anomalies.contract import Contract
from invoice_anomalies.errors import PipelineError
from invoice_anomalies.paths import Paths
from invoice_anomalies.pipeline.payloads import LoadedNight
from invoice_anomalies.pipeline.validate import load_night, take_snapshot, validate_snapshot
from local.postgres import Cluster
from tests.conftest import copy_database, drop_database

HEADER = "vendor,number,day,amount,note"
FIT = "V1,A1,2026-01-31,10.50,paper"
FIRST_NIGHT = date(2026, 1, 5)
# What tells a reader what to do; every refusal has one of them.
REMEDY = re.compile(
    r"\b(run again|have|deliver|set|correct|close|rename|use|save|unpack|compress|let|add)\b", re.IGNORECASE
)


def contract_of(
    extract: dict[str, Any] | None = None,
    fields: dict[str, dict[str, Any]] | None = None,
    key: tuple[str, ...] = ("line",),
    **validation: Any,
) -> Contract:
    """A contract of five fields whose key is the line, so that a test can ask what became of each line."""
    given: dict[str, dict[str, Any]] = {
        "vendor": {"type": "category"},
        "number": {"type": "identifier"},
        "day": {"type": "date"},
        "amount": {"type": "amount"},
        "note": {"type": "text", "required": False},
    }
    for name, more in (fields or {}).items():
        given[name] = {**given.get(name, {}), **more}
    return Contract.model_validate(
        {
            "name": "small",
            "entity": "vendor",
            "key": list(key),
            "extract": {"path": "landing/{extract_date}.csv", **(extract or {})},
            "fields": given,
            # A file of one bad row, or of rows that other files have too, shall show what becomes of the row.
            "validation": {"max_quarantined_share": 1, "max_repeated_share": 1, **validation},
            "report": {"recipients": ["clerk@example.com"]},
        }
    )


@dataclass(frozen=True)
class Answer:
    """What became of a file.

    refusal: the message where the night was refused or the file unreadable; "" where it was loaded.
    loaded: the fields of each loaded row by line (contracts whose key is the line) or invoice key.
    reasons, raw: of each quarantined row, by line.
    """

    night: date
    refusal: str = ""
    error: PipelineError | None = None
    counts: dict[str, Any] = field(default_factory=dict)
    loaded: dict[Any, dict[str, Any]] = field(default_factory=dict)
    reasons: dict[int, list[str]] = field(default_factory=dict)
    raw: dict[int, dict[str, Any]] = field(default_factory=dict)

    def values(self, name: str) -> list[Any]:
        """The values of a field in the loaded rows, in the order of the file (or of the keys)."""
        return [row[name] for _, row in sorted(self.loaded.items())]


@dataclass
class Desk:
    """Where files are handed in: one database, one folder, a new night for each file."""

    dsn: str
    paths: Paths
    next_night: date = FIRST_NIGHT

    def hand_in(
        self,
        content: bytes | str | None,
        contract: Contract | None = None,
        *,
        rows: int | None,
        name: str = "invoices.csv",
        night: date | None = None,
        at: Path | None = None,
    ) -> Answer:
        """Take a file through snapshot, validation and load as the DAG does.

        rows: data rows that are in the file; None where nobody knows. at: where it lies already (content is None).
        """
        contract = contract or contract_of()
        night = night or self.skip_night()
        landed = at or self.paths.root / "landing" / f"{night}_{name}"
        if content is not None:
            landed.write_bytes(content if isinstance(content, bytes) else content.encode())
        before = self._known(night)
        try:
            taken = take_snapshot(contract, self.paths, night, str(landed), self.paths.staging(night))
            validated = validate_snapshot(contract, self.paths, self.dsn, night, taken)
            counts = load_night(contract, self.dsn, night, validated)
        except PipelineError as error:
            self._check_refusal(error, landed)
            assert self._known(night) == before, "a refused night must change no row"
            return Answer(night, str(error), error)
        answer = self.what_became_of(night, contract, counts)
        assert counts["rows_in"] == counts["loaded"] + counts["quarantined"]
        assert rows in (None, counts["rows_in"]), f"{counts} of a file of {rows} rows"
        assert (len(answer.loaded), len(answer.reasons)) == (counts["loaded"], counts["quarantined"])
        assert all(reasons and all(reasons) for reasons in answer.reasons.values())
        return answer

    def refused(self, content: bytes | str | None, contract: Contract | None = None, **more: Any) -> str:
        """Hand in a file that must be refused; the message."""
        answer = self.hand_in(content, contract, **{"rows": None, **more})
        assert answer.refusal, f"it was loaded: {answer.counts}"
        return answer.refusal

    def taken(self, content: bytes | str | None, contract: Contract | None = None, **more: Any) -> Answer:
        """Hand in a file that must not be refused as a whole."""
        answer = self.hand_in(content, contract, **more)
        assert not answer.refusal, answer.refusal
        return answer

    def what_became_of(self, night: date, contract: Contract, counts: LoadedNight | None = None) -> Answer:
        """What the tables hold of a night."""
        loaded = {}
        names = ", ".join(contract.fields)
        for key, *values in self.ask(
            f"SELECT invoice_key, {names} FROM invoice_anomalies.invoices WHERE extract_date = %s", night
        ):
            place = int(key.rpartition("#")[2]) if contract.key == ["line"] else key
            loaded[place] = dict(zip(contract.fields, values, strict=True))
        kept = self.ask(
            "SELECT line, raw, reasons FROM invoice_anomalies.quarantined_invoices WHERE extract_date = %s", night
        )
        return Answer(
            night,
            counts=dict(counts or {}),
            loaded=loaded,
            reasons={line: reasons for line, _, reasons in kept},
            raw={line: json.loads(raw) for line, raw, _ in kept},
        )

    def ask(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with closing(psycopg2.connect(self.dsn)) as connection, connection.cursor() as cursor:
            cursor.execute(query, values)
            return cursor.fetchall()

    def skip_night(self) -> date:
        """The next night, for a file that comes late."""
        night, self.next_night = self.next_night, self.next_night + timedelta(days=1)
        return night

    def _known(self, night: date) -> list[Any]:
        if not self.ask("SELECT to_regclass('invoice_anomalies.invoices')")[0][0]:
            return [[], []]
        return [
            self.ask(f"SELECT t::text FROM invoice_anomalies.{table} AS t WHERE extract_date = %s ORDER BY 1", night)
            for table in ("invoices", "quarantined_invoices")
        ]

    def _check_refusal(self, error: PipelineError, landed: Path) -> None:
        message = str(error)
        assert landed.name in message or "data_docs" in message, f"the file is not named: {message}"
        assert REMEDY.search(message), f"it does not say what to do: {message}"
        assert not re.search(r"Traceback|\w+Error\b|Exception\b|<class|object at 0x", message), message
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", message), "control characters in a message"


def table(*rows: str, header: str = HEADER, end: str = "\n") -> str:
    """A CSV file of these rows."""
    return end.join([header, *rows, ""])


def texts_of(cases: Iterable[ParameterSet]) -> list[str]:
    """The first value of each case, a text."""
    texts = []
    for case in cases:
        text = case.values[0]
        assert isinstance(text, str)
        texts.append(text)
    return texts


def rows_of(name: str, *texts: str) -> str:
    """A CSV file of fit rows but for one field, which has each of these texts in turn, quoted."""
    cells = dict(zip(HEADER.split(","), FIT.split(","), strict=True))
    rows = [{**cells, name: '"' + text.replace('"', '""') + '"'} for text in texts]
    return table(*(",".join(row.values()) for row in rows))


@pytest.fixture(scope="module")
def new_desk(postgres: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Desk]]:
    """Make a desk with an empty database."""
    names = []

    def make() -> Desk:
        names.append(f"test_{uuid.uuid4().hex}")
        copy_database(postgres, names[-1])
        root = tmp_path_factory.mktemp("desk")
        (root / "landing").mkdir()
        return Desk(postgres.dsn(names[-1]), Paths(root))

    yield make
    for name in names:
        drop_database(postgres, name)


@pytest.fixture(scope="module")
def desk(new_desk: Callable[[], Desk]) -> Desk:
    """The desk of a module: its nights follow one another in one database."""
    return new_desk()


@pytest.fixture(scope="session", autouse=True)
def cheap_pages(pages_cost_little: None) -> None:
    """Every test here writes Data Docs."""
