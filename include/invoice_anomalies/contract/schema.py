"""The data contract in its typed form: everything the pipeline knows about a company's own columns.

`load_contract` reads the YAML file; a mistake in it becomes one line that names the file, the line, the key and
the remedy. `json_schema` gives the schema that lets an editor complete the file.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import Field, StringConstraints, ValidationError, field_validator, model_validator

from invoice_anomalies.contract.fields import (
    NUMERIC_TYPES,
    DateFormat,
    DerivedField,
    Encoding,
    InvoiceField,
    Name,
    Part,
    Severity,
)
from invoice_anomalies.contract.yaml_file import Mistake, read_yaml, report
from invoice_anomalies.errors import ContractError

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEK: tuple[Weekday, ...] = get_args(Weekday)
Cron = Annotated[str, StringConstraints(pattern=r"^(\S+\s+){4}\S+$")]
Email = Annotated[str, StringConstraints(pattern=r"^[^@\s,;<>\"]+@[^@\s,;<>\"]+$")]

RESERVED = {"invoice_key", "extract_date", "loaded_at", "file", "line", "reasons", "raw"}
LINE = "line"


class Extract(Part):
    """Where a night's extract lies and how it is written."""

    path: str = Field(description="Template with {extract_date}; below INVOICES_HOME, absolute, or any fsspec URL.")
    format: Literal["csv", "parquet", "excel"] | None = Field(None, description="Told from the path where not given.")
    delimiter: str = Field(",", min_length=1, max_length=1, description="Separator of a CSV file.")
    decimal: Literal[".", ","] = Field(".", description="Decimal mark of numbers.")
    thousands: Literal[",", ".", " ", "'"] | None = Field(None, description="Thousands mark of numbers, if any.")
    date_format: DateFormat = Field("%Y-%m-%d", description="Format of dates, as strptime spells it.")
    encoding: Encoding = Field("utf-8", description="Character encoding of a CSV file.")
    sheet: str | None = Field(None, description="Sheet of an Excel file; the first one by default.")
    empty_values: list[str] = Field(["", "NULL"], description="Texts that mean 'no value'.")
    deadline_hours: float = Field(6, gt=0, description="How long after its schedule a night may wait for its extract.")
    settle_seconds: float = Field(
        2, ge=0, description="An extract changed within so many last seconds counts as still being written."
    )

    @model_validator(mode="after")
    def _marks_differ(self) -> Self:
        if self.thousands == self.decimal:
            raise ValueError(f"decimal and thousands are both {self.decimal!r}; name two different marks")
        return self

    @field_validator("path")
    @classmethod
    def _path_names_the_night(cls, path: str) -> str:
        try:
            path.format(extract_date=date(2000, 1, 1))
        except (KeyError, IndexError, ValueError) as problem:
            raise ValueError(f"is not a template: {problem}; the only placeholder is {{extract_date}}") from None
        return path


class Rows(Part):
    """How many rows a night may have; outside of that the night is refused. Not judged in a history."""

    min: int = Field(1, ge=0, description="Fewest rows of a night.")
    max: int | None = Field(None, gt=0, description="Most rows of a night.")
    times_usual: float | None = Field(
        None, gt=1, description="Refuse a night with this many times more, or fewer, rows than the usual night."
    )


class Expectation(Part):
    """An extra Great Expectations rule, as GX spells it."""

    type: str = Field(description="Name of the expectation, e.g. expect_column_pair_values_a_to_be_greater_than_b.")
    kwargs: dict[str, Any] = Field(default_factory=dict, description="Its arguments.")
    severity: Severity = Field("quarantine", description="What a broken rule does.")
    reason: str | None = Field(None, description="Words for the reason of a quarantined row.")


class Validation(Part):
    """Rules beyond those of the single fields."""

    rows: Rows = Field(Rows(), description="How many rows a night may have.")
    max_quarantined_share: float = Field(
        0.5, gt=0, le=1, description="Refuse the night where a larger share of its rows is unfit: the format changed."
    )
    max_repeated_share: float = Field(
        0.9,
        gt=0,
        le=1,
        description="Refuse the night where one other night has a larger share of its rows, or all of them: it came "
        "under a wrong date. 1: extracts overlap by intent, nothing is refused.",
    )
    expectations: list[Expectation] = Field(default_factory=list, description="Extra rules, as GX spells them.")


class Detection(Part):
    """How the model learns and when an invoice is flagged."""

    threshold_quantile: float = Field(
        0.99, gt=0.5, lt=1, description="Invoices above this quantile of the training scores are flagged."
    )
    review_budget: int | None = Field(
        None, gt=0, description="At most this many invoices of a night are flagged; the highest scores first."
    )
    training_days: int = Field(365, gt=0, description="Length of the training window, days before the training date.")
    history_days: int = Field(365, gt=0, description="How far back the history of an entity reaches when scoring.")
    history_rows: int = Field(
        2_000, gt=0, description="Most earlier invoices of one entity that are read when scoring: the newest."
    )
    minimum_rows: int = Field(500, ge=50, description="Fewest invoices to train on.")
    hidden_units: list[int] = Field([96, 48, 96], min_length=1, description="Widths of the network's hidden layers.")
    epochs: int = Field(12, gt=0, description="Most passes over the training set; early stopping may end sooner.")
    seed: int = Field(7, description="Seed of every random step; the same seed and data give the same model.")
    duplicate_days: int = Field(
        120, ge=0, description="How many nights back a repeated invoice is looked for; 0 looks for none."
    )
    approval_limits: list[float] = Field(
        default_factory=list, description="Amounts from which an approval is needed; invoices split below one are told."
    )
    split_days: int = Field(10, gt=0, description="Invoices of an entity within so many days may be parts of one.")
    chunk_rows: int = Field(100_000, gt=0, description="About how many invoices one mapped scoring task takes.")


class Schedule(Part):
    """When the DAGs run, as cron expressions in one time zone."""

    timezone: str = Field("UTC", description="Time zone of the expressions and of extract dates.")
    start_date: date = Field(
        date(2024, 1, 1), description="First night that may be scheduled, backfilled or loaded from a history."
    )
    days: list[Weekday] = Field(list(WEEK), min_length=1, description="Days of the week whose night brings an extract.")
    holidays: list[date] = Field(
        default_factory=list, description="Dates without an extract, beside the days of the week that have none."
    )
    validate_invoices: Cron = Field("0 2 * * *", description="Nightly.")
    train_autoencoder: Cron = Field("0 3 * * 0", description="Weekly.")
    score_invoices: Cron = Field("0 4 * * *", description="Daily, after validation.")
    summarise_anomalies: Cron = Field("0 7 * * *", description="Daily, after scoring.")

    @field_validator("timezone")
    @classmethod
    def _timezone_exists(cls, timezone: str) -> str:
        from zoneinfo import ZoneInfo

        try:
            ZoneInfo(timezone)
        except (KeyError, ValueError, OSError):
            raise ValueError("is not a time zone of the IANA list, e.g. Europe/Paris") from None
        return timezone

    def why_none(self, night: date) -> str | None:
        """Why a night brings no extract, in words; None where one is expected."""
        if WEEK[night.weekday()] not in self.days:
            return f"schedule.days of the contract has no {WEEK[night.weekday()]}"
        return "schedule.holidays of the contract names the date" if night in self.holidays else None


class Report(Part):
    """Who is told, and how much."""

    recipients: list[Email] = Field(min_length=1, description="Who receives alerts and summaries.")
    operators: list[Email] = Field(
        default_factory=list, description="Who is told of failed runs and missing extracts; `recipients` by default."
    )
    sender: Email = Field("invoices@example.com", description="Sender, where the SMTP connection names none.")
    top: int = Field(20, gt=0, description="Most anomalies that a message shows in full.")

    @property
    def told_of_failures(self) -> list[str]:
        """Who receives the notices of failures."""
        return self.operators or self.recipients


class Contract(Part):
    """A company's invoices: fields, key, entity, rules, detection and reports."""

    name: Name = Field(description="Short name of the data set; names the GX suite.")
    description: str = Field("", description="What the extract holds.")
    entity: str | None = Field(None, description="The field whose history gives context, usually the vendor.")
    entity_name: str | None = Field(
        None, description="The field with the entity's name: tells that two entities may be the same one."
    )
    amount: str | None = Field(None, description="The amount field that is the money at risk.")
    currency: str | None = Field(None, description="The category field that holds the currency of the amount.")
    invoice_number: str | None = Field(
        None,
        description="The identifier field that repeated invoices are known by; else the first one that takes part in "
        "detection.",
    )
    invoice_date: str | None = Field(
        None, description="The date field with the date of the document; else the first date of the fields."
    )
    key: list[str] = Field(
        min_length=1, description="Fields that identify an invoice; `line` is its place in its file."
    )
    extract: Extract
    fields: dict[Name, InvoiceField] = Field(min_length=1, description="The columns, by field name.")
    derived: dict[Name, DerivedField] = Field(
        default_factory=dict, description="Ratios, differences and sums of fields, judged like fields of their own."
    )
    validation: Validation = Validation()
    detection: Detection = Detection()
    schedule: Schedule = Schedule()
    report: Report

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        mistakes = [
            *self._wrong_roles(),
            *self._wrong_references(),
            *self._taken_names(),
            *self._open_keys(),
        ]
        if not self.scored_fields:
            mistakes.append(Mistake(("fields",), "no field takes part in detection", "set detect: true on some"))
        if mistakes:
            raise ValueError(mistakes)
        return self

    def _wrong_roles(self) -> Iterator[Mistake]:
        yield from self._reference(("entity",), self.entity, ("category", "identifier"))
        yield from self._reference(("entity_name",), self.entity_name, ("category", "identifier", "text"))
        yield from self._reference(("amount",), self.amount, ("amount",))
        yield from self._reference(("currency",), self.currency, ("category",))
        yield from self._reference(("invoice_number",), self.invoice_number, ("identifier",))
        yield from self._reference(("invoice_date",), self.invoice_date, ("date",))
        number = self.fields.get(self.invoice_number or "")
        if number is not None and number.type == "identifier" and not number.detect:
            yield Mistake(
                ("invoice_number",),
                f"{self.invoice_number} does not take part in detection, so no repeated number can be told",
                "set detect: true on it, name another identifier, or leave out invoice_number:",
            )

    def _wrong_references(self) -> Iterator[Mistake]:
        for i, name in enumerate(self.key):
            if name != LINE:
                yield from self._reference(("key", i), name)
        for name, field in self.fields.items():
            yield from self._reference(("fields", name, "relative_to"), field.relative_to, ("date",))
        for name, derived in self.derived.items():
            for i, part in enumerate(derived.parts):
                yield from self._reference(("derived", name, derived.operation, i), part, NUMERIC_TYPES)

    def _taken_names(self) -> Iterator[Mistake]:
        for name in self.derived:
            if name in self.fields:
                yield Mistake(("derived", name), "is also the name of a field", "give the derived field another name")
        for name in self.fields:
            if name in RESERVED:
                taken = "is a column that the tables add themselves"
                yield Mistake(("fields", name), taken, "rename the field and set column:")
        headers = [self.header(name) for name in self.fields]
        for name in self.fields:
            if headers.count(self.header(name)) > 1:
                twice = f"{self.header(name)!r} is read by two fields"
                yield Mistake(("fields", name, "column"), twice, "give each its own column")

    def _open_keys(self) -> Iterator[Mistake]:
        for i, name in enumerate(self.key):
            if name in self.fields and not self.fields[name].required:
                yield Mistake(("key", i), f"{name} may be empty, so it cannot identify an invoice", "make it required")

    def _reference(self, where: tuple[str | int, ...], name: str | None, types: tuple[str, ...] = ()) -> list[Mistake]:
        if name is None:
            return []
        if name not in self.fields:
            return [Mistake(where, f"{name!r} is not one of the fields", "use one of: " + ", ".join(self.fields))]
        if types and self.fields[name].type not in types:
            fitting = [other for other, field in self.fields.items() if field.type in types] or ["(none)"]
            return [
                Mistake(
                    where,
                    f"{name} is {_a(self.fields[name].type)}",
                    f"use {_a(' or '.join(types))}: {', '.join(fitting)}",
                )
            ]
        return []

    def header(self, name: str) -> str:
        """Header of a field in the extract."""
        return self.fields[name].column or name

    def label(self, name: str) -> str:
        """What people call a field or a derived field; its name with blanks where the contract has no word for it."""
        field = self.fields.get(name) or self.derived.get(name)
        return (field.label if field else None) or name.replace("_", " ")

    @property
    def detected(self) -> dict[str, InvoiceField]:
        """The fields that take part in detection, in the contract's order."""
        return {name: field for name, field in self.fields.items() if field.detect}

    @property
    def scored_fields(self) -> list[str]:
        """What gets an error of its own: the fields that take part in detection, then the derived ones."""
        return [*self.detected, *self.derived]

    @property
    def invoice_number_field(self) -> str | None:
        """The field of the invoice number: the role, else the first identifier that takes part in detection."""
        first = next((name for name, field in self.detected.items() if field.type == "identifier"), None)
        return self.invoice_number or first

    @property
    def invoice_date_field(self) -> str | None:
        """The field of the document's date: the role, else the first date of the fields."""
        return self.invoice_date or next(iter(self.of_type("date")), None)

    @property
    def booking_date_field(self) -> str | None:
        """The date that the document's date is counted from, itself or by way of others; else the document's date."""
        name, seen = self.invoice_date_field, set[str]()
        while name is not None and name not in seen:
            seen.add(name)
            name = self.fields[name].relative_to or name
        return name

    @property
    def dates(self) -> list[str]:
        """All dates: of the document, those that it is counted from, others by name; without the role as they stand."""
        if self.invoice_date is None:
            return self.of_type("date")
        first: list[str] = []
        name = self.invoice_date_field
        while name is not None and name not in first:
            first.append(name)
            name = self.fields[name].relative_to
        return first + sorted(set(self.of_type("date")) - set(first))

    def of_type(self, *types: str) -> list[str]:
        """Names of the fields of these types, in the contract's order."""
        return [name for name, field in self.fields.items() if field.type in types]


def load_contract(path: Path) -> Contract:
    """Read and check a contract; raise ContractError with one line for each mistake."""
    document = read_yaml(path)
    try:
        return Contract.model_validate(document.data)
    except ValidationError as error:
        raise ContractError(report(document, error, Contract)) from None


def json_schema() -> dict[str, Any]:
    """The contract's JSON Schema (draft 2020-12), for editors."""
    schema = Contract.model_json_schema()
    # Without this an editor would take a field name that the contract refuses.
    schema["properties"]["fields"]["additionalProperties"] = False
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _a(kind: str) -> str:
    """The name of a type with its article."""
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
