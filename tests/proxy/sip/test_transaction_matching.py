"""Matching of messages to transactions (RFC 3261 17.1.3, 17.2.3), and requests that the layer makes by itself."""

from __future__ import annotations

import pytest

from proxy.sip.message import Request, Response
from proxy.sip.transaction_layer import ack_for, cancel_for, server_key
from tests.plays.transaction_element import request


def key(message: Request) -> tuple[str, ...]:
    return server_key(message, message.via)


def test_an_ack_matches_its_invite_and_a_cancel_does_not() -> None:
    assert key(request("ACK")) == key(request("INVITE"))
    assert key(request("CANCEL")) != key(request("INVITE"))
    assert key(request("CANCEL"))[:-1] == key(request("INVITE"))[:-1]


def test_a_branch_counts_together_with_its_sender() -> None:
    elsewhere = request("INVITE")
    elsewhere.replace("Via", "SIP/2.0/UDP 127.0.0.1:5071;branch=z9hG4bKx")
    assert key(elsewhere) != key(request("INVITE"))
    assert key(request("INVITE", branch="z9hG4bKy")) != key(request("INVITE"))


@pytest.mark.parametrize("branch", ["", "1", "magic"])
def test_without_the_magic_cookie_an_rfc_2543_client_is_matched_by_its_headers(branch: str) -> None:
    first = request("INVITE", branch=branch)
    assert key(first) == key(request("INVITE", branch=branch))
    assert key(first) == key(request("ACK", branch=branch, to_tag="ours"))  # the tag we gave it
    assert key(first)[:-1] == key(request("CANCEL", branch=branch))[:-1]


@pytest.mark.parametrize(
    ("header", "value"), [("Call-ID", "c2"), ("CSeq", "2 INVITE"), ("From", "<sip:a@x>;tag=g")], ids=lambda v: v
)
def test_an_rfc_2543_request_that_differs_is_another_one(header: str, value: str) -> None:
    other = request("INVITE", branch="")
    other.replace(header, value)
    assert key(other) != key(request("INVITE", branch=""))


def test_the_ack_to_a_refusal_has_the_via_route_and_cseq_of_its_invite_and_the_to_of_the_response() -> None:
    invite = request(
        "INVITE", more=(("Route", "<sip:p1;lr>, <sip:p2;lr>"), ("Via", "SIP/2.0/UDP earlier;branch=z9hG4bK0"))
    )
    response = invite.reply(486, to_tag="t")
    assert isinstance(response, Response)
    ack = ack_for(invite, response)
    assert ack.uri == invite.uri
    assert ack.headers("via") == ["SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bKx"]
    assert ack.values("route") == ["<sip:p1;lr>", "<sip:p2;lr>"]
    assert ack.header("to") == "<sip:bob@x>;tag=t"
    assert (ack.header("from"), ack.header("call-id"), ack.header("cseq")) == ("<sip:a@x>;tag=f", "c1", "1 ACK")


def test_a_cancel_has_the_top_via_route_and_to_of_its_invite() -> None:
    invite = request("INVITE", more=(("Route", "<sip:p1;lr>"),))
    cancel = cancel_for(invite)
    assert cancel.headers("via") == invite.headers("via")
    assert cancel.headers("route") == ["<sip:p1;lr>"]
    assert (cancel.header("to"), cancel.header("cseq")) == ("<sip:bob@x>", "1 CANCEL")
