"""The Airflow plugin: runs that show their night, dates that a form refuses, and tasks of scheduled runs first.

Airflow finds it in its plugins folder (plugins/invoice_anomalies_plugin.py), or by the entry point of the wheel.
"""

import logging
from typing import Any

from airflow.plugins_manager import AirflowPlugin
from sqlalchemy import event
from sqlalchemy.orm import Mapper

from invoice_anomalies.airflow.names import show_night
from invoice_anomalies.airflow.priorities import ScheduledFirst
from invoice_anomalies.errors import PipelineError

log = logging.getLogger(__name__)


class InvoiceAnomaliesPlugin(AirflowPlugin):
    """Registers what Airflow is to know of the package."""

    name = "invoice_anomalies"
    priority_weight_strategies = [ScheduledFirst]  # noqa: RUF012 - as Airflow spells it

    @classmethod
    def on_load(cls, *_: Any, **__: Any) -> None:
        """Watch for new runs in this process, and know which nights a form may name."""
        event.listen(Mapper, "before_insert", show_night)
        from invoice_anomalies.airflow.nights import know_nights
        from invoice_anomalies.airflow.runs import contract

        try:
            know_nights(contract().schedule)
        except PipelineError:
            log.exception("The form takes any date, since the contract has mistakes")  # the DAGs are missing anyway
