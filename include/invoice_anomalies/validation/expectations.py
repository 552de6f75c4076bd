"""Great Expectations' own spelling: look an expectation up, build it, and say what is wrong where it is misspelled."""

import difflib
import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from invoice_anomalies.contract import Contract
from invoice_anomalies.errors import ContractError

# Keys of an expectation that are not for the contract: the pipeline sets them.
OWN_KEYS = ("meta", "severity", "result_format", "id", "catch_exceptions", "rendered_content", "windows")
COLUMN_KEYS = ("column", "column_A", "column_B")


def build(where: str, kind: str, kwargs: Mapping[str, Any], more: Mapping[str, Any]) -> Any:
    """Build an expectation; raise ContractError with the remedy where its arguments are wrong."""
    implementation = _implementation(where, kind)
    if own := [key for key in kwargs if key in OWN_KEYS]:
        raise ContractError(f"{where}: kwargs.{own[0]} is set by the pipeline; remove it (severity stands beside type)")
    try:
        return implementation(**kwargs, **more)
    except (ValueError, TypeError) as problem:
        raise ContractError("\n".join(_mistakes(where, problem, implementation))) from None


def is_row_level(where: str, kind: str) -> bool:
    """Whether the expectation judges each row, and not only the table or a column as a whole."""
    from great_expectations.expectations import expectation as gx

    maps = (gx.ColumnMapExpectation, gx.ColumnPairMapExpectation, gx.MulticolumnMapExpectation)
    return issubclass(_implementation(where, kind), maps)


def with_missing_ignored(where: str, kind: str, kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Leave rows with a missing value out of a rule over several columns, unless the contract says otherwise.

    Whether a value may be missing is for `required` to say; GX alone would call the pair broken.
    """
    from great_expectations.expectations import expectation as gx

    implementation = _implementation(where, kind)
    default = {}
    if issubclass(implementation, gx.ColumnPairMapExpectation):
        default = {"ignore_row_if": "either_value_is_missing"}
    elif issubclass(implementation, gx.MulticolumnMapExpectation):
        default = {"ignore_row_if": "any_value_is_missing"}
    return {**default, **kwargs}


def fields_read(contract: Contract, where: str, kwargs: Mapping[str, Any]) -> tuple[str, ...]:
    """The contract's fields that an expectation reads; raise ContractError where one is not a field."""
    listed = kwargs.get("column_list")
    names = [kwargs[key] for key in COLUMN_KEYS if key in kwargs] + (listed if isinstance(listed, list) else [])
    for name in names:
        if name not in contract.fields:
            near = _near(str(name), list(contract.fields))
            raise ContractError(
                f"{where}: {name!r} is not one of the fields; "
                f"{near or 'use one of: ' + ', '.join(contract.fields)} (expectations name fields, not headers)"
            )
    return tuple(names)


def gx_value(value: Any) -> Any:
    """A value of the contract as GX compares it: YAML's dates become datetimes."""
    if isinstance(value, list):
        return [gx_value(item) for item in value]
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)
    return value


def whole_match(pattern: str) -> str:
    """The pattern for a search that must find the whole value; leading flags stay in front."""
    flags = re.match(r"(?:\(\?[aimsux]+\))*", pattern)
    front = flags.group() if flags else ""
    return rf"{front}\A(?:{pattern.removeprefix(front)})\Z"


def _implementation(where: str, kind: str) -> Any:
    import great_expectations.expectations  # noqa: F401 — registers the expectations
    from great_expectations.exceptions import ExpectationNotFoundError
    from great_expectations.expectations import registry

    try:
        return registry.get_expectation_impl(kind)
    except ExpectationNotFoundError:
        near = _near(kind, registry.list_registered_expectation_implementations())
        remedy = near or "see https://greatexpectations.io/expectations for their names"
        raise ContractError(f"{where}: Great Expectations knows no expectation of this type; {remedy}") from None


def _mistakes(where: str, problem: Exception, implementation: Any) -> list[str]:
    known = [key for key in implementation.__fields__ if key not in OWN_KEYS]
    mistakes = []
    for error in getattr(problem, "errors", lambda: [{"loc": (), "msg": str(problem)}])():
        key = ".".join(str(part) for part in error["loc"] if part != "__root__")
        if "extra fields" in error["msg"]:
            remedy = _near(key, known) or "use of: " + ", ".join(known)
            mistakes.append(f"{where}: kwargs.{key} is not an argument of it; {remedy}")
        else:
            place = f"kwargs.{key}" if key else "kwargs"
            mistakes.append(f"{where}: {place}: {error['msg']}; its arguments are: {', '.join(known)}")
    return mistakes


def _near(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else ""
