"""Great Expectations' own pages in a frame that loads nothing from another host; made by GX by the names of classes.

GX's frame loads styles and scripts from seven hosts, and its site copies 4 MB of pictures and fonts for each night.
"""

from pathlib import Path
from typing import Any

from great_expectations.render.renderer.site_builder import SiteBuilder
from great_expectations.render.view import DefaultJinjaPageView
from jinja2 import ChoiceLoader, FileSystemLoader

from invoice_anomalies.validation.story import PAGES, POLICY


class OfflinePage(DefaultJinjaPageView):  # type: ignore[misc]
    """GX's view with the templates of this project before its own."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.env.loader = ChoiceLoader([FileSystemLoader(PAGES), *([self.env.loader] if self.env.loader else [])])
        self.env.globals["policy"] = POLICY


class OfflineSite(SiteBuilder):  # type: ignore[misc]
    """GX's pages of suites and validations; the index is written by the project."""

    def build(self, resource_identifiers: Any = None, build_index: bool = True) -> tuple[Any, dict[str, Any]]:
        """Write the pages, without an index and without GX's pictures and fonts."""
        for section in self.site_section_builders.values():
            section.build(resource_identifiers=resource_identifiers)
        return self.get_resource_url(only_if_exists=False), {}


def site(docs: Path) -> dict[str, Any]:
    """The configuration of the site in this folder, as GX reads it."""
    view = {"module_name": __name__, "class_name": OfflinePage.__name__}
    return {
        "module_name": __name__,
        "class_name": OfflineSite.__name__,
        "site_section_builders": {"expectations": {"view": view}, "validations": {"view": view}, "profiling": "None"},
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(docs.absolute())},
    }
