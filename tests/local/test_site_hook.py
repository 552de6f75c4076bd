"""Links and charts of a page, as the docs site shows them."""

from types import SimpleNamespace

import pytest

from invoice_anomalies.paths import PROJECT
from local.site_hook import digest_of, on_page_markdown
from tests.docs.pages import blocks, page

PAGES = {"index.md", "roles.md", "security.md", "detection.md", "decisions/README.md", "decisions/0001-a.md"}
FILES = SimpleNamespace(get_file_from_path=lambda path: path if path in PAGES else None)


def shown(markdown: str, on: str) -> str:
    return on_page_markdown(markdown, SimpleNamespace(file=SimpleNamespace(src_uri=on)), None, FILES)


@pytest.mark.parametrize(
    ("on", "link", "leads"),
    [
        ("index.md", "[roles](docs/roles.md)", "[roles](roles.md)"),
        ("index.md", "[why](docs/decisions)", "[why](decisions/README.md)"),
        ("security.md", "[verdicts](docs/roles.md#verdicts)", "[verdicts](roles.md#verdicts)"),
        ("roles.md", "[start](../README.md)", "[start](index.md)"),
        ("decisions/0001-a.md", "[method](../detection.md#1-features)", "[method](../detection.md#1-features)"),
        ("roles.md", "[here](#verdicts)", "[here](#verdicts)"),
        ("roles.md", "[uv](https://docs.astral.sh/uv/)", "[uv](https://docs.astral.sh/uv/)"),
    ],
)
def test_a_link_leads_to_the_page_of_the_site(on: str, link: str, leads: str) -> None:
    assert shown(f"See {link}.", on) == f"See {leads}."


@pytest.mark.parametrize("target", ["../Dockerfile", "../include/invoices.yaml", "contracts"])
def test_a_link_to_what_is_no_page_keeps_its_words(target: str) -> None:
    assert shown(f"See [the words of it]({target}).", "roles.md") == "See the words of it."


def test_a_chart_is_shown_as_its_picture() -> None:
    (chart,) = blocks(page(PROJECT / "docs" / "detection.md"), "mermaid")

    assert (
        shown(f"```mermaid\n{chart}```", "detection.md")
        == f"![Flow chart](diagrams/{digest_of(chart)}.svg){{ .chart }}"
    )


def test_a_chart_without_a_picture_is_told(caplog: pytest.LogCaptureFixture) -> None:
    shown("```mermaid\nflowchart LR\n    never --> drawn\n```", "detection.md")

    assert "a chart has no picture docs/diagrams/" in caplog.text
