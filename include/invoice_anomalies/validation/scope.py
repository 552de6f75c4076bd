"""How much of a night a rule must see before it can judge: one row, the header, or all rows at once."""

from collections.abc import Sequence
from dataclasses import dataclass

from invoice_anomalies.contract import Contract
from invoice_anomalies.validation.rules import Rule

NOT_NULL = "expect_column_values_to_not_be_null"
ROW_COUNT = "expect_table_row_count_to_be_between"

# Expectations that judge a row by itself alone. What is not listed is judged on the whole night, which is always right.
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
OF_THE_HEADER = {
    "expect_table_columns_to_match_set",
    "expect_table_columns_to_match_ordered_list",
    "expect_table_column_count_to_be_between",
    "expect_table_column_count_to_equal",
}


@dataclass(frozen=True)
class Scopes:
    """The rules of a night by what they must see; each part is judged by those of `parts`, the night by `night`."""

    header: list[Rule]
    rows: list[Rule]
    night: list[Rule]

    @property
    def parts(self) -> list[Rule]:
        return [*self.header, *self.rows]

    @property
    def table(self) -> list[Rule]:
        """The rules about the night as a whole that name no rows."""
        return [rule for rule in self.night if not rule.row_level]


def scopes(rules: Sequence[Rule]) -> Scopes:
    """Sort the rules by what they must see."""
    header = [rule for rule in rules if rule.kind in OF_THE_HEADER]
    rows = [rule for rule in rules if _row_by_row(rule)]
    places = {id(rule) for rule in (*header, *rows)}
    return Scopes(header, rows, [rule for rule in rules if id(rule) not in places])


def columns_of(contract: Contract, rules: Sequence[Rule]) -> list[str]:
    """The fields that these rules read; all of them where a condition may name any."""
    if any(rule.kwargs.get("row_condition") for rule in rules):
        return list(contract.fields)
    read = {name for rule in rules for name in rule.columns}
    return [name for name in contract.fields if name in read]


def only_compared(rules: Sequence[Rule]) -> set[str]:
    """The fields of which these rules need not know the values, only which of them are equal."""
    others = [rule for rule in rules if rule.kind not in UNIQUENESS or rule.kwargs.get("row_condition")]
    if any(rule.kwargs.get("row_condition") for rule in others):
        return set()
    return {name for rule in rules for name in rule.columns} - {name for rule in others for name in rule.columns}


def most_rows(rules: Sequence[Rule]) -> float:
    """The number of rows above which the night is refused, whatever else is in it."""
    bounds = [rule.kwargs.get("max_value") for rule in rules if rule.kind == ROW_COUNT and rule.severity != "warn"]
    return min((bound for bound in bounds if bound is not None), default=float("inf"))


def _row_by_row(rule: Rule) -> bool:
    # A rule that most rows may keep is broken or not by all rows together.
    return rule.kind in ROW_BY_ROW and rule.kwargs.get("mostly", 1) == 1
