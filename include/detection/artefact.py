"""A model on disk: one folder, no pickles, every file under a checksum.

autoencoder.keras   the network as Keras writes it
weights.npz         the same weights for the light runtime
calibration.npz     the tails of every calibration
records.npz         how often each entity was odd in training
encoders.json       priors, levels, threshold
metadata.json       contract hash, training window, metrics, package versions
SHA256SUMS          checked before anything else is read
"""

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from include.contract import Contract
from include.detection.calibration import Calibration
from include.detection.collective import checks_of
from include.detection.detector import Detector
from include.detection.encoding import Encoder
from include.detection.records import Records
from include.detection.runtime import Weights
from include.errors import ArtefactError

SUMS = "SHA256SUMS"
FILES = ("autoencoder.keras", "weights.npz", "calibration.npz", "records.npz", "encoders.json", "metadata.json")


def detection_hash(contract: Contract) -> str:
    """Hash of what a model depends on in the contract: the judged fields, their types, the entity and the checks."""
    relevant = [
        contract.entity,
        [(n, f.type, f.required, f.relative_to) for n, f in contract.detected.items()],
        [(n, f.operation, f.parts) for n, f in contract.derived.items()],
        [(check.name, check.field) for check in checks_of(contract)],
    ]
    return hashlib.sha256(json.dumps(relevant).encode()).hexdigest()[:16]


def save_detector(detector: Detector, folder: Path, metadata: dict[str, Any]) -> str:
    """Write a fitted detector; the folder appears complete or not at all. Returns the checksum of its SHA256SUMS."""
    from include.detection.network import save

    making = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    save(detector.model_, making / "autoencoder.keras")
    np.savez(making / "weights.npz", allow_pickle=False, **detector.weights_.to_arrays())
    np.savez(making / "calibration.npz", allow_pickle=False, **_flatten(detector))
    np.savez(making / "records.npz", allow_pickle=False, **detector.records_.to_arrays())
    until = detector.trained_until_.isoformat()
    state = {
        "threshold": detector.threshold_,
        "trained_until": until,
        "learning": detector.learning_,
        **detector.encoder_.to_json(),
    }
    (making / "encoders.json").write_text(json.dumps(state))
    full = {"detection_hash": detection_hash(detector.contract), **metadata}
    (making / "metadata.json").write_text(json.dumps(full, indent=2, default=str))
    sums = "".join(f"{_sha256(making / name)}  {name}\n" for name in FILES)
    (making / SUMS).write_text(sums)
    shutil.rmtree(folder, ignore_errors=True)
    making.rename(folder)
    return _sha256(folder / SUMS)


def load_detector(folder: Path, contract: Contract, checksum: str | None = None) -> Detector:
    """Read a detector for scoring; raise ArtefactError where a file is missing or altered or the contract moved on."""
    _verify(folder, checksum)
    metadata = json.loads((folder / "metadata.json").read_text())
    if metadata["detection_hash"] != detection_hash(contract):
        raise ArtefactError(
            f"{folder}: trained for other fields than the contract now names; run train_autoencoder to train on them"
        )
    state = json.loads((folder / "encoders.json").read_text())
    detector = Detector(contract)
    detector.encoder_ = Encoder.from_json(contract, state)
    with np.load(folder / "weights.npz", allow_pickle=False) as arrays:
        detector.weights_ = Weights.from_arrays(dict(arrays))
    with np.load(folder / "calibration.npz", allow_pickle=False) as arrays:
        detector.calibrations_ = _unflatten(dict(arrays), "aspect")
        detector.field_calibrations_ = _unflatten(dict(arrays), "field")
    with np.load(folder / "records.npz", allow_pickle=False) as arrays:
        detector.records_ = Records.from_arrays(dict(arrays))
    detector.trained_until_ = pd.Timestamp(state["trained_until"])
    detector.threshold_, detector.learning_ = state["threshold"], state["learning"]
    return detector


def _verify(folder: Path, checksum: str | None) -> None:
    remedy = "restore the folder from a backup, or run train_autoencoder and score with its model"
    if not (folder / SUMS).is_file():
        raise ArtefactError(f"{folder}: no model here (no {SUMS}); {remedy}")
    if checksum is not None and _sha256(folder / SUMS) != checksum:
        raise ArtefactError(f"{folder / SUMS}: not the checksum recorded in model_versions; {remedy}")
    lines = (line.partition("  ") for line in (folder / SUMS).read_text().splitlines())
    listed = {name: checksum for checksum, _, name in lines}
    for name in FILES:
        if not (folder / name).is_file():
            raise ArtefactError(f"{folder / name}: missing; {remedy}")
        if listed.get(name) != _sha256(folder / name):
            raise ArtefactError(f"{folder / name}: altered since training (checksum differs); {remedy}")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flatten(detector: Detector) -> dict[str, Any]:
    groups = {"aspect": detector.calibrations_, "field": detector.field_calibrations_}
    return {
        f"{kind}|{name}|{part}": array
        for kind, calibrations in groups.items()
        for name, calibration in calibrations.items()
        for part, array in calibration.to_arrays().items()
    }


def _unflatten(arrays: dict[str, Any], wanted: str) -> dict[str, Calibration]:
    grouped: dict[str, dict[str, Any]] = {}
    for key, array in arrays.items():
        kind, name, part = key.split("|")
        if kind == wanted:
            grouped.setdefault(name, {})[part] = array
    return {name: Calibration.from_arrays(parts) for name, parts in grouped.items()}
