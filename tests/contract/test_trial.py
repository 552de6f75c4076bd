"""`make contract`: what an extract would become, and the keys that a mistake in the contract comes with."""

import gzip
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from invoice_anomalies.contract import load_contract
from invoice_anomalies.contract.hints import hints
from invoice_anomalies.contract.trial import main

HEADER = "vendor,number,day,amount,note"
CONTRACT: dict[str, Any] = {
    "name": "small",
    "entity": "vendor",
    "key": ["vendor", "number"],
    "extract": {"path": "landing/{extract_date}.csv"},
    "fields": {
        "vendor": {"type": "category"},
        "number": {"type": "identifier"},
        "day": {"type": "date"},
        "amount": {"type": "amount"},
        "note": {"type": "text", "required": False},
    },
    "validation": {"max_quarantined_share": 0.2},
    "report": {"recipients": ["a@example.com"]},
}
SET = re.compile(
    r"^ +(?P<path>\S+), (?P<place>(?:below )?line \d+), (?P<key>\S+): write \w+: (?P<value>.+?)   \(", re.MULTILINE
)


def rows(amount: str = "{}234.56", day: str = "2026-01-{:02}", note: str = "paper") -> list[str]:
    return [f"V{i},A{i},{day.format(13 + i)},{amount.format(i + 1)},{note}" for i in range(12)]


def again(amount: str) -> list[str]:
    return [row.replace("A", "B") for row in rows(amount)]


@dataclass(frozen=True)
class Trial:
    """Tries the contract on a file; gives the exit code and what was printed."""

    contract: Path
    capsys: pytest.CaptureFixture[str]

    def __call__(self, content: bytes | None = None, name: str = "extract.csv") -> tuple[int, str]:
        given = []
        if content is not None:
            extract = self.contract.with_name(name)
            extract.write_bytes(content)
            given = ["--extract", str(extract)]
        code = main([str(self.contract), *given])
        said = self.capsys.readouterr()
        return code, said.out + said.err


@pytest.fixture
def tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Trial:
    contract = tmp_path / "invoices.yaml"
    contract.write_text(yaml.safe_dump(CONTRACT, sort_keys=False))
    monkeypatch.setenv("INVOICES_HOME", str(tmp_path))
    return Trial(contract, capsys)


def obey(contract: Path, printed: str) -> list[str]:
    """Set the keys as the printed lines say; the keys."""
    document = yaml.safe_load(contract.read_text())
    found = list(SET.finditer(printed))
    for each in found:
        assert each["path"] == str(contract)
        line = contract.read_text().splitlines()[int(each["place"].split()[-1]) - 1]
        *parents, key = each["key"].split(".")
        assert (key if "below" not in each["place"] else parents[-1]) in line
        part = document
        for parent in parents:
            part = part[parent]
        part[key] = json.loads(each["value"])
    contract.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True))
    return [each["key"] for each in found]


def text(lines: list[str], header: str = HEADER) -> bytes:
    return "\n".join([header, *lines, ""]).encode()


MISTAKES = {
    "semicolons": (text([line.replace(",", ";") for line in rows()], HEADER.replace(",", ";")), ["extract.delimiter"]),
    "tabs": (text([line.replace(",", "\t") for line in rows()], HEADER.replace(",", "\t")), ["extract.delimiter"]),
    "cp1252": (text(rows(note="Büro")).decode().encode("cp1252"), ["extract.encoding"]),
    "utf-16": (text(rows()).decode().encode("utf-16"), ["extract.encoding"]),
    "decimal comma": (text(rows('"{}234,56"')), ["extract.decimal"]),
    "thousands": (text(rows('"{},234.56"')), ["extract.thousands"]),
    "thousands of some": (text([*rows(), *again('"{},234.56"')]), ["extract.thousands"]),
    "German amounts": (text(rows('"{}.234,56"')), ["extract.decimal", "extract.thousands"]),
    "Swiss amounts": (text(rows("{}'234.56")), ["extract.thousands"]),
    "German dates": (text(rows(day="{:02}.01.2026")), ["extract.date_format"]),
    "American dates": (text(rows(day="01/{:02}/2026")), ["extract.date_format"]),
    "dates with a time": (text(rows(day="2026-01-{:02} 00:00:00")), ["extract.date_format"]),
    "a header of a similar name": (text(rows(), "vendor,number,day,Amounts,note"), ["fields.amount.column"]),
    "a header by its only rival": (text(rows(), "vendor,number,Belegdatum,amount,note"), ["fields.day.column"]),
    "headers by what stands below them": (
        text(rows(), "vendor,number,Belegdatum,Betrag,note"), ["fields.day.column", "fields.amount.column"],
    ),
    "a sign for no value": (text([*rows(), *again("-")]), ["extract.empty_values", "fields.amount.required"]),
    "all at once": (
        "\n".join(
            ["Vendors;Number;Belegdatum;Betrag;note"]
            + [f"V{i};A{i};{13 + i}.01.2026;{i + 1}.234,56;Büro" for i in range(12)]
        ).encode("cp1252"),
        ["extract.encoding", "extract.delimiter", "fields.vendor.column", "fields.day.column", "fields.amount.column",
         "extract.decimal", "extract.thousands", "extract.date_format"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_every_mistake_is_known_by_its_keys(tried: Trial, tmp_path: Path, mistake: str) -> None:
    content, keys = MISTAKES[mistake]
    (tmp_path / "extract.csv").write_bytes(content)

    found, better = hints(load_contract(tried.contract), str(tmp_path / "extract.csv"))

    assert sorted(".".join(hint.key) for hint in found) == sorted(keys)
    assert hints(better, str(tmp_path / "extract.csv"))[0] == []


TRIED = ("thousands", "all at once")


@pytest.mark.parametrize(
    "mistake", [pytest.param(name, marks=() if name in TRIED else pytest.mark.slow) for name in MISTAKES]
)
def test_a_mistake_comes_with_the_keys_that_mend_it(tried: Trial, mistake: str) -> None:
    content, keys = MISTAKES[mistake]

    code, printed = tried(content)
    assert code == 1, printed
    assert sorted(obey(tried.contract, printed)) == sorted(keys), printed

    code, printed = tried(content)
    assert code == 0, printed
    assert "would be loaded and 0 quarantined" in printed
    assert "Set in the contract" not in printed


def test_a_fit_extract_is_told_and_nothing_is_left_behind(tried: Trial) -> None:
    code, printed = tried(gzip.compress(text(rows())), "extract.csv.gz")

    assert code == 0
    assert "small, 5 fields, fine" in printed
    assert "note: number is taken as the first identifier; write invoice_number: number to keep it" in printed
    assert "note: day is taken as the first date; write invoice_date: day to keep it" in printed
    assert "extract.csv.gz: 12 rows; 12 would be loaded and 0 quarantined" in printed
    assert {path.name for path in tried.contract.parent.iterdir()} == {"invoices.yaml", "extract.csv.gz"}


def test_quarantined_rows_are_told_with_lines_reasons_and_examples(tried: Trial) -> None:
    code, printed = tried(text([*rows(), "V1,X,2026-01-01,12x,paper", "V1,Y,2026-01-01,13x,paper"]))

    assert code == 0
    assert "14 rows; 12 would be loaded and 2 quarantined" in printed
    assert "2 in line 14, 15: amount: '12x' is not a number" in printed


def test_without_an_extract_it_says_so_and_all_is_well(tried: Trial) -> None:
    code, printed = tried()

    assert code == 0
    assert "tonight's extract is not there (yet)" in printed


def test_without_tonights_extract_the_newest_one_is_tried(tried: Trial) -> None:
    landing = tried.contract.parent / "landing"
    landing.mkdir()
    (landing / "2026-01-05.csv").write_bytes(text(rows()))

    code, printed = tried()

    assert code == 0
    assert "2026-01-05.csv: 12 rows; 12 would be loaded" in printed


def test_a_file_that_is_not_there_is_named(tried: Trial, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tried.contract), "--extract", "/nowhere/extract.csv"]) == 1
    assert "/nowhere/extract.csv: there is no extract here" in capsys.readouterr().out


def test_a_file_that_no_key_can_mend_is_told_without_one(tried: Trial) -> None:
    code, printed = tried(gzip.compress(text(rows()))[:40], "extract.csv.gz")

    assert code == 1
    assert "ends too early" in printed
    assert "Set in the contract" not in printed
