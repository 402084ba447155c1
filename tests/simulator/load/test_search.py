"""The search for the highest rate that holds."""

from __future__ import annotations

import pytest

from simulator.load.search import best, next_rate


def searched(capacity: float, lowest: float = 20.0, highest: float = 5000.0) -> list[tuple[float, bool]]:
    """The plateaus of a search before something that holds up to its capacity."""
    tried: list[tuple[float, bool]] = []
    while (rate := next_rate(lowest, highest, tried)) is not None:
        tried.append((rate, rate <= capacity))
        assert len(tried) < 40
    return tried


@pytest.mark.parametrize("capacity", [21.0, 87.0, 640.0, 999.9, 4321.0])
def test_the_rate_that_is_found_held_and_is_within_a_tenth_of_what_is_carried(capacity: float) -> None:
    found = best(searched(capacity))
    assert found is not None
    assert found <= capacity < found * 1.11


def test_what_carries_all_that_is_asked_for_ends_the_search_there() -> None:
    assert searched(9999.0, 20.0, 100.0) == [(20.0, True), (40.0, True), (80.0, True), (100.0, True)]


def test_where_not_even_the_lowest_rate_holds_it_is_tried_twice() -> None:
    assert searched(1.0) == [(20.0, False), (20.0, False)]
    assert best(searched(1.0)) is None


def test_a_rate_that_holds_at_the_second_try_has_held() -> None:
    tried = [(20.0, True), (40.0, False), (40.0, True)]
    assert next_rate(20.0, 5000.0, tried) == 80.0
    assert best(tried) == 40.0
