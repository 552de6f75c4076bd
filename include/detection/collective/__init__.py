"""Checks of several invoices together, which no look at one invoice replaces: copies, split invoices, bursts.

Import from here the checks that a contract has the fields for, what they find, and the words for it.
"""

from include.contract import Contract
from include.detection.collective.bursts import Bursts
from include.detection.collective.duplicates import Duplicates
from include.detection.collective.findings import Check, Findings
from include.detection.collective.remarks import remark
from include.detection.collective.splits import Splits

__all__ = ["Check", "Findings", "checks_of", "remark"]


def checks_of(contract: Contract) -> list[Check]:
    """List the checks that the contract has the fields for; each blames a field that takes part in detection."""
    if contract.entity is None:
        return []
    found: list[Check] = []
    detected = contract.detected
    dates, identifiers = ([n for n, f in detected.items() if f.type == kind] for kind in ("date", "identifier"))
    amounts = [contract.amount] if contract.amount in detected else []
    if contract.amount and identifiers and contract.detection.duplicate_days > 0:
        found.append(Duplicates(contract, identifiers[0]))
    if amounts and contract.detection.approval_limits:
        found.append(Splits(contract))
    blamed = [*dates, *identifiers, *amounts]
    if blamed:
        found.append(Bursts(contract, blamed[0]))
    return found
