"""Services that put the caller through: a challenge by a key, and a warning to whom is called."""

from __future__ import annotations

import pytest

from proxy.sip.message import Request
from simulator.agents.orders import BUSY, RING_ONLY, Behaviour
from tests.plays.service_lab import ALICE, BOB, CHALLENGE, WARN, ServiceLab
from tests.plays.sip_network import CALLER, PHONES, SWITCH, name


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


def test_a_second_port_that_is_not_to_be_had_is_503_to_the_caller() -> None:
    lab = ServiceLab(ports=1)
    assert lab.call(WARN).record.status == 503
    assert lab.phones.taken == {}
    assert lab.over


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
