"""The consequences of a call's plan alone."""

from __future__ import annotations

from simulator.traffic.planned_call import closer_together
from tests.plays.planned import planned


def test_the_direct_pass_keeps_the_pace_cuts_long_silences_and_waits_for_nothing() -> None:
    calls = [planned("b", start=3.1), planned("a", start=3.0), planned("c", start=9.0, after=("a",))]
    moved = closer_together(calls)
    assert not any(each.after for each in moved)
    assert [(each.id, round(each.start, 6)) for each in moved] == [("a", 0.2), ("b", 0.3), ("c", 0.5)]
