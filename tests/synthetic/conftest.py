"""One year of the default company, made once: no test changes it."""

from datetime import date

import pandas as pd
import pytest

from invoice_anomalies.synthetic import Company


@pytest.fixture(scope="session")
def company() -> Company:
    return Company()


@pytest.fixture(scope="session")
def year(company: Company) -> pd.DataFrame:
    return company.invoices(date(2025, 11, 1), date(2026, 10, 31))
