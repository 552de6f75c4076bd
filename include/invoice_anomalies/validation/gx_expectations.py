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
SEVERITIES = {"abort": "critical", "quarantine": "warning", "warn": "info"}

NOT_NULL = "expect_column_values_to_not_be_null"
COLUMN_SET = "expect_table_columns_to_match_set"
ROW_COUNT = "expect_table_row_count_to_be_between"

# Expectations that check a row by itself alone. All others are checked on the whole night, which is always right.
ROW_BY_ROW = {
    NOT_NULL,
    "expect_column_values_to_be_null",
    "expect_column_values_to_be_between",
    "expect_column_values_to_be_in_set",
    "expect_column_values_to_not_be_in_set",
    "expect_column_values_to_match_regex",
    "expect_column_values_to_not_match_regex",
    "expect_column_values_to_match_regex_list",
    "expect_column_values_to_not_match_regex_list",
    "expect_column_values_to_match_strftime_format",
    "expect_column_values_to_be_dateutil_parseable",
    "expect_column_values_to_be_json_parseable",
    "expect_column_values_to_match_json_schema",
    "expect_column_value_lengths_to_be_between",
    "expect_column_value_lengths_to_equal",
    "expect_column_pair_values_a_to_be_greater_than_b",
    "expect_column_pair_values_to_be_equal",
    "expect_column_pair_values_to_be_in_set",
    "expect_multicolumn_sum_to_equal",
    "expect_select_column_values_to_be_unique_within_record",
}
UNIQUENESS = {"expect_column_values_to_be_unique", "expect_compound_columns_to_be_unique"}
HEADER_ONLY = {
    COLUMN_SET,
    "expect_table_columns_to_match_ordered_list",
    "expect_table_column_count_to_be_between",
    "expect_table_column_count_to_equal",
}


def build(where: str, kind: str, kwargs: Mapping[str, Any], severity: str, rule_index: int) -> Any:
    """Build an expectation, with the index of its rule in its meta.

    Raises ContractError, with the remedy, where its arguments are wrong.
    """
    implementation = _implementation(where, kind)
    if own := [key for key in kwargs if key in OWN_KEYS]:
        raise ContractError(f"{where}: kwargs.{own[0]} is set by the pipeline; remove it (severity stands beside type)")
    try:
        return implementation(**kwargs, severity=SEVERITIES[severity], meta={"rule": rule_index})
    except (ValueError, TypeError) as problem:
        raise ContractError("\n".join(_mistakes(where, problem, implementation))) from None


def is_row_level(where: str, kind: str) -> bool:
    """Whether the expectation checks each row, and not only the table or a column as a whole."""
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
        key = ".".join(str(step) for step in error["loc"] if step != "__root__")
        if "extra fields" in error["msg"]:
            remedy = _near(key, known) or "use of: " + ", ".join(known)
            mistakes.append(f"{where}: kwargs.{key} is not an argument of it; {remedy}")
        else:
            argument = f"kwargs.{key}" if key else "kwargs"
            mistakes.append(f"{where}: {argument}: {error['msg']}; its arguments are: {', '.join(known)}")
    return mistakes


def _near(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else ""
