"""The life of a model: trained, evaluated beside simple peers and the champion, promoted or rejected."""

from invoice_anomalies.training.evaluate import Evaluation, evaluate, is_better
from invoice_anomalies.training.train import load_model, new_version, train_model

__all__ = ["Evaluation", "evaluate", "is_better", "load_model", "new_version", "train_model"]
