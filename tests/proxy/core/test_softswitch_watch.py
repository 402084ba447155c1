"""The softswitch dies, freezes and comes back: what callers hear meanwhile, and what never rings afterwards."""

from __future__ import annotations

from collections import Counter

import pytest

from proxy.core.probing import Probing
from tests.plays.dialogue import ABROAD, BARRED, SWITCH, request
from tests.plays.treated import treating
from tests.plays.watched import FROZEN, PROBING, TCP_SWITCH, heard_of, watching


def test_a_switch_that_talks_is_never_asked() -> None:
    on = watching()
    for number in range(20):
        on.wait(5.0).forget_sent()
        on.calls(number).answer(486).sends("ACK").sends(486)
    assert on.probes == 0


def test_a_switch_that_says_nothing_for_a_while_is_asked_and_nobody_behind_it() -> None:
    on = heard_of().wait(9.9)
    assert on.probes == 0
    asked = on.wait(0.2).probe
    assert asked is not None
    assert (asked.uri, asked.header("max-forwards"), asked.names.count("via")) == ("sip:127.0.0.9:5080", "0", 1)
    on.answers_probe().wait(9.9)
    assert on.probes == 1
    assert on.wait(0.2).probes == 2


@pytest.mark.parametrize("status", [200, 403, 404, 405, 481, 483, 501, 503, 600])
def test_any_answer_is_a_sign_of_life(status: int) -> None:
    on = heard_of()
    for _ in range(3):
        on.wait(10.1).answers_probe(status).sends_nothing()
    assert on.wait(5.0).changes == []
    on.calls(1)


def test_a_request_that_it_does_not_answer_has_it_asked_at_once() -> None:
    on = watching()
    on.calls(1)
    assert on.wait(0.9).forget_sent().probes == 0
    on.wait(0.2).forget_sent()
    assert on.probes == 1
    on.answers_probe().wait(5.0).forget_sent()
    assert on.changes == []
    on.answer(486).sends("ACK").sends(486)


def test_without_an_interval_silence_is_nothing_to_ask_about() -> None:
    on = watching(Probing(interval=0.0))
    assert on.wait(1000.0).probes == 0
    on.calls(1).wait(1.1)
    assert on.probes == 1


def test_without_probing_nothing_is_asked_and_nothing_is_refused() -> None:
    on = watching(None)
    on.calls(1).refused().wait(20.0).forget_sent()
    assert (on.probes, on.changes) == (0, [])
    on.calls(2)


def test_a_request_without_a_word_has_its_port_knocked_at_before_it_is_asked() -> None:
    on = watching()
    on.calls(1).wait(0.05)
    assert not on.core.watch.knocks
    on.wait(0.1)
    assert (on.core.watch.knocks, on.probes) == (True, 0)


def test_a_port_that_is_closed_has_the_caller_answered_at_once() -> None:
    on = watching()
    on.calls(1).refused().sends(503, ABROAD).sends_nothing()
    assert on.last.header("retry-after") == "5"
    assert on.changes == [("softswitch_down", "refused")]
    assert on.core.counters["softswitch_down"] == 1
    [record] = on.records()
    assert (record["action"], record["final"]) == ("allow", 503)


def test_a_switch_that_was_never_heard_of_is_knocked_at_and_not_asked() -> None:
    on = watching().wait(60.0)
    assert (on.core.watch.knocks, on.probes) == (True, 0)


def test_a_call_that_rang_when_it_died_is_over_too() -> None:
    on = watching()
    on.calls(1).answer(180).sends(180).refused().sends(503, ABROAD).sends_nothing()
    on.wait(200.0)
    assert set(on.finals) == {503}


def test_new_calls_are_refused_at_once_and_barred_ones_as_ever() -> None:
    on = watching().refused()
    on.asks("INVITE", 1).sends(503, ABROAD)
    assert on.last.header("retry-after") == "5"
    on.asks("INVITE", 2, to=BARRED).sends(603, ABROAD).sends_nothing()
    on.asks("MESSAGE", 3).sends(503).asks("OPTIONS", 4).sends(503).asks("SUBSCRIBE", 5).sends(503)
    assert [(record["action"], record["final"]) for record in on.records()] == [
        ("allow", 503),
        ("reject", 603),
        ("allow", 503),
    ]


def test_an_announcement_that_nobody_can_make_is_left_out() -> None:
    on = treating({"barring.incoming_international": {"reject": "603", "announce": "barred"}}, probing=PROBING)
    on.core.watch.refused(on.now)
    on.forget_sent()
    on.receive(request("INVITE", to=BARRED)).sends(603, ABROAD).sends_nothing()


def test_what_belongs_to_a_dialog_is_sent_on_for_the_switch_may_come_back() -> None:
    on = watching()
    on.calls(1).answer(200).sends(200)
    on.refused()
    on.receive(request("BYE", call_id="call-1", branch="z9hG4bK-2", cseq=2, to_tag="callee")).sends("BYE", SWITCH)
    on.wait(1.0)
    assert on.finals == []


def test_its_first_sign_of_life_lets_the_first_call_through() -> None:
    on = heard_of().wait(10.1).answers_probe().refused().wait(60.0)
    on.asks("INVITE", 1).sends(503)
    on.answers_probe().calls(2)
    assert on.changes == [("softswitch_down", "refused"), ("softswitch_up", "")]
    assert on.core.counters["softswitch_up"] == 1


def test_while_it_is_down_it_is_asked_every_other_second_and_more() -> None:
    on = watching().refused()
    for _ in range(10):
        before = on.probe
        on.wait(2.1)
        assert on.probe is not before


def test_whatever_it_sends_of_itself_is_a_sign_of_life() -> None:
    on = watching().refused()
    on.receive(request("OPTIONS", SWITCH, uri="sip:127.0.0.1"), SWITCH).sends(200, SWITCH)
    on.calls(2)


def test_a_frozen_switch_costs_three_seconds_once_and_then_nothing() -> None:
    on = heard_of().wait(10.0).answers_probe()
    on.calls(1).asks("MESSAGE", 2).sends("MESSAGE")
    on.wait(2.9)
    assert on.finals == []
    on.wait(0.2)
    assert on.finals == [503, 503]
    assert on.changes == [("softswitch_down", "silent")]
    on.asks("INVITE", 3).sends(503, ABROAD).sends_nothing()


def test_it_is_missed_though_nobody_calls() -> None:
    on = heard_of().wait(10.0).answers_probe().wait(12.1)
    assert on.changes == [("softswitch_down", "silent")]
    on.asks("INVITE", 1).sends(503, ABROAD)


def test_a_switch_that_never_answered_options_is_not_down_for_its_silence() -> None:
    on = heard_of().wait(300.0)
    assert on.probes > 10
    assert on.changes == []
    on.calls(1)


def test_but_once_it_is_down_a_call_is_let_through_now_and_then() -> None:
    on = watching()
    on.calls(1).wait(FROZEN)
    assert on.changes == [("softswitch_down", "silent")]
    on.forget_sent()
    on.asks("INVITE", 2).sends(503, ABROAD).wait(5.0).forget_sent()
    on.calls(3).asks("INVITE", 4).sends(503, ABROAD)
    on.wait(5.0).forget_sent()
    assert [record["call_id"] for record in on.records()] == ["call-1", "call-2", "call-4", "call-3"]
    on.calls(5).answer(180).sends(180, ABROAD)
    assert on.changes == [("softswitch_up", "")]


def test_what_rang_may_ring_on_and_be_answered_when_it_wakes_up() -> None:
    on = heard_of().wait(10.0).answers_probe()
    on.calls(1).answer(180).sends(180)
    on.wait(12.2).sends_nothing()
    assert on.changes == [("softswitch_down", "silent")]
    on.answer(200).sends(200, ABROAD)
    assert on.changes == [("softswitch_up", "")]


def test_a_connection_that_cannot_be_made_is_a_refusal() -> None:
    on = watching(switch=TCP_SWITCH)
    on.calls(1)
    on.core.transport_failed(TCP_SWITCH, on.now)
    on.sends(503, ABROAD).sends_nothing()
    assert (on.probes, on.changes) == (1, [])
    on.core.transport_failed(TCP_SWITCH, on.now)
    assert on.changes == [("softswitch_down", "refused")]
    on.asks("INVITE", 2).sends(503, ABROAD)
    assert on.wait(1.9).probes == 1
    assert on.wait(0.2).probes == 2
    on.forget_sent().answers_probe().calls(3)


def test_a_connection_that_ends_while_nobody_waits_says_nothing() -> None:
    on = watching(switch=TCP_SWITCH)
    on.calls(1).answer(486).sends("ACK").sends(486)
    on.core.transport_failed(TCP_SWITCH, on.now)
    assert (on.probes, on.changes) == (0, [])


def test_the_probe_over_a_stream_says_so() -> None:
    asked = heard_of(switch=TCP_SWITCH).wait(10.1).probe
    assert asked is not None
    assert asked.uri == "sip:127.0.0.9:5080;transport=tcp"
    assert asked.header("content-length") == "0"


def test_nothing_is_counted_that_did_not_happen() -> None:
    on = heard_of().wait(100.0)
    assert not {"softswitch_down", "softswitch_up"} & set(Counter(on.core.counters))
