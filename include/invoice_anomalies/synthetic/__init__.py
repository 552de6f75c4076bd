"""Made-up accounts-payable nights with planted, labelled anomalies, for the demo and the tests.

The columns are those of the default contract; this is the one place below include/ that names them.
"""

from invoice_anomalies.synthetic.anomalies import KINDS
from invoice_anomalies.synthetic.broken import break_rows
from invoice_anomalies.synthetic.company import Company
from invoice_anomalies.synthetic.files import SampleFiles, as_texts, write_extract, write_sample
from invoice_anomalies.synthetic.planting import plant

__all__ = ["KINDS", "Company", "SampleFiles", "as_texts", "break_rows", "plant", "write_extract", "write_sample"]
