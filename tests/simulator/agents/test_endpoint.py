"""The user agent core: what is repeated and for how long, dialogs, CANCEL and ACK, told as dialogues."""

from __future__ import annotations

import pytest

from proxy.sip.message import Request, Response
from simulator.agents.orders import BUSY, RING_ONLY, SILENT, Behaviour, Credentials
from tests.plays.sip_network import CALLER, PHONES, SWITCH, Caller, Handsets, Listener, Network, name

STRANGER = ("127.0.0.66", 6060)
REQUEST = """\
{method} sip:+8613800138001@127.0.0.9 SIP/2.0
Via: SIP/2.0/UDP 127.0.0.66:6060;branch=z9hG4bK{branch}{via}
Max-Forwards: 70
From: <sip:x@127.0.0.66>;tag=mine
To: <sip:+8613800138001@127.0.0.9>{to}
Call-ID: stranger
CSeq: {cseq} {number_of}
Contact: <sip:x@127.0.0.66:6060>
{more}Content-Length: 0

"""


def request(method: str, branch: str = "1", *, to: str = "", cseq: int = 1, via: str = "", more: str = "") -> str:
    number_of = method if method != "WRONG" else "INVITE"
    return REQUEST.format(method=method, branch=branch, to=to, cseq=cseq, via=via, more=more, number_of=number_of)


def play(*, behaviour: Behaviour | None = None) -> tuple[Network, Caller, Handsets]:
    """A caller whose next hop is a phone."""
    network = Network()
    phones = Handsets(network)
    if behaviour is not None:
        phones.otherwise = behaviour
    return network, Caller(network, next_hop=PHONES), phones


def test_an_answered_call_goes_through_all_its_messages_and_leaves_nothing_behind() -> None:
    network, caller, phones = play(behaviour=Behaviour(after=2.0))
    call = caller.call(talk=5.0)
    network.run(20.0)
    assert network.between(CALLER, PHONES) == [
        "> INVITE", "< 180 INVITE", "< 200 INVITE", "> ACK", "> BYE", "< 200 BYE",
    ]  # fmt: skip
    seen = call.record
    assert (seen.sent, seen.ringing, seen.final, seen.ack_sent, seen.bye_sent) == (100.0, 100.0, 102.0, 102.0, 107.0)
    assert (seen.status, seen.ended, seen.retransmissions, seen.error) == (200, 107.0, 0, None)
    took = phones.taken["call-1"][0]
    assert (took.received, took.final_sent, took.acknowledged, took.bye_received) == (100.0, 102.0, 102.0, 107.0)
    assert not caller.endpoint.legs
    assert not phones.endpoint.legs
    network.run(40.0)
    assert len(caller.endpoint.transactions) == len(phones.endpoint.transactions) == 0


def test_an_unheard_invite_is_repeated_by_timer_a_and_given_up_by_timer_b() -> None:
    network, caller, _ = play()
    network.loses = lambda message: name(message) == "INVITE"
    call = caller.call()
    network.run(40.0)
    assert network.times("INVITE", CALLER) == [0.0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert (call.record.error, call.record.status, call.record.ended) == ("no final answer", None, 132.0)
    assert call.record.retransmissions == 6
    assert not caller.endpoint.legs


def test_a_lost_invite_is_counted_by_both_sides() -> None:
    network, caller, phones = play(behaviour=Behaviour(after=3.0))
    network.loses = lambda message: name(message) == "180 INVITE" and network.now < 101.0
    call = caller.call(talk=1.0)
    network.run(10.0)
    assert network.times("INVITE", CALLER) == [0.0, 0.5, 1.5]
    assert call.record.retransmissions == phones.taken["call-1"][0].retransmissions == 2
    assert len(phones.taken["call-1"]) == 1


def test_a_lost_200_is_repeated_until_its_ack() -> None:
    network, caller, phones = play()
    network.loses = lambda message: name(message) == "200 INVITE" and network.now < 103.0
    caller.call(talk=1.0)
    network.run(10.0)
    assert network.times("200 INVITE", PHONES) == [0.0, 0.5, 1.5, 3.5]
    assert phones.taken["call-1"][0].acknowledged == 103.5


def test_a_lost_ack_is_said_again_for_each_200() -> None:
    network, caller, phones = play()
    network.loses = lambda message: name(message) == "ACK" and network.now < 101.0
    caller.call(talk=5.0)
    network.run(10.0)
    assert network.times("ACK", CALLER) == [0.0, 0.5, 1.5]
    assert phones.taken["call-1"][0].acknowledged == 101.5


def test_a_200_that_is_never_acknowledged_ends_in_a_bye() -> None:
    network = Network()
    listener = Listener(network, PHONES, 180, 200)
    network.loses = lambda message: name(message) == "ACK"
    call = Caller(network, next_hop=PHONES).call()
    network.run(40.0)
    assert listener.heard == ["unacknowledged"]
    assert call.record.bye_received == 132.0
    assert network.times("200 INVITE", PHONES)[-2:] == [27.5, 31.5]


def test_a_refusal_is_acknowledged_by_the_transaction_and_repeated_until_then() -> None:
    network, caller, phones = play(behaviour=BUSY)
    network.loses = lambda message: name(message) == "ACK" and network.now < 101.0
    call = caller.call()
    network.run(10.0)
    assert (call.record.status, call.record.ack_sent) == (486, None)
    assert network.times("486 INVITE", PHONES) == [0.0, 0.5, 1.5]
    assert network.times("ACK", CALLER) == [0.0, 0.5, 1.5]
    assert phones.taken["call-1"][0].status == 486
    assert len(caller.ended) == 1


def test_a_cancelled_call_ends_with_487() -> None:
    network, caller, phones = play(behaviour=RING_ONLY)
    call = caller.call(cancel_after=1.5)
    network.run(5.0)
    assert network.between(CALLER, PHONES) == [
        "> INVITE", "< 180 INVITE", "> CANCEL", "< 200 CANCEL", "< 487 INVITE", "> ACK",
    ]  # fmt: skip
    cancel, invite = network.last("CANCEL", CALLER), network.last("INVITE", CALLER)
    assert cancel.via == invite.via
    assert (call.record.status, call.record.cancel_sent) == (487, 101.5)
    assert (phones.taken["call-1"][0].status, phones.taken["call-1"][0].cancelled) == (487, 101.5)


def test_cancel_waits_for_the_first_provisional_response() -> None:
    network, caller, _ = play(behaviour=RING_ONLY)
    network.loses = lambda message: name(message) == "180 INVITE" and network.now < 103.0
    caller.call(patience=1.0)
    network.run(5.0)
    assert network.times("CANCEL", CALLER) == [3.5]


def test_a_caller_runs_out_of_patience_with_a_phone_that_rings_on() -> None:
    network, caller, _ = play(behaviour=RING_ONLY)
    call = caller.call(patience=30.0)
    network.run(60.0)
    assert (call.record.cancel_sent, call.record.status) == (130.0, 487)


def test_an_answer_that_crosses_the_cancel_is_acknowledged_and_hung_up() -> None:
    network, caller, phones = play(behaviour=Behaviour(after=1.0))
    network.loses = lambda message: name(message) == "CANCEL"
    call = caller.call(cancel_after=0.9)
    network.run(10.0)
    assert [line for line in network.between(CALLER, PHONES) if "CANCEL" not in line] == [
        "> INVITE", "< 180 INVITE", "< 200 INVITE", "> ACK", "> BYE", "< 200 BYE",
    ]  # fmt: skip
    assert (call.record.status, call.record.ended) == (200, 101.0)
    assert phones.taken["call-1"][0].bye_received == 101.0


def test_a_cancel_that_nobody_minds_is_given_up_after_half_a_minute() -> None:
    network = Network()
    listener = Listener(network, PHONES, 180)
    network.loses = lambda message: name(message) == "487 INVITE"
    call = Caller(network, next_hop=PHONES).call(cancel_after=1.0)
    network.run(60.0)
    assert listener.heard == ["cancelled"]
    assert (call.record.error, call.record.ended) == ("no final answer", 133.0)


def test_a_caller_that_dials_a_silent_phone_learns_that_nobody_answered() -> None:
    network, caller, phones = play(behaviour=SILENT)
    call = caller.call()
    network.run(40.0)
    assert call.record.error == "no final answer"
    assert (len(phones.taken["call-1"]), phones.taken["call-1"][0].status) == (1, None)


def test_the_callee_hangs_up_after_its_own_time() -> None:
    network, caller, phones = play(behaviour=Behaviour(talk=3.0))
    call = caller.call()
    network.run(5.0)
    assert network.between(CALLER, PHONES)[-2:] == ["< BYE", "> 200 BYE"]
    assert call.record.bye_received == call.record.ended == phones.taken["call-1"][0].bye_sent == 103.0


def test_requests_follow_the_record_route_in_both_directions() -> None:
    network = Network()
    route = "Record-Route: <sip:127.0.0.70;lr>, <sip:127.0.0.66:6060;lr>\n"
    listener = Listener(network, PHONES, 180, 200)
    sent = network.inject(request("INVITE", more=route), PHONES, STRANGER)
    assert [message.headers("record-route") for message in sent] == [[route[14:-1]]] * 2
    assert listener.leg is not None
    tag = f";tag={listener.leg.tag}"
    network.inject(request("ACK", "2", to=tag), PHONES, STRANGER)
    listener.leg.bye(network.now)
    network.settle()
    bye = network.last("BYE", PHONES)
    assert isinstance(bye, Request)
    assert bye.uri == "sip:x@127.0.0.66:6060"
    assert bye.values("route") == ["<sip:127.0.0.70;lr>", "<sip:127.0.0.66:6060;lr>"]
    assert network.log[-1][2] == ("127.0.0.70", 5060)


def test_a_caller_reverses_the_record_route() -> None:
    network = Network()
    caller = Caller(network, next_hop=STRANGER)
    caller.call(talk=1.0)
    network.settle()
    invite = network.last("INVITE", CALLER)
    assert isinstance(invite, Request)
    routes = [("Record-Route", "<sip:127.0.0.70;lr>, <sip:127.0.0.71;lr>"), ("Contact", "<sip:far@127.0.0.72>")]
    answer = bytes(invite.reply(200, headers=routes, to_tag="far")).decode()
    network.inject(answer.replace("\r\n", "\n"), CALLER, STRANGER)
    ack = network.last("ACK", CALLER)
    assert isinstance(ack, Request)
    assert (ack.uri, ack.values("route")) == ("sip:far@127.0.0.72", ["<sip:127.0.0.71;lr>", "<sip:127.0.0.70;lr>"])
    assert network.log[-1][2] == ("127.0.0.71", 5060)


def test_responses_go_where_rport_asks_and_say_where_that_is() -> None:
    network, _, _ = play()
    source = ("127.0.0.66", 40000)
    sent = network.inject(request("OPTIONS", via=";rport"), PHONES, source)
    assert [name(message) for message in sent] == ["200 OPTIONS"]
    assert sent[0].via.params["rport"] == "40000"
    assert sent[0].via.params["received"] == "127.0.0.66"


def test_responses_without_rport_go_to_the_port_of_the_via() -> None:
    network, _, _ = play()
    network.inject(request("OPTIONS"), PHONES, ("127.0.0.67", 40000))
    assert network.log[-1][2] == ("127.0.0.67", 6060)
    assert network.log[-1][3].via.params["received"] == "127.0.0.67"


def test_a_repeated_request_gets_the_same_answer_again() -> None:
    network, _, phones = play()
    first = network.inject(request("MESSAGE"), PHONES, STRANGER)
    again = network.inject(request("MESSAGE"), PHONES, STRANGER)
    assert [bytes(message) for message in first] == [bytes(message) for message in again]
    assert len(phones.taken["stranger"]) == 1


@pytest.mark.parametrize("method", ["BYE", "INVITE", "INFO"])
def test_a_request_in_a_dialog_that_is_not_known_gets_481(method: str) -> None:
    network, _, _ = play()
    sent = network.inject(request(method, to=";tag=gone"), PHONES, STRANGER)
    assert [name(message) for message in sent] == [f"481 {method}"]


def test_a_cancel_for_nothing_gets_481_and_a_stray_ack_nothing() -> None:
    network, _, _ = play()
    assert [name(m) for m in network.inject(request("CANCEL"), PHONES, STRANGER)] == ["481 CANCEL"]
    assert network.inject(request("ACK", "2", to=";tag=gone"), PHONES, STRANGER) == []


def test_a_cancel_after_the_answer_changes_nothing() -> None:
    network = Network()
    listener = Listener(network, PHONES, 200)
    network.inject(request("INVITE"), PHONES, STRANGER)
    assert [name(m) for m in network.inject(request("CANCEL"), PHONES, STRANGER)] == ["200 CANCEL"]
    assert listener.heard == []


def test_a_caller_may_end_an_early_dialog_with_bye() -> None:
    network = Network()
    listener = Listener(network, PHONES, 180)
    sent = network.inject(request("INVITE"), PHONES, STRANGER)
    tag = f";tag={sent[0].to.tag}"
    answers = network.inject(request("BYE", "2", to=tag, cseq=2), PHONES, STRANGER)
    assert [name(message) for message in answers] == ["200 BYE", "487 INVITE"]
    assert listener.heard == ["cancelled"]


def test_an_old_cseq_in_a_dialog_gets_500() -> None:
    network = Network()
    listener = Listener(network, PHONES, 200)
    network.inject(request("INVITE", cseq=5), PHONES, STRANGER)
    assert listener.leg is not None
    tag = f";tag={listener.leg.tag}"
    sent = network.inject(request("BYE", "2", to=tag, cseq=4), PHONES, STRANGER)
    assert [name(message) for message in sent] == ["500 BYE"]
    assert listener.heard == []


def test_a_reinvite_before_the_first_ack_gets_491() -> None:
    network = Network()
    listener = Listener(network, PHONES, 200)
    network.inject(request("INVITE"), PHONES, STRANGER)
    assert listener.leg is not None
    tag = f";tag={listener.leg.tag}"
    sent = network.inject(request("INVITE", "2", to=tag, cseq=2), PHONES, STRANGER)
    assert [name(message) for message in sent] == ["491 INVITE"]


def test_an_extension_that_is_not_understood_is_refused_by_name() -> None:
    network, _, _ = play()
    sent = network.inject(request("INVITE", more="Require: path, 100rel\n"), PHONES, STRANGER)
    assert [name(message) for message in sent] == ["420 INVITE"]
    assert sent[0].header("unsupported") == "100rel"


def test_a_broken_request_gets_400_and_noise_gets_nothing() -> None:
    network, _, phones = play()
    sent = network.inject(request("WRONG", more="no colon here\n"), PHONES, STRANGER)
    assert [message.status for message in sent if isinstance(message, Response)] == [400]
    assert network.inject("hello\n\n", PHONES, STRANGER) == []
    assert network.inject("\n\n", PHONES, STRANGER) == []
    assert phones.endpoint.unreadable == 2


def test_a_method_that_phones_do_not_know_gets_405() -> None:
    network, _, _ = play()
    assert [name(m) for m in network.inject(request("SUBSCRIBE"), PHONES, STRANGER)] == ["405 SUBSCRIBE"]


def test_a_request_that_carries_credentials_follows_a_challenge() -> None:
    network = Network()
    caller = Caller(network, next_hop=STRANGER)
    call = caller.call(credentials=Credentials("alice", "s3cret"))
    network.settle()
    first = network.last("INVITE", CALLER)
    assert isinstance(first, Request)
    challenge = [("Proxy-Authenticate", 'Digest realm="lab", nonce="n", qop="auth"')]
    for _ in range(2):
        invite = network.last("INVITE", CALLER)
        assert isinstance(invite, Request)
        answer = bytes(invite.reply(407, headers=challenge, to_tag="far")).decode()
        network.inject(answer.replace("\r\n", "\n"), CALLER, STRANGER)
    second = network.last("INVITE", CALLER)
    assert "proxy-authorization" in second.names
    assert (second.call_id, second.from_.tag, second.cseq.number) == (first.call_id, first.from_.tag, 2)
    assert second.via.branch != first.via.branch
    assert (call.record.status, call.record.sent) == (407, 100.0)


def test_a_text_is_sent_again_until_it_is_answered_or_half_a_minute_is_over() -> None:
    network, caller, _ = play()
    network.loses = lambda message: name(message) == "MESSAGE"
    text = caller.text("hello")
    network.run(40.0)
    assert network.times("MESSAGE", CALLER)[:6] == [0.0, 0.5, 1.5, 3.5, 7.5, 11.5]
    assert text.record.error == "no final answer"
    assert caller.ended == [text.record]


def test_a_listener_hears_the_hang_up_and_who_never_answers_its_bye() -> None:
    network = Network()
    listener = Listener(network, PHONES, 200)
    Caller(network, next_hop=PHONES).call(talk=60.0)
    network.settle()
    network.loses = lambda message: name(message) == "BYE"
    assert listener.leg is not None
    listener.leg.bye(network.now)
    network.run(33.0)
    assert listener.heard == ["acknowledged", "unanswered"]
    assert not listener.endpoint.legs


def test_legs_are_addressed_by_call_id_and_tag() -> None:
    network, caller, _ = play(behaviour=RING_ONLY)
    caller.call()
    caller.call()
    network.settle()
    assert [call_id for call_id, _ in caller.endpoint.legs] == ["call-1", "call-2"]
    assert SWITCH not in network.endpoints
