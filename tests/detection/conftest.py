"""Here, `trained` is a trained detector, and not a company."""

from tests.trained_detector import trained

__all__ = ["trained"]
