"""What is said of fixed invoices with fixed weights is what was said before: numbers to 1e-9, words exactly."""

import pandas as pd
import pytest

from tests.golden.record import EXPECTED, differences, said_with_stored_weights

MOST_SHOWN = 20


@pytest.mark.parametrize("name", ["default", "wide"])
def test_scores_findings_and_sentences_are_those_of_the_golden_file(name: str) -> None:
    said = said_with_stored_weights(name)
    assert sorted(said) == sorted(path.name for path in EXPECTED.glob(f"{name}_*"))
    found = [
        f"{file}: {difference}"
        for file, thing in said.items()
        for difference in differences(thing, (EXPECTED / file).read_text(encoding="utf-8"))
    ]
    assert not found, "\n".join([f"{len(found)} differences", *found[:MOST_SHOWN]])


def test_the_comparison_notices_a_number_a_word_and_a_row() -> None:
    table = pd.DataFrame({"key": ["a", "b"], "number": [1.0, 2.0]})
    text = "key,number\na,1.0\nb,2.0\n"
    assert differences(table, text) == []
    assert differences(table.assign(number=[1.0 + 1e-11, 2.0]), text) == []
    assert differences(table.assign(number=[1.25, 2.0]), text) == ["row 1 (a), number: '1.25', expected '1.0'"]
    assert len(differences(table.assign(number=[1.0 + 1e-8, 2.0]), text)) == 1
    assert differences(table.assign(key=["a", "c"]), text) == ["row 2 (b), key: 'c', expected 'b'"]
    assert differences(table[:1], text) == ["1 rows of ['key', 'number'], expected 2 of ['key', 'number']"]
    assert differences("one\ntwo", "one\nthree") == ["line 2: 'two', expected 'three'"]
