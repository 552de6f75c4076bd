"""Every constant of detection is found, and changed wherever it is known."""

import numpy as np
import pytest

from benchmarks.sensitivity import Constant, changed_to, constants, table
from invoice_anomalies.detection.autoencoder import inference
from invoice_anomalies.detection.scoring import calibration

BY_NAME = {constant.label: constant for constant in constants()}


def test_constants_of_all_rooms_that_make_scores_are_found() -> None:
    assert {label.split(".")[0] for label in BY_NAME} >= {
        "autoencoder",
        "checks",
        "features",
        "fitting",
        "profiles",
        "scoring",
    }
    assert BY_NAME["scoring.base_rates.PRIOR_EXCEEDANCES"].value == 0.5
    assert not any(label.startswith(("explain", "storage")) for label in BY_NAME)


@pytest.mark.parametrize(
    ("value", "halved", "doubled"),
    [
        (4.0, 2.0, 8.0),
        (1, 1, 2),
        (5, 2, 10),
        (0.6, 0.3, 0.99),
        ((1, 2.0), (1, 1.0), (2, 4.0)),
        ({"a": 3.0}, {"a": 1.5}, {"a": 6.0}),
    ],
)
def test_numbers_are_halved_and_doubled_and_stay_what_they_are(value: object, halved: object, doubled: object) -> None:
    constant = Constant("module", "NAME", value)
    assert (constant.times(0.5), constant.times(2.0)) == (halved, doubled)
    assert type(constant.times(0.5)) is type(value)


def test_arrays_keep_their_type() -> None:
    levels = BY_NAME["scoring.base_rates.EXCEEDANCE_LEVELS"]
    np.testing.assert_array_equal(levels.times(2.0), 2.0 * levels.value)


def test_a_constant_is_changed_in_every_module_that_imports_it_and_only_for_a_while() -> None:
    constant = BY_NAME["profiles.vendor_profiles.SMALLEST_SCALE"]
    with changed_to(constant, 0.5):
        assert vars(inference)[constant.name] == 0.5
    assert vars(inference)[constant.name] == constant.value


def test_what_is_computed_from_a_constant_changes_with_it() -> None:
    constant = BY_NAME["scoring.calibration.DISPERSION_BINS"]
    assert "scoring.calibration.CELLS" not in BY_NAME
    with changed_to(constant, 2 * constant.value):
        assert 2 * len(calibration.TIERS) * constant.value == calibration.CELLS
    assert len(calibration.TIERS) * constant.value == calibration.CELLS


def test_the_table_begins_with_the_largest_effect_and_names_what_does_nothing() -> None:
    rows = [
        (Constant("a", "SMALL", 1.0), (0.001, -0.002)),
        (Constant("b", "LARGE", 2), (-0.1, 0.0)),
        (Constant("c", "NONE", 3), (0.0, 1e-5)),
    ]
    text = table("sample", 0.9, rows)
    assert text.index("b.LARGE") < text.index("a.SMALL")
    assert "Without effect here (1): `c.NONE`" in text
