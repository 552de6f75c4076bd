"""The script of docs/audit.md imports what there is, and calls it with the names of its parameters."""

import ast
import importlib
import inspect
from typing import Any

from invoice_anomalies.paths import PROJECT
from tests.docs.pages import blocks, page

(SCRIPT,) = blocks(page(PROJECT / "docs" / "audit.md"), "python")
TREE = ast.parse(SCRIPT)


def imported() -> dict[str, Any]:
    """What the script imports from the package, by name."""
    found: dict[str, Any] = {}
    for statement in ast.walk(TREE):
        if isinstance(statement, ast.ImportFrom) and (statement.module or "").startswith("invoice_anomalies"):
            module = importlib.import_module(statement.module or "")
            found |= {alias.name: getattr(module, alias.name) for alias in statement.names}
    return found


def test_the_script_imports_what_there_is() -> None:
    assert {"warehouse", "load_contract", "fit", "score", "explain", "contract_path"} == set(imported())


def test_the_script_calls_functions_with_the_parameters_that_they_have() -> None:
    there = imported()
    known = {**there, "training_set": there["warehouse"].training_set}
    for call in (found for found in ast.walk(TREE) if isinstance(found, ast.Call)):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if name in known and callable(known[name]):
            keywords = {word.arg: None for word in call.keywords if word.arg}
            inspect.signature(known[name]).bind(*call.args, **keywords)
