"""A model on disk is complete, unaltered and free of pickles, or it is refused."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from include.detection import load_detector, save_detector
from include.detection.artefact import FILES, SUMS
from include.detection.network import load
from include.detection.runtime import Runtime
from include.errors import ArtefactError
from tests.trained_detector import Trained


@pytest.fixture(scope="module")
def saved(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("models") / "v1"
    return folder, save_detector(trained.detector, folder, {"version": "v1"})


@pytest.fixture
def copied(saved: tuple[Path, str], tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved[0], tmp_path / "v1"))


def test_a_loaded_model_scores_as_the_fitted_one(trained: Trained, saved: tuple[Path, str]) -> None:
    loaded = load_detector(saved[0], trained.detector.contract, saved[1])
    again = loaded.score(trained.invoices, trained.history)
    np.testing.assert_allclose(again.scores["score"], trained.judgement.scores["score"], rtol=1e-6)


def test_the_light_runtime_reconstructs_what_keras_does(trained: Trained, saved: tuple[Path, str]) -> None:
    encoder, inputs = trained.detector.encoder_, trained.judgement.encoded.inputs
    keras_model = load(saved[0] / "autoencoder.keras")
    runtime = Runtime(encoder, trained.detector.weights_).start(inputs)
    every_output = np.arange(encoder.layout_.width)
    for fields in ([encoder.fields[0]], [encoder.fields[-1]], encoder.fields):
        masked = inputs.copy()
        for aspect in encoder.aspects:
            if aspect.field in fields:
                masked[:, encoder.layout_.own[aspect.name]] = 0.0
        masked[:, [encoder.layout_.mask[name] for name in fields]] = 1.0
        expected = keras_model.predict(masked, verbose=0)
        np.testing.assert_allclose(runtime.masked(fields, every_output), expected, atol=1e-5, rtol=1e-4)


def test_no_file_of_a_model_is_a_pickle(saved: tuple[Path, str]) -> None:
    assert {path.name for path in saved[0].iterdir()} == {*FILES, SUMS}
    for name in ("weights.npz", "calibration.npz"):
        with np.load(saved[0] / name, allow_pickle=False) as arrays:
            assert all(arrays[key].dtype.kind == "f" for key in arrays)


def test_an_altered_file_is_refused(trained: Trained, copied: Path) -> None:
    with (copied / "weights.npz").open("r+b") as file:
        file.seek(200)
        file.write(b"\0\0\0\0")
    with pytest.raises(ArtefactError, match=r"weights\.npz: altered since training"):
        load_detector(copied, trained.detector.contract)


def test_a_missing_file_is_refused(trained: Trained, copied: Path) -> None:
    (copied / "calibration.npz").unlink()
    with pytest.raises(ArtefactError, match=r"calibration\.npz: missing; restore the folder"):
        load_detector(copied, trained.detector.contract)


def test_a_folder_whose_sums_were_rewritten_is_refused_by_the_recorded_checksum(
    trained: Trained, copied: Path, saved: tuple[Path, str]
) -> None:
    (copied / "SHA256SUMS").write_text((copied / "SHA256SUMS").read_text() + "\n")
    with pytest.raises(ArtefactError, match="not the checksum recorded in model_versions"):
        load_detector(copied, trained.detector.contract, saved[1])


def test_a_model_of_other_fields_is_refused(trained: Trained, copied: Path) -> None:
    contract = trained.detector.contract
    fewer = {name: field for name, field in contract.fields.items() if name != "gl_account"}
    with pytest.raises(ArtefactError, match="trained for other fields than the contract now names"):
        load_detector(copied, contract.model_copy(update={"fields": fewer}))


def test_the_metadata_can_be_read_by_people(saved: tuple[Path, str]) -> None:
    metadata = json.loads((saved[0] / "metadata.json").read_text())
    assert metadata["version"] == "v1"
    assert len(metadata["detection_hash"]) == 16


def test_scoring_does_not_import_tensorflow() -> None:
    code = "import sys, include.pipeline.judge; sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
