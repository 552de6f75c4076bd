"""What a company is left with: its tables and files, comparable with those of another run."""

import json
import re
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pandas as pd
from psycopg2 import sql

from tests.company import TABLES, Company

# What is in the names of files: when they were written, and digests of what holds a folder's name.
NAMES = re.compile(r"\d{8}T\d{6}[.\dZ]*|[0-9a-f]{32}|(?<=parts-)[0-9a-f]+|(?<=_)[0-9a-f]{8}(?=\.)")
HOME = re.compile(r"/[^\s\"']*/home\d+")
VERSION = re.compile(r"\d{8}T\d{9}")
# Columns that tell when something was done, and the numbers that Postgres gives out, which an undone try uses up.
TIMES_AND_NUMBERS = r"_at$|^id$"


def same(left: dict[str, Any], clean: dict[str, Any]) -> None:
    """What is left is what an undisturbed run leaves; the first difference says where."""
    assert left.keys() == clean.keys()
    for name, content in clean.items():
        assert left[name] == content, name


def left_by(company: Company) -> dict[str, Any]:
    """All that a company has: its tables and its files, without what tells when and where it was done."""
    return {**tables_of(company), **files_of(company)}


def tables_of(company: Company) -> dict[str, Any]:
    """Every row of every table as text, but for times and Postgres' own numbers."""
    found = {}
    for (name,) in company.rows(TABLES):
        columns = [
            column
            for (column,) in company.rows(
                "SELECT column_name FROM information_schema.columns WHERE table_schema = 'invoice_anomalies' "
                "AND table_name = %s AND column_name !~ %s ORDER BY ordinal_position",
                name,
                TIMES_AND_NUMBERS,
            )
        ]
        table = sql.Identifier("invoice_anomalies", name)
        query = sql.SQL("SELECT {} FROM {} AS t").format(sql.SQL(", ").join(map(_column, columns)), table)
        rows = [dict(zip(columns, row, strict=True)) for row in company.rows(query)]
        found[name] = sorted(neutral(json.dumps(_without_checksum(row), default=str)) for row in rows)
    return found


def _column(name: str) -> sql.Composable:
    if name == "known_load":  # which load it was in order: its number may have gaps before it
        return sql.SQL("(SELECT count(*) FROM invoice_anomalies.loads WHERE id <= t.known_load)")
    return sql.Identifier("t", name)


def _without_checksum(row: dict[str, Any]) -> dict[str, Any]:
    """Keras writes the time into a model's file, so no two trainings have one checksum."""
    return {name: value for name, value in row.items() if name != "checksum"}


def neutral(text: str) -> str:
    """The text without the places and versions that differ from one company to the next."""
    return VERSION.sub("VERSION", HOME.sub("HOME", text))


def files_of(company: Company) -> dict[str, Any]:
    """The files that count: hidden ones, and parts that no task was told of, are what killed tries left."""
    found = {}
    last = max((company.home / "staging").rglob("parts-*"), key=lambda folder: folder.stat().st_mtime, default=None)
    for folder in ("staging", "outbox", "data_docs", "models"):
        for path in sorted((company.home / folder).rglob("*")):
            name = path.relative_to(company.home)
            left_over = any(part.startswith(".") for part in name.parts) or (
                "parts-" in str(name) and last not in path.parents
            )
            if path.is_file() and not left_over:
                found[NAMES.sub("#", str(name))] = _content(path)
    return found


def _content(path: Path) -> Any:
    """What a file says; pages and models hold times, so that they are there is enough."""
    if path.suffix == ".parquet":
        frame = pd.read_parquet(path)
        return str(frame.dtypes.to_dict()), frame.to_csv()
    if path.suffix == ".eml":
        mail = message_from_bytes(path.read_bytes(), policy=policy.default)
        plain = mail.get_body(("plain",))
        assert plain is not None
        return neutral(str(mail["Subject"])), neutral(plain.get_content())
    if "staging" in path.parts:
        content = path.read_bytes()
        return neutral(content.decode()) if path.suffix == ".json" else content
    return None
