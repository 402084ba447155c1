"""A call that depends on what a remote source says of its caller waits for it; nobody else does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.core.events import Cancelled, Judged
from proxy.core.probing import Probing
from proxy.core.time_of_day import TimeOfDay
from proxy.policy.remote import Opinion, Reputon
from proxy.reputation.sources import SourceDown, SourceFailed, SourceUp
from tests.plays.consulted import BAD, BROKEN, CALLER, DESK, GOOD, consulted, policy
from tests.plays.dialogue import ABROAD, INVITE, PHONE, SWITCH, request, taken

BLOCKING = replace(DESK, on_failure="block")


def invite(n: int, caller: str = CALLER, method: str = "INVITE") -> bytes:
    """Call number `n`, by that caller."""
    sent = request(method, branch=f"z9hG4bK-{n}", call_id=f"call-{n}")
    return sent.replace(CALLER.encode(), caller.encode())


def numbers(count: int) -> list[str]:
    return [f"+6591{n:06}" for n in range(count)]


def test_a_call_waits_for_the_answer_and_100_bridges_the_time() -> None:
    on = consulted().receive(INVITE).sends(100, ABROAD).sends_nothing()
    on.asked(CALLER).wait(0.04).answers(GOOD).sends("INVITE", SWITCH)
    on.answer(200).sends(200, ABROAD)
    (record,) = on.records()
    assert (record["action"], record["rule"], record["final"]) == ("allow", "default.allow", 200)
    assert record["waited_ms"] == 40
    step = next(step for step in record["trace"] if step[0] == "reputation.remote")
    assert step[2:] == ["no_match", f"desk has nothing against {CALLER}, after 40 ms"]


def test_the_100_comes_no_later_than_it_would_without_a_question() -> None:
    on = consulted(trying_after=0.15).receive(INVITE).sends_nothing()
    on.wait(0.1).sends_nothing().wait(0.06).sends(100, ABROAD).wait(0.1).sends_nothing()


def test_a_caller_of_ill_repute_is_refused_and_nobody_rings() -> None:
    on = consulted().receive(INVITE).sends(100).asked(CALLER).answers(BAD).sends(603, ABROAD).sends_nothing()
    (record,) = on.records()
    assert record["rule"] == "reputation.remote"
    assert record["detail"] == f"desk rates {CALLER} as spam (0.90)"


def test_retransmissions_are_absorbed_while_it_waits() -> None:
    on = consulted().receive(INVITE).sends(100).asked(CALLER)
    on.receive(INVITE).sends(100, ABROAD).receive(INVITE).sends(100, ABROAD).asked()
    on.answers(GOOD).sends("INVITE", SWITCH).sends_nothing()


def test_a_text_waits_as_well_and_its_retransmissions_are_absorbed_without_a_word() -> None:
    text = invite(1, method="MESSAGE")
    on = consulted().receive(text).sends_nothing().asked(CALLER).receive(text).sends_nothing().asked()
    on.answers(BAD).sends(603, ABROAD)


def test_cancel_ends_it_at_once_and_the_answer_is_dropped() -> None:
    on = consulted().receive(INVITE).sends(100).asked(CALLER)
    on.receive(request("CANCEL")).sends(200, ABROAD).sends(487, ABROAD)
    assert on.core.pending == 0
    on.answers(BAD).sends_nothing()
    judged, cancelled, _ = events = on.events()
    assert isinstance(judged, Judged)
    assert isinstance(cancelled, Cancelled)
    on.core.outputs.extend(events)
    (record,) = on.records()
    assert (record["final"], record["by"]) == (487, "caller")
    assert ["reputation.remote", "enforce", "asked", "asks desk"] in record["trace"]


def test_what_was_cancelled_leaves_an_answer_for_the_next_call() -> None:
    on = consulted().receive(INVITE).sends(100).asked(CALLER)
    on.receive(request("CANCEL")).sends(200).sends(487).answers(BAD)
    on.receive(invite(2)).sends(603, ABROAD).asked()


def test_who_answers_nothing_in_time_is_not_waited_for_any_longer() -> None:
    on = consulted().receive(INVITE).sends(100).asked(CALLER).wait(0.29).sends_nothing()
    on.wait(0.02).sends("INVITE", SWITCH).answer(486).sends("ACK").sends(486)
    (record,) = on.records()
    assert record["waited_ms"] in (300, 301, 310)
    assert [
        "reputation.remote",
        "enforce",
        "no_match",
        "desk: no answer within 300 ms, after 300 ms; callers pass without an answer (on_failure: allow)",
    ] in record["trace"]


@pytest.mark.parametrize("opinion", [None, BROKEN])
def test_without_an_answer_a_rule_that_fails_closed_lets_nobody_pass(opinion: Opinion | None) -> None:
    on = consulted(BLOCKING).receive(INVITE).sends(100).asked(CALLER)
    on = on.answers(opinion) if opinion else on.wait(0.31)
    on.sends(480, ABROAD).sends_nothing()
    (record,) = on.records()
    assert (record["action"], record["rule"], record["status"]) == ("reject", "reputation.remote", 480)
    assert record["detail"].endswith("no caller passes without an answer (on_failure: block)")
    assert (opinion.failure if opinion else "no answer within 300 ms") in record["detail"]


def test_an_answer_that_comes_too_late_counts_for_the_next_call() -> None:
    on = consulted().receive(INVITE).sends(100).asked(CALLER).wait(0.4).sends("INVITE", SWITCH)
    on.answers(BAD).sends_nothing()
    on.receive(invite(2)).sends(603).asked()


def test_an_answer_is_remembered_for_a_while() -> None:
    on = consulted().receive(INVITE).sends(100).asked(CALLER).answers(BAD).sends(603).wait(60).forget_sent()
    on.records()
    on.receive(invite(2)).sends(603).asked()
    (record,) = on.records()
    assert record["detail"] == f"desk rates {CALLER} as spam (0.90), known for 60 s"
    assert "waited_ms" not in record
    on.wait(300).forget_sent().receive(invite(3)).sends(100).asked(CALLER)


def test_a_source_may_say_for_how_long_its_answer_is_good() -> None:
    on = consulted(clock=TimeOfDay(1_000_000.0)).receive(INVITE).sends(100).asked(CALLER)
    on.answers(Opinion((Reputon("spam", 0.9),), expires=1_001_010.0)).sends(603).wait(9.9).forget_sent()
    on.receive(invite(2)).sends(603).wait(0.2).forget_sent().receive(invite(3)).sends(100).asked(CALLER)


def test_calls_of_one_number_wait_for_one_answer() -> None:
    on = consulted().receive(INVITE).sends(100).receive(invite(2)).sends(100).receive(invite(3)).sends(100)
    on.asked(CALLER).answers(BAD).sends(603).sends(603).sends(603)
    assert [record["call_id"] for record in on.records()] == ["call-1", "call-2", "call-3"]


def test_other_calls_go_on_while_a_thousand_wait() -> None:
    on = consulted()
    for n, caller in enumerate(numbers(1000)):
        on.receive(invite(n, caller)).sends(100)
    on.asked(*numbers(1000))
    assert on.core.pending == 1000
    at_home = request("INVITE", PHONE, branch="z9hG4bK-home", call_id="home")
    on.receive(at_home, PHONE).sends(100).sends("INVITE", SWITCH).answer(200).sends(200, PHONE)
    allowed = invite(9999, "+442079460123")
    on.receive(allowed).sends(100).sends("INVITE", SWITCH).answer(200).sends(200, ABROAD)
    for _ in range(1000):
        on.answers(GOOD).sends("INVITE", SWITCH)
    assert on.core.pending == 1000


def test_more_questions_than_a_source_takes_are_not_put() -> None:
    on = consulted(replace(BLOCKING, in_flight=2))
    for n, caller in enumerate(numbers(2)):
        on.receive(invite(n, caller)).sends(100)
    on.receive(invite(2, numbers(3)[2])).sends(100).sends(480).asked(*numbers(2))
    assert taken(on.core, SourceFailed) == [SourceFailed("desk", "2 questions are open already")]
    (record,) = on.records()
    assert record["detail"].startswith("desk: 2 questions are open already; ")
    assert on.core.counters["reputation_overload"] == 1
    on.receive(invite(3, numbers(1)[0])).sends(100).asked()  # the same question is open
    on.answers(GOOD).sends("INVITE").sends("INVITE").receive(invite(4, numbers(4)[3])).sends(100).asked(numbers(4)[3])


def test_a_source_that_fails_again_and_again_is_asked_no_more_for_a_while() -> None:
    on = consulted(replace(BLOCKING, breaker_failures=3, breaker_seconds=10.0))
    for n, caller in enumerate(numbers(3)):
        on.receive(invite(n, caller)).sends(100).asked(caller).answers(BROKEN).sends(480)
    assert taken(on.core, SourceFailed) == [SourceFailed("desk", "HTTP 500")] * 3
    assert taken(on.core, SourceDown) == [SourceDown("desk", "HTTP 500")]
    on.receive(invite(3)).sends(100).sends(480).asked()
    assert on.records()[-1]["detail"].startswith("desk: is down; ")
    on.wait(10.1).forget_sent()
    on.receive(invite(4)).sends(100).asked(CALLER)  # one goes out to see
    on.receive(invite(5, numbers(5)[4])).sends(100).sends(480).asked()
    on.answers(BROKEN).sends(480).receive(invite(6)).sends(100).sends(480).asked()
    on.wait(10.1).forget_sent().receive(invite(7)).sends(100).asked(CALLER).answers(GOOD).sends("INVITE")
    (back,) = taken(on.core, SourceUp)
    assert (back.source, back.unasked) == ("desk", 3)
    on.receive(invite(8, numbers(6)[5])).sends(100).asked(numbers(6)[5])


def test_failures_that_others_come_between_break_nothing() -> None:
    on = consulted(replace(DESK, breaker_failures=2))
    for n, (caller, opinion) in enumerate(zip(numbers(6), [BROKEN, GOOD] * 3, strict=True)):
        on.receive(invite(n, caller)).sends(100).asked(caller).answers(opinion).sends("INVITE")
    assert taken(on.core, SourceDown) == []


def test_two_sources_are_asked_side_by_side_and_the_first_bad_word_decides() -> None:
    on = consulted(DESK, replace(DESK, name="union")).receive(INVITE).sends(100)
    on.asked(f"desk:{CALLER}", f"union:{CALLER}").answers(BAD, 1).sends(603, ABROAD)
    assert on.core.pending == 0
    on.answers(GOOD).sends_nothing()


def test_two_sources_that_say_nothing_bad_are_both_waited_for() -> None:
    on = consulted(DESK, replace(DESK, name="union", timeout=1.0)).receive(INVITE).sends(100)
    on.asked(f"desk:{CALLER}", f"union:{CALLER}").answers(GOOD).sends_nothing()
    on.wait(0.9).sends_nothing().answers(GOOD).sends("INVITE", SWITCH)
    on.answer(200).sends(200)
    (record,) = on.records()
    assert record["waited_ms"] == 900


def test_in_shadow_mode_the_call_does_not_wait_and_the_answer_is_told_after() -> None:
    on = consulted(mode="shadow").receive(INVITE).sends(100).sends("INVITE", SWITCH).asked(CALLER)
    assert on.core.pending == 1
    on.answer(200).sends(200, ABROAD).wait(0.1).answers(BAD).sends_nothing()
    call, shadow = on.lines()
    assert ["reputation.remote", "shadow", "asked", "asks desk"] in call["trace"]
    assert "waited_ms" not in call
    assert shadow["event"] == "shadow"
    assert (shadow["call_id"], shadow["rule"], shadow["outcome"]) == ("call-1", "reputation.remote", "reject")
    assert shadow["detail"] == f"desk rates {CALLER} as spam (0.90), after 100 ms"
    on.receive(invite(2)).sends(100).sends("INVITE", SWITCH).asked().answer(486).sends("ACK").sends(486)
    (call,) = on.lines()
    assert ["reputation.remote", "shadow", "reject", f"desk rates {CALLER} as spam (0.90), known for 0 s"] in call[
        "trace"
    ]


def test_the_end_of_the_proxy_waits_for_no_shadow() -> None:
    on = consulted(mode="shadow").receive(INVITE).sends(100).sends("INVITE").asked(CALLER).answer(486)
    assert on.forget_sent().core.pending == 0


def test_a_drain_goes_on_with_who_waits() -> None:
    on = consulted().receive(INVITE).sends(100).asked(CALLER)
    on.core.draining = True
    on.receive(invite(2)).sends(503).asked()
    assert on.core.pending == 1
    on.answers(GOOD).sends("INVITE", SWITCH)
    assert on.core.pending == 1
    on.answer(200).sends(200, ABROAD)
    assert on.core.pending == 0


def test_who_waits_at_the_very_end_is_told_and_recorded() -> None:
    on = consulted().receive(INVITE).sends(100).asked(CALLER)
    on.core.give_up(on.now)
    on.sends(503, ABROAD)
    (record,) = on.records()
    assert (record["final"], record["by"]) == (503, "proxy")
    on.answers(GOOD).sends_nothing()


def test_a_reload_changes_nothing_for_a_call_that_waits() -> None:
    on = consulted().receive(INVITE).sends(100).asked(CALLER)
    on.core.policy = policy()  # asks nobody any more
    on.receive(invite(2)).sends(100).sends("INVITE", SWITCH).asked()
    on.answers(BAD).sends(603, ABROAD)
    on.core.policy = policy(DESK, mode="off")
    on.receive(invite(3)).sends(100).sends("INVITE", SWITCH).asked()


def test_what_was_learnt_outlives_a_reload() -> None:
    on = consulted().receive(INVITE).sends(100).asked(CALLER).answers(BAD).sends(603)
    on.core.policy = policy(DESK)
    on.core.sources.keep((DESK,))
    on.receive(invite(2)).sends(603).asked()
    on.core.sources.keep(())
    on.receive(invite(3)).sends(100).asked(CALLER)


def test_a_switch_that_went_down_meanwhile_is_said_to_who_waited() -> None:
    on = consulted(probing=Probing()).receive(INVITE).sends(100).asked(CALLER)
    on.core.watch.refused(on.now)
    on.forget_sent().answers(GOOD).sends(503, ABROAD).sends_nothing()


def test_what_one_call_breaks_does_not_keep_the_others() -> None:
    on = consulted().receive(INVITE).sends(100).receive(invite(2)).sends(100).asked(CALLER)
    for waiting in on.core._forwarding.consulting._parked:
        if waiting.call_id == "call-1" and waiting.parked is not None:
            waiting.parked.request.lines.clear()  # whatever is wrong with it
    with pytest.raises(IndexError):
        on.answers(GOOD)
    on.sends("INVITE", SWITCH).sends_nothing()
    assert on.core.pending == 1
    assert [record["call_id"] for record in on.answer(486).forget_sent().records()] == ["call-1", "call-2"]
