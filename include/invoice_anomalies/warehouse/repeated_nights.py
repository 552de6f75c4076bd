"""Nights that repeat another: one whose rows another night has, all of them or most."""

from psycopg2.extensions import cursor as Cursor  # noqa: N812

from invoice_anomalies.contract import Contract
from invoice_anomalies.errors import NightRefusedError
from invoice_anomalies.warehouse.incoming import Extract
from invoice_anomalies.warehouse.queries import execute

KEY = "validation.max_repeated_share"


def refuse_equal_content(cursor: Cursor, contract: Contract, extract: Extract, content: str | None) -> None:
    """Raise NightRefusedError where another night has these very rows, under whatever name and date they came."""
    if content is None or contract.validation.max_repeated_share == 1:
        return
    execute(cursor, "night_of_content", {"extract_date": extract.extract_date, "content": content})
    found = cursor.fetchone()
    if found is not None:
        other, file = found
        raise NightRefusedError(
            f"{extract.file}: the night of {other} has the same rows, all of them (from {file}); expected rows of "
            f"{extract.extract_date}; {_remedy(other)}"
        )


def refuse_repeated_rows(cursor: Cursor, contract: Contract, extract: Extract, valid: int, displaced: int) -> None:
    """Raise NightRefusedError where a night would be left with (next to) nothing, since another one has its rows.

    Of two nights that deliver an invoice the earlier one holds it. It is thus the share of the later night's rows that
    counts, whichever of the two is loaded now. valid: fit rows of this night; displaced: how many of them a later
    night held.
    """
    limit = contract.validation.max_repeated_share
    if limit == 1:
        return
    execute(cursor, "most_repeated")
    found = cursor.fetchone()
    if found is not None and found[1] > limit * valid:
        other, rows = found
        raise NightRefusedError(
            f"{extract.file}: {_of(rows, valid)} are those of the night of {other}, more than {KEY} allows "
            f"({limit:.0%}), so this night would be left with {valid - rows:,}; {_remedy(other)}"
        )
    if not displaced:
        return
    execute(cursor, "most_displaced", {"extract_date": extract.extract_date})
    found = cursor.fetchone()
    if found is not None and found[1] > limit * found[2]:
        other, rows, delivered = found
        raise NightRefusedError(
            f"{extract.file}: it has {_of(rows, delivered)} of the night of {other}, which would be left with "
            f"{delivered - rows:,}, as the earlier night holds an invoice: more than {KEY} allows ({limit:.0%}); "
            f"{_remedy(other)}"
        )


def _of(rows: int, all_rows: int) -> str:
    return f"{rows:,} of {all_rows:,} rows ({rows / all_rows:.1%})"


def _remedy(other: object) -> str:
    return (
        f"if these rows belong here and {other} was a mistake, take {other} back (trigger validate_invoices with that "
        f'extract date and a reason under "Take back", or make take-back NIGHT={other} WHY="...") and clear the task '
        f"`load`; if they belong there, have this night's own extract delivered and run the night again; where "
        f"extracts overlap by intent, set {KEY} to 1"
    )
