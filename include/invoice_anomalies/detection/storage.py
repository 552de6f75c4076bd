"""A model on disk: one folder, no pickles, every file under a checksum.

autoencoder.keras   the network as Keras writes it
weights.npz         the same weights, for numpy
calibration.npz     the tails of every calibration, and the states of the checks
records.npz         the base rates: how often each entity exceeded in training
encoders.json       priors, vocabularies, threshold
metadata.json       contract hash, training window, metrics, package versions
SHA256SUMS          checked before anything else is read
"""

import hashlib
import json
import math
import shutil
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from invoice_anomalies.contract import Contract
from invoice_anomalies.detection.autoencoder.forward import Weights
from invoice_anomalies.detection.checks import checks_of
from invoice_anomalies.detection.detector import Detector, scored_parts
from invoice_anomalies.detection.profiles.encoder import Encoder
from invoice_anomalies.detection.scoring.base_rates import BaseRates
from invoice_anomalies.detection.scoring.calibration import Calibration
from invoice_anomalies.detection.scoring.field_errors import FieldCalibrations
from invoice_anomalies.errors import ArtefactError
from invoice_anomalies.files import delete_abandoned, disk_full_errors, replace_folder

REMEDY = (
    "restore the folder from a backup and clear this task, or run train_autoencoder with an extract date before the "
    "night and clear the task plan and what follows"
)
SUMS = "SHA256SUMS"
BY_NAME, BY_FIELD = "aspect", "field"  # kinds of calibrations in calibration.npz, as models of 0.1.0 have them
FILES = ("autoencoder.keras", "weights.npz", "calibration.npz", "records.npz", "encoders.json", "metadata.json")


def detection_hash(contract: Contract) -> str:
    """Hash of what a model depends on in the contract: the scored fields, their types, the roles and the checks.

    The order of the fields does not count: a model keeps the order that it was trained with.
    """
    relevant = [
        contract.entity,
        contract.invoice_number_field,
        contract.invoice_date_field,
        sorted((n, f.type, f.required, f.relative_to) for n, f in contract.detected.items()),
        sorted((n, f.operation, f.parts) for n, f in contract.derived.items()),
        [(check.name, check.field) for check in checks_of(contract)],
    ]
    return _hash(relevant)


def _hash_of_0_1_0(contract: Contract) -> str | None:
    """Hash as 0.1.0 made it, which took the first identifier and the first date; None for a contract with others."""
    if contract.invoice_date_field != next(iter(contract.of_type("date")), None):
        return None
    relevant = [
        contract.entity,
        [(n, f.type, f.required, f.relative_to) for n, f in contract.detected.items()],
        [(n, f.operation, f.parts) for n, f in contract.derived.items()],
        [(check.name, check.field) for check in checks_of(contract)],
    ]
    return _hash(relevant)


def _hash(relevant: list[Any]) -> str:
    return hashlib.sha256(json.dumps(relevant).encode()).hexdigest()[:16]


def _in_the_order_of(contract: Contract, state: dict[str, Any]) -> Contract:
    """The contract with its fields in the order that a model was trained with; as it is for a model of 0.1.0."""
    fields, derived = (
        {
            name: named[name]
            for name in sorted(named, key=lambda name: order.index(name) if name in order else len(order))
        }
        for named, order in ((contract.fields, state.get("fields", [])), (contract.derived, state.get("derived", [])))
    )
    return contract.model_copy(update={"fields": fields, "derived": derived})


def save_detector(detector: Detector, folder: Path, metadata: dict[str, Any]) -> str:
    """Write a fitted detector; the folder appears complete or not at all. Returns the checksum of its SHA256SUMS."""
    with _appearing(folder) as making:
        _write(detector, making, metadata)
    return checksum_of(folder)


@contextmanager
def _appearing(folder: Path) -> Iterator[Path]:
    """Give a folder to write to, which takes its name when the block has ended well."""
    with disk_full_errors(folder.parent):
        folder.parent.mkdir(parents=True, exist_ok=True)
        delete_abandoned(folder.parent, ".*")
        making = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:12]}")
        try:
            making.mkdir()
            yield making
            replace_folder(making, folder)
        finally:
            shutil.rmtree(making, ignore_errors=True)


def _write(detector: Detector, making: Path, metadata: dict[str, Any]) -> None:
    from invoice_anomalies.detection.autoencoder.training import save

    save(detector.network, making / "autoencoder.keras")
    np.savez(making / "weights.npz", allow_pickle=False, **detector.weights.to_arrays())
    np.savez(making / "calibration.npz", allow_pickle=False, **_flatten(detector))
    np.savez(making / "records.npz", allow_pickle=False, **detector.base_rates.to_arrays())
    state = {
        "threshold": detector.threshold,
        "trained_until": detector.trained_until.isoformat(),
        "learning": detector.learning,
        "fields": list(detector.contract.fields),
        "derived": list(detector.contract.derived),
        **detector.encoder.to_json(),
    }
    (making / "encoders.json").write_text(json.dumps(state))
    full = {"detection_hash": detection_hash(detector.contract), **metadata}
    (making / "metadata.json").write_text(json.dumps(full, indent=2, default=str))
    sums = "".join(f"{_sha256(making / name)}  {name}\n" for name in FILES)
    (making / SUMS).write_text(sums)


def checksum_of(folder: Path) -> str:
    """Checksum of a model's folder, as model_versions keeps it; the files it stands for are not read."""
    return _sha256(folder / SUMS)


def load_detector(folder: Path, contract: Contract, checksum: str | None = None) -> Detector:
    """Read a detector for scoring; raise ArtefactError where a file is missing or altered or the contract moved on."""
    try:
        _verify(folder, checksum)
        metadata = json.loads((folder / "metadata.json").read_text())
        if metadata["detection_hash"] not in (detection_hash(contract), _hash_of_0_1_0(contract)):
            raise ArtefactError(
                f"{folder}: trained for other fields than the contract now names; run train_autoencoder with an "
                "extract date before the night to train on them, and clear the task plan and what follows"
            )
        return _read(folder, contract)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, zipfile.BadZipFile) as problem:
        # Checksums match but the content does not parse: the folder was written by other code.
        raise ArtefactError(f"{folder}: not a model that can be read ({_named(problem)}); {REMEDY}") from problem


def _read(folder: Path, contract: Contract) -> Detector:
    state = json.loads((folder / "encoders.json").read_text())
    if not math.isfinite(state["threshold"]):
        raise ValueError(f"its threshold is {state['threshold']}")
    contract = _in_the_order_of(contract, state)
    arrays = _arrays(folder / "calibration.npz")
    parts, checks = scored_parts(contract), checks_of(contract)
    return Detector(
        contract=contract,
        encoder=Encoder.from_json(contract, state),
        weights=Weights.from_arrays(_arrays(folder / "weights.npz")),
        check_states={check.name: check.state_from_arrays(_state(arrays, check.name)) for check in checks},
        calibrations=FieldCalibrations(parts, _unflatten(arrays, BY_NAME), _unflatten(arrays, BY_FIELD)),
        base_rates=BaseRates.from_arrays(_arrays(folder / "records.npz")),
        threshold=state["threshold"],
        trained_until=pd.Timestamp(state["trained_until"]),
        learning=state["learning"],
    )


def _arrays(path: Path) -> dict[str, Any]:
    """The arrays of an npz file, of numbers only: an array of objects would be a pickle, which is never opened."""
    with np.load(path, allow_pickle=False) as file:
        arrays = dict(file)
    if path.name == "weights.npz":
        broken = [name for name, array in arrays.items() if not np.isfinite(array).all()]
        if broken:
            raise ValueError(f"weights.npz: {broken[0]} holds values that are no numbers")
    return arrays


def _named(problem: BaseException) -> str:
    return f"{type(problem).__name__}: {problem}"


def _verify(folder: Path, checksum: str | None) -> None:
    if not (folder / SUMS).is_file():
        raise ArtefactError(f"{folder}: no model here (no {SUMS}); {REMEDY}")
    if checksum is not None and _sha256(folder / SUMS) != checksum:
        raise ArtefactError(f"{folder / SUMS}: not the checksum recorded in model_versions; {REMEDY}")
    lines = (line.partition("  ") for line in (folder / SUMS).read_text().splitlines())
    listed = {name: checksum for checksum, _, name in lines}
    for name in FILES:
        if not (folder / name).is_file():
            raise ArtefactError(f"{folder / name}: missing; {REMEDY}")
        if listed.get(name) != _sha256(folder / name):
            raise ArtefactError(f"{folder / name}: altered since training (checksum differs); {REMEDY}")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flatten(detector: Detector) -> dict[str, Any]:
    groups = {BY_NAME: detector.calibrations.by_name, BY_FIELD: detector.calibrations.by_field}
    return {
        f"{kind}|{name}|{part}": array
        for kind, calibrations in groups.items()
        for name, calibration in calibrations.items()
        for part, array in calibration.to_arrays().items()
    } | {
        f"learned|{check}|{name}": array
        for check, state in detector.check_states.items()
        if state is not None
        for name, array in state.to_arrays().items()
    }


def _state(arrays: dict[str, Any], check: str) -> dict[str, Any]:
    """The stored state of a check; empty in a model that was trained before the check had a state."""
    begin = f"learned|{check}|"
    return {key.removeprefix(begin): array for key, array in arrays.items() if key.startswith(begin)}


def _unflatten(arrays: dict[str, Any], wanted: str) -> dict[str, Calibration]:
    grouped: dict[str, dict[str, Any]] = {}
    for key, array in arrays.items():
        kind, name, part = key.split("|")
        if kind == wanted:
            grouped.setdefault(name, {})[part] = array
    return {name: Calibration.from_arrays(parts) for name, parts in grouped.items()}
