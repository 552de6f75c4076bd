"""The columns of an extract and the numbers derived from them, as the contract declares them."""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

FieldType = Literal["amount", "number", "category", "date", "identifier", "text"]
Severity = Literal["quarantine", "abort", "warn"]
FieldKind = Literal[
    "amount", "quantity", "tax", "arithmetic", "date", "number", "account", "terms", "category", "text"
]  # fmt: skip
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,58}$")]

NUMERIC_TYPES = ("amount", "number")
# What a finding in a field of a type is called, where the field does not say.
KINDS_OF_TYPES: dict[FieldType, FieldKind] = {
    "amount": "amount",
    "number": "quantity",
    "category": "category",
    "date": "date",
    "identifier": "number",
    "text": "text",
}
JOINERS = "\u200c\u200d"  # Persian and Indic scripts need them
LONGEST_LABEL = 60


def _names_the_day(date_format: str) -> str:
    example = datetime(2023, 11, 27, tzinfo=UTC)
    try:
        read = datetime.strptime(example.strftime(date_format), date_format)
    except ValueError as problem:
        raise ValueError(f"is not a format of dates: {problem}; use e.g. %Y-%m-%d or %d.%m.%Y") from None
    if read.date() != example.date():
        raise ValueError("does not name day, month and year; use e.g. %Y-%m-%d or %d.%m.%Y")
    return date_format


def _is_a_line(label: str) -> str:
    if not label.strip() or len(label) > LONGEST_LABEL:
        raise ValueError(f"is not a label: write 1 to {LONGEST_LABEL} characters")
    if not all(letter.isprintable() or letter in JOINERS for letter in label):
        raise ValueError("is not a label: it has a line break or another invisible character")
    return " ".join(label.split())


def _is_of_text(encoding: str) -> str:
    try:
        fine = "1,a\n".encode(encoding).decode(encoding) == "1,a\n"
    except (LookupError, ValueError):
        fine = False
    if not fine:
        raise ValueError("is not an encoding of text; use e.g. utf-8, cp1252 or utf-16")
    return encoding


DateFormat = Annotated[str, AfterValidator(_names_the_day)]
Encoding = Annotated[str, AfterValidator(_is_of_text)]
Label = Annotated[str, AfterValidator(_is_a_line)]


class Part(BaseModel):
    """A part of the contract: unknown keys are mistakes, and nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class InvoiceField(Part):
    """One column of the extract."""

    type: FieldType = Field(description="How the value is read, stored and judged.")
    description: str = Field("", description="What the column means; becomes the comment of the database column.")
    label: Label | None = Field(
        None, description="What sentences and mails call the field; by default its name, with blanks."
    )
    kind: FieldKind | None = Field(
        None, description="What a finding in the field is called, in mails and views; by default by its type."
    )
    column: str | None = Field(None, description="Header in the extract, where it differs from the field's name.")
    required: bool = Field(True, description="Whether an empty value sends the row to quarantine.")
    min: float | date | None = Field(None, description="Smallest allowed value (amount, number, date).")
    max: float | date | None = Field(None, description="Largest allowed value (amount, number, date).")
    allowed: list[str] | None = Field(None, description="The only allowed values (category).")
    pattern: str | None = Field(None, description="Regular expression that the whole value must match.")
    severity: Severity = Field("quarantine", description="What a broken rule of this field does.")
    detect: bool = Field(True, description="Whether the field takes part in anomaly detection.")
    relative_to: str | None = Field(
        None, description="Date fields: the date that this one is judged against; the extract date by default."
    )

    @property
    def called(self) -> FieldKind:
        """What a finding in the field is called."""
        return self.kind or KINDS_OF_TYPES[self.type]

    @field_validator("pattern")
    @classmethod
    def _pattern_compiles(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as problem:
            raise ValueError(f"is not a regular expression: {problem}") from None
        return pattern

    @model_validator(mode="after")
    def _rules_fit_the_type(self) -> Self:
        bounds = [bound for bound in (self.min, self.max) if bound is not None]
        wanted: type | tuple[type, ...] = date if self.type == "date" else (int, float)
        if bounds and self.type not in (*NUMERIC_TYPES, "date"):
            raise ValueError(f"min and max do not apply to a {self.type}; use allowed or pattern")
        if not all(isinstance(bound, wanted) for bound in bounds):
            raise ValueError(
                f"min and max of a {self.type} must be {'dates (YYYY-MM-DD)' if wanted is date else 'numbers'}"
            )
        if self.min is not None and self.max is not None and self.min > self.max:  # type: ignore[operator]
            raise ValueError(f"min {self.min} is above max {self.max}; exchange them")
        if self.allowed is not None and self.type != "category":
            raise ValueError(f"allowed applies to a category, not to a {self.type}")
        if self.pattern is not None and self.type in (*NUMERIC_TYPES, "date"):
            raise ValueError(f"pattern does not apply to a {self.type}; use min and max")
        if self.relative_to is not None and self.type != "date":
            raise ValueError(f"relative_to applies to a date, not to a {self.type}")
        return self


class DerivedField(Part):
    """A number computed from fields of the same invoice, and judged like a field of its own."""

    description: str = Field("", description="What the number means.")
    label: Label | None = Field(
        None, description="What sentences and mails call the number; by default its name, with blanks."
    )
    kind: FieldKind = Field("arithmetic", description="What a finding in the number is called, in mails and views.")
    ratio: list[str] | None = Field(
        None,
        min_length=2,
        max_length=2,
        description="Two numeric fields, the first divided by the second: value and quantity give a unit price.",
    )
    difference: list[str] | None = Field(
        None, min_length=2, description="Numeric fields, the first less all others: gross less net less tax."
    )
    sum: list[str] | None = Field(None, min_length=2, description="Numeric fields, added up.")

    @model_validator(mode="after")
    def _is_computed_one_way(self) -> Self:
        if sum(way is not None for way in (self.ratio, self.difference, self.sum)) != 1:
            raise ValueError("must have one of ratio, difference and sum, and only one")
        return self

    @property
    def operation(self) -> Literal["ratio", "difference", "sum"]:
        return "ratio" if self.ratio else "difference" if self.difference else "sum"

    @property
    def parts(self) -> list[str]:
        """The fields that it is computed from, in order."""
        return list(self.ratio or self.difference or self.sum or ())
