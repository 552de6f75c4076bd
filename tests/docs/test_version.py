"""The version is the same wherever it is written."""

import re
import tomllib

from invoice_anomalies.paths import PROJECT
from tests.docs.pages import page


def test_project_image_changelog_and_supported_versions_agree() -> None:
    version = tomllib.loads(page(PROJECT / "pyproject.toml"))["project"]["version"]
    image = re.search(r"image: invoice-anomalies:(\S+)", page(PROJECT / "docker-compose.yaml"))
    releases = re.findall(r"^## \[([\d.]+)\] - \d{4}-\d\d-\d\d$", page(PROJECT / "CHANGELOG.md"), re.MULTILINE)
    supported = re.findall(r"^\| ([\d.]+) \| yes \|$", page(PROJECT / "SECURITY.md"), re.MULTILINE)

    assert image is not None
    assert (image[1], releases[0], supported) == (version, version, [version.rpartition(".")[0]])
