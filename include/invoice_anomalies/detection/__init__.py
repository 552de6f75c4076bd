"""From a frame of invoices to field scores, scores and explanations: `fit`, `score` and `explain` over one `Detector`.

Imports from here do not import TensorFlow; only `autoencoder/training.py` knows Keras.
"""

from invoice_anomalies.detection.detector import Detector
from invoice_anomalies.detection.explain.explanation import InvoiceExplanation, explain, explanations
from invoice_anomalies.detection.fitting import enough_to_train, fit
from invoice_anomalies.detection.result import ScoringResult
from invoice_anomalies.detection.scores import score
from invoice_anomalies.detection.storage import checksum_of, load_detector, save_detector

__all__ = [
    "Detector",
    "InvoiceExplanation",
    "ScoringResult",
    "checksum_of",
    "enough_to_train",
    "explain",
    "explanations",
    "fit",
    "load_detector",
    "save_detector",
    "score",
]
