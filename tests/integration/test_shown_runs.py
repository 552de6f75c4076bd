"""What the web UI shows of a run: its night, and how long it took."""

from datetime import date, timedelta
from typing import Any

from sqlalchemy import select

from tests.integration.conftest import NIGHT, Company


def shown(dag_id: str, night: date) -> Any:
    """The run of a night, as Airflow keeps it."""
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session

    with create_session() as session:
        runs = session.scalars(select(DagRun).where(DagRun.dag_id == dag_id, DagRun.partition_key == str(night))).all()
        (run,) = [run for run in runs if run.run_type == "manual"]
        session.expunge_all()
    return run


def test_a_run_by_hand_carries_its_night_and_lasts_as_long_as_it_lasted(new_company: Company):
    new_company.succeed("validate_invoices")
    new_company.succeed("validate_invoices")  # again: the run is replaced

    run = shown("validate_invoices", NIGHT)

    assert run.run_id.startswith(f"{NIGHT}__manual__")
    assert timedelta() < run.end_date - run.start_date < timedelta(days=1)
