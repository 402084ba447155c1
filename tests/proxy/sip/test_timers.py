"""Timers of one duration end in the order in which they began."""

from __future__ import annotations

import pytest

from proxy.sip.timers import NEVER, Timers


def test_a_timer_is_due_after_its_duration_and_once() -> None:
    timers = Timers[str]()
    assert timers.next() == NEVER
    timers.start(0.5, "one", 10.0)
    assert (timers.next(), len(timers)) == (10.5, 1)
    assert list(timers.due(10.499)) == []
    assert list(timers.due(10.5)) == ["one"]
    assert (list(timers.due(99.0)), timers.next(), len(timers)) == ([], NEVER, 0)


def test_timers_of_other_durations_do_not_wait_for_each_other() -> None:
    timers = Timers[str]()
    timers.start(32.0, "long", 0.0)
    timers.start(0.5, "short", 0.1)
    timers.start(0.5, "and its neighbour", 0.2)
    assert list(timers.due(0.6)) == ["short"]
    assert list(timers.due(32.0)) == ["long", "and its neighbour"]


def test_what_is_started_while_others_end_is_not_forgotten() -> None:
    timers = Timers[str]()
    timers.start(0.5, "one", 0.0)
    for what in timers.due(0.5):
        timers.start(1.0, f"{what} again", 0.5)
    assert timers.next() == 1.5
    assert list(timers.due(1.5)) == ["one again"]


def carry_out(timers: Timers[int], now: float) -> None:
    for what in timers.due(now):
        1 // what


def test_a_fault_in_one_timer_costs_no_other() -> None:
    timers = Timers[int]()
    for number in range(3):
        timers.start(0.5, number, 0.0)
    with pytest.raises(ZeroDivisionError):
        carry_out(timers, 0.5)
    assert timers.next() <= 0.5
    assert list(timers.due(0.5)) == [1, 2]
