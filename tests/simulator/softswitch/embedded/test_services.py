"""Services that the switch gives callers by itself, told as dialogues with scripted sound."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from proxy.sip.message import Request, Response
from simulator.agents.orders import BUSY, RING_ONLY, Behaviour
from simulator.agents.registration import WirePhone
from simulator.agents.uac import UacCall
from simulator.softswitch.embedded.media_leg import Studio
from simulator.softswitch.embedded.registrar import Account
from simulator.softswitch.embedded.softswitch import Softswitch
from tests.plays.scripted_media import ScriptedMedia, ScriptedPort, find_prompt
from tests.plays.sip_network import CALLER, PHONES, SWITCH, Caller, Handsets, Network, name

ALICE, BOB = WirePhone("+8613800138001", "alice", "s3cret"), WirePhone("+8613800138002", "bob", "pass")
CHALLENGE, WARN = f"rf*challenge*5*{ALICE.number}", f"rf*warn*{ALICE.number}"


class ServiceLab:
    """A caller, a switch with scripted sound, and the registered phone of alice."""

    def __init__(self, *, ports: int = 100) -> None:
        self.network = Network()
        self.media = ScriptedMedia(ports)
        self.switch = Softswitch(
            [Account(phone.number, phone.user, phone.password) for phone in (ALICE, BOB)],
            ring_time=20.0,
            studio=Studio(self.media, find_prompt, Path("run")),
        )
        self.switch.endpoint = self.network.attach(SWITCH, self.switch)
        self.caller = Caller(self.network)
        self.phones = Handsets(self.network, numbers={phone.user: phone.number for phone in (ALICE, BOB)})
        assert self.phones.register(ALICE) == []
        self.network.log.clear()

    def call(self, service: str, **details: Any) -> UacCall:
        call = self.caller.call(service, **details)
        self.network.settle()
        return call

    @property
    def near(self) -> ScriptedPort:
        return self.media.ports[0]

    @property
    def far(self) -> ScriptedPort:
        return self.media.ports[1]

    def finish(self, port: ScriptedPort) -> str:
        playing = port.finish(self.network.now)
        self.network.settle()
        return playing

    def press(self, digit: str, port: ScriptedPort) -> None:
        port.press(digit, self.network.now)
        self.network.settle()

    @property
    def over(self) -> bool:
        """Nobody is in a call, no port is open, and nothing will happen later but the end of transactions."""
        return self.media.idle and not any(endpoint.legs for endpoint in self.network.endpoints.values())


def test_an_announcement_is_heard_before_the_refusal() -> None:
    lab = ServiceLab()
    call = lab.call("rf*announce*barred")
    early = lab.network.last("183 INVITE", SWITCH)
    assert early.header("p-early-media") == "sendrecv"
    assert f"m=audio {lab.near.address[1]} RTP/AVP 0".encode() in early.body
    assert lab.near.stream is not None
    assert lab.near.stream.address == (CALLER[0], 9)
    assert lab.finish(lab.near) == "barred"
    assert call.record.status == 603
    assert lab.network.between(CALLER, SWITCH) == ["> INVITE", "< 183 INVITE", "< 603 INVITE", "> ACK"]
    assert lab.over


def test_a_caller_who_has_heard_enough_cancels_the_announcement() -> None:
    lab = ServiceLab()
    call = lab.call("rf*announce*barred", cancel_after=0.5)
    lab.network.run(1.0)
    assert call.record.status == 487
    assert lab.over


def test_something_is_said_once_and_hung_up() -> None:
    lab = ServiceLab()
    call = lab.call("rf*play*changed")
    assert lab.finish(lab.near) == "changed"
    assert lab.network.between(CALLER, SWITCH) == ["> INVITE", "< 200 INVITE", "> ACK", "< BYE", "> 200 BYE"]
    assert call.record.status == 200
    assert lab.over


@pytest.mark.parametrize(
    "service",
    ["rf*play*changed", "rf*voicemail*+8613800138001", "rf*honeypot*+8613800138001", CHALLENGE],
)
def test_a_caller_may_hang_up_at_any_time(service: str) -> None:
    lab = ServiceLab()
    call = lab.call(service, talk=0.5)
    assert lab.near.playing
    lab.network.run(1.0)
    assert (call.record.status, call.record.error) == (200, None)
    assert lab.over
    lab.network.run(400.0)  # and nothing happens afterwards
    assert len(lab.media.ports) == 1
    assert lab.phones.taken == {}


def test_voicemail_records_what_is_said_after_the_prompt() -> None:
    lab = ServiceLab()
    call = lab.call("rf*voicemail*+8613800138001")
    assert lab.near.recorded is None
    assert lab.finish(lab.near) == "voicemail"
    assert lab.near.recorded == (Path("run/recordings/voicemail-call-1.wav"), 60.0)
    lab.network.run(70.0)
    assert call.record.bye_received == 160.0
    assert lab.over


def test_the_honeypot_talks_again_and_again_and_records_from_the_start() -> None:
    lab = ServiceLab()
    call = lab.call("rf*honeypot*+8613800138001")
    assert lab.near.recorded == (Path("run/recordings/honeypot-call-1.wav"), 300.0)
    for _ in range(3):
        assert lab.finish(lab.near) == "honeypot"
        assert lab.near.playing is None
        lab.network.run(2.0)
    lab.network.run(300.0)
    assert call.record.bye_received == 400.0
    assert lab.over


def test_who_presses_the_key_is_put_through_and_heard() -> None:
    lab = ServiceLab()
    call = lab.call(CHALLENGE, display_name="Aunt", asserted="+6591234567")
    assert lab.near.playing == "challenge-5"
    assert lab.phones.taken == {}
    lab.press("5", lab.near)
    seen = lab.phones.taken["call-1"][0]
    assert (seen.number, seen.status) == (ALICE.number, 200)
    assert seen.from_.startswith('"Aunt" <sip:+6591234567@')
    assert seen.headers["p-asserted-identity"] == "<sip:+6591234567@ringfence.example>"
    assert f"m=audio {lab.far.address[1]} RTP/AVP 0 8 101".encode() in seen.body
    assert lab.near.playing is None
    assert lab.far.stream is not None
    assert (lab.near.passes_to, lab.far.passes_to) == (lab.far, lab.near)
    call.hang_up(lab.network.now)
    lab.network.run(1.0)
    assert seen.bye_received is not None
    assert lab.over


def test_a_phone_that_hangs_up_ends_a_challenged_call() -> None:
    lab = ServiceLab()
    lab.phones.otherwise = Behaviour(talk=3.0)
    call = lab.call(CHALLENGE)
    lab.press("5", lab.near)
    lab.network.run(5.0)
    assert call.record.bye_received == 103.0
    assert lab.over


def test_who_presses_nothing_is_asked_twice_and_sent_away() -> None:
    lab = ServiceLab()
    call = lab.call(CHALLENGE)
    assert lab.finish(lab.near) == "challenge-5"
    lab.network.run(4.9)
    assert lab.near.playing is None
    lab.network.run(0.2)
    assert lab.finish(lab.near) == "challenge-5"
    lab.network.run(5.1)
    assert lab.finish(lab.near) == "goodbye"
    assert call.record.bye_received is not None
    assert lab.phones.taken == {}
    assert lab.over


def test_who_presses_while_nothing_is_said_is_put_through() -> None:
    lab = ServiceLab()
    lab.call(CHALLENGE)
    lab.finish(lab.near)
    lab.network.run(3.0)
    lab.press("5", lab.near)
    lab.network.run(10.0)  # no further question comes
    assert lab.near.playing is None
    assert lab.near.passes_to is lab.far


def test_who_tries_one_key_after_the_other_is_sent_away() -> None:
    lab = ServiceLab()
    lab.call(CHALLENGE)
    for digit in "1234567890":
        lab.press(digit, lab.near)
    assert lab.near.playing == "goodbye"
    assert lab.phones.taken == {}


@pytest.mark.parametrize("behaviour", [BUSY, RING_ONLY])
def test_a_challenged_caller_whom_nobody_takes_hears_goodbye(behaviour: Behaviour) -> None:
    lab = ServiceLab()
    lab.phones.otherwise = behaviour
    call = lab.call(CHALLENGE)
    lab.press("5", lab.near)
    lab.network.run(21.0)
    assert lab.finish(lab.near) == "goodbye"
    assert call.record.bye_received is not None
    assert lab.over


@pytest.mark.parametrize("service", [CHALLENGE, WARN])
def test_a_phone_that_answers_a_moment_too_late_is_hung_up_on(service: str) -> None:
    lab = ServiceLab()
    lab.phones.otherwise = Behaviour(after=19.999)
    lab.call(service)
    lab.press("5", lab.near)
    lab.network.loses = lambda message: name(message) in ("200 INVITE", "CANCEL")
    lab.network.run(20.2)
    lab.network.loses = lambda _: False
    lab.network.run(5.0)
    assert lab.phones.taken["call-1"][0].bye_received is not None
    if lab.near.open:
        assert lab.finish(lab.near) == "goodbye"
    assert lab.over


def test_a_challenge_for_a_phone_that_is_off_ends_with_goodbye() -> None:
    lab = ServiceLab()
    lab.call(f"rf*challenge*5*{BOB.number}")
    lab.press("5", lab.near)
    assert lab.finish(lab.near) == "goodbye"
    assert lab.over


def test_the_called_one_is_warned_before_the_caller_gets_through() -> None:
    lab = ServiceLab()
    lab.phones.otherwise = Behaviour(after=1.0)
    call = lab.call(WARN)
    lab.network.run(2.0)
    assert lab.network.between(CALLER, SWITCH) == ["> INVITE", "< 100 INVITE", "< 180 INVITE"]
    assert lab.far.playing == "warning"
    assert lab.near.passes_to is None
    lab.finish(lab.far)
    assert call.record.status == 200
    assert (lab.near.passes_to, lab.far.passes_to) == (lab.far, lab.near)
    call.hang_up(lab.network.now)
    lab.network.run(1.0)
    assert lab.phones.taken["call-1"][0].bye_received is not None
    assert lab.over


def test_any_key_skips_the_warning() -> None:
    lab = ServiceLab()
    call = lab.call(WARN)
    assert (lab.far.playing, call.record.status) == ("warning", None)
    lab.press("#", lab.far)
    assert (lab.far.playing, call.record.status) == (None, 200)
    assert not lab.far.listens


def test_a_phone_that_hangs_up_during_the_warning_declines() -> None:
    lab = ServiceLab()
    lab.phones.otherwise = Behaviour(talk=2.0)
    call = lab.call(WARN)
    lab.network.run(3.0)
    assert (call.record.status, call.record.final) == (603, 102.0)
    assert lab.over


def test_a_caller_who_gives_up_during_the_warning_ends_it() -> None:
    lab = ServiceLab()
    call = lab.call(WARN, cancel_after=1.0)
    lab.network.run(2.0)
    assert call.record.status == 487
    assert lab.phones.taken["call-1"][0].bye_received == 101.0
    assert lab.over


@pytest.mark.parametrize(
    ("behaviour", "status"), [(BUSY, 486), (Behaviour(status=302), 480), (RING_ONLY, 480), (Behaviour(after=25.0), 480)]
)
def test_a_refusal_reaches_the_caller_without_a_warning(behaviour: Behaviour, status: int) -> None:
    lab = ServiceLab()
    lab.phones.otherwise = behaviour
    call = lab.call(WARN)
    lab.network.run(30.0)
    assert call.record.status == status
    assert lab.over


@pytest.mark.parametrize(("number", "status"), [(BOB.number, 480), ("+8613800138009", 404)])
def test_a_warned_call_to_nobody_is_refused_as_any_other(number: str, status: int) -> None:
    lab = ServiceLab()
    assert lab.call(f"rf*warn*{number}").record.status == status
    assert lab.over


@pytest.mark.parametrize(
    "user",
    [
        "rf*nothing*x", "rf*", "rf*play", "rf*play*unheard", "rf*announce*../barred", "rf*challenge*7*+8613800138001",
        "rf*challenge*5", "rf*challenge*5*", "rf*warn*", "rf*warn",
    ],
)  # fmt: skip
def test_what_there_is_not_is_not_found(user: str) -> None:
    lab = ServiceLab()
    assert lab.call(user).record.status == 404
    assert lab.media.ports == []


def test_a_switch_that_has_no_port_left_says_so() -> None:
    lab = ServiceLab(ports=0)
    assert lab.call("rf*play*changed").record.status == 503
    assert lab.over


def test_a_second_port_that_is_not_to_be_had_is_503_to_the_caller() -> None:
    lab = ServiceLab(ports=1)
    assert lab.call(WARN).record.status == 503
    assert lab.phones.taken == {}
    assert lab.over


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


def test_two_who_forgot_their_call_are_parted_in_the_end() -> None:
    lab = ServiceLab()
    call = lab.call(WARN)
    lab.press("1", lab.far)
    lab.network.run(4 * 3600.0 - 1)
    assert call.record.bye_received is None
    lab.network.run(2.0)
    assert call.record.bye_received is not None
    assert lab.over


def test_a_phone_whose_answer_has_no_sound_is_hung_up_on() -> None:
    lab = ServiceLab()
    lab.network.loses = lambda message: name(message) == "200 INVITE"
    call = lab.call(WARN)
    seen = lab.network.last("200 INVITE", PHONES)
    lab.network.loses = lambda _: False
    text = str(bytes(seen), "utf-8").replace("m=audio 9 ", "m=audio 0 ").replace("\r\n", "\n")
    lab.network.inject(text, SWITCH, PHONES)
    lab.network.run(1.0)
    assert call.record.status == 488
    assert isinstance(lab.network.last("BYE", SWITCH), Request)
    assert lab.phones.taken["call-1"][0].bye_received is not None
    assert lab.over
