"""The numbers that runs can leave, and the places of those that they cannot."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from simulator.results.run_json import NoSuchNumber, line_and_column, place_of, read_document, read_line

HUGE = "9" * 5000


@pytest.mark.parametrize("number", ["0", "1", "0.5", "1e-320", "1760000000.25", "9007199254740992"])
def test_a_line_has_numbers_from_nought(number: str) -> None:
    assert read_line(f'{{"at": [{number}]}}') == {"at": [float(number)]}


@pytest.mark.parametrize("number", ["-1", "-0.1", "1e308", "1e400", "9007199254740993", HUGE])
def test_a_number_that_nothing_can_have_measured_is_found_where_it_stands(number: str) -> None:
    text = f'{{"3": "1e400, \\" NaN", "a": [1, 2.5, -0.0], "b": {number}, "c": 1e400}}'

    with pytest.raises(NoSuchNumber, match="expected a number from 0 to 9,007,199,254,740,992") as told:
        read_line(text)

    assert text[told.value.position :].startswith(number)
    assert told.value.found == number
    assert len(str(told.value)) < 110


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize("read", [read_line, read_document])
def test_what_is_no_number_in_json_is_none(number: str, read: Callable[[str], object]) -> None:
    with pytest.raises(NoSuchNumber, match=f"found {number}, expected a number") as told:
        read(f'{{"NaN": "Infinity", "b": [{number}]}}')
    assert told.value.position == 26


def test_a_document_may_have_delays_below_nought_and_long_seeds() -> None:
    assert read_document('{"added": -0.001, "seed": 1' + "0" * 400 + "}") == {"added": -0.001, "seed": 10**400}
    for number, expected in (("1e308", "-9,007,199,254,740,992 to"), (HUGE, "at most 4,300 digits")):
        with pytest.raises(NoSuchNumber, match=expected):
            read_document(number)


@pytest.mark.parametrize(
    ("where", "place"),
    [
        ((), (2, 1)),
        (("a",), (3, 9)),
        (("a", 1), (3, 13)),
        (("a", 1, "b"), (4, 4)),
        (("中", "x"), (5, 17)),
        (("twice",), (6, 24)),
        (("a", "tag of a union", 1, "b"), (4, 4)),
        (("missing",), (2, 1)),
    ],
)
def test_the_place_of_a_value(where: tuple[int | str, ...], place: tuple[int, int]) -> None:
    text = (
        '\n{\n  "a" : [1, {"x]": {"a": 5}, "b":\n   7, "n": 1e999}, "\\"}"],\n'
        ' "\\u4e2d": {"x":3},\n "twice": 1, "twice" : 2}\n'
    )

    assert place_of(text, where) == place


def test_lines_and_columns_count_from_one() -> None:
    assert [line_and_column("ab\nc", position) for position in (0, 1, 3)] == [(1, 1), (1, 2), (2, 1)]
