"""The sample on disk: a history, the nights after it, and labels beside them."""

import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from invoice_anomalies.synthetic import KINDS, as_texts, write_extract, write_sample
from invoice_anomalies.synthetic.__main__ import main, working_days

KEY = ["vendor_id", "invoice_number"]
HISTORY = (date(2026, 6, 1), date(2026, 10, 31))
NIGHTS = [date(2026, 11, 2), date(2026, 11, 3), date(2026, 11, 4)]


def texts_of(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype="str", keep_default_na=False)


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    return write_sample(tmp_path_factory.mktemp("sample"), history=HISTORY, nights=NIGHTS)


def test_files_are_named_by_their_extract_date(sample):
    assert sample.history.name == "invoices_2026-10-31.csv.gz"
    assert [path.parent.name + "/" + path.name for path in sample.nights.values()] == [
        f"landing/invoices_2026-11-0{day}.csv.gz" for day in (2, 3, 4)
    ]
    assert [path.parent.name + "/" + path.name for path in sample.labels.values()] == [
        f"labels/invoices_2026-11-0{day}.labels.csv" for day in (2, 3, 4)
    ]


def test_an_extract_holds_what_was_posted_that_day_and_the_history_what_was_posted_before(sample):
    history = texts_of(sample.history)["posting_date"]
    assert (history.min(), history.max()) == ("2026-06-01", "2026-10-31")
    for night, path in sample.nights.items():
        extract = texts_of(path)
        assert set(extract["posting_date"]) == {night.isoformat()}
        assert 50 < len(extract) < 300


def test_each_night_has_four_anomalies_of_different_kinds_and_three_nights_show_all(sample):
    labels = {night: texts_of(path) for night, path in sample.labels.items()}

    for some in labels.values():
        assert len(some) >= 4
        assert some["kind"].nunique() >= 4
    assert set(pd.concat(labels.values())["kind"]) == set(KINDS)


def test_labels_name_invoices_of_their_extract_and_stand_in_no_extract(sample, year):
    for night, path in sample.nights.items():
        extract, labels = texts_of(path), texts_of(sample.labels[night])
        assert len(labels.merge(extract, on=KEY)) == len(labels)
        assert list(extract.columns) == list(year.columns)


def test_a_few_invoices_of_the_history_are_wrong(sample):
    labels, history = texts_of(sample.history_labels), texts_of(sample.history)

    assert len(labels) == pytest.approx(0.003 * len(history), abs=2)
    assert len(labels.merge(history, on=KEY)) == len(labels)


def test_broken_lines_stand_where_their_labels_say_and_are_no_anomalies(sample):
    for night, path in sample.broken.items():
        extract, broken = texts_of(sample.nights[night]), texts_of(path)
        assert len(broken) == 3
        label: Any
        for label in broken.itertuples():
            line = extract.loc[int(label.line) - 2]
            if label.field not in KEY:
                assert list(line[KEY]) == [label.vendor_id, label.invoice_number]
        assert broken.merge(texts_of(sample.labels[night]), on=KEY).empty


SLOW_SEEDS = [pytest.param(seed, marks=pytest.mark.slow) for seed in (2, 3)]


@pytest.mark.parametrize("seed", [1, *SLOW_SEEDS])
def test_no_invoice_comes_twice_over_history_and_nights(tmp_path, seed):
    nights = [date(2026, 11, day) for day in range(1, 15)]

    files = write_sample(tmp_path, seed=seed, vendors=40, history=HISTORY, nights=nights, broken_rows=0)

    everything = pd.concat(texts_of(path) for path in (files.history, *files.nights.values()))
    assert not everything.duplicated(KEY).any()


def test_a_night_without_postings_gets_no_file_and_a_small_one_few_anomalies(tmp_path):
    nights = [date(2026, 11, day) for day in range(1, 9)]

    files = write_sample(tmp_path, vendors=20, history=HISTORY, nights=nights, rows_per_day=10, anomaly_share=0.02)

    assert date(2026, 11, 4) in files.nights
    assert set(files.nights) < set(nights)
    assert set(files.nights) == set(files.labels)
    for night, path in files.nights.items():
        assert len(texts_of(files.labels[night])) <= 0.15 * len(texts_of(path)) + 1


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    first, again = (
        write_sample(tmp_path / name, vendors=20, history=HISTORY, nights=NIGHTS[:1], rows_per_day=20) for name in "ab"
    )

    assert first.history.read_bytes() == again.history.read_bytes()
    assert first.nights[NIGHTS[0]].read_bytes() == again.nights[NIGHTS[0]].read_bytes()
    assert first.labels[NIGHTS[0]].read_bytes() == again.labels[NIGHTS[0]].read_bytes()


def test_a_chosen_kind_is_the_only_one(tmp_path):
    files = write_sample(tmp_path, vendors=40, history=HISTORY, nights=NIGHTS[:1], kinds=["tax_mismatch"])

    assert set(texts_of(files.labels[NIGHTS[0]])["kind"]) == {"tax_mismatch"}
    assert set(texts_of(files.history_labels)["kind"]) == {"tax_mismatch"}


def test_nights_within_the_history_are_refused(tmp_path):
    with pytest.raises(ValueError, match="nights must be after the history, which ends on 2026-10-31"):
        write_sample(tmp_path, history=HISTORY, nights=[date(2026, 10, 31)])


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet", ".xlsx"])
def test_an_extract_in_any_format_reads_back_as_it_was(tmp_path, year, suffix):
    invoices = year.tail(50).reset_index(drop=True)

    path = write_extract(invoices, tmp_path / f"night{suffix}")

    if suffix.startswith(".csv"):
        pd.testing.assert_frame_equal(texts_of(path), as_texts(invoices))
        return
    back = pd.read_parquet(path) if suffix == ".parquet" else pd.read_excel(path, dtype={"gl_account": "str"})
    for name in ("net_amount", "invoice_date"):
        assert (back[name] == invoices[name]).all()
        assert back[name].dtype.kind == invoices[name].dtype.kind
    assert (back["invoice_number"].astype("str") == invoices["invoice_number"]).all()


def test_texts_have_two_decimals_iso_dates_and_nothing_for_missing_values(year):
    invoices = year.head(300).copy()
    invoices.loc[0, "due_date"] = pd.NaT
    invoices.loc[1, "tax_amount"] = float("nan")

    texts = as_texts(invoices)

    assert texts.loc[2:, "tax_amount"].str.fullmatch(r"\d+\.\d\d").all()
    assert texts.loc[1:, "due_date"].str.fullmatch(r"\d{4}-\d\d-\d\d").all()
    assert [texts.loc[0, "due_date"], texts.loc[1, "tax_amount"]] == ["", ""]
    assert (texts["purchase_order"] == "").equals(invoices["purchase_order"].isna())
    assert not texts.isna().any(axis=None)


def test_an_unknown_suffix_is_refused(tmp_path, year):
    with pytest.raises(ValueError, match=r"extracts end in \.csv"):
        write_extract(year.head(1), tmp_path / "night.json")


def test_the_command_writes_the_next_working_days_and_says_where(tmp_path):
    told = subprocess.run(
        [sys.executable, "-m", "invoice_anomalies.synthetic", str(tmp_path), "--history", "2026-09-01", "2026-10-30",
         "--nights", "2", "--vendors", "20", "--rows-per-day", "30"],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip

    assert sorted(path.name for path in (tmp_path / "landing").iterdir()) == [
        "invoices_2026-10-30.csv.gz",
        "invoices_2026-11-02.csv.gz",
        "invoices_2026-11-03.csv.gz",
    ]
    assert str(tmp_path / "landing" / "invoices_2026-11-02.csv.gz") in told.stdout.splitlines()


def test_the_command_explains_arguments_that_make_no_sense(tmp_path, capsys):
    assert main([str(tmp_path), "--history", "2026-10-31", "2026-09-01"]) == 2
    assert "must not end before it starts" in capsys.readouterr().err


def test_working_days_skip_weekends():
    assert working_days(date(2026, 10, 30), 6) == [date(2026, 11, day) for day in (2, 3, 4, 5, 6, 9)]
