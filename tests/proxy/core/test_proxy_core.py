"""Requests are checked, changed and sent on (RFC 3261 16.3 to 16.6, RFC 3581, RFC 5393, RFC 5658)."""

from __future__ import annotations

import pytest

from tests.plays.dialogue import (
    ABROAD,
    DAUGHTER,
    INVITE,
    PHONE,
    STRANGER,
    SWITCH,
    TCP_PHONE,
    Play,
    new_core,
    play,
    request,
)


def refuses(data: bytes, status: int) -> Play:
    """The request gets that answer and goes nowhere; returns the play, for a look at the answer."""
    return play().receive(data).sends(status, ABROAD).sends_nothing()


def test_an_invite_is_answered_with_100_and_sent_on() -> None:
    play().receive(INVITE).sends(100, ABROAD).sends("INVITE", SWITCH).sends_nothing()


@pytest.mark.parametrize("method", ["OPTIONS", "REGISTER", "SUBSCRIBE", "BYE", "NEWFANGLED"])
def test_other_requests_are_sent_on_without_100(method: str) -> None:
    play().receive(request(method, PHONE), PHONE).sends(method, SWITCH).sends_nothing()


def test_our_via_comes_on_top_with_a_branch_of_its_own() -> None:
    first, second = (play().receive(INVITE).sends(100).sends("INVITE").forwarded for _ in range(2))
    assert first.headers("via")[1] == "SIP/2.0/UDP 127.0.1.1:5070;branch=z9hG4bK-1"
    assert first.via.host == "127.0.0.1"
    assert first.via.port == 5060
    assert first.via.branch is not None
    assert first.via.branch.startswith("z9hG4bK")
    assert first.via.branch != second.via.branch


def test_the_100_has_no_to_tag_of_ours() -> None:
    trying = play().receive(INVITE).sends(100).last
    assert trying.to.tag is None
    assert trying.headers("via") == ["SIP/2.0/UDP 127.0.1.1:5070;branch=z9hG4bK-1"]


@pytest.mark.parametrize(("came", "leaves"), [("70", "69"), ("1", "0"), ("255", "254")])
def test_each_hop_takes_one_from_max_forwards(came: str, leaves: str) -> None:
    assert play().receive(request("BYE", hops=came)).sends("BYE").forwarded.headers("max-forwards") == [leaves]


def test_a_request_without_max_forwards_gets_70() -> None:
    data = INVITE.replace(b"Max-Forwards: 70\r\n", b"")
    assert play().receive(data).sends(100).sends("INVITE").forwarded.headers("max-forwards") == ["70"]


@pytest.mark.parametrize("method", ["INVITE", "BYE"])
def test_the_last_hop_is_refused_with_483(method: str) -> None:
    refuses(request(method, hops=0), 483)


def test_what_goes_no_further_anyway_may_have_no_hops_left() -> None:
    play().receive(request("OPTIONS", uri="sip:127.0.0.1:5060", hops=0)).sends(200, ABROAD).sends_nothing()
    refuses(request("OPTIONS", hops=0), 483)
    dialogue = play().receive(INVITE).sends(100).sends("INVITE").answer(180).sends(180)
    dialogue.receive(request("CANCEL", hops=0)).sends(200).sends("CANCEL", SWITCH)


def test_an_ack_without_hops_left_is_dropped() -> None:
    dialogue = play().receive(INVITE).sends(100).sends("INVITE").answer(200).sends(200)
    dialogue.receive(request("ACK", branch="z9hG4bK-2", to_tag="callee", hops=0)).sends_nothing()


def test_a_via_parameter_may_hold_commas_and_what_looks_like_another() -> None:
    via = 'SIP/2.0/UDP 127.0.1.1:5070;x="a, SIP/2.0/UDP h;\\"b";branch=z9hG4bK-1;rport, SIP/2.0/UDP 10.0.0.1;branch=y'
    answered = play().receive(request("BYE", via=via)).sends("BYE").answer(200).sends(200, ABROAD).last
    first, second = answered.values("via")
    assert first == f"{via.rpartition(';rport')[0]};rport=5070;received=127.0.1.1"
    assert second == "SIP/2.0/UDP 10.0.0.1;branch=y"


def test_a_response_may_write_the_version_small() -> None:
    dialogue = play().receive(INVITE).sends(100).sends("INVITE")
    answer = bytes(dialogue.forwarded.reply(180, to_tag="callee"))
    dialogue.receive(answer.replace(b"SIP/2.0 180", b"sip/2.0 180"), SWITCH).sends(180, ABROAD)


@pytest.mark.parametrize("hops", ["-1", "256", "many", ""])
def test_max_forwards_out_of_range_is_refused(hops: str) -> None:
    refuses(request("BYE", hops=hops), 400)


def test_a_proxy_require_is_refused_and_named() -> None:
    refused = refuses(request("INVITE", more=[("Proxy-Require", "foo, bar")]), 420).last
    assert refused.header("unsupported") == "foo, bar"


def test_in_a_cancel_a_proxy_require_is_passed_over() -> None:
    dialogue = play().receive(INVITE).sends(100).sends("INVITE").answer(180).sends(180)
    dialogue.receive(request("CANCEL", more=[("Proxy-Require", "foo")])).sends(200).sends("CANCEL", SWITCH)


@pytest.mark.parametrize(("sender", "status"), [
    ("<sip:+6591234567@h?subject=x>;tag=from", 400), ("<sip:+6591234567@h>;tag=from;x=<sip:110@h>", 400),
    ('"a\\\r\n b" <sip:+6591234567@h>;tag=from', 400), ('"What?" <sip:+6591234567@h>;tag=from', 100),
    ("<sip:who?@h>;tag=from", 100),
])  # fmt: skip
def test_from_holds_one_address_and_nothing_for_other_requests(sender: str, status: int) -> None:
    data = INVITE.replace(f"<sip:{DAUGHTER}@127.0.1.1>;tag=from".encode(), sender.encode())
    play().receive(data).sends(status, ABROAD)


def test_a_request_uri_is_ascii() -> None:
    data = request("INVITE", uri="sip:x@127.0.0.1").replace(b"sip:x", "sip:\uff0a331\uff03".encode())
    play().receive(data).sends(400, ABROAD).sends_nothing()


@pytest.mark.parametrize("header", [b"From", b"To"])
def test_a_request_of_any_method_says_from_whom_and_to_whom(header: bytes) -> None:
    lines = request("BYE", PHONE, to_tag="callee").split(b"\r\n")
    data = b"\r\n".join(line for line in lines if not line.startswith(header + b":"))
    play().receive(data, PHONE).sends(400, PHONE).sends_nothing()


def test_what_leaves_over_a_stream_says_how_long_it_is() -> None:
    core = new_core()
    path = play(core).receive(request("REGISTER", TCP_PHONE), TCP_PHONE).sends("REGISTER").forwarded.headers("path")[0]
    call = request("INVITE", SWITCH, more=[("Route", path)], branch="z9hG4bK-2", body=b"v=0\r\n")
    unsaid = call.replace(b"Content-Length: 5\r\n", b"")
    assert unsaid != call
    outward = play(core).receive(unsaid, SWITCH).sends(100, SWITCH).sends("INVITE", TCP_PHONE)
    assert outward.forwarded.header("content-length") == "5"


@pytest.mark.parametrize("status", [180, 200, 486])
def test_an_answer_that_goes_back_over_a_stream_says_how_long_it_is(status: int) -> None:
    dialogue = play().receive(request("INVITE", TCP_PHONE), TCP_PHONE).sends(100).sends("INVITE")
    answer = bytes(dialogue.forwarded.reply(status, to_tag="callee"))
    unsaid = answer.replace(b"Content-Length: 0\r\n", b"")
    assert unsaid != answer
    dialogue.receive(unsaid, SWITCH)
    if status == 486:
        dialogue.sends("ACK", SWITCH)
    assert dialogue.sends(status, TCP_PHONE).last.header("content-length") == "0"


@pytest.mark.parametrize(
    ("written", "spelt"),
    [(b"CSeq: 1 INVITE", b"CSeq: 1\tINVITE"), (b";branch=", b"; branch = "), (b"CSeq:", b"cseq :")],
)
def test_an_answer_is_known_however_it_is_spelt(written: bytes, spelt: bytes) -> None:
    dialogue = play().receive(INVITE).sends(100).sends("INVITE")
    answer = bytes(dialogue.forwarded.reply(180, to_tag="callee"))
    assert written in answer
    dialogue.receive(answer.replace(written, spelt, 1), SWITCH).sends(180)


def test_require_is_none_of_our_business() -> None:
    play().receive(request("INVITE", more=[("Require", "foo")])).sends(100).sends("INVITE")


def test_a_request_without_breadth_left_is_refused() -> None:
    refuses(request("INVITE", more=[("Max-Breadth", "0")]), 440)


@pytest.mark.parametrize("breadth", ["", "-1", "many", "٣", "1234567890"])
def test_a_breadth_that_is_no_number_is_refused(breadth: str) -> None:
    refuses(request("INVITE", more=[("Max-Breadth", breadth)]), 400)


def test_two_breadths_are_refused() -> None:
    refuses(request("INVITE", more=[("Max-Breadth", "3"), ("Max-Breadth", "3")]), 400)


@pytest.mark.parametrize(("came", "goes"), [("1", "1"), ("60", "60"), ("61", "60"), (None, "60")])
def test_a_forwarded_request_has_a_breadth_of_60_at_most(came: str | None, goes: str) -> None:
    data = request("INVITE", more=[("Max-Breadth", came)] if came else [])
    assert play().receive(data).sends(100).sends("INVITE").forwarded.headers("max-breadth") == [goes]


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (request("INVITE", uri="mailto:alice@example.com"), 416),
        (request("INVITE", uri="sip:"), 400),
        (request("INVITE", uri="sip:alice@h?Subject=x"), 400),
        (request("INVITE").replace(b"CSeq: 1 INVITE", b"CSeq: 1 BYE"), 400),
        (request("INVITE").replace(b"CSeq: 1 INVITE", b"CSeq: 4294967296 INVITE"), 400),
        (request("INVITE").replace(b"SIP/2.0\r\nVia", b"SIP/7.0\r\nVia"), 505),
        (request("INVITE", more=[("To", "<sip:b@h>")]), 400),
        (request("INVITE", more=[("From", "<sip:b@h>;tag=2")]), 400),
        (request("INVITE", more=[("l", "0")]), 400),
        (request("INVITE").replace(b"<sip:+6591234567@127.0.1.1>", b"<sip:broken"), 400),
        (request("INVITE").replace(b"<sip:+8613800138001@127.0.0.1>", b""), 400),
        (request("INVITE", more=[("Via", "nonsense")]), 400),
        (request("INVITE", more=[("Route", "nonsense")]), 400),
        (request("INVITE", more=[("Route", "")]), 400),
    ],
)
def test_a_broken_request_is_refused(data: bytes, status: int) -> None:
    answer = refuses(data, status).last
    assert answer.call_id == "call-1"


@pytest.mark.parametrize("method", ["invite", "Invite", "mEssage", "register"])
def test_a_method_in_other_letters_is_not_taken_for_an_unknown_one(method: str) -> None:
    """Some user agents would take `invite` for INVITE, and ring unjudged."""
    refuses(request(method), 501)


@pytest.mark.parametrize(
    "data", [b"", b"\r\n\r\n", b"\x00\x00\x00\x00", b"GET / HTTP/1.0\r\n\r\n", INVITE[:200], b"SIP/2.0 200 OK\r\n\r\n"]
)
def test_garbage_from_a_stranger_gets_no_answer(data: bytes) -> None:
    assert play().receive(data, STRANGER).sends_nothing().core.transactions == 0


def test_a_request_without_via_gets_no_answer() -> None:
    play().receive(INVITE.replace(b"Via:", b"X-Via:")).sends_nothing()


def test_a_broken_via_is_answered_to_where_it_came_from() -> None:
    play().receive(INVITE.replace(b"SIP/2.0/UDP 127", b"SIP/2.0/UDP <127")).sends(400, ABROAD).sends_nothing()


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS", "REGISTER"])
def test_a_stranger_gets_403_and_no_state(method: str) -> None:
    dialogue = play().receive(request(method, STRANGER), STRANGER).sends(403, STRANGER)
    assert dialogue.core.transactions == 0
    assert dialogue.records() == []


def test_an_ack_from_a_stranger_gets_nothing() -> None:
    play().receive(request("ACK", STRANGER), STRANGER).sends_nothing()


def test_options_to_ourselves_are_answered_here() -> None:
    answer = play().receive(request("OPTIONS", uri="sip:127.0.0.1:5060")).sends(200, ABROAD).last
    assert answer.to.tag is not None


def test_options_to_a_user_are_sent_on() -> None:
    play().receive(request("OPTIONS", uri="sip:alice@127.0.0.1:5060")).sends("OPTIONS", SWITCH)
