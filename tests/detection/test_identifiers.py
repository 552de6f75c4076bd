"""Many texts are read at once as each would be read by itself."""

import numpy as np
import pytest

from invoice_anomalies.detection.features.identifiers import format_of, formats_of, number_in, numbers_in

FORMS = [
    "INV-{y}/{n}",
    "{n}",
    "{n}/{s}",
    "RE{n}",
    "{y}-{n}",
    "{n}-{y}-{n}",
    "{s}/{s}/{n}",
    "no digits",
    "",
    "{y} {y}",
    "_{y}_{n}",
]
ODD = [
    "INV-2026/²",
    "Ä-2026/7",
    "1\n2026/0004",
    "9" * 40,
    "2026-" + "7" * 14,
    "A" * 70 + "12",
    "2026/2026",
    "١٢٣",
    "12/1850/99",
]


@pytest.fixture(scope="module")
def texts() -> np.ndarray:
    rng = np.random.default_rng(3)
    written = [
        form.format(y=rng.integers(1890, 2110), n=rng.integers(10 ** rng.integers(1, 9)), s=f"{rng.integers(100):02d}")
        for form in FORMS
        for _ in range(60)
    ]
    return np.array([*written, *ODD], dtype=object)


def test_running_numbers_are_read_as_one_by_one(texts: np.ndarray) -> None:
    np.testing.assert_array_equal(numbers_in(texts), [number_in(text) for text in texts])


def test_shapes_are_read_as_one_by_one(texts: np.ndarray) -> None:
    codes, shapes = formats_of(texts)
    assert shapes[codes].tolist() == [format_of(text) for text in texts]
    assert len(set(shapes)) == len(shapes)


@pytest.mark.parametrize("some", [slice(0), slice(1)])
def test_few_texts_or_none_can_be_read(texts: np.ndarray, some: slice) -> None:
    assert len(numbers_in(texts[some])) == len(formats_of(texts[some])[0]) == len(texts[some])
