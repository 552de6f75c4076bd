"""Train a model, evaluate it, and write its artefact."""

import platform
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version as installed
from pathlib import Path

import pandas as pd

from include.contract import Contract
from include.detection import Detector, load_detector, save_detector
from include.lifecycle.evaluation import hold_out
from include.lifecycle.plots import draw_learning

PACKAGES = ("keras", "tensorflow", "numpy", "pandas", "scikit-learn")


def train_model(
    contract: Contract, invoices: pd.DataFrame, models: Path, progress: Callable[[str], None]
) -> tuple[str, str]:
    """Train on all but the held-out newest invoices and save the model.

    invoices: the training window, typed, with `extract_date`. Returns version and checksum; the version is the time of
    training, so versions sort by age.
    """
    older, _ = hold_out(invoices)
    detector = Detector(contract).fit(older, progress)
    version = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")[:-3]
    nights = invoices["extract_date"]
    metadata = {
        "version": version,
        "contract": contract.name,
        "trained_from": nights.min().date(),
        "trained_until": nights.max().date(),
        "rows": len(older),
        "threshold": detector.threshold_,
        "seed": contract.detection.seed,
        "packages": {"python": platform.python_version(), **{name: installed(name) for name in PACKAGES}},
    }
    checksum = save_detector(detector, models / version, metadata)
    draw_learning(detector.learning_, models / version / "learning.png")
    return version, checksum


def load_model(contract: Contract, models: Path, version: str, checksum: str | None = None) -> Detector:
    """Load the model of a version after checking its files."""
    return load_detector(models / version, contract, checksum)
