"""Time what dashboards ask: the eleven queries of docs/bi.md and plain ones on each view, on millions of invoices.

    python -m benchmarks.bi_views [--rows 5000000] [--nights 400] [--runs 7] [--folder FOLDER]

Fills a Postgres of its own (about 2 minutes and 3 GB for 5 million) with benchmarks/fill_bi.sql, and asks as a login
that is only a bi_reader. With --folder the filled database stays there and serves again. Ends with 1 where a median is
above the limit of 100 ms.
"""

import argparse
import os
import re
import secrets
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812

from invoice_anomalies import warehouse
from invoice_anomalies.contract import Contract, load_contract
from invoice_anomalies.paths import PROJECT
from local.postgres import Cluster

PAGE = PROJECT / "docs" / "bi.md"
FILL = PROJECT / "benchmarks" / "fill_bi.sql"
DATABASE = "invoices"
LIMIT_MS = 100.0
SETTINGS = {
    # For the filling only: no log of what can be made again, and statistics when all is there.
    "wal_level": "minimal", "max_wal_senders": "0", "max_wal_size": "512MB", "autovacuum": "off",
}  # fmt: skip
# A value of each type of field, from the invoice's number, its vendor's number and a random number.
VALUES = {
    "amount": "round((50 * exp(4 * invoice.chance))::numeric, 2)",
    "number": "invoice.chance",
    "category": "'C' || mod(invoice.number, 40)",
    "identifier": "'RE' || invoice.number",
    "text": "'delivery number ' || invoice.number",
    "date": "night.extract_date - mod(invoice.number, 30)",
}
VENDOR = "'V' || to_char(invoice.vendor, 'FM00000')"
CURRENCY = "(ARRAY['EUR', 'EUR', 'EUR', 'GBP', 'USD'])[1 + mod(invoice.vendor, 5)]"
VIEWS = {
    "v_open_anomalies": "extract_date",
    "v_anomaly_fields": "extract_date",
    "v_daily_summary": "extract_date",
    "v_vendor_risk": "last_flagged",
    "v_model_health": "trained_until",
    "v_data_quality": "extract_date",
    "v_anomalies": "extract_date",
    "v_night_currency": "extract_date",
    "v_vendors": "extract_date",
    "v_quarantine": "extract_date",
}
# What a tool asks of any view: a preview, a count, one night, a month, a group.
PLAIN = {
    "preview": "SELECT * FROM invoice_anomalies.{view} LIMIT 1000",
    "count": "SELECT count(*) FROM invoice_anomalies.{view}",
    "newest": "SELECT * FROM invoice_anomalies.{view} ORDER BY {day} DESC LIMIT 100",
    "one night": "SELECT * FROM invoice_anomalies.{view} WHERE {day} = %(night)s",
    "30 nights": "SELECT * FROM invoice_anomalies.{view} WHERE {day} > %(night)s - 30",
    "by night": "SELECT {day}, count(*) FROM invoice_anomalies.{view} GROUP BY 1 ORDER BY 1",
}
FURTHER = {
    "v_open_anomalies of a vendor": "SELECT * FROM invoice_anomalies.v_open_anomalies WHERE entity = 'V00003'",
    "v_anomaly_fields of an invoice": (
        "SELECT * FROM invoice_anomalies.v_anomaly_fields "
        "WHERE invoice_key = (SELECT max(invoice_key) FROM invoice_anomalies.v_open_anomalies)"
    ),
    "v_anomaly_fields by field": (
        "SELECT field, count(*), avg(share) FROM invoice_anomalies.v_anomaly_fields GROUP BY field"
    ),
    "v_vendor_risk of a vendor": "SELECT * FROM invoice_anomalies.v_vendor_risk WHERE entity = 'V00003'",
    "v_daily_summary by month": (
        "SELECT date_trunc('month', extract_date), sum(flagged), sum(confirmed) "
        "FROM invoice_anomalies.v_daily_summary GROUP BY 1 ORDER BY 1"
    ),
}


def ready_queries() -> dict[str, str]:
    """The queries of docs/bi.md by their headings, in the order of the page."""
    _, _, queries = PAGE.read_text(encoding="utf-8").partition("## Eleven queries")
    return dict(re.findall(r"^### (\d+\. [^\n]+)\n.*?```sql\n(.*?);\n```", queries, re.DOTALL | re.MULTILINE))


def questions() -> dict[str, str]:
    """Everything that is timed, by name."""
    plain = {
        f"{view} {name}": query.format(view=view, day=day)
        for view, day in VIEWS.items()
        for name, query in PLAIN.items()
    }
    # Without a value, % stands for itself.
    return {name: query.replace("%", "%%") for name, query in ready_queries().items()} | plain | FURTHER


def today(connection: Connection) -> date:
    """The date of the database's clock, as the queries read it: this machine may be in another zone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_date")
        found: tuple[date] | None = cursor.fetchone()
    assert found is not None
    return found[0]


def fill(connection: Connection, contract: Contract, rows: int, nights: int) -> None:
    """Make a migrated, empty warehouse one of so many scored invoices over so many nights, the last one yesterday."""
    values = [_value(contract, name) for name in contract.fields]
    statements = sql.SQL(FILL.read_text(encoding="utf-8")).format(
        fields=sql.SQL(", ").join(map(sql.Identifier, contract.fields)),
        values=sql.SQL(", ").join(values),
        amount=_column(contract.amount),
        currency=_column(contract.currency),
        entity=_column(contract.entity),
        entity_name=_column(contract.entity_name),
    )
    first = today(connection) - timedelta(days=nights)
    with connection.cursor() as cursor:
        cursor.execute(statements, {"rows": rows, "nights": nights, "first": first})
    connection.commit()


def measure(connection: Connection, night: date, runs: int) -> dict[str, tuple[float, float, int]]:
    """Ask each question `runs` times after a first one that is not counted: median and fastest in ms, and rows."""
    figures = {}
    with connection.cursor() as cursor:
        for name, query in questions().items():
            times = []
            for _ in range(runs + 1):
                began = time.perf_counter()
                cursor.execute(query, {"night": night})
                rows = len(cursor.fetchall())
                times.append(1000 * (time.perf_counter() - began))
            figures[name] = (statistics.median(times[1:]), min(times[1:]), rows)
    connection.commit()
    return figures


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; 0 when all is below the limit, 1 when something is not."""
    asked = _parser().parse_args(arguments)
    with _folder(asked.folder) as folder, _cluster(folder) as cluster:
        contract = load_contract(PROJECT / "include" / "invoices.yaml")
        if not (folder / "filled").exists():
            _fill(cluster, contract, asked.rows, asked.nights)
            (folder / "filled").write_text(f"{asked.rows} {asked.nights}")
        rows, nights = (int(number) for number in (folder / "filled").read_text().split())
        with warehouse.connect(_reader(cluster)) as connection:
            figures = measure(connection, _last_night(connection), asked.runs)
    print(f"\n{rows:,} invoices of {nights} nights, {asked.runs} runs, in ms\n")
    print(f"{'':<48}{'median':>8}{'fastest':>9}{'rows':>9}")
    for name, (median, fastest, found) in figures.items():
        print(f"{name:<48}{median:>8.1f}{fastest:>9.1f}{found:>9,}{'   too slow' if median > LIMIT_MS else ''}")
    slowest = max(median for median, _, _ in figures.values())
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    print(f"\nslowest {slowest:.1f} ms, limit {LIMIT_MS:.0f} ms; load of this machine {load:.1f} for each processor")
    return int(slowest > LIMIT_MS)


def _parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m benchmarks.bi_views", description=(__doc__ or "").splitlines()[0])
    made.add_argument("--rows", type=int, default=5_000_000, help="scored invoices (%(default)s)")
    made.add_argument("--nights", type=int, default=400, help="over so many nights (%(default)s)")
    made.add_argument("--runs", type=int, default=7, help="how often each question is asked (%(default)s)")
    made.add_argument("--folder", type=Path, help="keep the filled database here, or use the one that is here")
    return made


@contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    # As root the server runs as another user, who must get in.
    folder = given or Path(tempfile.mkdtemp(prefix="invoices-bench-"))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    yield folder
    if given is None:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _cluster(folder: Path) -> Iterator[Cluster]:
    cluster = Cluster(folder / "postgres", fsync=False)
    cluster.start()
    try:
        yield cluster
    finally:
        cluster.stop()


def _fill(cluster: Cluster, contract: Contract, rows: int, nights: int) -> None:
    began = time.monotonic()
    _run(cluster.dsn(), *(f"ALTER SYSTEM SET {name} = '{value}'" for name, value in SETTINGS.items()))
    cluster.stop()
    cluster.start()
    cluster.create_database(DATABASE)
    with warehouse.connect(cluster.dsn(DATABASE)) as connection:
        warehouse.migrate(connection, contract)
        fill(connection, contract, rows, nights)
    _run(cluster.dsn(DATABASE), "VACUUM ANALYZE")
    _run(cluster.dsn(), "ALTER SYSTEM RESET ALL")
    cluster.stop()
    cluster.start()
    print(f"filled with {rows:,} invoices in {time.monotonic() - began:.0f} s", flush=True)


def _reader(cluster: Cluster) -> str:
    """Address for a login that is only a bi_reader, with a password of this run."""
    password = secrets.token_hex(16)
    _run(
        cluster.dsn(),
        "DROP ROLE IF EXISTS dashboards",
        f"CREATE ROLE dashboards LOGIN PASSWORD '{password}' IN ROLE bi_reader",
    )
    return f"postgresql://dashboards:{password}@127.0.0.1:{cluster.port}/{DATABASE}"


def _last_night(connection: Connection) -> date:
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(extract_date) FROM invoice_anomalies.v_daily_summary")
        row = cursor.fetchone()
    assert row is not None
    night: date = row[0]
    return night


def _run(dsn: str, *commands: str) -> None:
    connection = psycopg2.connect(dsn)
    connection.autocommit = True
    with connection.cursor() as cursor:
        for command in commands:
            cursor.execute(command)
    connection.close()


def _value(contract: Contract, name: str) -> sql.SQL:
    special = {contract.entity: VENDOR, contract.currency: CURRENCY}
    return sql.SQL(special.get(name) or VALUES[contract.fields[name].type])


def _column(name: str | None) -> sql.Composable:
    return sql.Identifier("invoice", name) if name else sql.SQL("NULL")


if __name__ == "__main__":
    sys.exit(main())
