"""A field of 10 MB, keys beyond what an index holds, and a million-row night where ten are expected."""

import random
import re
from collections.abc import Callable

import pandas as pd
import pytest

from invoice_anomalies.contract import Contract
from invoice_anomalies.extract import LIMITS
from invoice_anomalies.validation.parse import Parsed, parse
from tests.bad_input.conftest import FIT, HEADER, Desk, contract_of, table

TEN_MB = 10_000_000
KEYED = contract_of(key=("vendor", "number"))
USUAL = contract_of(rows={"times_usual": 20})


def test_a_field_of_10_mb_is_quarantined_whatever_field_it_is_and_kept_as_it_came(desk: Desk):
    huge = "x" * TEN_MB
    digits = "9" * TEN_MB
    content = table(
        FIT,
        f"V1,A2,2026-01-31,1,{huge}",
        f"{huge},A3,2026-01-31,1,x",
        f"V1,{huge},2026-01-31,1,x",
        f"V1,A5,2026-01-31,{digits},x",
        f"V1,A6,{digits},1,x",
    )

    answer = desk.taken(content, KEYED, rows=6)

    assert list(answer.loaded) == ["V1|A1"]
    assert [re.sub(r"'(x|9)+…?", "…", answer.reasons[line][0]) for line in range(3, 8)] == [
        "note: … has 10,000,000 characters; expected at most 100,000",
        "vendor: … has 10,000,000 characters; expected at most 500",
        "number: … has 10,000,000 characters; expected at most 500",
        "amount: … is beyond 1e+15, too large to be right; expected e.g. 1234.56",
        "day: … is not a date; expected e.g. 2024-01-31 (%Y-%m-%d)",
    ]
    assert all(len(reason) < 200 for reasons in answer.reasons.values() for reason in reasons)
    assert len(answer.raw[4]["vendor"]) == TEN_MB


def test_a_quote_of_10_mb_that_nothing_closes_is_refused_with_its_line(desk: Desk):
    message = desk.refused(table(FIT, 'V1,A2,2026-01-31,1,"' + "x,\n" * (TEN_MB // 3)))

    assert 'line 3: a quoted value opens with " and does not end' in message


def test_10_mb_that_no_field_asked_for_do_no_harm(desk: Desk):
    huge = "x" * TEN_MB

    extra = desk.taken(table(FIT + ",", f"V1,A2,2026-01-31,1,x,{huge}", header=HEADER + ",extra"), rows=2)
    surplus = desk.taken(table(FIT, f"V1,A2,2026-01-31,1,x,{huge}"), rows=2)

    assert len(extra.loaded) == 2
    assert "the row has more values than the header's 5" in surplus.reasons[3][0]
    assert len(surplus.reasons[3][0]) < 1000


def test_a_header_of_10_mb_is_refused(desk: Desk):
    message = desk.refused(table(FIT, header="x" * TEN_MB))

    assert "line 1" in message
    assert len(message) < 1000


def test_a_key_is_as_long_as_an_index_holds_and_no_longer(desk: Desk):
    draw = random.Random(4)
    # Letters of four bytes, at random: nothing that Postgres could compress into its index.
    letters = ["".join(chr(draw.randrange(0x20000, 0x2A000)) for _ in range(301)) for _ in range(4)]
    bars = "|" * 500

    answer = desk.taken(
        table(
            f"{letters[0][:300]},{letters[1][:300]},2026-01-31,1,x",
            f"{letters[2]},B2,2026-01-31,1,x",
            f"V1,{letters[3]},2026-01-31,1,x",
            f"{bars},{bars},2026-01-31,1,x",
        ),
        KEYED,
        rows=4,
    )

    assert len(answer.loaded) == 2
    assert [reasons[0].rpartition("…")[2] for reasons in answer.reasons.values()] == [
        " is too long for a part of the key; expected at most 1,200 bytes"
    ] * 2


def test_a_text_as_long_as_a_cell_of_a_spreadsheet_is_loaded_whole(desk: Desk):
    text = "é" * 32_767

    assert desk.taken(table(f"V1,A1,2026-01-31,1,{text}"), rows=1).values("note") == [text]


@pytest.fixture(scope="module")
def accustomed(new_desk: Callable[[], Desk]) -> Desk:
    """A desk that has seen three nights of ten rows."""
    desk = new_desk()
    for _ in range(3):
        desk.taken(table(*[FIT] * 10), USUAL, rows=10)
    return desk


@pytest.mark.parametrize("rows", [300_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_far_more_rows_than_usual_are_refused_with_the_usual_count_and_only_their_first_part_is_judged(
    accustomed: Desk, rows: int, monkeypatch: pytest.MonkeyPatch
):
    judged = []

    def noted(contract: Contract, raw: pd.DataFrame) -> Parsed:
        judged.append(len(raw))
        return parse(contract, raw)

    monkeypatch.setattr("invoice_anomalies.validation.chunk.parse", noted)

    message = accustomed.refused(table() + (FIT + "\n") * rows, USUAL)

    assert f"{rows:,} rows came; expected 0 to 200 rows, as the usual night has 10" in message
    assert "have the extract delivered again" in message
    assert sum(judged) <= LIMITS.chunk_rows < rows, "beyond the first chunk, rows are only counted"


def test_far_fewer_rows_than_usual_are_refused_too(accustomed: Desk):
    message = accustomed.refused(table(FIT), contract_of(rows={"times_usual": 5}))

    assert "1 row came; expected 2 to 50 rows, as the usual night has 10" in message
