"""After a load: what was done before with invoices that it changed, and is to be done again."""

import logging
from datetime import date
from typing import Any

from include import warehouse

log = logging.getLogger(__name__)


def to_repeat(dsn: str, loaded: dict[str, Any]) -> list[dict[str, Any]]:
    """The runs to start after a load, each a DAG with its params. loaded: its counts, with the first night changed."""
    loads, scorings = to_load_again(dsn), to_score_again(dsn, date.fromisoformat(loaded["extract_date"]))
    return [
        *({"trigger_dag_id": "validate_invoices", "conf": conf} for conf in loads),
        *({"trigger_dag_id": "score_invoices", "conf": conf} for conf in scorings),
    ]


def to_load_again(dsn: str) -> list[dict[str, Any]]:
    """Params for validate_invoices: nights with invoices in quarantine that no earlier night delivers any more."""
    with warehouse.connect(dsn) as connection:
        nights = warehouse.nights_that_gave_way(connection)
    if nights:
        log.info("gave way to invoices that are gone: %s", ", ".join(str(night.extract_date) for night in nights))
    return [{"extract_date": night.extract_date.isoformat(), "extract_path": night.file} for night in nights]


def to_score_again(dsn: str, extract_date: date) -> list[dict[str, Any]]:
    """Params for score_invoices: scored nights that rest on invoices which changed since, from this night on.

    The loaded night itself is scored like any other, with its alert; of later nights only the history changed, so they
    are scored again in silence, and only where no other run has done it meanwhile.
    """
    with warehouse.connect(dsn) as connection:
        nights = warehouse.stale_nights(connection, extract_date)
    if nights:
        log.info("scored before these invoices came: %s", ", ".join(map(str, nights)))
    return [{"extract_date": night.isoformat(), "only_if_stale": night != extract_date} for night in nights]
