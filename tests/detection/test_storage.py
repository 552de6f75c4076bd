"""A model on disk is complete, unaltered and free of pickles, or it is refused."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from invoice_anomalies.contract import Contract
from invoice_anomalies.detection import explain, fit, load_detector, save_detector, score
from invoice_anomalies.detection.autoencoder.forward import NumpyAutoencoder
from invoice_anomalies.detection.autoencoder.training import load
from invoice_anomalies.detection.storage import FILES, SUMS
from invoice_anomalies.errors import ArtefactError
from tests.detection.orders import contract, fields, orders, typed
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
    again = score(loaded, trained.invoices, trained.history)
    pd.testing.assert_frame_equal(again.scores, trained.result.scores, check_exact=True)
    pd.testing.assert_frame_equal(again.errors, trained.result.errors, check_exact=True)
    some = trained.result.flagged(10)
    for found, expected in zip(
        explain(loaded, again, some), explain(trained.detector, trained.result, some), strict=True
    ):
        pd.testing.assert_frame_equal(found, expected)


def test_a_model_scores_and_explains_the_same_with_the_lines_of_the_contract_shuffled(
    trained: Trained, saved: tuple[Path, str]
) -> None:
    fields = trained.detector.contract.fields
    shuffled = {name: fields[name] for name in sorted(fields, reverse=True)}
    loaded = load_detector(saved[0], trained.detector.contract.model_copy(update={"fields": shuffled}), saved[1])
    again = score(loaded, trained.invoices, trained.history)
    pd.testing.assert_frame_equal(again.scores, trained.result.scores, check_exact=True)
    some = trained.result.flagged(10)
    for found, expected in zip(
        explain(loaded, again, some), explain(trained.detector, trained.result, some), strict=True
    ):
        pd.testing.assert_frame_equal(found, expected)


def test_a_loaded_model_knows_until_when_it_learned_and_how(trained: Trained, saved: tuple[Path, str]) -> None:
    loaded = load_detector(saved[0], trained.detector.contract)
    assert loaded.trained_until == trained.detector.trained_until == trained.history["extract_date"].max()
    assert loaded.learning == trained.detector.learning
    assert loaded.threshold == trained.detector.threshold


def test_the_network_in_numpy_reconstructs_what_keras_does(trained: Trained, saved: tuple[Path, str]) -> None:
    encoder, inputs = trained.detector.encoder, trained.result.given.inputs
    keras_model = load(saved[0] / "autoencoder.keras")
    network = NumpyAutoencoder(encoder, trained.detector.weights, inputs)
    every_output = np.arange(encoder.slots.width)
    for asked in ([encoder.fields[0]], [encoder.fields[-1]], encoder.fields):
        masked = inputs.copy()
        hidden = {other for name in asked for other in encoder.slots.masked_together[name]}
        for feature in encoder.features:
            if feature.field in hidden:
                masked[:, encoder.slots.value_columns[feature.name]] = 0.0
        masked[:, [encoder.slots.mask_column[name] for name in hidden]] = 1.0
        expected = keras_model.predict(masked, verbose=0)
        np.testing.assert_allclose(network.masked(asked, every_output).T, expected, atol=1e-5, rtol=1e-4)


def test_no_file_of_a_model_is_a_pickle(saved: tuple[Path, str]) -> None:
    assert {path.name for path in saved[0].iterdir()} == {*FILES, SUMS}
    for name in ("weights.npz", "calibration.npz", "records.npz"):
        with np.load(saved[0] / name, allow_pickle=False) as arrays:
            assert len(arrays.files)
            assert all(arrays[key].dtype.kind in "fiu" for key in arrays)


@pytest.mark.parametrize("name", ["weights.npz", "records.npz", "encoders.json"])
def test_an_altered_file_is_refused(trained: Trained, copied: Path, name: str) -> None:
    with (copied / name).open("r+b") as file:
        file.seek(200)
        file.write(b"\0\0\0\0")
    with pytest.raises(ArtefactError, match=rf"{name}: altered since training"):
        load_detector(copied, trained.detector.contract)


@pytest.mark.parametrize("name", ["calibration.npz", "records.npz"])
def test_a_missing_file_is_refused(trained: Trained, copied: Path, name: str) -> None:
    (copied / name).unlink()
    with pytest.raises(ArtefactError, match=rf"{name}: missing; restore the folder"):
        load_detector(copied, trained.detector.contract)


def test_a_folder_whose_sums_were_rewritten_is_refused_by_the_recorded_checksum(
    trained: Trained, copied: Path, saved: tuple[Path, str]
) -> None:
    (copied / "SHA256SUMS").write_text((copied / "SHA256SUMS").read_text() + "\n")
    with pytest.raises(ArtefactError, match="not the checksum recorded in model_versions"):
        load_detector(copied, trained.detector.contract, saved[1])


def without_a_field(document: dict[str, Any]) -> None:
    document["fields"]["gl_account"]["detect"] = False


def with_another_type(document: dict[str, Any]) -> None:
    document["fields"]["gl_account"]["type"] = "identifier"


def with_another_reference(document: dict[str, Any]) -> None:
    document["fields"]["due_date"]["relative_to"] = "posting_date"


def with_another_entity(document: dict[str, Any]) -> None:
    document["entity"] = "cost_center"


def without_derived_fields(document: dict[str, Any]) -> None:
    document["derived"] = {}


def with_another_ratio(document: dict[str, Any]) -> None:
    document["derived"]["tax_rate"]["ratio"] = ["tax_amount", "gross_amount"]


def with_another_operation(document: dict[str, Any]) -> None:
    derived = document["derived"]["sum_gap"]
    derived["sum"], derived["difference"] = derived["difference"], None


def without_a_check(document: dict[str, Any]) -> None:
    document["detection"]["duplicate_days"] = 0


@pytest.mark.parametrize(
    "change",
    [
        without_a_field, with_another_type, with_another_reference, with_another_entity, without_derived_fields,
        with_another_ratio, with_another_operation, without_a_check,
    ],
)  # fmt: skip
def test_a_model_of_other_fields_is_refused(
    trained: Trained, saved: tuple[Path, str], change: Callable[[dict[str, Any]], None]
) -> None:
    document = trained.detector.contract.model_dump()
    change(document)
    with pytest.raises(ArtefactError, match="trained for other fields than the contract now names"):
        load_detector(saved[0], Contract.model_validate(document))


def test_a_model_stays_good_where_only_words_and_limits_change(trained: Trained, saved: tuple[Path, str]) -> None:
    document = trained.detector.contract.model_dump()
    document["description"] = document["derived"]["tax_rate"]["description"] = "in other words"
    document["detection"] |= {"review_budget": 5, "duplicate_days": 30, "threshold_quantile": 0.999}
    assert load_detector(saved[0], Contract.model_validate(document)).threshold == trained.detector.threshold


@pytest.mark.usefixtures("untraced")
def test_entities_with_hostile_names_survive_saving(tmp_path: Path) -> None:
    small = contract(fields("vendor", "amount"), detection={"epochs": 1})
    names = ["", "a\nb", "nul\x00", "Müller & Söhne", "株式会社", "\u202egnp.exe", "'; DROP TABLE x; --", "x" * 3000]
    frame = typed(small, orders(200).assign(vendor=np.resize(np.array(names, dtype=object), 200)))
    detector = fit(small, frame)
    save_detector(detector, tmp_path / "v1", {})

    loaded = load_detector(tmp_path / "v1", small)

    assert set(loaded.base_rates.entities) == set(names)
    night = frame.tail(20)
    pd.testing.assert_frame_equal(score(loaded, night, frame).errors, score(detector, night, frame).errors)


def test_the_metadata_can_be_read_by_people(saved: tuple[Path, str]) -> None:
    metadata = json.loads((saved[0] / "metadata.json").read_text())
    assert metadata["version"] == "v1"
    assert len(metadata["detection_hash"]) == 16


def test_scoring_does_not_import_tensorflow() -> None:
    code = (
        "import sys, invoice_anomalies.pipeline.score; sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
