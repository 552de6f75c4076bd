"""A night read whole, for tests of nights that are small."""

from typing import Any

import pandas as pd

from invoice_anomalies import extract
from invoice_anomalies.contract import Contract


def read(contract: Contract, location: str, **given: Any) -> pd.DataFrame:
    """All parts of an extract as one frame."""
    return pd.concat(list(extract.read(contract, location, **given)))
