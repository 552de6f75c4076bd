"""Validate one night's extract by the contract: Great Expectations rules, valid rows, quarantined rows with reasons.

Pure but for the night's Data Docs and its staged rows, which it writes into the folders that it is given.
"""

import logging

from invoice_anomalies.validation.result import Outcome, staged_chunks, staged_report
from invoice_anomalies.validation.rules import build_rules
from invoice_anomalies.validation.validate import validate

__all__ = ["Outcome", "build_rules", "staged_chunks", "staged_report", "validate"]

# On import it writes two hundred lines about its own methods into the task's log.
logging.getLogger("great_expectations._docs_decorators").setLevel(logging.WARNING)
