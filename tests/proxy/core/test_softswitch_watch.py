"""The softswitch dies, freezes and comes back: what callers hear meanwhile, and what never rings afterwards."""

from __future__ import annotations

from collections import Counter
from typing import Any, Self

import pytest

from proxy.core.events import SoftswitchDown, SoftswitchUp
from proxy.core.probing import Probing
from proxy.core.proxy_core import ProxyCore
from proxy.core.settings import CoreSettings
from proxy.sip.flow import Flow
from proxy.sip.message import Request, Response, parse
from tests.plays.dialogue import ABROAD, BARRED, LISTENERS, PHONE, SWITCH, TRUNKS, Play, new_policy, request, taken
from tests.plays.treated import treating

TCP_SWITCH = Flow("tcp", SWITCH.host, SWITCH.port, 1)
PROBING = Probing(interval=10.0, unanswered=1.0, timeout=2.0, retry=2.0)
FROZEN = 3.1  # seconds after which a request that a frozen switch does not answer has failed


class Watched(Play):
    """Keeps the probes apart from what calls are made of; the last one is `probe`."""

    probe: Request | None = None
    probes = 0
    invite = Request("", "", [], [], b"")  # the last one that was forwarded

    def _sort(self) -> None:
        outbox = self.core.outbox
        for flow, data in [each for each in outbox if each[1].startswith(b"OPTIONS sip:127.0.0.9:5080")]:
            outbox.remove((flow, data))
            assert flow[:3] == self.core.settings.softswitch[:3]
            asked = parse(data)
            assert isinstance(asked, Request)
            self.probes += self.probe is None or asked.call_id != self.probe.call_id
            self.probe = asked

    def receive(self, data: bytes, flow: Flow = ABROAD) -> Self:
        self._sort()
        super().receive(data, flow)
        self._sort()
        return self

    def wait(self, seconds: float) -> Watched:
        super().wait(seconds)
        self._sort()
        return self

    def sends_nothing(self) -> Self:
        self._sort()
        super().sends_nothing()
        return self

    def calls(self, number: int, **how: Any) -> Self:
        """A call of its own reaches the switch."""
        self.asks("INVITE", number, **how).sends(100).sends("INVITE")
        self.invite = self.forwarded
        return self

    def asks(self, method: str, number: int, **how: Any) -> Self:
        return self.receive(request(method, branch=f"z9hG4bK-{number}", call_id=f"call-{number}", **how))

    def refused(self) -> Self:
        """A knock at its port is."""
        self.core.watch.refused(self.now)
        self._sort()
        return self

    def answers_probe(self, status: int = 200) -> Self:
        assert self.probe is not None
        return self.receive(bytes(self.probe.reply(status, to_tag="switch")), self.core.settings.softswitch)

    def freezes(self) -> Self:
        """It answers OPTIONS once, and then nothing: the next call finds that out."""
        self.wait(10.0).answers_probe().sends_nothing()
        self.calls(99).forget_sent()
        self.wait(FROZEN).forget_sent("INVITE").sends(503, ABROAD)
        return self.asks("ACK", 99, to_tag=self.last.to.tag).sends_nothing()

    @property
    def changes(self) -> list[tuple[str, str]]:
        changes = taken(self.core, SoftswitchDown | SoftswitchUp)  # type: ignore[arg-type]  # as isinstance has it
        down, up = "softswitch_down", "softswitch_up"
        return [(down, one.cause) if isinstance(one, SoftswitchDown) else (up, "") for one in changes]

    @property
    def finals(self) -> list[int]:
        """The statuses that callers got last."""
        sent = [parse(data) for _, data in self.core.outbox]
        self.core.outbox.clear()
        return [each.status for each in sent if isinstance(each, Response) and each.status >= 200]


def watching(probing: Probing | None = PROBING, switch: Flow = SWITCH) -> Watched:
    settings = CoreSettings(LISTENERS, switch, TRUNKS.find, trying_after=0.0, probing=probing)
    on = Watched(ProxyCore(settings, new_policy(), b"secret" * 4), 1000.0)
    on.core.watch.start(on.now)
    return on


def heard_of(switch: Flow = SWITCH) -> Watched:
    """The switch has said something of itself."""
    on = watching(switch=switch)
    return on.receive(request("OPTIONS", switch, uri="sip:127.0.0.1"), switch).sends(200, switch)


# --- when it is asked


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


# --- it dies: the port is closed


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


# --- it freezes: nothing comes back at all


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


# --- what it finds in its socket's buffer when it wakes up


def test_an_invite_is_sent_no_more_once_its_caller_was_told() -> None:
    on = heard_of().freezes()
    on.forget_sent()
    for _ in range(60):
        on.wait(1.0)
        assert not [data for _, data in on.core.outbox if data.startswith(b"INVITE")]


@pytest.mark.parametrize("after", [0.0, 30.0, 3000.0])
def test_an_invite_that_its_caller_gave_up_is_cancelled_at_the_first_sign_of_it(after: float) -> None:
    on = heard_of().freezes()
    on.wait(after).forget_sent()
    on.answer(100).sends("CANCEL", SWITCH).sends_nothing()
    assert isinstance(on.last, Request)
    assert (on.last.via, on.last.uri) == (on.invite.via, on.invite.uri)
    on.answer(200).sends_nothing()


def test_an_invite_that_rings_late_and_is_cancelled_is_acknowledged_to_its_end() -> None:
    on = heard_of().freezes()
    invite = on.invite
    on.forget_sent()
    on.receive(bytes(invite.reply(180, to_tag="callee")), SWITCH).sends("CANCEL", SWITCH)
    on.receive(bytes(invite.reply(183, to_tag="callee")), SWITCH).sends_nothing()
    for _ in range(2):
        ack = on.receive(bytes(invite.reply(487, to_tag="callee")), SWITCH).sends("ACK", SWITCH).last
        assert isinstance(ack, Request)
        assert (ack.via.branch, ack.to.tag) == (invite.via.branch, "callee")
        on.sends_nothing()


def test_an_invite_that_is_answered_late_is_hung_up() -> None:
    on = heard_of().freezes()
    on.forget_sent()
    answer = bytes(on.invite.reply(200, headers=[("Contact", "<sip:switch@127.0.0.9:5080>")], to_tag="callee"))
    on.receive(answer, SWITCH).sends("ACK", SWITCH).sends("BYE", SWITCH).sends_nothing()
    on.receive(answer, SWITCH).sends("ACK", SWITCH).sends_nothing()


def ringing(on: Watched, **how: Any) -> Watched:
    """The switch reads what lay in its buffer, and calls the phone for it."""
    on.forget_sent()
    invite = request("INVITE", SWITCH, uri=f"sip:alice@{PHONE.host}:{PHONE.port}", call_id="leg-b", **how)
    return on.receive(invite, SWITCH).sends(100, SWITCH)


def test_what_a_switch_that_wakes_up_rings_for_such_an_invite_never_reaches_the_phone() -> None:
    on = ringing(heard_of().freezes()).sends_nothing()
    on.receive(bytes(on.invite.reply(100)), SWITCH).sends("CANCEL", SWITCH).answer(200)
    on.receive(request("CANCEL", SWITCH, uri=f"sip:alice@{PHONE.host}:{PHONE.port}", call_id="leg-b"), SWITCH)
    on.sends(200, SWITCH).sends(487, SWITCH).sends_nothing()
    on.receive(request("ACK", SWITCH, call_id="leg-b", to_tag=on.last.to.tag or ""), SWITCH).wait(10.0).sends_nothing()


def test_what_it_does_not_cancel_rings_half_a_second_later() -> None:
    ringing(heard_of().freezes()).sends_nothing().wait(0.4).sends_nothing().wait(0.2).sends("INVITE", PHONE)


def test_what_goes_nowhere_is_told_so_half_a_second_later() -> None:
    on = heard_of().freezes()
    on.forget_sent()
    on.receive(request("INVITE", SWITCH, uri="sip:alice@192.0.2.7", call_id="leg-b"), SWITCH).sends(100, SWITCH)
    on.wait(0.6).sends(403, SWITCH)


def test_nor_does_it_after_a_sleep_too_short_to_be_noticed_where_the_caller_hung_up() -> None:
    on = heard_of().calls(1).wait(0.3).forget_sent()
    on.receive(request("CANCEL", call_id="call-1", branch="z9hG4bK-1"))
    on.forget_sent()
    ringing(on).sends_nothing()
    on.receive(bytes(on.invite.reply(100)), SWITCH).sends("CANCEL", SWITCH)


def test_a_switch_that_answers_at_once_is_kept_waiting_by_no_caller_who_hangs_up() -> None:
    on = heard_of().calls(1)
    on.receive(request("CANCEL", call_id="call-1", branch="z9hG4bK-1")).forget_sent()
    ringing(on).sends("INVITE", PHONE)


def test_a_switch_that_has_been_awake_for_a_while_is_not_kept_waiting() -> None:
    on = heard_of().freezes()
    on.forget_sent().answers_probe().wait(2.1)
    ringing(on).sends("INVITE", PHONE)


def test_nor_is_one_that_was_started_anew() -> None:
    on = heard_of()
    on.calls(1).refused().forget_sent().wait(10.0)
    on.core.watch.refused(on.now)
    ringing(on).sends("INVITE", PHONE)


def test_nobody_else_has_us_cancel_a_call() -> None:
    on = heard_of().freezes()
    on.forget_sent()
    on.answer(180, ABROAD).sends_nothing()


@pytest.mark.parametrize("probing", [PROBING, None])
def test_a_caller_who_hangs_up_before_any_response_has_the_invite_sent_no_more(probing: Probing | None) -> None:
    on = watching(probing)
    on.calls(1).receive(request("CANCEL", branch="z9hG4bK-1", call_id="call-1")).sends(200)
    for _ in range(100):
        on.wait(1.0)
        assert not [data for _, data in on.core.outbox if data.startswith(b"INVITE")]
    assert 487 in on.finals
    on.answer(180).sends("CANCEL", SWITCH)


def test_an_invite_that_timed_out_is_cancelled_when_somebody_rings_after_all() -> None:
    on = watching(None)
    on.calls(1).wait(33.0)
    assert 408 in on.finals
    on.answer(180).sends("CANCEL", SWITCH).sends_nothing()


# --- over TCP


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
