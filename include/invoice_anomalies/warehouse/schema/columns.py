"""The contract's fields as columns of the table `invoices`."""

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from invoice_anomalies.contract import Contract
from invoice_anomalies.contract.fields import FieldType
from invoice_anomalies.errors import WarehouseError
from invoice_anomalies.warehouse.connection import SCHEMA
from invoice_anomalies.warehouse.queries import execute

# How a field is stored: the name of the type in information_schema.
COLUMN_TYPES: dict[FieldType, str] = {
    "amount": "numeric",
    "number": "double precision",
    "category": "text",
    "identifier": "text",
    "text": "text",
    "date": "date",
}
# How a column is read back into a frame.
FRAME_TYPES = {"numeric": "float64", "double precision": "float64", "text": "str", "date": "datetime64[us]"}


def column_types(contract: Contract) -> dict[str, str]:
    """Postgres type of each field's column, in the contract's order."""
    return {name: COLUMN_TYPES[field.type] for name, field in contract.fields.items()}


def fields_of(contract: Contract, table: str | None = None) -> sql.Composed:
    """The contract's columns, separated by commas, of this table or alias."""
    qualifier = [table] if table else []
    return sql.SQL(", ").join(sql.Identifier(*qualifier, name) for name in contract.fields)


def definitions(contract: Contract) -> sql.Composed:
    """The contract's columns with their types, as CREATE TABLE takes them."""
    return sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in column_types(contract).items()
    )


def typed_from(contract: Contract, column: str) -> sql.Composed:
    """The contract's columns from a JSON object in this column, by the headers of the extract."""
    # A percent sign in a header would be taken for a place of a value.
    headers = {name: contract.header(name).replace("%", "%%") for name in contract.fields}
    return sql.SQL(", ").join(
        sql.SQL("({} ->> {})::{}").format(sql.Identifier(column), sql.Literal(headers[name]), sql.SQL(kind))
        for name, kind in column_types(contract).items()
    )


def fit_columns(cursor: Cursor, contract: Contract) -> list[str]:
    """Add the columns that the contract names and the table lacks; return what was added.

    A field that has left the contract leaves its column behind. Raises WarehouseError where a type changed.
    """
    execute(cursor, "invoice_columns")
    existing = {name: (kind, comment) for name, kind, comment in cursor.fetchall()}
    wanted = column_types(contract)
    changed = [
        _changed(contract, name, existing[name][0], kind)
        for name, kind in wanted.items()
        if name in existing and existing[name][0] != kind
    ]
    if changed:
        raise WarehouseError("\n".join(changed))
    added = []
    for name, kind in wanted.items():
        if name not in existing:
            cursor.execute(
                sql.SQL("ALTER TABLE {} ADD COLUMN {} {}").format(_invoices(), sql.Identifier(name), sql.SQL(kind))
            )
            added.append(f"invoices.{name} {kind}")
        comment = contract.fields[name].description or f"Field {name} of the data contract."
        if name not in existing or existing[name][1] != comment:
            cursor.execute(
                sql.SQL("COMMENT ON COLUMN {}.{} IS {}").format(
                    _invoices(), sql.Identifier(name), sql.Literal(comment.replace("\x00", ""))
                )
            )
    return added


def _invoices() -> sql.Identifier:
    return sql.Identifier(SCHEMA, "invoices")


def _changed(contract: Contract, name: str, stored: str, wanted: str) -> str:
    fitting = [kind for kind, column in COLUMN_TYPES.items() if column == stored]
    back = f"set its type back to {' or '.join(fitting)}" if fitting else "name another field"
    return (
        f"{SCHEMA}.invoices.{name} is {stored}, but the contract's type {contract.fields[name].type} is stored as "
        f"{wanted}; {back}, or give the field a new name (with column: {contract.header(name)!r}), which adds a "
        f"column, or convert the column: ALTER TABLE {SCHEMA}.invoices ALTER COLUMN {name} TYPE {wanted} "
        f"USING {name}::{wanted}"
    )
