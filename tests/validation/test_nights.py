"""What refuses a whole night, the contract's own expectations, and the Data Docs."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from invoice_anomalies.contract import load_contract
from invoice_anomalies.errors import ContractError
from invoice_anomalies.extract import read
from invoice_anomalies.paths import PROJECT
from invoice_anomalies.validation import build_rules
from tests.validation.conftest import HEADER, Judge, contract_of, judged_in, only_reasons

BAD = "V1,B{},2024-01-31,12x,std,"


def test_a_missing_column_refuses_the_night_and_names_what_came(judge: Judge) -> None:
    outcome = judge(header="vendor,number,day,amounts,type,note")

    assert not outcome.success
    assert outcome.problems == [
        "small.csv: 2 expected columns are missing: 'amount' (is it 'amounts'? then set column: in the contract), "
        "'kind'; the headers that came are 'vendor', 'number', 'day', 'amounts', 'type', 'note'; have the extract "
        "delivered with them, or correct the fields of the contract"
    ]
    assert Path(outcome.data_docs).is_file()
    assert list(outcome.valid.columns) == ["vendor", "number", "day", "amount", "kind", "note"]


def test_a_header_without_rows_refuses_the_night_unless_the_contract_lets_it(judge: Judge) -> None:
    assert "no rows came; expected at least 1 row" in judge(fit=0).problems[0]

    quiet = judge(fit=0, contract=contract_of(rows={"min": 0}))
    assert quiet.success
    assert (len(quiet.valid), quiet.rows_in) == (0, 0)


def test_too_many_or_too_few_rows_refuse_the_night(judge: Judge) -> None:
    assert "expected 1 to 10 rows" in judge(contract=contract_of(rows={"max": 10})).problems[0]
    unusual = contract_of(rows={"times_usual": 4})
    assert judge(contract=unusual).success
    assert judge(contract=unusual, usual=80).success
    assert "expected 20 to 324 rows, as the usual night has 81" in judge(contract=unusual, usual=81, fit=19).problems[0]
    assert "expected 1 to 16 rows" in judge(contract=unusual, usual=4).problems[0]


def test_too_large_a_share_of_unfit_rows_refuses_the_night_with_the_top_reasons(judge: Judge) -> None:
    contract = contract_of(max_quarantined_share=0.2)

    assert judge(*(BAD.format(i) for i in range(5)), contract=contract).success
    outcome = judge(*(BAD.format(i) for i in range(6)), contract=contract)

    assert not outcome.success
    assert "6 of 26 rows (23.1%) are unfit" in outcome.problems[0]
    assert outcome.problems[1].startswith("6 rows (lines 22, 23, 24, 25, 26, …): amount: '12x' is not a number")
    assert len(outcome.problems) == 2


def test_the_share_counts_rows_and_not_reasons(judge: Judge) -> None:
    mixed = ["V1,B,2024-01-31,12x,std,", "V1,C,,1,std,", "x,D,2024-01-31,1,std,", "V1,A0,2024-01-31,1,std,"]

    assert judge(*mixed, contract=contract_of(max_quarantined_share=0.17)).success
    outcome = judge(*mixed, contract=contract_of(max_quarantined_share=0.16))
    assert "4 of 24 rows" in outcome.problems[0]
    assert any("vendor: 'V1', number: 'A0' the same key as another line" in problem for problem in outcome.problems)


def test_expectations_of_the_contract_judge_rows_as_gx_spells_them(judge: Judge) -> None:
    contract = contract_of(
        fields={"due": {"type": "date", "required": False}, "tax": {"type": "amount", "required": False}},
        expectations=[
            {
                "type": "expect_column_pair_values_a_to_be_greater_than_b",
                "kwargs": {"column_A": "due", "column_B": "day", "or_equal": True},
                "reason": "due before it was written",
            },
            {"type": "expect_multicolumn_sum_to_equal", "kwargs": {"column_list": ["amount", "tax"], "sum_total": 12}},
            {
                "type": "expect_column_value_lengths_to_be_between",
                "kwargs": {"column": "number", "max_value": 5},
                "severity": "warn",
            },
        ],
    )
    outcome = judge(
        "V1,B,2024-01-31,10,std,,2024-01-01,2",
        "V1,C,2024-01-31,10,std,,2024-02-01,3",
        "V1,D1234567,2024-01-31,10,std,,2024-02-01,2",
        "V1,E,2024-01-31,10,std,,,",
        fit=0,
        contract=contract,
        header=HEADER + ",due,tax",
    )

    assert outcome.quarantined["reasons"].tolist() == [
        ["due: '2024-01-01', day: '2024-01-31': due before it was written"],
        ["amount: '10', tax: '3': expected multicolumn sum to equal (sum_total 12)"],
    ]
    assert outcome.warnings == [
        "1 row (line 4): number: 'D1234567': expected column value lengths to be between (max_value 5)"
    ]
    assert outcome.valid.index.tolist() == [4, 5]


def test_an_expectation_about_a_whole_column_refuses_the_night_or_warns(judge: Judge) -> None:
    mean = {"type": "expect_column_mean_to_be_between", "kwargs": {"column": "amount", "max_value": 5}}

    refused = judge(contract=contract_of(expectations=[mean]))
    assert not refused.success
    assert "10.5 came" in refused.problems[0]
    warned = judge(contract=contract_of(expectations=[{**mean, "severity": "warn"}]))
    assert len(warned.valid) == 20
    assert "10.5 came" in warned.warnings[0]


def test_an_expectation_that_cannot_be_evaluated_refuses_the_night_and_says_why(judge: Judge) -> None:
    senseless = {
        "type": "expect_column_pair_values_a_to_be_greater_than_b",
        "kwargs": {"column_A": "amount", "column_B": "kind"},
    }

    outcome = judge(contract=contract_of(expectations=[senseless]))

    assert not outcome.success
    assert "Great Expectations cannot evaluate it" in outcome.problems[0]


@pytest.mark.parametrize(
    ("kind", "kwargs", "expected"),
    [
        ("expect_column_values_to_be_betwen", {}, "did you mean expect_column_values_to_be_between?"),
        ("nonsense", {}, "knows no expectation of this type"),
        ("expect_column_values_to_be_unique", {"column": "amuont"}, "did you mean amount?"),
        ("expect_column_values_to_be_between", {"column": "amount", "max_val": 3}, "did you mean max_value?"),
        ("expect_column_values_to_be_unique", {}, "kwargs.column: field required"),
        ("expect_column_values_to_be_unique", {"column": "day", "severity": "warn"}, "is set by the pipeline"),
    ],
)
def test_a_misspelled_expectation_is_a_mistake_of_the_contract(
    kind: str, kwargs: dict[str, Any], expected: str
) -> None:
    with pytest.raises(ContractError, match=r"validation\.expectations\.0") as caught:
        build_rules(contract_of(expectations=[{"type": kind, "kwargs": kwargs}]))
    assert expected in str(caught.value)


def test_patterns_match_the_whole_value_with_flags_and_alternatives(judge: Judge) -> None:
    contract = contract_of(fields={"vendor": {"pattern": "(?i)v1|w(?=2)2"}})

    outcome = judge("w2,B,2024-01-31,1,std,", "w22,C,2024-01-31,1,std,", contract=contract)

    assert only_reasons(outcome)[0].startswith("vendor: 'w22' does not match")


def test_data_docs_are_one_site_a_night_and_a_retry_replaces_its_pages(judge: Judge, tmp_path: Path) -> None:
    for rows in ([], ["V1,B,2024-01-31,12x,std,"]):
        outcome = judge(*rows)
        docs = tmp_path / "docs"
        assert outcome.data_docs == str(docs / "index.html")
        assert "small" in (docs / "index.html").read_text()
        (page,) = docs.glob("validations/**/*.html")
    assert "12x" in page.read_text()
    assert {path.name for path in tmp_path.iterdir()} == {"docs", "assets", "small.csv", "staged"}


@pytest.mark.parametrize(
    ("name", "file", "rows"),
    [("retail_invoices", "invoices.csv", 10_000), ("corporate_payments", "corporate_payments.csv.gz", 189_470)],
)
def test_the_example_contracts_fit_their_data_completely(tmp_path: Path, name: str, file: str, rows: int) -> None:
    path = PROJECT.parent / "shared" / "data" / file
    if not path.exists():
        pytest.skip(f"the real data set {path} is not here")
    contract = load_contract(PROJECT / "docs" / "contracts" / f"{name}.yaml")

    outcome = judged_in(tmp_path, contract, read(contract, str(path)), file=file)

    assert outcome.success
    assert (len(outcome.valid), len(outcome.quarantined), outcome.warnings) == (rows, 0, [])
    required = [field for field in contract.fields if contract.fields[field].required]
    assert outcome.valid[required].notna().all(axis=None)


def test_great_expectations_is_not_imported_until_a_night_is_judged() -> None:
    code = "import sys, invoice_anomalies.validation; sys.exit('great_expectations' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=False).returncode == 0
