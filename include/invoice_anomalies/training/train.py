"""Train a model, evaluate it, and write its artefact."""

import hashlib
import json
import platform
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version as installed
from pathlib import Path

import pandas as pd

from invoice_anomalies.contract import Contract
from invoice_anomalies.detection import Detector, checksum_of, fit, load_detector, save_detector
from invoice_anomalies.errors import ArtefactError
from invoice_anomalies.files import atomic_write
from invoice_anomalies.training.evaluate import hold_out
from invoice_anomalies.training.plots import draw_learning

PACKAGES = ("keras", "tensorflow", "numpy", "pandas", "scikit-learn")


def new_version() -> str:
    """A name for a model to be trained: the time, so that versions sort by age."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")[:-3]


def train_model(
    contract: Contract,
    invoices: pd.DataFrame,
    models: Path,
    progress: Callable[[str], None],
    version: str | None = None,
) -> tuple[str, str]:
    """Train on all but the held-out newest invoices and save the model.

    invoices: the training window, typed, with `extract_date`. version: its name; another is taken where a model of
    that name was trained with another contract. A model that an earlier try has written is left as it is: other
    tasks may have its checksum. Returns version and checksum.
    """
    version = version or new_version()
    if (checksum := _written_before(contract, models / version)) is not None:
        progress(f"model {version} was written by an earlier try")
        return version, checksum
    if (models / version).exists():
        version = new_version()
    older, _ = hold_out(invoices)
    detector = fit(contract, older, progress)
    nights = invoices["extract_date"]
    metadata = {
        "version": version,
        "contract": contract.name,
        "contract_hash": _hash(contract),
        "trained_from": nights.min().date(),
        "trained_until": nights.max().date(),
        "rows": len(older),
        "threshold": detector.threshold,
        "seed": contract.detection.seed,
        "packages": {"python": platform.python_version(), **{name: installed(name) for name in PACKAGES}},
    }
    checksum = save_detector(detector, models / version, metadata)
    _draw(detector, models / version)
    return version, checksum


def _written_before(contract: Contract, folder: Path) -> str | None:
    """Checksum of the model in the folder where it is whole and was trained with this very contract."""
    try:
        detector = load_detector(folder, contract)
        metadata = json.loads((folder / "metadata.json").read_text())
    except ArtefactError:
        return None
    if metadata.get("contract_hash") != _hash(contract):
        return None
    _draw(detector, folder)
    return checksum_of(folder)


def _draw(detector: Detector, folder: Path) -> None:
    """Draw the learning curve beside the model unless it is there."""
    curve = folder / "learning.png"
    if not curve.exists():
        with atomic_write(curve) as making:
            draw_learning(detector.learning, making)


def _hash(contract: Contract) -> str:
    return hashlib.sha256(contract.model_dump_json().encode()).hexdigest()[:16]


def load_model(contract: Contract, models: Path, version: str, checksum: str | None = None) -> Detector:
    """Load the model of a version after checking its files."""
    return load_detector(models / version, contract, checksum)
