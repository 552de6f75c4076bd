"""Read one night's extract (CSV, gzip, Parquet, Excel; local or any fsspec URL) into a frame of what came.

Nothing is judged here: a value stays as it was delivered until validation parses it by the contract.
"""

from include.extract.frame import MISFIT
from include.extract.location import arrival, arrived, copy, locate, shown, state
from include.extract.reader import read

__all__ = ["MISFIT", "arrival", "arrived", "copy", "locate", "read", "shown", "state"]
