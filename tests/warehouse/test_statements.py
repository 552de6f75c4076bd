"""No value becomes part of a statement: the driver binds values and quotes identifiers."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from invoice_anomalies.warehouse.queries import QUERIES, named_queries
from invoice_anomalies.warehouse.schema.columns import COLUMN_TYPES

WAREHOUSE = QUERIES.parent
MODULES = sorted(WAREHOUSE.rglob("*.py"))
RUNS_SQL = {"execute", "executemany", "copy_expert", "execute_values", "execute_batch", "mogrify"}
MAKES_SQL = {"SQL"}
# Texts that are no values: files of the project, and types of columns out of a table of this code.
TRUSTED_NAMES = {("columns.py", "kind")}


def built(tree: ast.AST, file: str) -> Iterator[tuple[int, str]]:
    """Places where the text of a statement is put together from something else than trusted parts."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.Module):
            continue
        bound = {
            target.id
            for node in ast.walk(function)
            if isinstance(node, ast.Assign) and "mogrify" in ast.unparse(node.value)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            if name not in RUNS_SQL | MAKES_SQL or not call.args:
                continue
            place = 1 if name in {"execute_values", "execute_batch"} else 0
            text = call.args[place]
            for part in ast.walk(text):
                if not harmless(part, bound, file, name):
                    yield call.lineno, ast.unparse(call)
                    break


def harmless(part: ast.AST, bound: set[str], file: str, name: str) -> bool:
    if isinstance(part, ast.FormattedValue):
        return isinstance(part.value, ast.Name) and part.value.id in bound
    if isinstance(part, ast.BinOp):
        return False
    if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute) and part.func.attr == "format":
        return not isinstance(part.func.value, ast.Constant)  # "...".format() of plain text
    if name in MAKES_SQL and isinstance(part, ast.Name):
        return (file, part.id) in TRUSTED_NAMES or part.id in {"text_of", "name"}
    return True


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_no_statement_is_put_together_from_values(path: Path) -> None:
    found = dict.fromkeys(built(ast.parse(path.read_text(encoding="utf-8")), path.name))

    assert list(found) == []


@pytest.mark.parametrize(
    "source",
    [
        'cursor.execute(f"SELECT {value}")',
        'cursor.execute("SELECT %s" % value)',
        'cursor.execute("SELECT " + value)',
        'cursor.execute("SELECT {}".format(value))',
        'execute_values(cursor, f"INSERT {value}", rows)',
        'cursor.copy_expert(f"COPY {table} FROM STDIN", file)',
        "cursor.execute(sql.SQL(value))",
        'cursor.execute(sql.SQL(f"SELECT {value}"))',
    ],
)
def test_a_statement_that_is_put_together_is_found(source: str) -> None:
    assert len(list(built(ast.parse(source), "x.py"))) >= 1


@pytest.mark.parametrize(
    "source",
    [
        'cursor.execute("SELECT %s", (value,))',
        'cursor.execute(sql.SQL("SELECT {}").format(sql.Identifier(value)))',
        'bound = cursor.mogrify(question, values).decode()\ncursor.copy_expert(f"COPY ({bound}) TO STDOUT", file)',
        'execute(cursor, "champion", {"a": value})',
    ],
)
def test_a_statement_with_bound_values_is_let_pass(source: str) -> None:
    assert list(built(ast.parse(source), "x.py")) == []


def test_statements_are_named_by_words_in_the_code_and_types_come_from_the_code() -> None:
    named = re.compile(r"\b(?:execute|fetch_all|fetch_value|scalar|statement)\((?:cursor|connection)?,?\s*f?\"")
    assert all('f"' not in found for path in MODULES for found in named.findall(path.read_text(encoding="utf-8")))
    assert all(re.fullmatch(r"[a-z ]+", kind) for kind in COLUMN_TYPES.values())


@pytest.mark.parametrize("name", sorted(named_queries()))
def test_no_place_for_a_value_is_quoted_by_hand(name: str) -> None:
    """'%(name)s' within quotes would be the text of the value, quoted twice."""
    statements = re.sub(r"--[^\n]*", "", named_queries()[name])
    quoted = statements.split("'")[1::2]

    assert [text for text in quoted if re.search(r"%\(\w+\)s|(?<!\{)\{\w+\}", text)] == []
