"""A history in one file becomes the nights it would have come in, with nothing dropped."""

from datetime import date
from pathlib import Path

import pytest

from include.contract import Contract
from include.errors import ContractError, ExtractUnreadableError
from include.extract.split import split_history
from include.places import Places
from include.sample import Company, write_extract
from tests.extract.whole import read


@pytest.fixture
def history(tmp_path: Path) -> Path:
    invoices = Company(vendors=20).invoices(date(2026, 1, 5), date(2026, 1, 16), 30)
    return write_extract(invoices, tmp_path / "history.csv.gz")


def test_each_row_goes_to_its_night_unchanged(contract: Contract, tmp_path: Path, history: Path) -> None:
    nights = split_history(contract, Places(tmp_path), history, "posting_date")
    whole = read(contract, str(history))
    assert sum(len(read(contract, str(path))) for path in nights.values()) == len(whole)
    for night, path in nights.items():
        rows = read(contract, str(path))
        expected = whole[whole["posting_date"] == night.isoformat()]
        assert rows.to_dict("records") == expected.to_dict("records")


def test_only_the_nights_asked_for_are_written(contract: Contract, tmp_path: Path, history: Path) -> None:
    nights = split_history(contract, Places(tmp_path), history, "posting_date", date(2026, 1, 7), date(2026, 1, 8))
    assert sorted(nights) == [date(2026, 1, 7), date(2026, 1, 8)]


def test_a_row_without_a_readable_date_goes_to_the_last_night(
    contract: Contract, tmp_path: Path, history: Path
) -> None:
    texts = read(contract, str(history))
    texts.loc[texts.index[3], "posting_date"] = "soon"
    broken = tmp_path / "broken.csv"
    texts.to_csv(broken, index=False)
    nights = split_history(contract, Places(tmp_path), broken, "posting_date", last=date(2026, 1, 9))
    assert max(nights) == date(2026, 1, 9)
    assert "soon" in set(read(contract, str(nights[max(nights)]))["posting_date"])


def test_a_path_that_does_not_name_the_night_is_refused(contract: Contract, tmp_path: Path, history: Path) -> None:
    one_place = contract.model_copy(update={"extract": contract.extract.model_copy(update={"path": "all.csv"})})
    with pytest.raises(ContractError, match=r"use a local path with \{extract_date\} in it"):
        split_history(one_place, Places(tmp_path), history, "posting_date")


def test_a_wrong_date_format_is_told_with_an_example(contract: Contract, tmp_path: Path, history: Path) -> None:
    other = contract.model_copy(update={"extract": contract.extract.model_copy(update={"date_format": "%d.%m.%y"})})
    with pytest.raises(
        ExtractUnreadableError, match=r"no value of 'posting_date' can be read as %d\.%m\.%y, e\.g\. '2026"
    ):
        split_history(other, Places(tmp_path), history, "posting_date")


def test_a_wrong_delimiter_is_told_with_the_header_that_came(contract: Contract, tmp_path: Path, history: Path) -> None:
    other = contract.model_copy(update={"extract": contract.extract.model_copy(update={"delimiter": ";"})})
    with pytest.raises(ExtractUnreadableError, match=r"there is no column 'posting_date'; its header has 'vendor_id,"):
        split_history(other, Places(tmp_path), history, "posting_date")
