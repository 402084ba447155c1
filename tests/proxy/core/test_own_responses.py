"""Answers of the proxy's own, and where they go (RFC 3261 18.2.2, RFC 3581)."""

from __future__ import annotations

import pytest

from tests.plays.dialogue import ABROAD, STRANGER, TCP_PHONE, play, request


def test_the_source_is_noted_where_via_says_another() -> None:
    via = "SIP/2.0/UDP client.example:5070;branch=z9hG4bK-1"
    assert (
        play().receive(request("BYE", via=via)).sends("BYE").forwarded.headers("via")[1] == f"{via};received=127.0.1.1"
    )


@pytest.mark.parametrize("rport", ["rport", " RPort ", "rport;x=1", "y;rport"])
def test_rport_is_filled_in_and_followed(rport: str) -> None:
    flow = ABROAD._replace(port=61000)
    via = f"SIP/2.0/UDP 127.0.1.1:5070;{rport};branch=z9hG4bK-1"
    dialogue = play().receive(request("BYE", via=via), flow).sends("BYE").answer(200).sends(200, flow)
    assert dialogue.last.via.params["rport"] == "61000"
    assert dialogue.last.via.params["received"] == "127.0.1.1"
    assert dialogue.last.via.branch == "z9hG4bK-1"


def test_without_rport_the_answer_goes_to_the_port_in_via() -> None:
    flow = ABROAD._replace(port=61000)
    play().receive(request("BYE", via="SIP/2.0/UDP 127.0.1.1:5070;branch=z9hG4bK-1"), flow).sends("BYE").answer(
        200
    ).sends(200, ABROAD)
    play().receive(request("BYE", via="SIP/2.0/UDP 127.0.1.1;branch=z9hG4bK-1"), flow).sends("BYE").answer(200).sends(
        200, ABROAD._replace(port=5060)
    )


@pytest.mark.parametrize(
    "aim", ["maddr=192.0.2.1", "received=192.0.2.1", "maddr=192.0.2.1;rport", "received=192.0.2.1;rport=99"]
)
def test_answers_never_go_where_a_header_aims_them(aim: str) -> None:
    via = f"SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK-1;{aim}"
    dialogue = play().receive(request("BYE", via=via)).sends("BYE").answer(200).sends(200)
    assert dialogue.last.call_id == "call-1"
    dialogue = play().receive(request("BYE", via=via, hops=0)).sends(483, ABROAD)
    play().receive(request("BYE", STRANGER, via=via), STRANGER._replace(port=5070)).sends(
        403, STRANGER._replace(port=5070)
    )


def test_answers_to_a_stream_go_back_over_it() -> None:
    data = request("OPTIONS", TCP_PHONE, uri="sip:127.0.0.1", via="SIP/2.0/TCP 10.0.0.1:5060;branch=z9hG4bK-1")
    play().receive(data, TCP_PHONE).sends(200, TCP_PHONE)


def test_a_stateless_refusal_notes_the_source_once() -> None:
    via = "SIP/2.0/UDP client.example:5070;branch=z9hG4bK-1;rport"
    for data, flow, status in (
        (request("CANCEL", via=via), ABROAD, 481),
        (request("CANCEL", via=via, hops="many"), ABROAD, 400),
        (request("BYE", via=via), STRANGER, 403),
        (request("BYE", via=via, more=[("no colon", "")]).replace(b"no colon: ", b"no colon"), ABROAD, 400),
    ):
        answer = play().receive(data, flow).sends(status, flow).last
        assert answer.header("via") == (
            f"SIP/2.0/UDP client.example:5070;branch=z9hG4bK-1;rport={flow.port};received={flow.host}"
        )
