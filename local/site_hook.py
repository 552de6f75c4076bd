"""What MkDocs does not do by itself for the docs site: pages from outside of docs/, links to code, drawn flow charts.

The documents at the top of the project become pages. A link to a file that is no page of the site keeps its words and
loses its address. A mermaid chart is shown as the picture of it in docs/diagrams, since the program that draws such
charts would be loaded from another host.
"""

import hashlib
import logging
import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

PROJECT = Path(__file__).resolve().parent.parent
PAGES = {
    "README.md": "index.md",
    "ARCHITECTURE.md": "architecture.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
}
"""Documents at the top of the project, and what they are called on the site."""
DIAGRAMS = "diagrams"
LINK = re.compile(r"(?P<mark>!?)\[(?P<words>(?:[^\[\]]|\[[^\[\]]*\])*)\]\((?P<target>[^()\s]+)\)")
CHART = re.compile(r"^```mermaid\n(?P<source>.*?)^```$", re.DOTALL | re.MULTILINE)

log = logging.getLogger("mkdocs.hooks.site")


def on_files(files: Any, config: Any) -> Any:
    """Add the documents at the top of the project to the pages."""
    for source, page in PAGES.items():
        files.append(File.generated(config, page, abs_src_path=str(PROJECT / source)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Have links lead to pages of the site, and show charts as pictures."""
    uri = page.file.src_uri
    linked = LINK.sub(lambda found: _linked(found, uri, files), markdown)
    return CHART.sub(lambda found: _picture(found["source"], uri), linked)


def digest_of(chart: str) -> str:
    """Name of the picture of a chart: it changes with the chart, so that no picture is out of date."""
    return hashlib.sha256(chart.encode()).hexdigest()[:12]


def _picture(chart: str, uri: str) -> str:
    name = f"{DIAGRAMS}/{digest_of(chart)}.svg"
    if not (PROJECT / "docs" / name).exists():
        log.warning("%s: a chart has no picture docs/%s; draw it as CONTRIBUTING.md says", uri, name)
    return f"![Flow chart]({posixpath.relpath(name, posixpath.dirname(uri) or '.')}){{ .chart }}"


def _linked(link: "re.Match[str]", uri: str, files: Any) -> str:
    target, hash_, anchor = link["target"].partition("#")
    if "://" in target or not target:
        return link[0]
    home = next((source for source, page in PAGES.items() if page == uri), f"docs/{uri}")
    path = posixpath.normpath(posixpath.join(posixpath.dirname(home), target))
    there = PAGES.get(path) or (path.removeprefix("docs/") if path.startswith("docs/") else "")
    if there and files.get_file_from_path(f"{there}/README.md"):
        there = f"{there}/README.md"
    if not there or files.get_file_from_path(there) is None:
        return link["words"]
    return f"{link['mark']}[{link['words']}]({posixpath.relpath(there, posixpath.dirname(uri) or '.')}{hash_}{anchor})"
