"""Judge one night's raw parts by the contract: Great Expectations rules, valid rows, quarantined rows with reasons.

Pure but for the night's Data Docs and its staged rows, which it writes into the folders that it is given.
"""

import logging

from invoice_anomalies.validation.outcome import Outcome
from invoice_anomalies.validation.rules import build_rules
from invoice_anomalies.validation.stage import validate
from invoice_anomalies.validation.staged import staged_parts, staged_report

__all__ = ["Outcome", "build_rules", "staged_parts", "staged_report", "validate"]

# On import it writes two hundred lines about its own methods into the task's log.
logging.getLogger("great_expectations._docs_decorators").setLevel(logging.WARNING)
