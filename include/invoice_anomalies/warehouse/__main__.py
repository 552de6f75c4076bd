"""Bring the invoices database to this code and the contract in force: python -m invoice_anomalies.warehouse.

The address is AIRFLOW_CONN_INVOICES_DB, with the user that owns the tables; it is not printed. The DAGs do the same
before they work, so this is needed only where their user may not change tables (docs/roles.md).
"""

import functools
import os
import sys

from invoice_anomalies.contract import load_contract
from invoice_anomalies.errors import PipelineError
from invoice_anomalies.paths import contract_path
from invoice_anomalies.warehouse import connect, migrate

VARIABLE = "AIRFLOW_CONN_INVOICES_DB"


def main() -> int:
    """Migrate and say what was applied; 0 when done, 1 with a message on failure."""
    say = functools.partial(print, file=sys.stderr)
    dsn = os.environ.get(VARIABLE)
    if not dsn:
        say(f"{VARIABLE} is not set: name the database there, postgresql://owner:password@host:5432/invoices")
        return 1
    try:
        contract = load_contract(contract_path())
        with connect(dsn) as connection:
            applied = migrate(connection, contract)
            notices = [notice.strip() for notice in connection.notices]
    except PipelineError as error:
        say(str(error))
        return 1
    print("\n".join(applied + notices) or "up to date")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
