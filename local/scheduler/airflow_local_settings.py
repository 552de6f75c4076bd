"""Import the heavy libraries once, in the scheduler, before its workers are forked. Airflow finds it by its name.

The workers of the LocalExecutor are forks of the scheduler, and each task is a fork of its worker: what the scheduler
imported no task imports again. That is 8 of the 13 CPU seconds that a small night takes through validation and scoring.
Only libraries: the pipeline's own modules are read by each task, so that a change in them needs no restart.
"""

import importlib
import logging
import multiprocessing
import sys

# Not TensorFlow: only training needs it, half a gigabyte, and it does not survive a fork.
LIBRARIES = ["great_expectations", "pandas", "psycopg2", "pyarrow.parquet", "fsspec.core"]


def _import_libraries() -> None:
    noise = logging.getLogger("great_expectations")  # 200 lines about its own methods
    level = noise.level
    noise.setLevel(logging.WARNING)
    try:
        for name in LIBRARIES:
            importlib.import_module(name)
    finally:
        noise.setLevel(level)


# Where workers are new processes instead of forks (macOS), they would gain nothing.
if sys.argv[1:2] == ["scheduler"] and multiprocessing.get_all_start_methods()[0] == "fork":
    _import_libraries()

__all__: list[str] = []
