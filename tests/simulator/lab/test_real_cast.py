"""Real phones as a cast: which phone places which call."""

from __future__ import annotations

from simulator.lab.real_cast import callers
from simulator.traffic.planned_call import PlannedCall
from tests.plays import planned as plays


def planned(id_: str, start: float, trunk: str = "international") -> PlannedCall:
    return plays.planned(id_, start=start, trunk=trunk, ring=0.5, talk=1.0, agent="pjsua")


def test_calls_at_the_same_time_get_a_phone_each_and_later_ones_find_it_free() -> None:
    calls = [planned("a", 0.0), planned("b", 1.0), planned("c", 20.0), planned("d", 20.0, "domestic")]
    assert callers(calls) == {"a": "international-1", "b": "international-2", "c": "international-1", "d": "domestic-1"}


def test_a_trunk_has_a_limited_number_of_phones() -> None:
    assert len(set(callers(planned(f"c{index}", 0.0) for index in range(40)).values())) == 16
