"""A detector trained once on half a year of a small made-up company, and a night with planted anomalies."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

import pandas as pd
import pytest

from invoice_anomalies.contract import Contract, load_contract
from invoice_anomalies.detection import Detector, ScoringResult, fit, score
from invoice_anomalies.paths import PROJECT
from invoice_anomalies.synthetic import Company, plant
from tests.shared import Shared

CUT = pd.Timestamp(2026, 6, 1)


@dataclass(frozen=True)
class Trained:
    """A fitted detector, what it learned from, and later invoices of which some are planted."""

    detector: Detector
    history: pd.DataFrame
    invoices: pd.DataFrame
    labels: pd.DataFrame
    result: ScoringResult


def with_detection(contract: Contract, **settings: object) -> Contract:
    """The same contract with other detection settings."""
    return contract.model_copy(update={"detection": contract.detection.model_copy(update=settings)})


def as_nights(contract: Contract, invoices: pd.DataFrame) -> pd.DataFrame:
    """Typed invoices as the warehouse gives them back: indexed by invoice key, with their extract date."""
    keys = invoices[contract.key[0]].str.cat(invoices[contract.key[1:]], sep="|")
    return invoices.assign(extract_date=invoices["posting_date"]).set_index(pd.Index(keys, name="invoice_key"))


@pytest.fixture
def untraced() -> Iterator[None]:
    """Have TensorFlow build no graphs: of a training of one epoch, that is two thirds of the time."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="session")
def quick_contract() -> Contract:
    """The default contract with a training that takes seconds."""
    return with_detection(load_contract(PROJECT / "include" / "invoices.yaml"), epochs=12, hidden_units=[64, 32])


@pytest.fixture(scope="session")
def company_invoices(quick_contract: Contract) -> pd.DataFrame:
    return invoices_of_a_company(quick_contract)


def invoices_of_a_company(contract: Contract) -> pd.DataFrame:
    return as_nights(contract, Company(seed=3, vendors=50).invoices(date(2026, 1, 1), date(2026, 6, 14), 60))


@pytest.fixture(scope="session")
def trained(quick_contract: Contract, company_invoices: pd.DataFrame, shared: Shared) -> Trained:
    """The detector and what it judged, made once for all workers."""
    from invoice_anomalies.detection.autoencoder import training

    keras_model = shared.folder / "trained.keras"

    def make() -> Trained:
        made = fitted(quick_contract, company_invoices)
        training.save(made.detector.network, keras_model)
        # Keras pickles no network whose loss is the project's own.
        return replace(made, detector=replace(made.detector, network=None))

    made = shared.once("trained", make)
    return replace(made, detector=replace(made.detector, network=training.load(keras_model)))


def fitted(quick_contract: Contract, company_invoices: pd.DataFrame) -> Trained:
    history = company_invoices[company_invoices["extract_date"] < CUT]
    later = company_invoices[company_invoices["extract_date"] >= CUT].drop(columns="extract_date")
    kinds = ["amount_shifted", "category_wrong", "date_moved", "identifier_wrong", "tax_mismatch", "due_date_wrong"]
    planted, labels = plant(later.reset_index(drop=True), 0.08, seed=5, kinds=kinds)
    detector = fit(quick_contract, history)
    invoices = as_nights(quick_contract, planted)
    labels = labels.set_index(labels["vendor_id"] + "|" + labels["invoice_number"])
    return Trained(detector, history, invoices, labels, score(detector, invoices, history))
