"""A model that is not what was trained scores nothing: it is refused at once, in words that say what to do."""

import json
import pickle
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import psycopg2
import pytest

from invoice_anomalies import warehouse
from invoice_anomalies.contract import Contract, load_contract
from invoice_anomalies.detection import checksum_of
from invoice_anomalies.detection.storage import FILES, SUMS, _sha256
from invoice_anomalies.errors import ArtefactError
from invoice_anomalies.pipeline.score import plan_scoring, score_chunk
from local.postgres import Cluster
from tests.company import NIGHT, Company, words
from tests.conftest import drop_database
from tests.faults.conftest import Workshop, load_night, undisturbed


@pytest.fixture(scope="module")
def with_a_night(in_chunks: Callable[[], Company], workshop: Workshop) -> Company:
    """A company with a night to score. Not for use: companies are copied from it."""
    company = in_chunks()
    load_night(undisturbed(workshop, company))
    return company


@pytest.fixture
def company(make_company: Callable[..., Company], with_a_night: Company, postgres: Cluster) -> Iterator[Company]:
    """A company with a night to score, and a model in a folder of its own."""
    company = make_company(like=with_a_night)
    with warehouse.connect(company.dsn) as connection:
        champion = warehouse.champion(connection)
        assert champion is not None
        folder = company.home / "models" / champion.version
        shutil.copytree(champion.artefact, folder, ignore=shutil.ignore_patterns("*.png"))
        record(connection, replace(champion, artefact=str(folder)))
    yield company
    drop_database(postgres, company.database)


def record(connection: psycopg2.extensions.connection, model: warehouse.ModelRecord) -> None:
    warehouse.register_model(connection, replace(model, status="challenger"))


def model_of(company: Company) -> Path:
    (folder,) = (company.home / "models").iterdir()
    return folder


def seal(company: Company) -> None:
    """Write the sums anew and record them, as who can write to the folder and to the database may."""
    folder = model_of(company)
    (folder / SUMS).write_text("".join(f"{_sha256(folder / name)}  {name}\n" for name in FILES))
    with warehouse.connect(company.dsn) as connection:
        champion = warehouse.champion(connection)
        assert champion is not None
        record(connection, replace(champion, checksum=checksum_of(folder)))


def missing(company: Company) -> None:
    shutil.rmtree(model_of(company))


def truncated(company: Company) -> None:
    weights = model_of(company) / "weights.npz"
    weights.write_bytes(weights.read_bytes()[:-100])


def swapped_for_another_version(company: Company) -> None:
    """Every sum of the folder is right, but of another model."""
    folder = model_of(company)
    metadata = json.loads((folder / "metadata.json").read_text())
    (folder / "metadata.json").write_text(json.dumps({**metadata, "version": "another"}))
    (folder / SUMS).write_text("".join(f"{_sha256(folder / name)}  {name}\n" for name in FILES))


def a_link_to_nowhere(company: Company) -> None:
    folder = model_of(company)
    shutil.rmtree(folder)
    folder.symlink_to(company.home / "nowhere")


def a_link_to_itself(company: Company) -> None:
    weights = model_of(company) / "weights.npz"
    weights.unlink()
    weights.symlink_to(weights)


def a_link_to_another_file(company: Company) -> None:
    folder = model_of(company)
    (folder / "weights.npz").unlink()
    (folder / "weights.npz").symlink_to(folder / "calibration.npz")


def a_file_in_its_place(company: Company) -> None:
    folder = model_of(company)
    shutil.rmtree(folder)
    folder.write_text("moved to the archive")


def weights_that_are_no_numbers(company: Company) -> None:
    path = model_of(company) / "weights.npz"
    with np.load(path) as file:
        arrays = dict(file)
    arrays["output_bias"][:] = np.nan
    np.savez(path, **arrays)
    seal(company)


def a_threshold_that_is_no_number(company: Company) -> None:
    path = model_of(company) / "encoders.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "threshold": float("nan")}))
    seal(company)


class Trap:
    """A pickle that would run this when it is opened."""

    def __reduce__(self) -> tuple[Callable[..., None], tuple[Path]]:
        return Path.touch, (Path("/tmp/opened"),)


def a_pickle_among_the_weights(company: Company) -> None:
    path = model_of(company) / "weights.npz"
    with np.load(path) as file:
        arrays = dict(file)
    arrays["linear"] = np.array([Trap()], dtype=object)
    np.savez(path, allow_pickle=True, **arrays)
    seal(company)


def a_pickle_in_place_of_the_weights(company: Company) -> None:
    (model_of(company) / "weights.npz").write_bytes(pickle.dumps(Trap()))
    seal(company)


def a_state_without_its_parts(company: Company) -> None:
    (model_of(company) / "encoders.json").write_text("{}")
    seal(company)


def a_state_that_is_no_json(company: Company) -> None:
    (model_of(company) / "encoders.json").write_bytes(b"\xff\xfe\x00")
    seal(company)


@pytest.mark.parametrize(
    ("what_happened", "said"),
    [
        (missing, "no model here"),
        (truncated, "weights.npz: altered since training"),
        (swapped_for_another_version, "not the checksum recorded in model_versions"),
        (a_link_to_nowhere, "no model here"),
        (a_link_to_itself, "weights.npz: missing"),
        (a_link_to_another_file, "weights.npz: altered since training"),
        (a_file_in_its_place, "no model here"),
        (weights_that_are_no_numbers, "output_bias holds values that are no numbers"),
        (a_threshold_that_is_no_number, "threshold is nan"),
        (a_pickle_among_the_weights, "not a model that can be read"),
        (a_pickle_in_place_of_the_weights, "not a model that can be read"),
        (a_state_without_its_parts, "not a model that can be read"),
        (a_state_that_is_no_json, "not a model that can be read"),
    ],
    ids=lambda case: getattr(case, "__name__", ""),
)
def test_a_model_that_is_not_what_was_trained_scores_nothing(
    company: Company, what_happened: Callable[[Company], None], said: str
):
    contract: Contract = load_contract(company.contract)
    staging = company.home / "staging"
    chunk = plan_scoring(contract, company.dsn, NIGHT, None, staging)[0]
    what_happened(company)

    with pytest.raises(ArtefactError, match=said) as refused:
        score_chunk(contract, company.dsn, chunk)

    assert not refused.value.retryable
    assert "run train_autoencoder" in str(refused.value)
    assert not list(staging.glob("*.parquet"))
    assert not Path("/tmp/opened").exists()


def test_a_night_whose_model_was_altered_fails_at_once_publishes_nothing_and_says_what_to_do(company: Company):
    truncated(company)

    done = company.run("score_invoices")

    assert done.state == "failed"
    assert done.states["score"] == "failed"
    assert done.states["publish"] == "upstream_failed"
    assert company.count("scores") == company.count("scoring_runs") == company.count("anomalies") == 0
    mail = company.outbox("failure")[0]
    assert "the model's files are incomplete or altered" in str(mail["Subject"])
    assert "Restore the folder from a backup." in words(mail)
    assert "run train_autoencoder with an extract date before the night" in words(mail)


def test_a_night_is_scored_once_its_model_is_restored(company: Company):
    folder = model_of(company)
    shutil.copytree(folder, company.home / "backup")
    truncated(company)
    company.run("score_invoices")
    shutil.rmtree(folder)
    shutil.copytree(company.home / "backup", folder)

    company.succeed("score_invoices")

    assert company.count("scores", NIGHT) == company.count("invoices", NIGHT) > 0
