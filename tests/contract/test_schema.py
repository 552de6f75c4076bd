"""The contract file: what is right loads, and each mistake becomes one line with its place and a remedy."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from invoice_anomalies.contract import Contract, json_schema, load_contract
from invoice_anomalies.contract.fields import InvoiceField
from invoice_anomalies.errors import ContractError
from invoice_anomalies.paths import PROJECT

CONTRACTS = [
    PROJECT / "include" / "invoices.yaml",
    PROJECT / "docs" / "contracts" / "retail_invoices.yaml",
    PROJECT / "docs" / "contracts" / "corporate_payments.yaml",
]

RIGHT = """\
name: small
entity: vendor
amount: amount
key: [vendor, number]
extract:
  path: landing/small_{extract_date}.csv
fields:
  vendor: {type: category}
  number: {type: identifier}
  day: {type: date, min: 2020-01-01}
  amount: {type: amount, min: 0}
  currency: {type: category, required: false}
report:
  recipients: [a@example.com]
"""


def mistakes(folder: Path, text: str) -> list[str]:
    path = folder / "contract.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ContractError) as caught:
        load_contract(path)
    return str(caught.value).replace(str(path), "FILE").splitlines()


@pytest.mark.parametrize("path", CONTRACTS, ids=lambda path: path.stem)
def test_each_contract_of_the_project_loads_and_fits_the_schema(path: Path) -> None:
    contract = load_contract(path)

    assert set(contract.key) <= {*contract.fields, "line"}
    # YAML's dates are dates to Python and texts to a schema.
    document = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    typed = _plain(yaml.safe_load(path.read_text(encoding="utf-8")))
    assert document.keys() == typed.keys()
    assert [error.message for error in Draft202012Validator(json_schema()).iter_errors(typed)] == []


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value if isinstance(value, bool | int | float | str | None) else value.isoformat()


def test_without_roles_the_first_detected_identifier_and_the_first_date_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "contract.yaml"
    path.write_text(RIGHT.replace("  number:", "  order: {type: identifier, detect: false}\n  number:"))
    contract = load_contract(path)
    assert (contract.invoice_number_field, contract.invoice_date_field) == ("number", "day")


def test_an_invoice_number_outside_of_detection_is_a_mistake(tmp_path: Path) -> None:
    text = RIGHT.replace("amount: amount", "invoice_number: number", 1)
    found = mistakes(tmp_path, text.replace("number: {type: identifier}", "number: {type: identifier, detect: false}"))
    assert len(found) == 1 and "line 3, invoice_number: number does not take part in detection" in found[0]
    assert "set detect: true" in found[0]


def test_the_schema_is_a_schema_and_refuses_unknown_keys(tmp_path: Path) -> None:
    Draft202012Validator.check_schema(json_schema())
    wrong = {**yaml.load(RIGHT, Loader=yaml.BaseLoader), "feilds": {}}
    assert any("feilds" in error.message for error in Draft202012Validator(json_schema()).iter_errors(wrong))


def test_the_small_contract_is_right(tmp_path: Path) -> None:
    path = tmp_path / "contract.yaml"
    path.write_text(RIGHT)

    contract = load_contract(path)

    assert list(contract.fields) == ["vendor", "number", "day", "amount", "currency"]
    assert contract.of_type("amount", "date") == ["day", "amount"]
    assert contract.header("vendor") == "vendor"


@pytest.mark.parametrize(
    ("right", "wrong", "place", "remedy"),
    [
        ("entity: vendor", "entity: vendr", "line 2, entity: 'vendr' is not one of the fields", "use one of: vendor"),
        ("entity: vendor", "entity: day", "line 2, entity: day is a date", "use a category or identifier"),
        ("amount: amount", "amount: vendor", "line 3, amount: vendor is a category", "use an amount: amount"),
        ("amount: amount", "currency: number", "line 3, currency: number is an identifier", "use a category: vendor"),
        (
            "amount: amount",
            "invoice_number: nmber",
            "invoice_number: 'nmber' is not one of the fields",
            "use one of: vendor",
        ),
        ("amount: amount", "invoice_number: day", "line 3, invoice_number: day is a date", "use an identifier: number"),
        ("amount: amount", "invoice_date: dey", "line 3, invoice_date: 'dey' is not one of the fields", "use one of"),
        ("amount: amount", "invoice_date: number", "line 3, invoice_date: number is an identifier", "use a date: day"),
        ("number]", "nmber]", "line 4, key.1: 'nmber' is not one of the fields", "use one of"),
        ("number]", "currency]", "line 4, key.1: currency may be empty", "make it required"),
        ("[vendor, number]", "[]", "line 4, key: ", "docs/contract.md"),
        ("key: [vendor, number]", "kye: [vendor]", "kye: is not a key of the contract", "did you mean key?"),
        ("name: small", "name: Not Small", "line 1, name: ", "docs/contract.md"),
        ("name: small\n", "", "line 1, name: is missing", "add this key"),
        ("{extract_date}", "{date}", "line 6, extract.path: is not a template", "{extract_date}"),
        (".csv\n", ".csv\n  decimal: ;\n", "line 7, extract.decimal: ", "use one of the values named"),
        (".csv\n", ".csv\n  delimeter: ;\n", "line 7, extract.delimeter: is not a key", "did you mean delimiter?"),
        (
            ".csv\n",
            ".csv\n  decimal: ','\n  thousands: ','\n",
            "line 5, extract: decimal and thousands are both ','",
            "two different marks",
        ),
        ("{type: category}", "{type: categroy}", "line 8, fields.vendor.type: ", "use one of the values named"),
        ("{type: category}", "{}", "line 8, fields.vendor.type: is missing", "add this key"),
        (
            "{type: category}",
            "{type: category, requird: no}",
            "line 8, fields.vendor.requird",
            "did you mean required?",
        ),
        ("{type: category}", "{type: category, min: 3}", "line 8, fields.vendor: min and max do not", "use allowed"),
        ("{type: category}", "{type: category, required: 5}", "line 8, fields.vendor.required: ", "true or false"),
        ("{type: category}", "{type: category, column: day}", "line 8, fields.vendor.column: 'day'", "its own column"),
        ("{type: category}", "{type: category, relative_to: day}", "line 8, fields.vendor: relative_to", ""),
        ("{type: identifier}", "{type: identifier, allowed: [a]}", "line 9, fields.number: allowed applies", ""),
        ("{type: identifier}", "{type: identifier, pattern: '('}", "line 9, fields.number.pattern: is not a", ""),
        ("min: 2020-01-01", "min: 5", "line 10, fields.day: min and max of a date must be dates", ""),
        (
            "min: 2020-01-01",
            "relative_to: vendor",
            "line 10, fields.day.relative_to: vendor is a category",
            "use a date",
        ),
        (
            "min: 2020-01-01",
            "min: 2020-01-01, max: 2019-01-01",
            "line 10, fields.day: min 2020-01-01 is above",
            "exchange",
        ),
        ("min: 0", "min: 2020-01-01", "line 11, fields.amount: min and max of a amount must be numbers", ""),
        ("min: 0", "pattern: x", "line 11, fields.amount: pattern does not apply", "use min and max"),
        (
            "  currency: ",
            "  extract_date: ",
            "line 12, fields.extract_date: is a column that the tables",
            "set column:",
        ),
        ("  currency: ", "  Currency: ", "line 12, fields.Currency", ""),
        ("[a@example.com]", "[nobody]", "line 14, report.recipients.0: ", ""),
        ("[a@example.com]", "a@example.com", "line 14, report.recipients: ", "write a list"),
        ("report:", "schedule: {timezone: Paris}\nreport:", "line 13, schedule.timezone: is not a time zone", ""),
        ("report:", "schedule: {validate_invoices: daily}\nreport:", "line 13, schedule.validate_invoices: ", ""),
        ("report:", "detection: {threshold_quantile: 99}\nreport:", "line 13, detection.threshold_quantile: ", ""),
        (
            "report:",
            "validation: {expectations: [{kwargs: {}}]}\nreport:",
            "line 13, validation.expectations.0.type",
            "",
        ),
        ("report:", "key: [vendor]\nreport:", "line 13, key: named twice", "keep one"),
        ("report:", "report: [\n", "line ", "check indentation"),
    ],
)
def test_a_mistake_is_told_in_one_line_with_its_place_and_remedy(
    tmp_path: Path, right: str, wrong: str, place: str, remedy: str
) -> None:
    assert right in RIGHT
    told = mistakes(tmp_path, RIGHT.replace(right, wrong, 1))

    matching = [line for line in told if place in line]
    assert len(matching) == 1, told
    assert matching[0].startswith("FILE, line ")
    assert remedy in matching[0]


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = (
        RIGHT.replace("entity: vendor", "entity: x").replace("amount: amount", "amount: y", 1).replace("number]", "z]")
    )

    assert [line.split(": ")[0] for line in mistakes(tmp_path, text)] == [
        "FILE, line 2, entity",
        "FILE, line 3, amount",
        "FILE, line 4, key.1",
    ]


def test_a_contract_in_which_nothing_is_detected_is_refused(tmp_path: Path) -> None:
    text = RIGHT.replace("{type:", "{detect: false, type:")

    assert "no field takes part in detection; set detect: true" in mistakes(tmp_path, text)[0]


def test_a_file_that_is_not_there_or_not_utf8_is_said(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="INVOICES_CONTRACT"):
        load_contract(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes(RIGHT.replace("small", "Café").encode("latin-1"))
    with pytest.raises(ContractError, match="save it as UTF-8"):
        load_contract(tmp_path / "latin.yaml")


@pytest.mark.parametrize("text", ["", "- a list\n", "just a text\n", "5\n"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    assert all(line.startswith("FILE, line 1") for line in mistakes(tmp_path, text))


@pytest.mark.parametrize("label", ["", "   ", "two\nlines", "nul\x00", "right\u202eleft", "x" * 61])
def test_a_label_is_one_visible_line(label: str) -> None:
    with pytest.raises(ValidationError, match="is not a label"):
        InvoiceField.model_validate({"type": "text", "label": label})


def test_a_field_without_a_label_is_called_by_its_name(contract: Contract) -> None:
    assert InvoiceField.model_validate({"type": "text", "label": " Lieferant  Nr. "}).label == "Lieferant Nr."
    assert contract.label("gross_amount") == "gross amount"
    assert contract.label("left_the_contract") == "left the contract"
