"""Checks of several invoices together, which no look at one invoice replaces: copies, split invoices, bursts.

Import from here the checks that a contract has the fields for, what they find, and the words for it.
"""

from invoice_anomalies.contract import Contract
from invoice_anomalies.detection.checks.base import Check, CheckResult, CheckState
from invoice_anomalies.detection.checks.bursts import Bursts
from invoice_anomalies.detection.checks.duplicates.check import Duplicates
from invoice_anomalies.detection.checks.splits import Splits
from invoice_anomalies.detection.explain.match_text import describe_match

__all__ = ["Check", "CheckResult", "CheckState", "checks_of", "describe_match"]


def checks_of(contract: Contract) -> list[Check]:
    """List the checks that the contract has the fields for; each blames a field that takes part in detection."""
    if contract.entity is None:
        return []
    found: list[Check] = []
    detected = contract.detected
    number = contract.invoice_number_field
    if contract.amount and number and contract.detection.duplicate_days > 0:
        found.append(Duplicates(contract, number))
    if contract.amount in detected and contract.detection.approval_limits:
        found.append(Splits(contract))
    blamed = [name for name in (*contract.dates, number, contract.amount) if name in detected]
    if blamed:
        found.append(Bursts(contract, blamed[0]))
    return found
