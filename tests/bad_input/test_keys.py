"""Duplicate keys within a night and across nights, and spaces and case in vendor ids.

Keys are known across nights, so each test has invoice numbers of its own.
"""

import pytest

from tests.bad_input.conftest import Answer, Desk, contract_of, table, texts_of

KEYED = contract_of(key=("vendor", "number"))
STRICT = contract_of(key=("vendor", "number"), fields={"vendor": {"pattern": "V[0-9]{5}"}})
SPACED = ["V00001 ", " V00001", "\tV00001", "V00001\u00a0", "V00001\r\n", "\u3000V00001"]
LOOKALIKES = [
    pytest.param("V00001\u200b", r"V00001\u200b", id="a zero-width space"),
    pytest.param("V\u00ad00001", r"V\xad00001", id="a soft hyphen"),
    pytest.param("\ufeffV00001", r"\ufeffV00001", id="a BOM within the file"),
    pytest.param("V0000\u202e1", r"V0000\u202e1", id="a reversal of the direction"),
    pytest.param("V00\u20600001", r"V00\u20600001", id="a word joiner"),
]
OTHERS = ["v00001", "V 00001", "Ｖ00001", "V0000１", "V-00001", "V000010"]


def invoice(number: str, vendor: str = "V00001", amount: str = "10.50") -> str:
    quoted = '"' + vendor.replace('"', '""') + '"'
    return f"{quoted},{number},2026-01-31,{amount},paper"


def test_duplicate_keys_within_a_night_are_loaded_once_whether_their_content_is_equal_or_not(desk: Desk):
    content = table(invoice("equal"), invoice("equal"), invoice("differs"), invoice("differs", amount="99"))

    answer = desk.taken(content, KEYED, rows=4)

    assert [float(amount) for amount in answer.values("amount")] == [10.5, 10.5]
    assert answer.reasons == {
        3: ["vendor, number: same key as line 2; expected each invoice once"],
        5: ["vendor, number: same key as line 4; expected each invoice once"],
    }
    assert answer.raw[5]["amount"] == "99"


def test_a_key_of_an_earlier_night_is_quarantined_with_that_night_whether_its_content_is_equal_or_not(desk: Desk):
    first = desk.taken(table(invoice("old 1"), invoice("old 2")), KEYED, rows=2)

    second = desk.taken(table(invoice("old 1"), invoice("old 2", amount="99"), invoice("new")), KEYED, rows=3)

    assert list(second.loaded) == ["V00001|new"]
    assert second.reasons == {line: [f"already loaded with the extract of {first.night}"] for line in (2, 3)}
    assert float(second.raw[3]["amount"]) == 99
    assert desk.what_became_of(first.night, KEYED).loaded == first.loaded


def test_an_earlier_night_that_comes_late_has_its_keys_and_the_later_one_keeps_its_rows_in_quarantine(desk: Desk):
    earlier = desk.skip_night()
    later = desk.taken(table(invoice("late", amount="99"), invoice("late 2")), KEYED, rows=2)

    late = desk.taken(table(invoice("late")), KEYED, rows=1, night=earlier)

    assert list(late.loaded) == ["V00001|late"]
    now = desk.what_became_of(later.night, KEYED)
    assert list(now.loaded) == ["V00001|late 2"]
    assert now.reasons == {2: [f"already loaded with the extract of {earlier}"]}
    assert float(now.raw[2]["amount"]) == 99


def test_the_same_night_again_is_no_duplicate_of_itself(desk: Desk):
    content = table(invoice("again 1"), invoice("again 2"))
    first = desk.taken(content, KEYED, rows=2)

    again = desk.taken(content, KEYED, rows=2, night=first.night)

    assert (again.loaded, again.reasons) == (first.loaded, {})


def test_spaces_around_a_vendor_id_do_not_make_another_vendor(desk: Desk):
    rows = [invoice("spaces", vendor) for vendor in ["V00001", *SPACED]]

    answer = desk.taken(table(*rows), KEYED, rows=len(rows))

    assert list(answer.loaded) == ["V00001|spaces"]
    assert len(answer.reasons) == len(SPACED)
    assert {reason for (reason,) in answer.reasons.values()} == {
        "vendor, number: same key as line 2; expected each invoice once"
    }


def test_case_and_other_spellings_make_other_vendors_unless_the_contracts_pattern_refuses_them(desk: Desk):
    vendors = ["V00001", *OTHERS]

    free = desk.taken(table(*(invoice("free", vendor) for vendor in vendors)), KEYED, rows=len(vendors))
    strict = desk.taken(table(*(invoice("strict", vendor) for vendor in vendors)), STRICT, rows=len(vendors))

    assert sorted(free.loaded) == sorted(f"{vendor}|free" for vendor in vendors)
    assert list(strict.loaded) == ["V00001|strict"]
    assert strict.reasons[3] == ["vendor: 'v00001' does not match the pattern; expected V[0-9]{5} for the whole value"]
    assert all("does not match the pattern" in reason for (reason,) in strict.reasons.values())


@pytest.fixture(scope="module")
def lookalikes(desk: Desk) -> Answer:
    """Vendors that look like V00001 on a screen."""
    rows = [invoice("lookalike", vendor) for vendor in texts_of(LOOKALIKES)]
    return desk.taken(table(*rows), KEYED, rows=len(rows))


@pytest.mark.parametrize(("vendor", "shown"), LOOKALIKES)
def test_a_vendor_that_only_looks_like_another_one_is_quarantined(lookalikes: Answer, vendor: str, shown: str):
    line = 2 + texts_of(LOOKALIKES).index(vendor)

    assert lookalikes.reasons[line] == [
        f"vendor: '{shown}' contains an invisible character; expected only what can be seen"
    ]


def test_leading_zeros_and_points_are_part_of_an_invoice_number(desk: Desk):
    answer = desk.taken(table(*map(invoice, ["1", "001", "1.0", "1e0"])), KEYED, rows=4)

    assert len(answer.loaded) == 4


def test_a_bar_in_a_key_does_not_join_two_invoices(desk: Desk):
    rows = [invoice("c", "a|b"), invoice("b|c", "a"), invoice("|b|c", "a\\")]

    assert len(desk.taken(table(*rows), KEYED, rows=3).loaded) == 3


def test_a_row_without_its_whole_key_is_quarantined(desk: Desk):
    rows = [invoice("x", ""), invoice(""), invoice("NULL", " "), invoice("x", "NULL")]

    answer = desk.taken(table(*rows), KEYED, rows=4)

    assert [len(reasons) for _, reasons in sorted(answer.reasons.items())] == [1, 1, 2, 1]
    assert answer.reasons[2] == ["vendor: empty, but a value is required"]


def test_keys_that_are_numbers_and_dates_are_one_where_their_values_are(desk: Desk):
    rows = [invoice("x", amount=amount) for amount in ("1", "1.0", "1.00", "-1", "1-", "0", "-0")]

    answer = desk.taken(table(*rows), contract_of(key=("amount", "day")), rows=7)

    assert sorted(answer.loaded) == ["-1|2026-01-31", "0|2026-01-31", "1|2026-01-31"]
    assert len(answer.reasons) == 4
