"""Great Expectations is known to two modules; all others know rules, failures and rows."""

import ast
from pathlib import Path

from invoice_anomalies.paths import PACKAGE

KNOW_IT = {"validation/gx_expectations.py", "validation/gx_suite.py"}


def imported(path: Path) -> set[str]:
    """The names of the top packages that a module imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(str(node.module).partition(".")[0])
    return names


def test_two_modules_import_great_expectations() -> None:
    assert {
        path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py") if "great_expectations" in imported(path)
    } == KNOW_IT


def test_its_private_managers_and_stores_are_used_there_alone() -> None:
    private = ("batch_manager", "validation_results_store", "expectations_store")
    for path in PACKAGE.rglob("*.py"):
        if path.relative_to(PACKAGE).as_posix() not in KNOW_IT:
            text = path.read_text(encoding="utf-8")
            assert not any(name in text for name in private), path
