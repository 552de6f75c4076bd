"""From a frame of invoices to field errors, scores and explanations; only `network` in here knows Keras.

Import from here what scoring needs; none of it imports TensorFlow.
"""

from invoice_anomalies.detection.detector import Detector, enough_to_train
from invoice_anomalies.detection.explain.explanation import explain
from invoice_anomalies.detection.result import Judgement
from invoice_anomalies.detection.storage import checksum_of, load_detector, save_detector

__all__ = ["Detector", "Judgement", "checksum_of", "enough_to_train", "explain", "load_detector", "save_detector"]
