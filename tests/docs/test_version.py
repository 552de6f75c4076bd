"""The version is the same wherever it is written, and the changelog says what is in it."""

import re
import tomllib

from invoice_anomalies.paths import PROJECT
from tests.docs.pages import page


def test_project_image_and_changelog_are_of_one_version() -> None:
    version = tomllib.loads(page(PROJECT / "pyproject.toml"))["project"]["version"]
    image = re.search(r"image: invoice-anomalies:(\S+)", page(PROJECT / "docker-compose.yaml"))
    released = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d\d-\d\d$", page(PROJECT / "CHANGELOG.md"), re.MULTILINE)

    assert image is not None
    assert (image[1], released[0]) == (version, version)
    assert f"`{version.rpartition('.')[0]}`" in page(PROJECT / "SECURITY.md") or f"| {version.rpartition('.')[0]} | yes |" in page(
        PROJECT / "SECURITY.md"
    )
