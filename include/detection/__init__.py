"""From a frame of invoices to field errors, scores and explanations; only `network` in here knows Keras.

Import from here what scoring needs; none of it imports TensorFlow.
"""

from include.detection.artefact import checksum_of, load_detector, save_detector
from include.detection.detector import Detector, enough_to_train
from include.detection.explanation import explain
from include.detection.judgement import Judgement

__all__ = ["Detector", "Judgement", "checksum_of", "enough_to_train", "explain", "load_detector", "save_detector"]
