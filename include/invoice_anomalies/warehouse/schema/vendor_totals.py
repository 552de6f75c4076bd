"""The sums of each vendor's invoices: kept by a trigger that is made for the columns of the contract."""

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from invoice_anomalies.contract import Contract
from invoice_anomalies.warehouse.queries import execute, statement

NO_TEXT, NO_AMOUNT = sql.SQL("NULL::text"), sql.SQL("NULL::numeric")


def fit_vendors(cursor: Cursor, contract: Contract) -> list[str]:
    """Have vendors counted by the contract's columns; where these are others than before, count all anew and say so."""
    columns: dict[str, sql.Composable] = {
        "entity": sql.Identifier(contract.entity) if contract.entity else NO_TEXT,
        "currency": sql.Identifier(contract.currency) if contract.currency else NO_TEXT,
        "entity_name": sql.Identifier(contract.entity_name) if contract.entity_name else NO_TEXT,
        "amount": sql.Identifier(contract.amount) if contract.amount else NO_AMOUNT,
    }
    body = statement("count_vendors", **columns).as_string(cursor)
    execute(cursor, "vendor_counter")
    there, counted = cursor.fetchone() or (False, None)
    if not there or counted == body:
        return []
    execute(cursor, "make_vendor_counter", body=sql.Literal(body))
    execute(cursor, "count_all_vendors", None, **columns)
    return ["vendor_totals for the columns of the contract"]
