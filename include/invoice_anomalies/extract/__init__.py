"""Read one night's extract (CSV, gzip, Parquet, Excel; local or any fsspec URL) into a frame of what came.

Nothing is checked here: a value stays as it was delivered until validation parses it by the contract.
"""

from invoice_anomalies.extract.location import arrival, arrived, copy, locate, shown, state
from invoice_anomalies.extract.reader import read
from invoice_anomalies.extract.rows import STRUCTURE_ERROR
from invoice_anomalies.extract.split import LIMITS, Limits

__all__ = ["LIMITS", "STRUCTURE_ERROR", "Limits", "arrival", "arrived", "copy", "locate", "read", "shown", "state"]
