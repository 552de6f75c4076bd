"""Whose tasks a free worker takes first: those of scheduled runs, then of runs by hand, then of backfills."""

from typing import Any

from airflow.task.priority_strategy import PriorityWeightStrategy

# More than a DAG has tasks, so that no task of a later kind comes before one of an earlier kind.
AHEAD = {"scheduled__": 200, "backfill__": 0}
BY_HAND = 100


class ScheduledFirst(PriorityWeightStrategy):
    """The kind of run counts; within a kind, the task with more tasks after it."""

    def get_weight(self, ti: Any) -> int:
        """Weigh a task; only the run's id tells its kind here, since the run itself may not be loaded."""
        ahead = next((weight for kind, weight in AHEAD.items() if ti.run_id.startswith(kind)), BY_HAND)
        return int(ahead + len(ti.task.get_flat_relative_ids(upstream=False)))
