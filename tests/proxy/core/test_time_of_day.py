"""The time of day is set while the core runs, or went on without it: what is new goes by it, what stands does not."""

from __future__ import annotations

from typing import Any

from proxy.core.events import Answered, Cancelled, Ended, Judged, Rang
from proxy.core.time_of_day import TimeOfDay
from proxy.policy.remote import Opinion
from tests.plays.consulted import consulted
from tests.plays.dialogue import ABROAD, DAUGHTER, INVITE, SWITCH, Play, new_core, play, request, taken
from tests.plays.policy_play import NOON, Listed, company

HOUR = 3600.0
START = 1000.0  # where the core's own time begins in a dialogue


def at_noon(**settings: Any) -> Play:
    return play(new_core(clock=TimeOfDay(NOON - START), **settings))


def slept(dialogue: Play, seconds: float) -> Play:
    """The machine was suspended, or its time of day set, by so many seconds."""
    dialogue.core.set_epoch(dialogue.core.settings.clock.epoch + seconds)
    return dialogue


def call(name: str) -> bytes:
    return request("INVITE", call_id=name, branch=f"z9hG4bK-{name}")


def test_a_call_after_the_clock_was_set_is_recorded_and_judged_by_the_new_time() -> None:
    dialogue = at_noon()
    dialogue.core.policy = company(listed=(Listed(DAUGHTER, expires=NOON + HOUR),))
    dialogue.receive(call("before")).sends(603, ABROAD)
    slept(dialogue, HOUR).receive(call("after")).sends(100).sends("INVITE", SWITCH)
    dialogue.answer(180).sends(180).wait(0.25).answer(486).sends("ACK").sends(486)
    before, after = dialogue.records()
    assert (before["rule"], before["timestamp"][11:19]) == ("scam_list.exact", "08:53:20")
    assert (after["rule"], after["timestamp"][11:19]) == ("default.allow", "09:53:20")
    assert (after["rang"][11:22], after["ended"][11:22]) == ("09:53:20.00", "09:53:20.25")
    slept(dialogue, -HOUR).receive(call("set-back")).sends(603, ABROAD)


def test_a_call_keeps_the_clock_of_its_arrival_so_that_its_times_tell_what_passed() -> None:
    for by in (HOUR, -HOUR):
        dialogue = at_noon().receive(INVITE).sends(100).sends("INVITE", SWITCH)
        slept(dialogue, by).wait(0.25).answer(180).sends(180).wait(2).answer(200).sends(200)
        slept(dialogue, by).wait(40)
        bye = request("BYE", uri=f"sip:{SWITCH.host}:5080", branch="z9hG4bK-bye", cseq=9, to_tag="callee")
        dialogue.receive(bye).sends("BYE", SWITCH).answer(200).sends(200)
        judged, rang, up, over = dialogue.events()
        assert isinstance(judged, Judged)
        assert judged.call.arrival == NOON
        assert rang == Rang(judged, NOON + 0.25)
        assert up == Answered(judged, NOON + 2.25, 200, NOON + 0.25, ())
        assert isinstance(over, Ended)
        assert (over.at, over.answered) == (NOON + 42.25, NOON + 2.25)


def test_a_call_that_waited_for_its_verdict_keeps_the_clock_of_its_arrival_too() -> None:
    for by in (HOUR, -HOUR):
        on = consulted(clock=TimeOfDay(NOON - START)).receive(INVITE).sends(100).asked(DAUGHTER)
        slept(on, by)
        on.wait(0.1).answers(Opinion()).sends("INVITE", SWITCH).answer(180).sends(180)
        on.wait(2).receive(request("CANCEL")).sends(200).sends("CANCEL")
        (rang,), (cancelled,) = taken(on.core, Rang), taken(on.core, Cancelled)
        assert (rang.judged.call.arrival, rang.at, cancelled.at) == (NOON, NOON + 0.1, NOON + 2.1)


def test_no_timer_runs_out_or_waits_longer_because_the_clock_was_set() -> None:
    for by in (10 * HOUR, -10 * HOUR):
        dialogue = at_noon(trying_after=0.15).receive(INVITE).sends("INVITE", SWITCH)
        slept(dialogue, by).sends_nothing().wait(0.16).sends(100, ABROAD).wait(0.3).sends_nothing()
        slept(dialogue, by).wait(0.05).sends("INVITE", SWITCH).sends_nothing()  # timer A, 0.5 s


def test_an_answered_call_is_not_given_up_for_a_day_that_only_the_clock_says_passed() -> None:
    dialogue = at_noon().receive(call("old")).sends(100).sends("INVITE").answer(200).sends(200)
    slept(dialogue, 48 * HOUR).receive(call("new")).sends(100).sends("INVITE").answer(200).sends(200)
    assert dialogue.core.calls == 2
    assert not taken(dialogue.core, Ended)
