"""Try the contract on an extract: what would be loaded, what not and why, which keys to set. Nothing is recorded."""

import argparse
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from invoice_anomalies import extract
from invoice_anomalies.contract.hints import Hint, hints
from invoice_anomalies.contract.schema import Contract, load_contract
from invoice_anomalies.contract.yaml_file import Document, read_yaml
from invoice_anomalies.errors import PipelineError
from invoice_anomalies.paths import Paths, contract_path
from invoice_anomalies.validation import Outcome, validate

REASONS_SHOWN = 8


def main(arguments: Sequence[str]) -> int:
    """Check the contract in force (or the file named), and try it on an extract; 1 where one of the two is not fine."""
    parser = argparse.ArgumentParser(prog="python -m invoice_anomalies.contract", description=main.__doc__)
    parser.add_argument("contract", nargs="?", type=Path, help="the contract; else INVOICES_CONTRACT")
    parser.add_argument("--extract", metavar="FILE", help="the extract to try it on; else tonight's, or the newest")
    asked = parser.parse_args(arguments)
    path = asked.contract or contract_path()
    try:
        contract = load_contract(path)
        _say(f"{path}: {contract.name}, {len(contract.fields)} fields, fine")
        for note in _roles_not_set(contract):
            _say(note)
        lines, accepted = trial(contract, path, Paths.from_environment(), asked.extract)
    except PipelineError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    _say("\n".join(lines))
    return 0 if accepted else 1


def _roles_not_set(contract: Contract) -> Iterator[str]:
    """A note for each role that the order of the fields decides; only a contract with an entity has a use for them."""
    roles = {
        "invoice_number": (contract.invoice_number, contract.invoice_number_field, "first identifier"),
        "invoice_date": (contract.invoice_date, contract.invoice_date_field, "first date"),
    }
    for role, (given, taken, why) in roles.items():
        if contract.entity and taken and not given:
            yield f"note: {taken} is taken as the {why}; write {role}: {taken} to keep it when lines are moved"


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def trial(contract: Contract, path: Path, paths: Paths, given: str | None = None) -> tuple[list[str], bool]:
    """The lines that tell of the trial, and whether the extract would be accepted.

    given: the extract to try, below INVOICES_HOME unless it is there as it is written; else the one of tonight, else
    the newest of those that the contract's path names. Where there is none, the lines say so, and all is well.
    """
    location, why = _location(contract, paths, given)
    if location is None:
        return [why], given is None
    lines = [why] if why else []
    try:
        outcome: Outcome | PipelineError = _judged(contract, location)
    except PipelineError as problem:
        outcome = problem
    accepted = isinstance(outcome, Outcome) and outcome.success
    lines += [
        f"{extract.shown(location)}: {line}" if not number else f"  {line}"
        for number, line in enumerate(_told(outcome))
    ]
    if not accepted or (isinstance(outcome, Outcome) and outcome.quarantined_rows):
        found, better = hints(contract, location)
        lines += _advised(found, read_yaml(path))
        if found:
            lines += _with_them(better, location)
    return lines, accepted


def _location(contract: Contract, paths: Paths, given: str | None) -> tuple[str | None, str]:
    """The extract to try, or None, and what is to be said about it."""
    if given:
        location = given if Path(given).exists() else extract.locate(contract, datetime.now().date(), paths, given)
        there = extract.state(location) is not None
        return (location, "") if there else (None, f"{extract.shown(location)}: there is no extract here; name another")
    tonight = datetime.now(ZoneInfo(contract.schedule.timezone)).date()
    location = extract.locate(contract, tonight, paths)
    if extract.state(location) is not None:
        return location, ""
    said = f"{extract.shown(location)}: tonight's extract is not there (yet)"
    if "://" in location:
        return None, f"{said}; name another with make contract FILE=..."
    template = extract.locate(contract, tonight, paths, re.sub(r"\{extract_date[^}]*\}", "*", contract.extract.path))
    others = sorted(Path("/").glob(template.lstrip("/")), key=lambda other: other.stat().st_mtime)
    if not others:
        return None, f"{said}; name another with make contract FILE=..."
    return str(others[-1]), f"{said}; the newest one is tried"


def _judged(contract: Contract, location: str) -> Outcome:
    """Judge the extract as the DAG would, in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="contract-trial-") as folder:
        return validate(
            contract, extract.read(contract, location), docs=Path(folder) / "docs", staging=Path(folder) / "staging"
        )


def _told(outcome: Outcome | PipelineError) -> Iterator[str]:
    if isinstance(outcome, PipelineError):
        yield "cannot be read, so the night would fail"
        yield str(outcome)
        return
    if not outcome.success:
        yield f"{outcome.rows_in:,} rows; the night would be refused, and nothing of it loaded"
        yield from outcome.problems
        return
    yield (
        f"{outcome.rows_in:,} rows; {outcome.valid_rows:,} would be loaded and {outcome.quarantined_rows:,} quarantined"
    )
    frequent = [each for each in outcome.broken if each.severity == "quarantine"]
    for each in frequent[:REASONS_SHOWN]:
        yield f"{each.rows:,} in line {each.lines}: {each.example}"
    if len(frequent) > REASONS_SHOWN:
        yield f"and {len(frequent) - REASONS_SHOWN} more reasons"
    yield from (f"let pass: {warning}" for warning in outcome.warnings)


def _advised(found: list[Hint], document: Document) -> Iterator[str]:
    if found:
        yield "Set in the contract:"
    for hint in found:
        here = hint.key in document.lines
        place = f"line {document.line(hint.key)}" if here else f"below line {document.line(hint.key)}"
        yield f"  {document.path}, {place}, {'.'.join(hint.key)}: write {hint.written()}   ({hint.why})"


def _with_them(contract: Contract, location: str) -> Iterator[str]:
    try:
        outcome = _judged(contract, location)
    except PipelineError as problem:
        yield f"With that it still cannot be read: {problem}"
        return
    if outcome.success:
        yield (
            f"With that, {outcome.valid_rows:,} of {outcome.rows_in:,} rows would be loaded and "
            f"{outcome.quarantined_rows:,} quarantined."
        )
    else:
        yield "With that the night would still be refused:"
        yield from (f"  {problem}" for problem in outcome.problems)
