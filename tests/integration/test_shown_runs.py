"""What the web UI shows of a run: its night, what came of it, and how long it took."""

from datetime import date, timedelta
from typing import Any

from sqlalchemy import select

from tests.integration.conftest import NIGHT, NIGHTS, Company


def shown(dag_id: str, night: date) -> Any:
    """The run of a night, as Airflow keeps it."""
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session

    with create_session() as session:
        runs = session.scalars(select(DagRun).where(DagRun.dag_id == dag_id, DagRun.partition_key == str(night))).all()
        (run,) = [run for run in runs if run.run_type == "manual"]
        assert run.note  # loaded while there is a session
        session.expunge_all()
    return run


def test_a_run_by_hand_carries_its_night_and_notes_what_came_of_it(company: Company):
    company.succeed("validate_invoices")
    company.succeed("validate_invoices")  # again: the run is replaced
    company.succeed("score_invoices", dry_run=True)

    validated, scored = shown("validate_invoices", NIGHT), shown("score_invoices", NIGHT)

    assert validated.run_id.startswith(f"{NIGHT}__manual__")
    rows, loaded = company.count("quarantined_invoices", NIGHT), company.count("invoices", NIGHT)
    assert validated.note == f"{NIGHT} · manual: {rows + loaded} rows in, {loaded} loaded, {rows} quarantined"
    assert scored.note.startswith(f"{NIGHT} · manual: dry run: ")
    assert timedelta() < validated.end_date - validated.start_date < timedelta(days=1)


def test_a_failed_run_notes_why(company: Company):
    company.extract(NIGHTS[1]).unlink()

    company.run("validate_invoices", NIGHTS[1])

    assert "a run by hand does not wait for one" in shown("validate_invoices", NIGHTS[1]).note
