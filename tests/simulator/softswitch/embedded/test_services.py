"""Services that the switch gives callers by itself, told as dialogues with scripted sound."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plays.service_lab import CHALLENGE, ServiceLab
from tests.plays.sip_network import CALLER, SWITCH


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
