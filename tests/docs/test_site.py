"""The docs site builds without a warning, has every page, and needs no other host to be read."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from invoice_anomalies.paths import PROJECT
from tests.docs.pages import PAGES, page

OUTSIDE = re.compile(r"""<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=["']?https?://[^"'\s>]+""")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", folder],
        cwd=PROJECT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    return folder


def test_every_page_of_the_project_is_a_page_of_the_site(built: Path) -> None:
    titles = {heading for path in built.rglob("*.html") for heading in re.findall(r"<h1[^>]*>(.*?)<", page(path))}

    headings = {path.name: re.search(r"^# (.*)$", page(path), re.MULTILINE) for path in PAGES}
    assert [name for name, heading in headings.items() if heading is None or heading[1] not in titles] == []


def test_the_site_is_read_without_another_host(built: Path) -> None:
    assert {found for path in built.rglob("*.html") for found in OUTSIDE.findall(page(path))} == set()
    assert "fonts.googleapis" not in "".join(page(path) for path in built.rglob("*.css"))


def test_every_chart_is_shown_as_the_picture_of_it(built: Path) -> None:
    charts = sum(page(path).count("```mermaid") for path in PAGES)
    shown = [
        name for path in built.rglob("*.html") for name in re.findall(r'src="([^"]*diagrams/\w+\.svg)"', page(path))
    ]

    assert charts == len(shown)
    assert {Path(name).name for name in shown} == {path.name for path in (PROJECT / "docs" / "diagrams").glob("*.svg")}
