"""The front of a trade-off, and the best point on it."""

from __future__ import annotations

from typing import NamedTuple

from simulator.judging.accuracy import Confusion
from simulator.judging.front import best, front


class Scored(NamedTuple):
    number: int
    confusion: Confusion


def scored(number: int, recall: int, false_blocks: int) -> Scored:
    return Scored(number, Confusion(recall, 100 - recall, false_blocks, 100 - false_blocks))


POINTS = [
    scored(0, 50, 5),
    scored(1, 40, 5),  # beaten by 0
    scored(2, 50, 5),  # the same as 0
    scored(3, 30, 1),
    scored(4, 90, 20),
    scored(5, 85, 30),  # beaten by 4
]


def test_the_front_has_what_no_other_point_beats() -> None:
    assert [point.number for point in front(POINTS)] == [3, 0, 4]


def test_the_best_stops_the_most_scam_with_no_more_false_blocks_than_may_be() -> None:
    assert [getattr(best(POINTS, most), "number", None) for most in (0.005, 0.01, 0.1, 1.0)] == [None, 3, 0, 4]


def test_points_without_rates_are_on_no_front() -> None:
    assert front([Scored(0, Confusion(scam_blocked=3))]) == []
