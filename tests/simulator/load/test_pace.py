"""The moments at which calls of a load are due."""

from __future__ import annotations

from itertools import pairwise

import pytest

from simulator.load.pace import Pace


def test_a_plateau_is_evenly_spaced_and_has_as_many_calls_as_its_rate_asks() -> None:
    pace = Pace(0, 0, 100.0, 50.0, 50.0, 0.0, 2.0)
    assert (pace.ramp_calls, pace.calls) == (0, 100)
    due = [pace.due(index) for index in range(pace.calls)]
    assert due[0] == 100.0
    assert [later - earlier for earlier, later in pairwise(due)] == pytest.approx([0.02] * 99)
    assert due[-1] < pace.end == 102.0


@pytest.mark.parametrize(("from_rate", "rate"), [(10.0, 90.0), (90.0, 10.0), (0.0, 40.0)])
def test_a_ramp_goes_evenly_from_rate_to_rate(from_rate: float, rate: float) -> None:
    pace = Pace(0, 0, 0.0, from_rate, rate, 2.0, 1.0)
    due = [pace.due(index) for index in range(pace.calls)]
    assert due == sorted(due)
    assert sum(moment < 2.0 for moment in due) == pace.ramp_calls == round(from_rate + rate)
    assert sum(moment >= 2.0 for moment in due) == rate
    halfway = sum(moment < 1.0 for moment in due)  # in the first half of the ramp: from_rate to the mean of both
    assert halfway == pytest.approx((from_rate + (from_rate + rate) / 2) / 2, abs=1)


def test_the_calls_of_a_plateau_begin_where_its_ramp_ends() -> None:
    pace = Pace(3, 700, 10.0, 20.0, 40.0, 1.0, 1.0)
    assert pace.due(pace.ramp_calls) == pace.plateau_begins == 11.0
