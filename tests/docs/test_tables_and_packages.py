"""docs/tables.md lists the tables and views that there are; docs/dependencies.md lists the packages."""

import re

import pytest

from invoice_anomalies import warehouse
from invoice_anomalies.contract import Contract
from invoice_anomalies.paths import PROJECT
from tests.docs.pages import PAGES, first_cells, page, section


def test_the_page_lists_every_table_and_view_and_no_other(dsn: str, contract: Contract) -> None:
    with warehouse.connect(dsn) as connection:
        warehouse.migrate(connection, contract)
        with connection.cursor() as cursor:
            cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'invoice_anomalies'")
            there = {name for (name,) in cursor.fetchall()}

    told = first_cells(page(PROJECT / "docs" / "tables.md"))

    assert set(told) == there
    assert len(told) == len(set(told))


def test_the_views_that_pages_ask_have_the_columns_they_ask_for(dsn: str, contract: Contract) -> None:
    told = {"README", "bring-your-own-invoices", "loading-a-history", "operations", "guarantees", "demo", "detection"}
    pages = [path for path in PAGES if path.stem in told]
    queries = [query for path in pages for query in re.findall(r"SELECT [^;`]+", page(path))]
    assert len(queries) >= 8

    with warehouse.connect(dsn) as connection:
        warehouse.migrate(connection, contract)
        with connection.cursor() as cursor:
            for query in queries:
                cursor.execute(query)


@pytest.mark.parametrize("name", ["requirements.in", "requirements-dev.in"])
def test_every_package_has_its_reason_and_no_other_is_named(name: str) -> None:
    lines = [line.split("#")[0].strip() for line in (PROJECT / name).read_text().splitlines()]
    packages = [
        re.split(r"[<>=\[;]", line)[0].lower().replace("_", "-") for line in lines if line and not line.startswith("-")
    ]

    told = first_cells(section(page(PROJECT / "docs" / "dependencies.md"), f"## {name}"))

    assert told == packages
