"""The embedded softswitch as a back-to-back user agent, told as dialogues."""

from __future__ import annotations

import pytest

from proxy.sip.message import Request, Response
from simulator.agents.leg import Leg
from simulator.agents.orders import ANONYMOUS, BUSY, REJECT, RING_ONLY, SILENT, Behaviour
from simulator.softswitch.embedded.registrar import Account
from simulator.softswitch.embedded.softswitch import Softswitch
from tests.plays.sip_network import CALLER, FAR, PHONES, SWITCH, Caller, Handsets, Listener, Network, name
from tests.plays.switch_lab import ALICE, BOB, CAROL, STRANGER, SwitchLab


def test_a_call_passes_through_with_a_dialog_on_each_side() -> None:
    lab = SwitchLab()
    lab.phones.otherwise = Behaviour(after=1.0)
    call = lab.caller.call(talk=5.0)
    lab.network.run(10.0)
    assert lab.network.between(CALLER, SWITCH) == [
        "> INVITE", "< 100 INVITE", "< 180 INVITE", "< 200 INVITE", "> ACK", "> BYE", "< 200 BYE",
    ]  # fmt: skip
    assert lab.network.between(SWITCH, PHONES) == [
        "> INVITE", "< 180 INVITE", "< 200 INVITE", "> ACK", "> BYE", "< 200 BYE",
    ]  # fmt: skip
    near, far = lab.network.last("INVITE", CALLER), lab.network.last("INVITE", SWITCH)
    assert far.header("x-ringfence-call") == near.call_id == "call-1"
    assert far.call_id != near.call_id
    assert far.from_.tag != near.from_.tag
    assert far.body == near.body
    assert isinstance(far, Request)
    assert far.uri == "sip:alice@127.0.0.9:5060"
    assert far.header("max-forwards") == "69"
    assert lab.network.last("200 INVITE", SWITCH).body == lab.network.last("200 INVITE", PHONES).body
    assert (call.record.status, call.record.bye_sent) == (200, 106.0)
    assert lab.phones.taken["call-1"][0].number == ALICE.number
    assert lab.legs == 0


@pytest.mark.parametrize(
    ("dialled", "number"),
    [
        ("+8613800138001", ALICE.number),
        ("8613800138001", ALICE.number),
        ("alice", ALICE.number),
        ("013800138001", ALICE.number),
        ("10086", BOB.number),
    ],
)
def test_a_number_is_found_however_it_is_dialled(dialled: str, number: str) -> None:
    lab = SwitchLab()
    lab.caller.call(dialled)
    lab.network.settle()
    assert lab.phones.taken["call-1"][0].number == number


def test_a_number_that_nobody_has_gets_404_and_one_without_a_phone_480() -> None:
    lab = SwitchLab()
    unknown, unregistered = lab.caller.call("+8613800138009"), lab.caller.call(CAROL.number)
    lab.network.settle()
    assert (unknown.record.status, unregistered.record.status) == (404, 480)
    assert lab.network.between(SWITCH, PHONES) == []


def test_a_phone_that_left_or_whose_time_is_over_gets_480() -> None:
    lab = SwitchLab()
    lab.phones.register(ALICE, expires=0)
    lab.phones.register(BOB, expires=60)
    gone, still_there = lab.caller.call(ALICE.number), lab.caller.call(BOB.number)
    lab.network.run(61.0)
    expired = lab.caller.call(BOB.number)
    lab.network.settle()
    assert (gone.record.status, still_there.record.status, expired.record.status) == (480, 200, 480)


@pytest.mark.parametrize(("behaviour", "status"), [(BUSY, 486), (REJECT, 603), (Behaviour(status=480, after=3.0), 480)])
def test_a_refusal_of_the_phone_reaches_the_caller(behaviour: Behaviour, status: int) -> None:
    lab = SwitchLab()
    lab.phones.for_number[ALICE.number] = behaviour
    call = lab.caller.call()
    lab.network.run(5.0)
    assert call.record.status == status
    assert lab.network.between(SWITCH, PHONES)[-1] == "> ACK"
    assert lab.legs == 0


@pytest.mark.parametrize("status", [302, 401, 407])
def test_the_caller_is_not_sent_elsewhere_or_challenged_by_a_phone(status: int) -> None:
    lab = SwitchLab()
    lab.phones.otherwise = Behaviour(status=status)
    call = lab.caller.call()
    lab.network.settle()
    assert (call.record.status, call.record.reason) == (480, "Temporarily Unavailable")


def test_a_cancelled_call_is_cancelled_on_both_sides() -> None:
    lab = SwitchLab()
    lab.phones.for_call["call-1"] = RING_ONLY
    call = lab.caller.call(cancel_after=1.5)
    lab.network.run(5.0)
    assert lab.network.between(SWITCH, PHONES) == [
        "> INVITE", "< 180 INVITE", "> CANCEL", "< 200 CANCEL", "< 487 INVITE", "> ACK",
    ]  # fmt: skip
    assert call.record.status == 487
    assert lab.phones.taken["call-1"][0].cancelled == 101.5
    assert lab.legs == 0


def test_a_phone_that_rings_too_long_is_given_up_with_480() -> None:
    lab = SwitchLab(ring_time=20.0)
    lab.phones.otherwise = RING_ONLY
    call = lab.caller.call()
    lab.network.run(30.0)
    assert (call.record.status, call.record.final) == (480, 120.0)
    assert lab.phones.taken["call-1"][0].status == 487
    assert lab.legs == 0


def test_a_phone_that_does_not_react_at_all_gets_408() -> None:
    lab = SwitchLab()
    lab.phones.otherwise = SILENT
    call = lab.caller.call()
    lab.network.run(40.0)
    assert (call.record.status, call.record.final) == (408, 132.0)


def test_an_answer_that_crosses_the_cancel_is_hung_up_on_the_far_side() -> None:
    lab = SwitchLab()
    lab.phones.otherwise = Behaviour(after=1.0)
    lab.network.loses = lambda message: name(message) == "CANCEL" and message.via.host == SWITCH[0]
    call = lab.caller.call(cancel_after=0.9)
    lab.network.run(5.0)
    assert call.record.status == 487
    assert lab.phones.taken["call-1"][0].bye_received == 101.0


def test_the_phone_hangs_up() -> None:
    lab = SwitchLab()
    lab.phones.otherwise = Behaviour(talk=3.0)
    call = lab.caller.call()
    lab.network.run(5.0)
    assert call.record.bye_received == lab.phones.taken["call-1"][0].bye_sent == 103.0
    assert lab.legs == 0


@pytest.mark.parametrize("lost", ["INVITE", "180 INVITE", "200 INVITE", "ACK", "BYE", "200 BYE"])
def test_a_call_survives_what_is_lost_on_either_side(lost: str) -> None:
    lab = SwitchLab()
    lab.network.loses = lambda message: name(message) == lost and lab.network.now < 101.2
    call = lab.caller.call(talk=1.0)
    lab.network.run(10.0)
    assert (call.record.status, call.record.error) == (200, None)
    assert lab.phones.taken["call-1"][0].bye_received is not None
    assert len(lab.phones.taken["call-1"]) == 1
    assert lab.legs == 0


def test_a_caller_that_never_acknowledges_is_hung_up_on_both_sides() -> None:
    lab = SwitchLab()
    lab.network.loses = lambda message: name(message) == "ACK" and message.via.host == CALLER[0]
    call = lab.caller.call()
    lab.network.run(40.0)
    assert call.record.bye_received == 132.0
    assert lab.phones.taken["call-1"][0].acknowledged is None
    assert lab.legs == 0


def test_what_says_who_calls_reaches_the_phone() -> None:
    lab = SwitchLab()
    lab.caller.call(
        caller=ANONYMOUS,
        asserted="+6591234567",
        diversion="+8613800138007",
        privacy="id",
        headers=(("Alert-Info", "<urn:alert:tone:suspect>"), ("X-Private", "not passed")),
    )
    lab.network.settle()
    seen = lab.phones.taken["call-1"][0]
    assert seen.from_.startswith('"Anonymous" <sip:anonymous@anonymous.invalid>;tag=')
    assert seen.headers["p-asserted-identity"] == "<sip:+6591234567@ringfence.example>"
    assert seen.headers["diversion"] == "<sip:+8613800138007@ringfence.example>;reason=unconditional"
    assert (seen.headers["privacy"], seen.headers["alert-info"]) == ("id", "<urn:alert:tone:suspect>")
    assert "x-private" not in seen.headers


def test_a_display_name_survives_with_its_quotes() -> None:
    lab = SwitchLab()
    lab.caller.call(display_name='Bank "A" 中国')
    lab.network.settle()
    assert lab.phones.taken["call-1"][0].from_.startswith('"Bank \\"A\\" 中国" <sip:+6591234567@')


def status_of(response: Response | None) -> int | None:
    return None if response is None else response.status


@pytest.mark.parametrize("method", ["INVITE", "UPDATE", "INFO", "MESSAGE"])
@pytest.mark.parametrize("from_caller", [True, False])
def test_a_request_within_the_call_goes_to_the_other_side(method: str, from_caller: bool) -> None:
    lab = SwitchLab()
    call = lab.caller.call()
    lab.network.settle()
    lab.network.log.clear()
    leg = call.leg if from_caller else next(iter(lab.phones.endpoint.legs.values()))
    assert isinstance(leg, Leg)
    answers: list[int | None] = []

    def answered(response: Response | None, now: float) -> None:
        answers.append(status_of(response))
        if method == "INVITE":
            leg.acknowledge(now, body=b"answer", headers=[("Content-Type", "text/plain")])

    leg.request(method, lab.network.now, answered, headers=[("Content-Type", "text/plain")], body=b"hold")
    lab.network.run(5.0)
    assert answers == [200]
    ends = [CALLER, PHONES] if from_caller else [PHONES, CALLER]
    passed = [name(m) for _, by, to, m in lab.network.log if (by, to) in ((ends[0], SWITCH), (SWITCH, ends[1]))]
    assert passed == [method, method] + ["ACK", "ACK"] * (method == "INVITE")
    assert lab.network.last(method, SWITCH).body == b"hold"
    if method == "INVITE":
        assert lab.network.last("ACK", SWITCH).body == b"answer"


@pytest.mark.parametrize(("method", "status"), [("INVITE", 408), ("INFO", None)])
def test_a_request_that_the_other_side_never_answers(method: str, status: int | None) -> None:
    lab = SwitchLab()
    call = lab.caller.call()
    lab.network.settle()
    lab.network.loses = lambda message: name(message) == method and message.via.host == SWITCH[0]
    assert call.leg is not None
    answers: list[int | None] = []
    call.leg.request(method, lab.network.now, lambda response, _: answers.append(status_of(response)))
    lab.network.run(70.0)
    assert answers == [status]
    assert lab.legs == 4


@pytest.mark.parametrize(("method", "status"), [("OPTIONS", 200), ("REFER", 405)])
def test_some_requests_within_a_call_stay_at_the_switch(method: str, status: int) -> None:
    lab = SwitchLab()
    call = lab.caller.call()
    lab.network.settle()
    assert call.leg is not None
    answers: list[int | None] = []
    call.leg.request(method, lab.network.now, lambda response, _: answers.append(status_of(response)))
    lab.network.settle()
    assert answers == [status]
    assert f"> {method}" not in lab.network.between(SWITCH, PHONES)


def test_a_reinvite_that_the_other_side_refuses_leaves_the_call_up() -> None:
    network = Network()
    switch = Softswitch([Account(ALICE.number, ALICE.user)])
    switch.endpoint = network.attach(SWITCH, switch)
    handsets = Handsets(network)
    handsets.register(ALICE)
    del network.endpoints[PHONES]
    listener = Listener(network, PHONES, 200)  # refuses every request within a dialog
    call = Caller(network).call()
    network.settle()
    assert call.leg is not None
    answers: list[int | None] = []
    call.leg.request("INVITE", network.now, lambda response, _: answers.append(status_of(response)))
    network.run(3.0)
    assert answers == [405]
    assert listener.heard == ["acknowledged"]
    call.hang_up(network.now)
    network.run(1.0)
    assert listener.heard == ["acknowledged", "hung up"]


def test_a_text_reaches_the_phone() -> None:
    lab = SwitchLab()
    text = lab.caller.text("your parcel waits 包裹")
    lab.network.settle()
    seen = lab.phones.taken["text-1"][0]
    assert (seen.method, seen.body.decode(), seen.number) == ("MESSAGE", "your parcel waits 包裹", ALICE.number)
    assert seen.headers["content-type"] == "text/plain;charset=utf-8"
    assert (text.record.status, text.record.ended) == (200, 100.0)


def test_a_text_to_nobody_gets_404_and_to_a_phone_that_is_off_no_answer() -> None:
    lab = SwitchLab()
    unknown, off = lab.caller.text("x", "+8613800138009"), lab.caller.text("x")
    lab.network.loses = lambda message: name(message) == "MESSAGE" and message.via.host == SWITCH[0]
    lab.network.run(40.0)
    assert unknown.record.status == 404
    assert (off.record.status, off.record.error) == (None, "no final answer")  # RFC 4320 forbids 408 here
    lab.network.run(40.0)
    assert len(lab.switch.endpoint.transactions) == 0


def test_a_number_of_nobody_goes_outside_where_there_is_an_outside() -> None:
    lab = SwitchLab(outside=True)
    far = Handsets(lab.network, FAR)
    call = lab.caller.call("+88216550100", caller=ALICE.number, talk=1.0)
    lab.network.run(3.0)
    assert far.taken["call-1"][0].number == "+88216550100"
    assert (call.record.status, call.record.ended) == (200, 101.0)
    missing = lab.caller.call(CAROL.number)
    lab.network.settle()
    assert missing.record.status == 480


def test_calls_to_a_phone_behind_a_proxy_go_by_its_path() -> None:
    network = Network()
    switch = Softswitch([Account(ALICE.number, ALICE.user)])
    switch.endpoint = network.attach(SWITCH, switch)
    register = (
        "REGISTER sip:ringfence.example SIP/2.0\nVia: SIP/2.0/UDP 127.0.0.66:6060;branch=z9hG4bKr\n"
        "From: <sip:alice@ringfence.example>;tag=a\nTo: <sip:alice@ringfence.example>\nCall-ID: r\nCSeq: 1 REGISTER\n"
        "Contact: <sip:alice@127.0.0.200:7000>\nPath: <sip:flow1@127.0.0.66:6060;lr>\nContent-Length: 0\n\n"
    )
    network.inject(register, SWITCH, STRANGER)
    Caller(network).call()
    network.settle()
    _, _, to, invite = next(entry for entry in network.log if entry[1] == SWITCH and name(entry[3]) == "INVITE")
    assert to == STRANGER
    assert isinstance(invite, Request)
    assert invite.uri == "sip:alice@127.0.0.200:7000"
    assert invite.values("route") == ["<sip:flow1@127.0.0.66:6060;lr>"]


OPTIONS = """\
{method} sip:127.0.0.1:5080 SIP/2.0
Via: SIP/2.0/UDP 127.0.0.66:6060;branch=z9hG4bK{method}
Max-Forwards: {hops}
From: <sip:x@127.0.0.66>;tag=mine
To: <sip:127.0.0.1:5080>
Call-ID: options
CSeq: 1 {method}
Content-Length: 0

"""


@pytest.mark.parametrize(
    ("method", "hops", "status"),
    [("OPTIONS", 70, 200), ("SUBSCRIBE", 70, 405), ("MESSAGE", 0, 483), ("MESSAGE", 70, 404)],
)
def test_the_switch_answers_for_itself(method: str, hops: int, status: int) -> None:
    lab = SwitchLab()
    sent = lab.network.inject(OPTIONS.format(method=method, hops=hops), SWITCH, STRANGER)
    assert [name(message) for message in sent] == [f"{status} {method}"]


@pytest.mark.parametrize(
    ("wish", "uri"),
    [("user;id", "sip:anonymous@anonymous.invalid"), ("id", "sip:+6591234567@"), ("none", "sip:+6591234567@")],
)
@pytest.mark.parametrize("text", ["", "hello"])
def test_a_caller_who_asks_for_user_privacy_shows_no_number(wish: str, uri: str, text: str) -> None:
    lab = SwitchLab()
    details = {"display_name": "Overseas call: France", "privacy": wish}
    _ = lab.caller.text(text, **details) if text else lab.caller.call(**details)
    lab.network.run(10.0)
    sender = lab.network.last("MESSAGE" if text else "INVITE", SWITCH).from_
    assert sender.uri.startswith(uri)
    assert sender.display_name == "Overseas call: France"  # as the proxy has written it
