"""Queries have a name each: every name that the code uses is there, and every query is used."""

import ast
from pathlib import Path

import pytest

from invoice_anomalies.warehouse.queries import HEADER, QUERIES, named_queries

MODULES = sorted(QUERIES.parent.rglob("*.py"))
RUNNERS = {"execute", "scalar", "fetch_all", "fetch_value", "statement", "_read", "_one"}


def texts(path: Path) -> set[str]:
    """All texts that stand in a module, but for what describes it."""
    return {
        node.value
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def names_run(path: Path) -> set[str]:
    """The names of queries that a module runs: the first text among the arguments of what runs a query."""
    calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    found = set()
    for call in calls:
        if isinstance(call.func, ast.Name) and call.func.id in RUNNERS:
            named = [part.value for part in call.args if isinstance(part, ast.Constant) and isinstance(part.value, str)]
            found.update(named[:1])
    return found


def test_every_name_that_is_used_is_there() -> None:
    used = set().union(*(names_run(path) for path in MODULES))

    assert len(used) > 70
    assert used - set(named_queries()) == set()


def test_every_query_is_used() -> None:
    said = set().union(*(texts(path) for path in MODULES))

    assert [name for name in named_queries() if name not in said] == []


def test_the_queries_stand_in_at_most_ten_files_and_nothing_stands_before_the_first_name_but_what_they_are_about() -> (
    None
):
    paths = sorted(QUERIES.glob("*.sql"))

    assert len(paths) <= 10
    for path in paths:
        about, *_ = HEADER.split(path.read_text(encoding="utf-8"))
        assert about.startswith("-- ")
        assert all(not line or line.startswith("-- ") for line in about.splitlines())
    assert {path.suffix for path in QUERIES.iterdir() if path.is_file()} == {".sql", ".py"}


def test_every_query_begins_with_what_it_asks_or_does() -> None:
    assert [name for name, text in named_queries().items() if not text.startswith("-- ")] == []


def test_a_name_that_comes_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text("-- About a.\n\n-- name: same\nSELECT 1;\n")
    (tmp_path / "b.sql").write_text("-- About b.\n\n-- name: other\nSELECT 2;\n\n-- name: same\nSELECT 3;\n")

    with pytest.raises(ValueError, match=r"b\.sql: the query same is there twice"):
        named_queries(tmp_path)


def test_a_query_ends_before_the_next_name(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text("-- About a.\n\n-- name: one\n-- How many?\nSELECT 1;\n\n-- name: two\nSELECT 2\n")

    assert named_queries(tmp_path) == {"one": "-- How many?\nSELECT 1;\n", "two": "SELECT 2\n"}
