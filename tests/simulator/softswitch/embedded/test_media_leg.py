"""Offers and answers of the switch's own sides of a call (RFC 3264)."""

from __future__ import annotations

import pytest

from proxy.sip.message import Response
from simulator.agents.uac import UacCall
from tests.plays.service_lab import CHALLENGE, WARN, ServiceLab
from tests.plays.sip_network import PHONES, SWITCH, name

VIDEO = b"v=0\r\no=- 1 1 IN IP4 127.0.1.1\r\ns=-\r\nc=IN IP4 127.0.1.1\r\nt=0 0\r\nm=video 4000 RTP/AVP 99\r\n"
INVITE = """\
INVITE sip:{user}@127.0.0.1:5080 SIP/2.0
Via: SIP/2.0/UDP 127.0.0.66:6060;branch=z9hG4bK{number}
Max-Forwards: 70
From: <sip:x@127.0.0.66>;tag=mine
To: <sip:{user}@127.0.0.1:5080>
Call-ID: raw
CSeq: 1 INVITE
Contact: <sip:x@127.0.0.66:6060>
{more}
"""


STRANGER = ("127.0.0.66", 6060)


def invite(lab: ServiceLab, user: str, body: bytes = b"", kind: str = "application/sdp") -> list[str]:
    """Call as a stranger; returns what comes back."""
    more = f"Content-Type: {kind}\nContent-Length: {len(body)}\n" if body else ""
    text = INVITE.format(user=user, number=len(lab.network.log), more=more)
    return [name(m) for m in lab.network.inject(text + body.decode().replace("\r\n", "\n"), SWITCH, STRANGER)]


@pytest.mark.parametrize("service", ["rf*play*changed", "rf*announce*barred", CHALLENGE, WARN])
@pytest.mark.parametrize("kind", ["application/sdp", "text/plain"])
def test_an_offer_without_a_stream_that_we_speak_gets_488(service: str, kind: str) -> None:
    lab = ServiceLab()
    assert invite(lab, service, VIDEO, kind) == ["488 INVITE"]
    assert lab.phones.taken == {}
    assert lab.over


def test_without_an_offer_there_is_nothing_to_announce_on() -> None:
    lab = ServiceLab()
    assert invite(lab, "rf*announce*barred") == ["603 INVITE"]
    assert lab.over


def acknowledge(lab: ServiceLab, body: bytes) -> None:
    """ACK the switch's 200 as the stranger."""
    answer = lab.network.last("200 INVITE", SWITCH)
    text = (
        f"ACK {answer.values('contact')[0].strip('<>')} SIP/2.0\nVia: SIP/2.0/UDP 127.0.0.66:6060;branch=z9hG4bKa\n"
        f"From: <sip:x@127.0.0.66>;tag=mine\nTo: {answer.header('to')}\nCall-ID: raw\nCSeq: 1 ACK\n"
        f"Content-Type: application/sdp\nContent-Length: {len(body)}\n\n{body.decode()}"
    )
    lab.network.inject(text.replace("\r\n", "\n"), SWITCH, STRANGER)


def test_a_caller_may_leave_the_offer_to_us() -> None:
    lab = ServiceLab()
    assert invite(lab, "rf*play*changed") == ["200 INVITE"]
    assert b"RTP/AVP 0 8 101" in lab.network.last("200 INVITE", SWITCH).body
    acknowledge(lab, VIDEO.replace(b"video 4000 RTP/AVP 99", b"audio 4000 RTP/AVP 8"))
    assert lab.near.stream is not None
    assert (lab.near.stream.address, lab.near.stream.law) == (("127.0.1.1", 4000), "PCMA")
    assert lab.near.playing == "changed"


@pytest.mark.parametrize("body", [b"", VIDEO])
def test_an_acknowledgement_without_a_useful_answer_ends_the_call(body: bytes) -> None:
    lab = ServiceLab()
    invite(lab, "rf*play*changed")
    acknowledge(lab, body)
    lab.network.run(40.0)
    assert lab.over


def test_a_caller_that_never_acknowledges_is_let_go() -> None:
    lab = ServiceLab()
    invite(lab, "rf*honeypot*+8613800138001")
    lab.network.run(70.0)
    assert lab.over


def ask(lab: ServiceLab, call: UacCall, method: str, body: bytes) -> Response:
    """Send a request within the call, and return its answer."""
    answers: list[Response] = []

    def answered(response: Response | None, now: float) -> None:
        assert response is not None
        answers.append(response)
        if method == "INVITE" and response.status == 200:
            assert call.leg is not None
            call.leg.acknowledge(now)

    assert call.leg is not None
    headers = [("Content-Type", "application/sdp")] if body else []
    call.leg.request(method, lab.network.now, answered, headers=headers, body=body)
    lab.network.settle()
    return answers[0]


def test_a_call_is_put_on_hold_and_taken_back() -> None:
    lab = ServiceLab()
    call = lab.call(CHALLENGE)
    lab.press("5", lab.near)
    lab.network.log.clear()
    offer = VIDEO.replace(b"video 4000 RTP/AVP 99", b"audio 4000 RTP/AVP 0")
    assert b"a=recvonly" in ask(lab, call, "INVITE", offer + b"a=sendonly\r\n").body
    assert lab.near.stream is not None
    assert not lab.near.stream.heard
    assert b"a=sendrecv" in ask(lab, call, "UPDATE", offer).body
    assert lab.near.stream.heard
    assert lab.network.between(SWITCH, PHONES) == []  # the phone's own sound stays as it is


@pytest.mark.parametrize(
    ("method", "body", "status"),
    [("OPTIONS", b"", 200), ("INFO", b"", 200), ("UPDATE", b"", 200), ("REFER", b"", 405), ("INVITE", VIDEO, 488)],
)
def test_what_else_is_asked_within_a_call_changes_nothing(method: str, body: bytes, status: int) -> None:
    lab = ServiceLab()
    call = lab.call("rf*play*changed")
    assert ask(lab, call, method, body).status == status
    assert lab.near.playing == "changed"
