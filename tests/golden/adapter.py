"""What the golden file is made with; the only module of tests/golden that names parts of detection and reporting.

Its functions hand back plain tables of texts and numbers: a change of names in the package is a change here alone.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
import pandas as pd

from invoice_anomalies import detection
from invoice_anomalies.contract import Contract, load_contract
from invoice_anomalies.detection import Detector, ScoringResult, explain, score
from invoice_anomalies.detection.autoencoder import training
from invoice_anomalies.detection.autoencoder.forward import Weights
from invoice_anomalies.paths import PROJECT
from invoice_anomalies.reporting import alert_message
from invoice_anomalies.warehouse import Anomaly, AnomalyField
from tests.golden import invoices
from tests.trained_detector import with_detection

PACKAGE = "invoice_anomalies"
WIDE = ("vendor_id", "vendor_name", "posting_date", "description")
"""Fields that the default contract leaves out of detection."""
NIGHT = invoices.END
MOST_EXPLAINED = 100
NUMBERS = ["observed_number", "expected_number", "low_number", "high_number"]

Arrays = dict[str, npt.NDArray[Any]]
Tables = dict[str, pd.DataFrame]
"""By name; columns of texts, whole numbers and float64 numbers."""


def contracts() -> dict[str, Contract]:
    """The contracts by name: the default one, and one that judges every field; both train in seconds."""
    quick = with_detection(load_contract(PROJECT / "include" / "invoices.yaml"), epochs=12, hidden_units=[32, 16])
    quick = quick.model_copy(update={"report": quick.report.model_copy(update={"top": 10_000})})
    fields = quick.fields | {name: quick.fields[name].model_copy(update={"detect": True}) for name in WIDE}
    return {"default": quick, "wide": quick.model_copy(update={"fields": fields})}


def fit(contract: Contract) -> Detector:
    return detection.fit(contract, invoices.history(contract, invoices.TRAINED))


def judged(name: str, detector: Detector) -> dict[str, ScoringResult]:
    """By case, what the detector fitted for the contract of this name says."""
    contract = detector.contract
    past, nights, book = invoices.history(contract), invoices.nights(contract), invoices.book(contract)
    night = nights[nights["extract_date"] == pd.Timestamp(NIGHT)]
    if name == "wide":
        return {
            "night": score(detector, night, past),
            "book at once": score(detector, invoices.at_once(book)),
        }
    return {
        "night": score(detector, night, past),
        "nights without what came since": score(detector, nights, invoices.history(contract, invoices.TRAINED)),
        "night after a history at once": score(detector, night, invoices.at_once(past)),
        "book": score(detector, book),
        "book at once": score(detector, invoices.at_once(book)),
    }


def tables(detector: Detector, result: ScoringResult) -> tuple[Tables, str]:
    """Scores with field errors, findings, and what is said of the flagged; then the alert for them as plain text."""
    # Not the worst of them: where scores are as good as equal, their order would depend on the processor.
    flagged = np.sort(result.flagged())
    anomalies, fields = explain(detector, result, flagged[:: 1 + len(flagged) // MOST_EXPLAINED])
    scores = pd.concat([result.scores.drop(columns="threshold"), result.errors], axis=1).reset_index()
    found = {
        "scores": scores,
        "findings": pd.DataFrame(_findings(result), columns=["check", "row", "what", "number"]),
        "anomalies": anomalies.rename_axis("invoice_key").reset_index(),
        "fields": fields.drop(columns=NUMBERS),
    }
    return found, alert_message(detector.contract, NIGHT, "golden", _as_stored(anomalies, fields), len(anomalies)).text


def _findings(result: ScoringResult) -> Iterator[tuple[str, int, str, float]]:
    """Raw value, figures and twins of every invoice in which a check found something."""
    for name, findings in result.found.items():
        for row in np.flatnonzero(findings.surprisal):
            yield name, int(row), "raw", float(findings.surprisal[row])
            for figure, value in findings.details_of(int(row)).items():
                yield name, int(row), figure, value
            for place, twin in enumerate(findings.related_invoices[row].tolist(), start=1):
                yield name, int(row), f"twin {place}", float(twin)


def _as_stored(anomalies: pd.DataFrame, fields: pd.DataFrame) -> list[Anomaly]:
    """The anomalies as the warehouse would give them back."""

    def plain(value: Any) -> Any:
        return None if pd.isna(value) else value

    by_key = {str(key): rows.to_dict("records") for key, rows in fields.groupby("invoice_key")}
    by_amount = anomalies["amount_at_risk"].rank(ascending=False, method="first", na_option="bottom").astype(int)
    found = []
    for rank, (key, row) in enumerate(anomalies.iterrows(), start=1):
        of_fields = [{str(name): plain(value) for name, value in line.items()} for line in by_key[str(key)]]
        kept = {str(name): plain(value) for name, value in row.items()}
        found.append(
            Anomaly(
                **kept,
                invoice_key=str(key),
                extract_date=NIGHT,
                model_version="golden",
                rank_of_day=rank,
                rank_by_amount=int(by_amount[str(key)]),
                status="open",
                fields=[
                    AnomalyField(**{n: v for n, v in line.items() if n not in ("invoice_key", "kind", *NUMBERS)})
                    for line in of_fields
                ],
            )
        )
    return found


@contextmanager
def trained_before(weights: Path) -> Iterator[None]:
    """Have trainings take the stored weights of their round, and all of detection compute with double precision.

    Trained weights differ between processors, and what is rounded to single precision may be rounded to either side.
    """
    stored = np.load(weights)
    rounds = iter(range(len({name.split("/")[0] for name in stored})))

    def take(*_: Any, **__: Any) -> training.TrainedNetwork:
        start = f"{next(rounds)}/"
        named = {name.removeprefix(start): stored[name].astype(float) for name in stored if name.startswith(start)}
        return training.TrainedNetwork(Weights.from_arrays(named), None)

    with ExitStack() as stack:
        stack.enter_context(patch.object(training, "train", take))
        for module in [module for name, module in sys.modules.items() if name.startswith(f"{PACKAGE}.detection")]:
            if getattr(module, "np", None) is np:
                stack.enter_context(patch.object(module, "np", _Double()))
        yield


class _Double:
    """Numpy, but for its single precision."""

    float32 = np.float64

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


@contextmanager
def storing(weights: Path) -> Iterator[None]:
    """Keep the weights of each round of a training."""
    rounds: list[Arrays] = []
    train: Callable[..., training.TrainedNetwork] = training.train

    def keep(*given: Any, **named: Any) -> training.TrainedNetwork:
        fit = train(*given, **named)
        rounds.append(fit.weights.to_arrays())
        return fit

    with patch.object(training, "train", keep):
        yield
    arrays: dict[str, Any] = {
        f"{index}/{name}": array for index, named in enumerate(rounds) for name, array in named.items()
    }
    np.savez_compressed(weights, **arrays)
