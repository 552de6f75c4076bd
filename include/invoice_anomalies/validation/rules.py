"""From the contract to the rules of the night: each an expectation, a severity and a reason; and what each must see."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from invoice_anomalies.contract import Contract
from invoice_anomalies.contract.fields import InvoiceField, Severity
from invoice_anomalies.contract.schema import LINE, Expectation
from invoice_anomalies.extract import STRUCTURE_ERROR
from invoice_anomalies.validation.gx_expectations import (
    COLUMN_SET,
    HEADER_ONLY,
    ROW_BY_ROW,
    ROW_COUNT,
    UNIQUENESS,
    build,
    fields_read,
    gx_value,
    is_row_level,
    whole_match,
    with_missing_ignored,
)
from invoice_anomalies.validation.parse import shown

ALLOWED_SHOWN = 12  # allowed values that a reason lists
ARTICLES = {"amount": "an amount", "identifier": "an identifier", "text": "plain text"}


@dataclass(frozen=True)
class Rule:
    """One rule of the night.

    kind, kwargs: the expectation as Great Expectations spells it.
    columns: the columns it reads, which may include unreadable(field) and STRUCTURE_ERROR.
    words: what is said behind the values that broke the rule; of a rule that names no rows, about the table.
    row_level: whether it can name the rows that break it; of others, any failure refuses the night.
    expectation: the GX object; its meta carries the rule's index in the list.
    """

    kind: str
    kwargs: dict[str, Any]
    severity: Severity
    columns: tuple[str, ...] = ()
    words: str = ""
    row_level: bool = True
    is_key: bool = False
    where: str = ""
    expectation: Any = field(default=None, compare=False)

    def reason(self, came: Sequence[Any]) -> str:
        """Say what is wrong with one row, given what came in the rule's columns."""
        column = self.columns[0]
        if column == STRUCTURE_ERROR:
            return str(came[0])
        if column.endswith(UNREADABLE):
            return f"{column.removesuffix(UNREADABLE)}: {came[0]}"
        values = ", ".join(f"{name}: {shown(value)}" for name, value in zip(self.columns, came, strict=True))
        return values + self._glued

    @property
    def quarantines_alone(self) -> bool:
        """Whether each row that breaks it is quarantined, whatever the others are; of a key, one row keeps it."""
        return self.severity == "quarantine" and not self.is_key

    @property
    def label(self) -> str:
        """The rule in words, for counts."""
        names = ", ".join(name.removesuffix(UNREADABLE) for name in self.columns)
        return (names + self._glued).strip()

    @property
    def _glued(self) -> str:
        return self.words if self.words.startswith((":", ",")) else f" {self.words}"


@dataclass(frozen=True)
class RuleFailure:
    """What Great Expectations found of a rule that failed.

    observed: what was observed instead, of rules about the table. error: why it could not be evaluated; "" where it
    could.
    """

    rule_index: int
    observed: Any
    error: str


UNREADABLE = " (unreadable)"


def unreadable(name: str) -> str:
    """The column that holds the sentences about a field's unreadable values."""
    return f"{name}{UNREADABLE}"


def build_rules(contract: Contract, usual_rows: float | None = None) -> list[Rule]:
    """All rules of the contract; raise ContractError where an extra expectation is not one that GX knows."""
    drafts = [
        *_table_rules(contract, usual_rows),
        _value_rule("be_null", STRUCTURE_ERROR, "quarantine", "more values than headers"),
        *(rule for name, field in contract.fields.items() for rule in _field_rules(contract, name, field)),
        *_key_rules(contract),
        *(_extra_rule(contract, number, extra) for number, extra in enumerate(contract.validation.expectations)),
    ]
    return [_built(index, rule) for index, rule in enumerate(drafts)]


def _built(rule_index: int, rule: Rule) -> Rule:
    return replace(rule, expectation=build(rule.where, rule.kind, rule.kwargs, rule.severity, rule_index))


def _table_rules(contract: Contract, usual_rows: float | None) -> Iterator[Rule]:
    rows = contract.validation.rows
    columns = {"column_set": list(contract.fields), "exact_match": False}
    yield Rule(COLUMN_SET, columns, "abort", row_level=False)
    yield _row_count(rows.min, rows.max, "by validation.rows of the contract")
    if rows.times_usual and usual_rows:
        # The usual night can be a half row (a median); the bounds are rounded to the side that lets a night pass.
        few, many = int(usual_rows / rows.times_usual), int(usual_rows * rows.times_usual + 0.999)
        yield _row_count(few, many, f"as the usual night has {usual_rows:,.0f} (validation.rows.times_usual)")


def _row_count(few: int, many: int | None, because: str) -> Rule:
    expected = f"at least {few:,}" if many is None else f"{few:,} to {many:,}"
    words = f"expected {expected} {'row' if expected == 'at least 1' else 'rows'}, {because}"
    bounds = {"min_value": few, "max_value": many}
    return Rule(ROW_COUNT, bounds, "abort", (), words, row_level=False)


def _field_rules(contract: Contract, name: str, field: InvoiceField) -> Iterator[Rule]:
    # A row without its key cannot be loaded, so it does not stay even where the field's rules only warn.
    needed = name in contract.key and field.severity == "warn"
    presence: Severity = "quarantine" if needed else field.severity
    if field.required:
        yield _value_rule("not_be_null", name, presence, ", but a value is required")
    yield Rule(
        "expect_column_values_to_be_null",
        {"column": unreadable(name)},
        presence,
        (unreadable(name),),
        f"is not {ARTICLES.get(field.type, f'a {field.type}')}",
    )
    if field.min is not None:
        words = f"is below the minimum; expected at least {_bound(field.min)}"
        yield _value_rule("be_between", name, field.severity, words, min_value=gx_value(field.min))
    if field.max is not None:
        words = f"is above the maximum; expected at most {_bound(field.max)}"
        yield _value_rule("be_between", name, field.severity, words, max_value=gx_value(field.max))
    if field.allowed is not None:
        listed = ", ".join(field.allowed[:ALLOWED_SHOWN]) + (", …" if len(field.allowed) > ALLOWED_SHOWN else "")
        words = f"is not allowed; expected one of {listed}"
        yield _value_rule("be_in_set", name, field.severity, words, value_set=field.allowed)
    if field.pattern is not None:
        words = f"does not match the pattern; expected {field.pattern} for the whole value"
        yield _value_rule("match_regex", name, field.severity, words, regex=whole_match(field.pattern))


def _value_rule(kind: str, name: str, severity: Severity, words: str, **kwargs: Any) -> Rule:
    return Rule(f"expect_column_values_to_{kind}", {"column": name, **kwargs}, severity, (name,), words)


def _bound(bound: Any) -> str:
    return f"{bound:.15g}" if isinstance(bound, float) else str(bound)


def _key_rules(contract: Contract) -> Iterator[Rule]:
    if LINE in contract.key:
        return  # its line makes every invoice of the file its own
    columns = tuple(contract.key)
    kind, kwargs = "expect_column_values_to_be_unique", dict[str, Any](column=columns[0])
    if len(columns) > 1:
        kind = "expect_compound_columns_to_be_unique"
        kwargs = {"column_list": list(columns), "ignore_row_if": "any_value_is_missing"}
    yield Rule(kind, kwargs, "quarantine", columns, "the same key as another line", is_key=True)


def _extra_rule(contract: Contract, number: int, extra: Expectation) -> Rule:
    where = f"validation.expectations.{number}, {extra.type}"
    columns = fields_read(contract, where, extra.kwargs)
    kwargs = {key: gx_value(value) for key, value in extra.kwargs.items()}
    row_level = is_row_level(where, extra.type)
    given = ", ".join(f"{key} {value}" for key, value in extra.kwargs.items() if not key.startswith("column"))
    spelled = extra.type.removeprefix("expect_").replace("_", " ") + (f" ({given})" if given else "")
    return Rule(
        extra.type,
        with_missing_ignored(where, extra.type, kwargs) if row_level else kwargs,
        extra.severity,
        columns,
        f": {extra.reason or f'expected {spelled}'}",
        row_level,
        where=where,
    )


@dataclass(frozen=True)
class Scopes:
    """The rules of a night by what they must see; each chunk is checked by those of `chunks`, the night by `night`."""

    header: list[Rule]
    rows: list[Rule]
    night: list[Rule]

    @property
    def chunks(self) -> list[Rule]:
        """The rules that see a chunk alone."""
        return [*self.header, *self.rows]

    @property
    def table(self) -> list[Rule]:
        """The rules about the night as a whole that name no rows."""
        return [rule for rule in self.night if not rule.row_level]


def scopes(rules: Sequence[Rule]) -> Scopes:
    """Sort the rules by what they must see."""
    header = [rule for rule in rules if rule.kind in HEADER_ONLY]
    rows = [rule for rule in rules if _row_by_row(rule)]
    ids = {id(rule) for rule in (*header, *rows)}
    return Scopes(header, rows, [rule for rule in rules if id(rule) not in ids])


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
