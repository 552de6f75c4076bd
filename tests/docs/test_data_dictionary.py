"""docs/data-dictionary.md says of every table, view and column what it means."""

from collections.abc import Iterator

import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812

from invoice_anomalies import warehouse
from invoice_anomalies.contract import Contract
from local.dictionary import PAGE, dictionary, missing
from tests.docs.pages import page


@pytest.fixture
def migrated(dsn: str, contract: Contract) -> Iterator[Connection]:
    with warehouse.connect(dsn) as connection:
        warehouse.migrate(connection, contract)
        yield connection


def test_the_data_dictionary_is_up_to_date(migrated: Connection) -> None:
    assert page(PAGE) == dictionary(migrated), "run: make docs"


def test_everything_has_a_comment_and_what_has_none_is_named(migrated: Connection) -> None:
    assert missing(migrated) == []

    with migrated.cursor() as cursor:
        cursor.execute("COMMENT ON COLUMN invoice_anomalies.alerts.channel IS NULL")
        cursor.execute("COMMENT ON VIEW invoice_anomalies.v_vendor_risk IS ''")
        cursor.execute("ALTER TABLE invoice_anomalies.scores ADD COLUMN more text")
    assert set(missing(migrated)) == {"alerts.channel", "v_vendor_risk", "scores.more"}


def test_the_page_tells_type_and_key_of_a_column_and_follows_its_comment(migrated: Connection) -> None:
    with migrated.cursor() as cursor:
        cursor.execute("COMMENT ON COLUMN invoice_anomalies.anomalies.entity IS 'Vendor | supplier'")
    text = dictionary(migrated)

    assert "| `entity` | text |  | Vendor \\| supplier |" in text
    assert "| `invoice_key` | text | key 1, in invoices | The invoice. |" in text
    assert "| `anomalies` | text[] | never empty | Keys of the invoices in it. |" in text
    assert "| `gross_amount` | numeric |  | Amount to pay |" in text
