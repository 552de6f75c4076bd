"""Logins that have one role each, in a database that its owner migrated."""

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812

from invoice_anomalies import warehouse
from invoice_anomalies.contract import Contract
from invoice_anomalies.paths import PROJECT
from invoice_anomalies.warehouse import Extract, ScoreCounts, Scoring
from local.postgres import Cluster
from tests.conftest import copy_database, drop_database
from tests.docs.pages import page
from tests.warehouse.rows import EMPTY_QUARANTINE, NIGHT, a_model, invoices, rejected, scored

ROLES = ("bi_reader", "invoice_reviewer", "invoice_writer")
VIEWS = {
    "v_open_anomalies",
    "v_anomaly_fields",
    "v_daily_summary",
    "v_vendor_risk",
    "v_model_health",
    "v_data_quality",
    "v_anomalies",
    "v_night_currency",
    "v_vendors",
    "v_quarantine",
    "v_withdrawals",
}
KEYS = ["V00000|a", "V00001|b", "V00002|c"]


@dataclass
class Database:
    """A database of an owner, in a cluster where it is not alone, and the logins that were made for it."""

    cluster: Cluster
    name: str
    owner: str
    logins: list[str] = field(default_factory=list)

    def dsn(self, user: str) -> str:
        return f"postgresql://{user}:pw@127.0.0.1:{self.cluster.port}/{self.name}"

    def as_administrator(self, *commands: str) -> None:
        connection = psycopg2.connect(self.cluster.dsn(self.name))
        connection.autocommit = True
        with connection.cursor() as cursor:
            for command in commands:
                cursor.execute(command)
        connection.close()

    def login(self, role: str = "", name: str = "") -> str:
        """Make a login of this role; its name is nobody else's."""
        login = f"{name or role or 'owner'}_{uuid.uuid4().hex[:8]}"
        self.as_administrator(f"CREATE ROLE {login} LOGIN PASSWORD 'pw'" + (f" IN ROLE {role}" if role else ""))
        self.logins.append(login)
        return login


@contextmanager
def a_database(postgres: Cluster, contract: Contract) -> Iterator[Database]:
    made = Database(postgres, f"test_{uuid.uuid4().hex}", "")
    copy_database(postgres, made.name)
    try:
        missing = "DO $$BEGIN CREATE ROLE {0} NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END$$"
        made.as_administrator(*(missing.format(role) for role in ROLES))
        made.owner = made.login()
        made.as_administrator(f"ALTER DATABASE {made.name} OWNER TO {made.owner}")
        with warehouse.connect(made.dsn(made.owner)) as connection:
            warehouse.migrate(connection, contract)
        made.as_administrator(*commands("harden", invoices=made.name))
        yield made
    finally:
        drop_database(postgres, made.name)
        administrator = psycopg2.connect(postgres.dsn())
        with administrator, administrator.cursor() as cursor:
            for login in made.logins:
                cursor.execute(f"DROP ROLE {login}")
        administrator.close()


def commands(what: str, **names: str) -> list[str]:
    """The commands of a block of docs/roles.md, with these names instead of those of the page."""
    (block,) = re.findall(rf"```sql {what}\n(.*?)```", page(PROJECT / "docs" / "roles.md"), re.DOTALL)
    for told, name in names.items():
        block = re.sub(told if told.startswith("'") else rf"\b{told}\b", name, block)
    return [command for command in block.split(";\n") if command.strip()]


def load_night(connection: Connection, contract: Contract, night: date, *numbers: str, **reasons: list[str]) -> None:
    valid, quarantined = invoices(contract, *numbers), rejected(**reasons) if reasons else EMPTY_QUARANTINE
    warehouse.load_night(
        connection,
        contract,
        Extract(night, f"landing/{night}.csv"),
        [(valid, quarantined)],
        len(valid) + len(quarantined),
        [],
        "docs.html",
    )


def publish(connection: Connection, version: str, keys: list[str], flagged: list[str]) -> ScoreCounts:
    scores, anomalies, fields = scored(keys, flagged)
    return warehouse.publish_scores(connection, Scoring(NIGHT, version), [scores], anomalies, fields)


def score_a_night(connection: Connection, contract: Contract) -> None:
    mistaken = NIGHT - timedelta(days=30)
    warehouse.refuse_night(connection, Extract(mistaken, "test.csv"), 1, ["too few rows"], "docs.html")
    warehouse.take_back(connection, contract, mistaken, "a test file", "ann")
    load_night(connection, contract, NIGHT, "a", "b", "c", line9=["no amount"])
    warehouse.register_model(connection, a_model("m1", date(2024, 2, 1)))
    warehouse.promote_model(connection, "m1")
    publish(connection, "m1", KEYS, KEYS[:2])


def judge(connection: Connection, key: str, verdict: str, version: str = "m1") -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO invoice_anomalies.reviews (invoice_key, model_version, verdict, note) VALUES (%s, %s, %s, '')",
            (key, version, verdict),
        )
