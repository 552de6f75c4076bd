"""From the contract to the rules of the night: each a Great Expectations expectation, a severity and a reason."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from invoice_anomalies.contract import Contract
from invoice_anomalies.contract.fields import InvoiceField, Severity
from invoice_anomalies.contract.schema import LINE, Expectation
from invoice_anomalies.extract import STRUCTURE_ERROR
from invoice_anomalies.validation.expectations import (
    build,
    fields_read,
    gx_value,
    is_row_level,
    whole_match,
    with_missing_ignored,
)
from invoice_anomalies.validation.parse import shown

GX_SEVERITY = {"abort": "critical", "quarantine": "warning", "warn": "info"}
ALLOWED_SHOWN = 12  # allowed values that a reason lists
ARTICLES = {"amount": "an amount", "identifier": "an identifier", "text": "plain text"}


@dataclass(frozen=True)
class Rule:
    """One rule of the night.

    kind, kwargs: the expectation as Great Expectations spells it.
    columns: the columns it reads, which may include unreadable(field) and STRUCTURE_ERROR.
    words: what is said behind the values that broke the rule; of a rule that names no rows, about the table.
    row_level: whether it can name the rows that break it; of others, any failure refuses the night.
    expectation: the GX object; its meta carries the rule's place in the list.
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
    def label(self) -> str:
        """The rule in words, for counts."""
        names = ", ".join(name.removesuffix(UNREADABLE) for name in self.columns)
        return (names + self._glued).strip()

    @property
    def _glued(self) -> str:
        return self.words if self.words.startswith((":", ",")) else f" {self.words}"


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
        *(_extra_rule(contract, place, extra) for place, extra in enumerate(contract.validation.expectations)),
    ]
    return [_built(place, rule) for place, rule in enumerate(drafts)]


def _built(place: int, rule: Rule) -> Rule:
    more = {"severity": GX_SEVERITY[rule.severity], "meta": {"rule": place}}
    expectation = build(rule.where, rule.kind, rule.kwargs, more)
    return Rule(**{**rule.__dict__, "expectation": expectation})


def _table_rules(contract: Contract, usual_rows: float | None) -> Iterator[Rule]:
    rows = contract.validation.rows
    columns = {"column_set": list(contract.fields), "exact_match": False}
    yield Rule("expect_table_columns_to_match_set", columns, "abort", row_level=False)
    yield _row_count(rows.min, rows.max, "by validation.rows of the contract")
    if rows.times_usual and usual_rows:
        # The usual night can be a half row (a median); the bounds are rounded to the side that lets a night pass.
        few, many = int(usual_rows / rows.times_usual), int(usual_rows * rows.times_usual + 0.999)
        yield _row_count(few, many, f"as the usual night has {usual_rows:,.0f} (validation.rows.times_usual)")


def _row_count(few: int, many: int | None, because: str) -> Rule:
    expected = f"at least {few:,}" if many is None else f"{few:,} to {many:,}"
    words = f"expected {expected} {'row' if expected == 'at least 1' else 'rows'}, {because}"
    bounds = {"min_value": few, "max_value": many}
    return Rule("expect_table_row_count_to_be_between", bounds, "abort", (), words, row_level=False)


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


def _extra_rule(contract: Contract, place: int, extra: Expectation) -> Rule:
    where = f"validation.expectations.{place}, {extra.type}"
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
