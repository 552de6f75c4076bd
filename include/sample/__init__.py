"""Made-up accounts-payable nights with planted, labelled anomalies, for the demo and the tests.

The columns are those of the default contract; this is the one place below include/ that names them.
"""

from include.sample.anomalies import KINDS
from include.sample.broken import break_rows
from include.sample.company import Company
from include.sample.files import SampleFiles, as_texts, write_extract, write_sample
from include.sample.planting import plant

__all__ = ["KINDS", "Company", "SampleFiles", "as_texts", "break_rows", "plant", "write_extract", "write_sample"]
