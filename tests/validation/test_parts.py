"""A night is judged the same in however many parts it comes; what is staged is whole or not there."""

import os
import random
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from invoice_anomalies.contract import Contract
from invoice_anomalies.errors import ExtractUnreadableError, StagingError
from invoice_anomalies.extract import Limits, read
from invoice_anomalies.validation import staged_chunks, staged_report
from invoice_anomalies.validation.parse import Parsed, parse
from tests.validation.conftest import FIT, HEADER, Judge, StagedOutcome, contract_of, judged_in

UNIQUE_NUMBER = {"type": "expect_column_values_to_be_unique", "kwargs": {"column": "number"}}
MOST_ARE_FEES = {
    "type": "expect_column_values_to_be_in_set",
    "kwargs": {"column": "kind", "value_set": ["fee"], "mostly": 0.9},
    "severity": "warn",
}
RISING = {"type": "expect_column_values_to_be_increasing", "kwargs": {"column": "amount"}, "severity": "warn"}
LOW_MEAN = {"type": "expect_column_mean_to_be_between", "kwargs": {"column": "amount", "max_value": 5}}
SHORT = {"type": "expect_column_value_lengths_to_be_between", "kwargs": {"column": "number", "max_value": 4}}


def rows_of_all_kinds(seed: int) -> list[str]:
    """Rows of which many are fit, and some broken, several times over, or both."""
    draw = random.Random(seed)
    rows = [f"V{draw.randint(1, 3)},A{draw.randint(1, 14)},2024-01-31,10,std," for _ in range(14)]
    broken = ["x,A3,2019-01-01,12x,other,,surplus", "V1,A3,,,std,", ",,,,,", "V2,B12345,2024-01-31,5000,fee,", "V1,A5"]
    for row in (*broken, *rows[:3]):
        rows.insert(draw.randrange(len(rows)), row)
    return rows


def assert_equal(outcomes: list[StagedOutcome], staged: list[tuple[pd.DataFrame, pd.DataFrame]]) -> None:
    whole, (valid, quarantined) = outcomes[-1], staged[-1]
    for outcome, (others, rejected) in zip(outcomes, staged, strict=True):
        assert (outcome.success, outcome.problems, outcome.warnings) == (
            whole.success,
            whole.problems,
            whole.warnings,
        )
        counts = (outcome.rows_in, outcome.valid_rows, outcome.quarantined_rows)
        assert counts == (whole.rows_in, whole.valid_rows, whole.quarantined_rows)
        pd.testing.assert_frame_equal(others, valid, check_index_type=False)
        pd.testing.assert_frame_equal(rejected, quarantined, check_index_type=False)


@pytest.mark.parametrize(
    ("sizes", "validation"),
    [
        ((1, 1000), {"max_quarantined_share": 1, "expectations": [SHORT, UNIQUE_NUMBER, MOST_ARE_FEES, RISING]}),
        ((7, 1000), {"max_quarantined_share": 1}),
        ((7, 1000), {"max_quarantined_share": 0.3}),
        ((7, 1000), {"max_quarantined_share": 1, "expectations": [LOW_MEAN]}),
    ],
    ids=["rules of the whole night", "accepted", "too many unfit", "refused by a mean"],
)
def test_the_judgement_does_not_depend_on_the_parts(
    judge: Judge, sizes: tuple[int, ...], validation: dict[str, Any]
) -> None:
    rows = rows_of_all_kinds(seed=len(validation))[-14 if 1 in sizes else 0 :]
    outcomes, staged = [], []
    for size in sizes:
        outcomes.append(judge(*rows, fit=3, contract=contract_of(**validation), chunk_rows=size))
        # Read at once, as the next try removes what this one staged.
        staged.append((outcomes[-1].valid, outcomes[-1].quarantined))

    assert_equal(outcomes, staged)
    if outcomes[0].success:
        valid, quarantined = staged[0]
        assert 0 < len(quarantined) < outcomes[0].rows_in == len(valid) + len(quarantined)
        assert not set(valid.index) & set(quarantined.index)
        assert not valid.duplicated(["vendor", "number"]).any()


def test_the_first_fit_row_keeps_its_key_across_parts(judge: Judge) -> None:
    rows = ["V1,B,2024-01-31,12x,std,", "V1,B,2024-01-31,1,std,", "V1,B,2024-01-31,2,std,", "V1,B,,3,std,"]

    outcome = judge(*rows, fit=2, chunk_rows=1, contract=contract_of(max_quarantined_share=0.9))

    assert outcome.valid.index.tolist() == [2, 3, 5]
    assert [reasons[-1] for reasons in outcome.quarantined["reasons"]] == [
        "vendor, number: same key as line 5; expected each invoice once"
    ] * 3
    assert outcome.quarantined["reasons"].iloc[2][0] == "day: empty, but a value is required"


def test_a_night_without_a_column_or_with_far_too_many_rows_is_counted_to_its_end(judge: Judge) -> None:
    for size in (7, 1000):
        outcome = judge(header="vendor,number,day,amounts,kind,note", chunk_rows=size)
        assert outcome.rows_in == 20
        assert "'amount' (is it 'amounts'?" in outcome.problems[0]
        assert len(outcome.problems) == 1
    for size in (7, 1000):
        outcome = judge(contract=contract_of(rows={"times_usual": 4}), usual=4, chunk_rows=size)
        assert outcome.rows_in == 20
        assert outcome.problems == [
            "small.csv: 20 rows came; expected 1 to 16 rows, as the usual night has 4 (validation.rows.times_usual); "
            "have the extract delivered again"
        ]


def test_no_row_is_judged_once_there_are_too_many(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    judged = []

    def noted(contract: Contract, raw: pd.DataFrame) -> Parsed:
        judged.append(len(raw))
        return parse(contract, raw)

    monkeypatch.setattr("invoice_anomalies.validation.chunk.parse", noted)

    outcome = judge(fit=100, chunk_rows=10, contract=contract_of(rows={"max": 15}))

    assert "100 rows came; expected 1 to 15 rows" in outcome.problems[0]
    assert judged == [10]


def test_a_file_that_breaks_off_on_the_way_is_unreadable_and_stages_nothing(tmp_path: Path) -> None:
    path = tmp_path / "small.csv"
    path.write_text("\n".join([HEADER, *(FIT.format(i) for i in range(20)), 'V1,"B']), encoding="utf-8")
    contract = contract_of()

    with pytest.raises(ExtractUnreadableError, match="line 22: a quoted value opens"):
        judged_in(tmp_path, contract, read(contract, str(path), limits=Limits(chunk_rows=5)))

    assert list((tmp_path / "staged").iterdir()) == []


def test_a_later_try_removes_what_earlier_ones_left_long_ago_and_stages_in_a_folder_of_its_own(
    judge: Judge, tmp_path: Path
) -> None:
    killed = tmp_path / "staged" / ".parts-0123"
    killed.mkdir(parents=True)
    (killed / "valid_00000").write_bytes(b"half")

    first = judge(chunk_rows=8)
    assert killed.exists(), "it may be at work beside its retry"
    assert first.folder is not None
    for folder in (killed, first.folder):
        os.utime(folder, (1_700_000_000, 1_700_000_000))
    second = judge(chunk_rows=8)

    assert second.folder is not None
    assert first.folder != second.folder
    assert list((tmp_path / "staged").iterdir()) == [second.folder]
    assert [len(valid) for valid, _ in second.chunks()] == [8, 8, 4]
    assert staged_report(second.folder).rows_in == 20
    with pytest.raises(StagingError, match="clear the task `validate`"):
        list(staged_chunks(first.folder))
    with pytest.raises(StagingError, match="clear the task `validate`"):
        staged_report(first.folder)


def test_the_data_docs_of_a_large_night_have_a_result_for_each_part_and_one_for_the_night(
    judge: Judge, tmp_path: Path
) -> None:
    judge(chunk_rows=8)
    assert len(list((tmp_path / "docs").glob("validations/**/*.html"))) == 4
    index = (tmp_path / "docs" / "index.html").read_text()
    assert "lines 2 to 9" in index
    assert "the night" in index

    judge()
    assert len(list((tmp_path / "docs").glob("validations/**/*.html"))) == 1


def test_a_key_may_have_an_amount_and_a_date_however_many_parts_there_are(judge: Judge) -> None:
    rows = ["V1,B,2024-01-31,10.5,std,", "V1,B,2024-02-01,10.5,std,", "V1,B,2024-01-31,10.50,std,"]
    contract = contract_of(max_quarantined_share=0.9)
    keyed = contract.model_copy(update={"key": ["amount", "number", "day"]})

    for size in (7, 1000):
        assert judge(*rows, contract=keyed, chunk_rows=size).quarantined.index.tolist() == [24]
