"""docs/contract.md says everything about the contract, and nothing that is not so."""

import re
from typing import get_args

import pytest
import yaml

from invoice_anomalies.contract import json_schema, load_contract
from invoice_anomalies.contract import reference as reference_page
from invoice_anomalies.contract.fields import FieldType, InvoiceField, Severity
from invoice_anomalies.contract.reference import REFERENCE, SCHEMA, reference, schema_text
from invoice_anomalies.errors import ContractError
from invoice_anomalies.paths import PROJECT
from invoice_anomalies.warehouse.schema.columns import COLUMN_TYPES
from tests.docs.pages import blocks, first_cells, page, section

REMEDY = "run: python -m invoice_anomalies.contract.reference"


def test_the_reference_and_the_schema_are_up_to_date() -> None:
    assert page(REFERENCE) == reference(), REMEDY
    assert page(SCHEMA) == schema_text(), REMEDY


def test_the_reference_follows_a_new_key(monkeypatch: pytest.MonkeyPatch) -> None:
    schema = json_schema()
    schema["$defs"]["Report"]["properties"]["quiet"] = {"type": "boolean", "default": False, "description": "Hush."}

    monkeypatch.setattr(reference_page, "json_schema", lambda: schema)

    assert "| `quiet` | true or false | `false` | Hush. |" in reference()


def test_every_part_of_the_contract_has_its_section_and_every_key_a_meaning() -> None:
    schema = json_schema()
    assert set(reference_page.PARTS.values()) == {"Contract", *schema["$defs"]}
    assert list(yaml.safe_load(page(PROJECT / "include" / "invoices.yaml"))) == [
        key for key in schema["properties"] if key != "schedule"
    ]
    for where, name in reference_page.PARTS.items():
        heading = f"### `{where}`" if where else "### Top level"
        keys = schema["properties"] if name == "Contract" else schema["$defs"][name]["properties"]
        assert first_cells(section(page(REFERENCE), heading)) == list(keys)
    assert "|  |" not in page(REFERENCE)


def test_every_field_type_is_told_with_the_column_it_becomes() -> None:
    table, _, _ = section(page(REFERENCE), "## Field types").partition("Which rules a type takes:")
    rows = re.findall(r"^\| `(\w+)` \| `([\w ]+)` \|", table, re.MULTILINE)

    assert dict(rows) == COLUMN_TYPES
    assert [name for name, _ in rows] == list(get_args(FieldType))


def test_the_rules_of_each_type_are_those_that_the_contract_takes() -> None:
    table = section(page(REFERENCE), "## Field types").split("Which rules a type takes:")[1]
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", table, re.MULTILINE)
    told = {key: types for keys, types in rows for key in re.findall(r"`(\w+)`", keys)}
    values = {"min": "2020-01-01", "max": "2020-01-01", "allowed": ["a"], "pattern": "a", "relative_to": "a"}

    assert set(told) == set(InvoiceField.model_fields) - {"type"}
    for key, value in values.items():
        for kind in get_args(FieldType):
            fitting = 5 if kind in ("amount", "number") and key in ("min", "max") else value
            assert _is_taken(kind, key, fitting) == (f"`{kind}`" in told[key]), (key, kind)


def _is_taken(kind: str, key: str, value: object) -> bool:
    try:
        InvoiceField.model_validate({"type": kind, key: value})
    except ValueError:
        return False
    return True


def test_every_severity_is_told() -> None:
    assert first_cells(section(page(REFERENCE), "## Severities")) == list(get_args(Severity))


def test_the_examples_are_contracts(tmp_path) -> None:
    smallest, further = blocks(page(REFERENCE), "yaml")
    path = tmp_path / "contract.yaml"
    path.write_text(smallest)
    assert list(load_contract(path).fields) == ["vendor", "invoice_number", "invoice_date", "total"]

    full = yaml.safe_load(page(PROJECT / "include" / "invoices.yaml"))
    path.write_text(yaml.safe_dump({**full, **yaml.safe_load(further)}))
    from invoice_anomalies.validation.rules import build_rules

    kinds = [rule.kind for rule in build_rules(load_contract(path))]
    assert {rule["type"] for rule in yaml.safe_load(further)["validation"]["expectations"]} <= set(kinds)


@pytest.mark.parametrize(
    ("wrong", "help_text"),
    [
        ({"name": "Not Small"}, "lower-case letters, digits and _"),
        ({"key": []}, "list of texts, at least 1"),
        ({"fields": {"Vendor": {"type": "category"}}}, "fields by name (each a name of lower-case letters"),
        ({"detection": {"threshold_quantile": 99}}, "above 0.5, below 1"),
        ({"detection": {"minimum_rows": 3}}, "whole number, at least 50"),
        ({"extract": {"path": "a.csv", "delimiter": ";;"}}, "one character"),
        ({"schedule": {"score_invoices": "daily"}}, "cron expression of five parts"),
        ({"schedule": {"timezone": "Paris"}}, "| `timezone` |"),
        ({"report": {"recipients": ["nobody"]}}, "list of mail addresses"),
        ({"fields": {"a": {"type": "date", "min": 5}}}, "dates, written 2026-01-31 without quotes"),
        ({"fields": {"a": {"type": "text", "allowed": ["b"]}}}, "| `allowed` | `category` |"),
        ({"fields": {"a": {"type": "text", "pattern": "("}}}, "Python regular expression"),
        ({"fields": {"a": {"type": "text", "relative_to": "b"}}}, "`date`: another field of type `date`"),
    ],
)
def test_a_mistake_that_points_to_the_reference_finds_its_answer_there(tmp_path, wrong, help_text) -> None:
    contract = yaml.safe_load(page(PROJECT / "include" / "invoices.yaml"))
    path = tmp_path / "contract.yaml"
    path.write_text(yaml.safe_dump({**contract, **wrong}))

    with pytest.raises(ContractError, match=r"see docs/contract\.md"):
        load_contract(path)

    assert help_text in page(REFERENCE)
