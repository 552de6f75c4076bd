"""Read one night's extract (CSV, gzip, Parquet, Excel; local or any fsspec URL) into a frame of what came.

Nothing is judged here: a value stays as it was delivered until validation parses it by the contract.
"""

from invoice_anomalies.extract.location import arrival, arrived, copy, locate, shown, state
from invoice_anomalies.extract.reader import read
from invoice_anomalies.extract.rows import STRUCTURE_ERROR

__all__ = ["STRUCTURE_ERROR", "arrival", "arrived", "copy", "locate", "read", "shown", "state"]
