"""Responses: provisional and final responses, CANCEL, time-outs, ACK (RFC 3261 16.7 to 16.10, RFC 6026)."""

from __future__ import annotations

import pytest

from proxy.core.response_context import rank
from proxy.sip.message import Request, Response, parse
from tests.plays.dialogue import ABROAD, INVITE, PHONE, SWITCH, TCP_PHONE, Play, new_core, play, request

CANCEL = request("CANCEL")


def calling() -> Play:
    """An INVITE has reached the switch."""
    return play().receive(INVITE).sends(100, ABROAD).sends("INVITE", SWITCH)


def asking(method: str = "OPTIONS") -> Play:
    return play().receive(request(method)).sends(method, SWITCH)


# --- passing responses on


def test_a_call_from_ring_to_hang_up() -> None:
    dialogue = calling().answer(180).sends(180, ABROAD).answer(200).sends(200, ABROAD)
    assert dialogue.last.headers("via") == ["SIP/2.0/UDP 127.0.1.1:5070;branch=z9hG4bK-1"]
    dialogue.receive(request("ACK", branch="z9hG4bK-2", to_tag="callee")).sends("ACK", SWITCH)
    dialogue.receive(request("BYE", branch="z9hG4bK-3", cseq=2, to_tag="callee")).sends("BYE", SWITCH)
    dialogue.answer(200).sends(200, ABROAD).sends_nothing()


def unhurried() -> Play:
    return play(new_core(trying_after=0.15)).receive(INVITE).sends("INVITE", SWITCH)


def test_100_is_sent_where_the_switch_says_nothing_for_a_while() -> None:
    unhurried().wait(0.14).sends_nothing().wait(0.02).sends(100, ABROAD).wait(0.2).sends_nothing()
    unhurried().answer(100).wait(0.2).sends(100, ABROAD)


def test_100_is_needless_where_the_switch_is_quick() -> None:
    unhurried().answer(180).sends(180, ABROAD).wait(0.2).sends_nothing()
    unhurried().answer(200).sends(200, ABROAD).wait(0.2).sends_nothing()
    unhurried().answer(486).sends("ACK", SWITCH).sends(486, ABROAD).wait(0.2).sends_nothing()


def test_100_from_the_switch_goes_no_further() -> None:
    calling().answer(100).sends_nothing()


@pytest.mark.parametrize("status", [101, 180, 183, 199])
def test_other_provisional_responses_are_passed_on(status: int) -> None:
    calling().answer(status).sends(status, ABROAD)


@pytest.mark.parametrize(
    "to", ['"rf0-" <{}>;tag=callee', "<{};rf0-=x>;tag=callee", "<{}>;tag=rf0-callee", "<{}>;tag=callee;x=rf0-"]
)
def test_an_ack_to_somebody_elses_answer_is_sent_on_whatever_stands_in_to(to: str) -> None:
    dialogue = calling().answer(200).sends(200)
    uri = "sip:+8613800138001@127.0.0.1"
    ack = request("ACK", branch="z9hG4bK-2").replace(f"<{uri}>\r".encode(), to.format(uri).encode() + b"\r")
    assert b"rf0-" in ack
    dialogue.receive(ack).sends("ACK", SWITCH)


@pytest.mark.parametrize("status", [300, 404, 486, 487, 500, 501, 600, 603, 699])
def test_a_refusal_is_acknowledged_here_and_passed_on(status: int) -> None:
    dialogue = calling()
    invite = dialogue.forwarded
    ack = dialogue.answer(status).sends("ACK", SWITCH).last
    assert isinstance(ack, Request)
    assert (ack.via.branch, ack.cseq.number, ack.to.tag) == (invite.via.branch, 1, "callee")
    answer = dialogue.sends(status, ABROAD).sends_nothing().last
    assert answer.to.tag == "callee"
    assert len(answer.headers("via")) == 1


def test_a_503_of_the_switch_becomes_500_and_says_why_all_the_same() -> None:
    said = [("Retry-After", "5"), ("Reason", 'Q.850;cause=34;text="No circuit"'), ("Reason", "SIP;cause=503")]
    dialogue = calling().answer(503, headers=[*said, ("Warning", '399 x "full"')]).sends("ACK").sends(500, ABROAD)
    answer = dialogue.last
    assert isinstance(answer, Response)
    assert (answer.reason, answer.to.tag, answer.names.count("via")) == ("Server Internal Error", "callee", 1)
    assert answer.header("retry-after") == "5"
    assert answer.headers("reason") == [value for name, value in said if name == "Reason"]
    assert answer.header("warning") == '399 x "full"'
    [record] = dialogue.records()
    assert (record["final"], record["switch_status"]) == (500, 503)
    assert record["reason"] == 'Q.850;cause=34;text="No circuit", SIP;cause=503'
    assert record["retry_after"] == "5"
    asking().answer(503).sends(500, ABROAD)


@pytest.mark.parametrize("status", [200, 202, 302, 401, 404, 600])
def test_other_requests_get_their_final_response(status: int) -> None:
    asking().answer(status).sends(status, ABROAD).sends_nothing()


def test_the_best_response_is_chosen_as_the_standard_says() -> None:
    best_first = [603, 302, 401, 407, 415, 420, 484, 404, 486, 500, 503]
    assert sorted(best_first, key=lambda status: (rank(status), best_first.index(status))) == best_first
    assert rank(600) == rank(606) < rank(300) < rank(401) < rank(400) < rank(500) < rank(503)


# --- retransmissions


def test_a_repeated_request_is_answered_and_not_sent_on_again() -> None:
    dialogue = calling().receive(INVITE).sends(100, ABROAD).sends_nothing()
    dialogue.answer(180).sends(180).receive(INVITE).sends(180, ABROAD).sends_nothing()
    dialogue = asking().receive(request("OPTIONS")).sends_nothing()
    dialogue.answer(200).sends(200).receive(request("OPTIONS")).sends(200, ABROAD).sends_nothing()


def test_our_invite_is_repeated_until_something_comes() -> None:
    dialogue = calling().wait(1.6).sends("INVITE", SWITCH).sends("INVITE", SWITCH).answer(100)
    dialogue.wait(30).sends_nothing()


def test_a_repeated_refusal_is_acknowledged_again_and_goes_no_further() -> None:
    calling().answer(486).sends("ACK").sends(486).answer(486)
    dialogue = calling()
    refusal = bytes(dialogue.forwarded.reply(486, to_tag="callee"))
    dialogue.receive(refusal, SWITCH).sends("ACK").sends(486)
    dialogue.receive(refusal, SWITCH).sends("ACK", SWITCH).sends_nothing()


def test_a_refusal_is_repeated_until_its_ack_which_goes_no_further() -> None:
    dialogue = calling().answer(486).sends("ACK").sends(486).wait(1.6).sends(486, ABROAD).sends(486, ABROAD)
    dialogue.receive(request("ACK", to_tag="callee")).sends_nothing()
    dialogue.wait(60).sends_nothing()
    assert dialogue.core.transactions == 0


def test_each_2xx_is_passed_on_and_repeated_by_nobody_here() -> None:
    dialogue = calling().answer(200).sends(200, ABROAD).wait(10).sends_nothing()
    dialogue.answer(200).sends(200, ABROAD)
    fork = bytes(dialogue.forwarded.reply(200, to_tag="another-phone"))
    assert dialogue.receive(fork, SWITCH).sends(200, ABROAD).last.to.tag == "another-phone"


def test_no_refusal_follows_an_answer() -> None:
    calling().answer(200).sends(200).answer(486).sends_nothing()


def test_an_answer_after_the_transaction_is_dropped() -> None:
    dialogue = calling().answer(200).sends(200).wait(33)
    assert dialogue.core.transactions == 0
    dialogue.answer(200).sends_nothing()


def test_a_repeated_invite_after_the_answer_is_absorbed() -> None:
    calling().answer(200).sends(200).wait(5).receive(INVITE).sends_nothing()


def test_an_ack_that_was_given_the_branch_of_its_invite_is_passed_on() -> None:
    calling().answer(200).sends(200).receive(request("ACK", to_tag="callee")).sends("ACK", SWITCH)


def test_responses_that_answer_nothing_are_dropped() -> None:
    stray = bytes(parse(INVITE).reply(200))  # type: ignore[union-attr]
    dialogue = calling()
    forged = bytes(dialogue.forwarded.reply(200)).replace(b"z9hG4bKrf", b"z9hG4bKrg")
    dialogue.receive(stray, SWITCH).receive(forged, SWITCH).sends_nothing()


@pytest.mark.parametrize(
    ("written", "fits"),
    [
        ("{}, SIP/2.0/UDP 127.0.1.1:5070;branch=z9hG4bK-1", True),
        ("{} ,SIP/2.0/UDP 127.0.1.1:5070;branch=z9hG4bK-1", True),
        ("{};rport=5080\r\nVia: SIP/2.0/UDP 127.0.1.1:5070;branch=z9hG4bK-1", True),
        ("{} ; received=127.0.0.9\r\nVia: SIP/2.0/UDP 127.0.1.1:5070;branch=z9hG4bK-1", True),
        ("{}0\r\nVia: SIP/2.0/UDP 127.0.1.1:5070;branch=z9hG4bK-1", False),
        ("{}.x, SIP/2.0/UDP 127.0.1.1:5070;branch=z9hG4bK-1", False),
    ],
)
def test_a_branch_is_read_whole_however_its_line_goes_on(written: str, fits: bool) -> None:
    dialogue = calling()
    first, second = (f"Via: {via}" for via in dialogue.forwarded.values("via"))
    answer = bytes(dialogue.forwarded.reply(200, to_tag="callee")).decode()
    assert f"{first}\r\n{second}\r\n" in answer
    dialogue.receive(answer.replace(f"{first}\r\n{second}", written.format(first)).encode(), SWITCH)
    dialogue = dialogue.sends(200, ABROAD) if fits else dialogue
    dialogue.sends_nothing()


@pytest.mark.parametrize("status", [180, 200, 486])
@pytest.mark.parametrize("method", ["INVITE", "OPTIONS"])
def test_a_response_with_no_via_but_ours_does_no_harm(status: int, method: str) -> None:
    """It cannot be passed on. The call must still come to its end when a sound one comes, or none."""
    dialogue = calling() if method == "INVITE" else asking(method)
    crippled = dialogue.forwarded.reply(status, to_tag="callee")
    crippled.remove("via")
    crippled.insert(0, "Via", dialogue.forwarded.headers("via")[0])
    dialogue.receive(bytes(crippled), SWITCH).sends_nothing()
    dialogue.wait(300).forget_sent()
    assert dialogue.core.transactions == 0
    assert dialogue.core.pending == 0


# --- no answer


def test_a_silent_switch_makes_408() -> None:
    dialogue = calling().wait(31.9).forget_sent().wait(0.2).sends(408, ABROAD)
    assert dialogue.last.to.tag is not None
    dialogue.wait(60).forget_sent()
    assert dialogue.core.transactions == 0


def test_nobody_is_told_of_a_time_out_who_gave_up_himself() -> None:
    """RFC 4320 4.2: a 408 to a request other than INVITE always comes too late."""
    dialogue = asking().wait(33)
    assert all(b"OPTIONS" in data[:10] for _, data in dialogue.core.outbox)
    dialogue.forget_sent().wait(60).sends_nothing()
    assert dialogue.core.transactions == 0
    assert dialogue.core.pending == 0


def test_a_call_that_rings_too_long_is_cancelled() -> None:
    dialogue = calling().answer(180).sends(180).wait(181.2).sends("CANCEL", SWITCH)
    dialogue.receive(bytes(dialogue.last.reply(200)), SWITCH)  # type: ignore[union-attr]
    dialogue.sends_nothing()


def test_the_refusal_after_timer_c_ends_the_call() -> None:
    dialogue = calling().answer(180).sends(180)
    invite = dialogue.forwarded
    dialogue.wait(181.2).sends("CANCEL", SWITCH)
    dialogue.receive(bytes(invite.reply(487, to_tag="t")), SWITCH).sends("ACK", SWITCH).sends(487, ABROAD)


def test_ringing_puts_the_end_off() -> None:
    dialogue = calling()
    for _ in range(5):
        dialogue.answer(180).sends(180).wait(170).sends_nothing()


def test_a_broken_connection_counts_as_503_and_is_told_as_500() -> None:
    core = new_core()
    path = play(core).receive(request("REGISTER", TCP_PHONE), TCP_PHONE).sends("REGISTER").forwarded.headers("path")[0]
    call = request("INVITE", SWITCH, uri="sip:a@h", more=[("Route", path)])
    dialogue = play(core).receive(call, SWITCH).sends(100).sends("INVITE", TCP_PHONE)
    core.transport_failed(TCP_PHONE, dialogue.now)
    dialogue.sends(500, SWITCH).sends_nothing()


@pytest.mark.parametrize(("via", "port"), [("127.0.0.78:5066", 5066), ("127.0.0.78", 5060)])
def test_where_the_callers_connection_has_ended_responses_go_to_the_port_of_their_via(via: str, port: int) -> None:
    core = new_core()
    data = request("INVITE", TCP_PHONE, via=f"SIP/2.0/TCP {via};branch=z9hG4bK-1;rport")
    dialogue = play(core).receive(data, TCP_PHONE).sends(100, TCP_PHONE).sends("INVITE", SWITCH)
    core.transport_failed(TCP_PHONE, dialogue.now)
    again = TCP_PHONE._replace(port=port)
    dialogue.answer(180).sends(180, again)
    core.transport_failed(again, dialogue.now)  # nothing listens there: no reason to try elsewhere
    dialogue.answer(200).sends(200, again).answer(200).sends(200, again).wait(40)
    assert (core.transactions, core._layer._over_streams) == (0, {})


# --- CANCEL


def test_a_ringing_call_is_cancelled() -> None:
    dialogue = calling().answer(180).sends(180)
    invite = dialogue.forwarded
    cancel = dialogue.receive(CANCEL).sends(200, ABROAD).sends("CANCEL", SWITCH).last
    assert isinstance(cancel, Request)
    assert cancel.headers("via") == invite.headers("via")[:1]
    assert (cancel.uri, cancel.header("cseq"), cancel.header("to")) == (invite.uri, "1 CANCEL", invite.header("to"))
    dialogue.answer(200)  # to the CANCEL
    dialogue.receive(bytes(invite.reply(487, to_tag="t")), SWITCH).sends("ACK", SWITCH).sends(487, ABROAD)
    dialogue.receive(request("ACK", to_tag="t")).sends_nothing()


def test_the_reasons_of_a_cancel_are_passed_on() -> None:
    why = [("Reason", 'SIP;cause=200;text="Call completed elsewhere"'), ("Reason", "Q.850;cause=26")]
    dialogue = calling().receive(request("CANCEL", more=why)).sends(200).sends_nothing()
    dialogue.answer(180).sends("CANCEL", SWITCH)
    assert dialogue.forwarded.headers("reason") == [value for _, value in why]


def test_cancel_waits_for_a_provisional_response() -> None:
    dialogue = calling().receive(CANCEL).sends(200, ABROAD).sends_nothing()
    dialogue.answer(100).sends("CANCEL", SWITCH).sends_nothing()


def test_a_repeated_cancel_is_answered_and_not_sent_on_again() -> None:
    dialogue = calling().answer(180).sends(180).receive(CANCEL).sends(200).sends("CANCEL")
    dialogue.receive(CANCEL).sends(200, ABROAD).sends_nothing()


def test_ringing_after_a_cancel_brings_no_second_one() -> None:
    dialogue = calling().answer(180).sends(180)
    ringing = bytes(dialogue.forwarded.reply(183))
    dialogue.receive(CANCEL).sends(200).sends("CANCEL")
    dialogue.receive(ringing, SWITCH).sends(183, ABROAD).sends_nothing()


def test_a_cancel_that_comes_too_late_changes_nothing() -> None:
    calling().answer(200).sends(200).receive(CANCEL).sends(200, ABROAD).sends_nothing()


def test_an_answer_that_crosses_the_cancel_wins() -> None:
    dialogue = calling().answer(180).sends(180)
    answer = bytes(dialogue.forwarded.reply(200, to_tag="callee"))
    dialogue.receive(CANCEL).sends(200).sends("CANCEL").receive(answer, SWITCH).sends(200, ABROAD)
    assert dialogue.last.cseq.method == "INVITE"


def test_a_call_given_up_before_anybody_said_a_word_keeps_nobody_waiting() -> None:
    """A forked call is answered by one phone, and another is gone: a drain does not wait for it."""
    dialogue = calling()
    ringing, ended = bytes(dialogue.forwarded.reply(180)), bytes(dialogue.forwarded.reply(487))
    assert dialogue.core.pending == 1
    dialogue.receive(CANCEL).sends(200)
    assert dialogue.core.pending == 0
    dialogue.receive(ringing, SWITCH).sends("CANCEL", SWITCH).sends(180, ABROAD)  # it was there after all
    assert dialogue.core.pending == 1
    dialogue.receive(ended, SWITCH).sends("ACK", SWITCH).sends(487, ABROAD)
    assert dialogue.core.pending == 0


def test_a_call_given_up_and_not_heard_of_ends_with_487_at_its_time_or_at_the_end_of_the_proxy() -> None:
    dialogue = calling().receive(CANCEL).sends(200).wait(33).sends(487, ABROAD)
    assert dialogue.core.pending == 0
    dialogue = calling().receive(CANCEL).sends(200)
    dialogue.core.give_up(dialogue.now)
    dialogue.sends(487, ABROAD).sends_nothing()
    assert dialogue.core.pending == 0


@pytest.mark.parametrize("data", [CANCEL, request("CANCEL", via="SIP/2.0/UDP 127.0.1.1:5070;branch=z9hG4bK-1;rport")])
def test_a_cancel_of_nothing_gets_481(data: bytes) -> None:
    play().receive(data).sends(481, ABROAD).sends_nothing()


@pytest.mark.parametrize("change", [("branch=z9hG4bK-1", "branch=z9hG4bK-2"), ("127.0.1.1:5070;b", "127.0.1.1:5071;b")])
def test_a_cancel_of_another_branch_gets_481(change: tuple[str, str]) -> None:
    cancel = CANCEL.replace(change[0].encode(), change[1].encode())
    calling().answer(180).sends(180).receive(cancel).sends(481).sends_nothing()


@pytest.mark.parametrize("rings_on", [False, True])
def test_a_peer_that_never_answers_the_cancel_is_given_up_after_32_seconds(rings_on: bool) -> None:
    dialogue = calling().answer(180).sends(180)
    ringing = bytes(dialogue.forwarded.reply(180))
    dialogue.receive(CANCEL).sends(200).wait(31).forget_sent()
    if rings_on:
        dialogue.receive(ringing, SWITCH).sends(180)
    dialogue.wait(2).forget_sent("CANCEL").sends(487, ABROAD).wait(60).forget_sent()
    assert dialogue.core.transactions == 0
    assert dialogue.core.pending == 0


def test_a_cancel_late_in_a_long_ring_leaves_the_peer_its_32_seconds() -> None:
    dialogue = calling().answer(180).sends(180).wait(175).receive(CANCEL).sends(200).wait(20)
    statuses = {data[:11] for _, data in dialogue.core.outbox}
    assert statuses == {b"CANCEL sip:"}


def test_a_cancelled_call_to_a_silent_peer_ends_with_487() -> None:
    calling().receive(CANCEL).sends(200).wait(31.9).forget_sent().wait(0.2).sends(487, ABROAD)


def test_a_cancel_for_a_refused_call_is_answered_and_that_is_all() -> None:
    refused = request("INVITE", hops=0)
    play().receive(refused).sends(483).receive(CANCEL).sends(200, ABROAD).sends_nothing()


def test_a_phone_is_cancelled_along_the_way_its_invite_went() -> None:
    core = new_core()
    path = play(core).receive(request("REGISTER", PHONE), PHONE).sends("REGISTER").forwarded.headers("path")[0]
    call = request("INVITE", SWITCH, uri="sip:alice@10.0.0.1", more=[("Route", path), ("Route", "<sip:beyond;lr>")])
    dialogue = play(core).receive(call, SWITCH).sends(100).sends("INVITE", PHONE).answer(180, PHONE).sends(180, SWITCH)
    cancel = dialogue.receive(request("CANCEL", SWITCH), SWITCH).sends(200, SWITCH).sends("CANCEL", PHONE).last
    assert cancel.headers("route") == ["<sip:beyond;lr>"]


# --- clients of RFC 2543


def test_an_old_client_without_branch_is_served_alike() -> None:
    via = "SIP/2.0/UDP 127.0.1.1:5070"
    invite = request("INVITE", via=via)
    dialogue = play().receive(invite).sends(100).sends("INVITE").receive(invite).sends(100).sends_nothing()
    dialogue.answer(180).sends(180).receive(request("CANCEL", via=via)).sends(200).sends("CANCEL")
    dialogue = play().receive(invite).sends(100).sends("INVITE").answer(486).sends("ACK").sends(486)
    dialogue.receive(request("ACK", via=via, to_tag="callee")).sends_nothing().wait(10).sends_nothing()


@pytest.mark.parametrize(("privacy", "shown"), [("id", []), ("none", ["<sip:callee@h>"])])
def test_who_answers_and_wants_it_private_is_not_named_to_the_caller(privacy: str, shown: list[str]) -> None:
    dialogue = play().receive(INVITE).sends(100).sends("INVITE")
    dialogue.answer(200, headers=[("P-Asserted-Identity", "<sip:callee@h>"), ("Privacy", privacy)])
    assert dialogue.sends(200, ABROAD).last.headers("p-asserted-identity") == shown
