"""Judge one night's raw frame by the contract: Great Expectations rules, valid rows, quarantined rows with reasons.

Pure but for the night's Data Docs, which it writes into the folder that it is given.
"""

from include.validation.outcome import Outcome
from include.validation.rules import build_rules
from include.validation.stage import validate

__all__ = ["Outcome", "build_rules", "validate"]
