"""The Data Docs of a night: whole without a network, and with the rows that were refused or quarantined."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from invoice_anomalies.extract import Limits, read
from invoice_anomalies.validation.data_docs import ROWS_SHOWN
from tests.validation.conftest import FIT, HEADER, StagedOutcome, contract_of, judged_in

SCRIPT = "<script src=//evil.example/x.js>alert(1)</script>"
HOSTILE = f"V1,H1,2024-01-31,12x,std,{SCRIPT}"


class Page(HTMLParser):
    """What a page loads, links to, and says."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.inline: list[str] = []
        self.texts: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if tag == "a":
            self.links.append(given.get("href") or "")
        elif tag != "base":
            self.loaded += [given[name] or "" for name in ("src", "href", "data", "poster", "srcset") if name in given]
        self.loaded += re.findall(r"url\(([^)]*)\)", given.get("style") or "")
        self.inline += [name for name in given if name.startswith("on")]
        if tag == "script" and "src" not in given:
            self.inline.append("script")

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.texts).split())


def night(
    folder: Path, name: str, *rows: str, header: str = HEADER, fit: int = 20, chunk_rows: int = 1000
) -> StagedOutcome:
    """Judge fit rows and these, with the Data Docs in data_docs/<name>."""
    contract, path = contract_of(max_quarantined_share=0.4), folder / f"{name}.csv"
    path.write_text("\n".join([header, *(FIT.format(i) for i in range(fit)), *rows]) + "\n", encoding="utf-8")
    parts = read(contract, str(path), limits=Limits(chunk_rows=chunk_rows))
    return judged_in(folder, contract, parts, file=path.name, docs=folder / "data_docs" / name)


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, StagedOutcome]:
    """An accepted night, one in parts, and nights that are refused for their rows and for their header."""
    folder = tmp_path_factory.mktemp("nights")
    unfit = [f"V1,U{i},2024-01-31,12x,std,<b>{i}</b>" for i in range(30)]
    return {
        "accepted": night(folder, "accepted", HOSTILE, "V1,A0,2024-01-31,10.50,std,again"),
        "parts": night(folder, "parts", HOSTILE, chunk_rows=9),
        "unfit": night(folder, "unfit", *unfit),
        "header": night(folder, "header", header="vendor,number,day,sum,kind,note"),
        "many": night(folder, "many", *(f"V1,M{i},2024-01-31,12x,std," for i in range(ROWS_SHOWN + 3)), fit=1000),
    }


def site(nights: dict[str, StagedOutcome]) -> Path:
    return Path(nights["accepted"].data_docs).parent.parent


def first_page(outcome: StagedOutcome) -> Page:
    return Page(Path(outcome.data_docs))


def pages(nights: dict[str, StagedOutcome]) -> Iterator[Page]:
    return (Page(path) for path in sorted(site(nights).rglob("*.html")))


def test_no_page_loads_anything_from_another_host_or_runs_a_script_of_its_own(nights: dict[str, StagedOutcome]) -> None:
    for page in pages(nights):
        assert page.loaded, page.path
        for reference in page.loaded:
            assert not re.match(r"\s*(\w+:)?//|https?:", reference), f"{page.path}: {reference}"
            assert reference == "data:," or (page.path.parent / unquote(reference)).resolve().is_file(), page.path
        assert page.inline == [], page.path
        assert "default-src 'none'" in page.path.read_text(encoding="utf-8").replace("&#39;", "'")
    for path in (site(nights) / "assets").iterdir():
        assert "//" not in path.read_text(encoding="utf-8").replace("// ", ""), path


def test_every_link_leads_to_a_page_of_the_site(nights: dict[str, StagedOutcome]) -> None:
    for page in pages(nights):
        for link in (link for link in page.links if not link.startswith("#")):
            assert (page.path.parent / unquote(link)).resolve().is_file(), f"{page.path}: {link}"


def test_the_first_page_lists_every_validation_with_its_result(nights: dict[str, StagedOutcome]) -> None:
    for name, runs in {"accepted": 1, "parts": 4, "unfit": 1, "header": 1}.items():
        page = first_page(nights[name])
        listed = {link for link in page.links if link.startswith("validations/")}
        made = page.path.parent.rglob("validations/**/*.html")

        assert {unquote(link) for link in listed} == {path.relative_to(page.path.parent).as_posix() for path in made}
        assert len(listed) == runs
    assert "broken small, the rows: lines 20 to 22" in first_page(nights["parts"]).words


def test_the_nights_share_one_copy_of_styles_and_scripts(nights: dict[str, StagedOutcome]) -> None:
    names = {path.suffix for path in site(nights).rglob("*") if path.is_file()}

    assert names == {".html", ".css", ".js"}
    assert sorted(path.name for path in site(nights).rglob("*.css")) == ["docs.css"]


@pytest.mark.parametrize("name", ["accepted", "parts"])
def test_quarantined_rows_are_shown_with_line_reasons_and_what_came(
    nights: dict[str, StagedOutcome], name: str
) -> None:
    page = first_page(nights[name])

    assert nights[name].quarantined_rows == len(nights[name].quarantined)
    reason = "amount: '12x' is not a number; expected e.g. 1234.56 with decimal mark '.'"
    assert f"22 {reason} V1 H1 2024-01-31 12x std {SCRIPT}" in page.words
    if name == "accepted":
        assert "of which 20 are valid and 2 quarantined" in page.words
        assert "23 vendor, number: same key as line 2; expected each invoice once V1 A0" in page.words


def test_rows_of_a_refused_night_are_shown_by_rule(nights: dict[str, StagedOutcome]) -> None:
    page = first_page(nights["unfit"])

    assert "Refused: nothing of its 50 rows is loaded." in page.words
    assert "30 quarantine 22, 23, 24, 25, 26, … amount: '12x' is not a number" in page.words
    for line in range(22, 27):
        assert f"{line} amount: '12x' is not a number" in page.words
        assert f"12x std <b>{line - 22}</b>" in page.words


def test_a_night_without_a_column_shows_its_first_rows(nights: dict[str, StagedOutcome]) -> None:
    page = first_page(nights["header"])

    assert "1 expected column is missing: 'amount'" in page.words
    assert "The first rows, as they came" in page.words
    assert "Line vendor number day sum kind note 2 V1 A0 2024-01-31 10.50 std" in page.words


def test_of_many_quarantined_rows_the_first_are_shown_and_the_place_of_the_others_told(
    nights: dict[str, StagedOutcome],
) -> None:
    page = first_page(nights["many"])

    assert f"The first {ROWS_SHOWN:,} of {ROWS_SHOWN + 3:,}; all are in quarantined_invoices." in page.words
    assert f" M{ROWS_SHOWN - 1} " in page.words
    assert f" M{ROWS_SHOWN} " not in page.words
