"""Any task killed at any moment and tried again: tables and files end as after one undisturbed run."""

import random
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from tests.company import NIGHT, Company
from tests.faults.conftest import Clean, Outcome, Run, Workshop, training, whole_night
from tests.faults.left import left_by, same

SEED = 20
# Of the stages that take longest, fewer moments in `make test`; `make test-slow` kills at every single one.
MOMENTS = 3
FEW = {"train": 1, "evaluate_challenger": 1, "validate_snapshot": 2, "score_chunk": 2}


def spread(points: int, most: int) -> list[int]:
    """Up to `most` points, the first and the last among them; of a single one, the one in the middle."""
    if most == 1:
        return [1 + points // 2]
    return sorted({1 + round(step * (points - 1) / (most - 1)) for step in range(most)})


def few(stage: str, points: int) -> list[int]:
    """The moments at which `make test` kills a stage of so many."""
    return spread(points, FEW.get(stage, MOMENTS))


def killed_at(
    workshop: Workshop, company: Company, clean: list[tuple[str, Outcome]], choose: Callable[[str, int], list[int]]
) -> Run:
    """A way to run stages: each is killed at the points chosen of those of a clean run, then run to its end."""
    expected = iter(clean)

    def run(stage: str, given: Any, night: date = NIGHT) -> Any:
        name, undisturbed = next(expected)
        assert name == stage
        kills = 0
        for point in choose(stage, len(undisturbed.points)):
            outcome = workshop.run(stage, company, given, night, kill_at=point)
            assert outcome.error is None, (stage, point, outcome.error)
            kills += outcome.killed
        assert kills, f"{stage} was never killed"
        return workshop.result(stage, company, given, night)

    return run


def killed_at_random(
    workshop: Workshop, company: Company, clean: list[tuple[str, Outcome]], draw: random.Random, kills: int
) -> Run:
    """A way to run stages: each is killed some times, whenever, then run to its end."""
    expected = iter(clean)

    def run(stage: str, given: Any, night: date = NIGHT) -> Any:
        _, undisturbed = next(expected)
        for _ in range(kills):
            outcome = workshop.kill_after(draw.uniform(0, undisturbed.seconds), stage, company, given, night)
            assert outcome.error is None, (stage, outcome.error)
        return workshop.result(stage, company, given, night)

    return run


def test_a_night_whose_every_task_was_killed_again_and_again_ends_as_an_undisturbed_one(
    companies: Callable[[], Company], workshop: Workshop, clean_night: Clean
):
    company = companies()

    whole_night(killed_at(workshop, company, clean_night.stages, few))

    same(left_by(company), clean_night.left)


def test_a_training_whose_every_task_was_killed_makes_one_model_as_an_undisturbed_one(
    companies: Callable[[], Company], workshop: Workshop, clean_training: Clean
):
    company = companies()

    training(
        killed_at(
            workshop, company, clean_training.stages, lambda stage, points: spread(points, FEW.get(stage, MOMENTS))
        )
    )

    same(left_by(company), clean_training.left)
    assert len([path for path in (company.home / "models").iterdir() if not path.name.startswith(".")]) == 1


@pytest.mark.slow
@pytest.mark.timeout(1500, method="thread")
def test_a_night_killed_at_every_single_moment_ends_as_an_undisturbed_one(
    companies: Callable[[], Company], workshop: Workshop, clean_night: Clean
):
    company = companies()

    whole_night(killed_at(workshop, company, clean_night.stages, lambda _, points: list(range(1, points + 1))))

    same(left_by(company), clean_night.left)


@pytest.mark.slow
@pytest.mark.timeout(1500, method="thread")
def test_a_training_killed_at_every_single_moment_makes_one_model(
    companies: Callable[[], Company], workshop: Workshop, clean_training: Clean
):
    company = companies()

    training(killed_at(workshop, company, clean_training.stages, lambda _, points: list(range(1, points + 1))))

    same(left_by(company), clean_training.left)
    assert len([path for path in (company.home / "models").iterdir() if not path.name.startswith(".")]) == 1


@pytest.mark.slow
@pytest.mark.timeout(1500, method="thread")
@pytest.mark.parametrize("seed", range(SEED, SEED + 5))
def test_a_night_killed_at_random_moments_ends_as_an_undisturbed_one(
    companies: Callable[[], Company], workshop: Workshop, clean_night: Clean, seed: int
):
    company = companies()

    whole_night(killed_at_random(workshop, company, clean_night.stages, random.Random(seed), kills=6))

    same(left_by(company), clean_night.left)


@pytest.mark.slow
@pytest.mark.timeout(1500, method="thread")
@pytest.mark.parametrize("seed", range(SEED, SEED + 2))
def test_a_training_killed_at_random_moments_makes_one_model(
    companies: Callable[[], Company], workshop: Workshop, clean_training: Clean, seed: int
):
    company = companies()

    training(killed_at_random(workshop, company, clean_training.stages, random.Random(seed), kills=4))

    same(left_by(company), clean_training.left)
    assert len([path for path in (company.home / "models").iterdir() if not path.name.startswith(".")]) == 1
