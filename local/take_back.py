"""Take a night back in this deployment's invoices database: make take-back NIGHT=2026-11-04 WHY="...".

    python -m local.take_back NIGHT WHY

The same as the field "Take back" of the trigger form of validate_invoices. What is to be scored again is asked for by
the next run of score_invoices.
"""

import argparse
import getpass
import sys
from datetime import date

from invoice_anomalies import warehouse
from invoice_anomalies.contract import load_contract
from invoice_anomalies.errors import PipelineError
from invoice_anomalies.paths import Paths, contract_path
from invoice_anomalies.pipeline.withdraw import take_night_back
from local.deployment import Deployment
from local.postgres_programs import ClusterError


def main(arguments: list[str] | None = None) -> int:
    """Take the night back and say what became of it; 0 when done, 1 with a message on failure."""
    parser = argparse.ArgumentParser(prog="make take-back", description="Remove a night from the tables.")
    parser.add_argument("night", type=_night, help="extract date of the night, YYYY-MM-DD: NIGHT=")
    parser.add_argument("why", help="the reason, which stays on record: WHY=")
    given = parser.parse_args(arguments)
    try:
        contract = load_contract(contract_path())
        dsn = Deployment(Paths.from_environment().root).prepare()["AIRFLOW_CONN_INVOICES_DB"]
        done = take_night_back(contract, dsn, given.night, given.why, getpass.getuser())
        with warehouse.connect(dsn) as connection:
            stale = warehouse.stale_nights(connection, given.night)
    except (PipelineError, ClusterError) as error:
        print(error, file=sys.stderr)
        return 1
    back = ", ".join(f"{rows:,} to {night}" for night, rows in done["given_back"].items()) or "none"
    print(f"{done['invoices']:,} invoices and {done['quarantined']:,} quarantined rows removed; given back: {back}")
    if stale:
        print(f"{len(stale)} nights are to be scored again, from {stale[0]} on: the next run of score_invoices asks")
    return 0


def _night(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f'{text!r} is no date; name a night: NIGHT=2026-11-04 WHY="..."') from None


if __name__ == "__main__":
    sys.exit(main())
