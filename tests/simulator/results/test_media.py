"""Packets of sound, and the calls that they belong to."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from simulator.addresses import Address
from simulator.agents.tap import Tap
from simulator.results.media import MEDIA, Ends, ends_in, read_media
from simulator.results.message_recorder import MessageRecorder
from simulator.results.messages import Message, Mode

CALLER, PROXY = ("127.0.1.1", 5060), ("127.0.0.1", 5060)


def described(call_id: str, port: int, host: str = "127.0.3.1") -> bytes:
    sdp = f"v=0\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"
    return f"INVITE sip:h SIP/2.0\r\nCall-ID: {call_id}\r\nCSeq: 1 INVITE\r\n\r\n{sdp}".encode()


def message(at: float, call_id: str, data: bytes) -> Message:
    return Message(at, datetime.now(UTC), "udp", CALLER, PROXY, call_id, True, data)


def packet(at: float, sender: Address, receiver: Address) -> Message:
    return Message(at, datetime.now(UTC), "udp", sender, receiver, None, True, b"\x80")


def test_a_packet_belongs_to_a_call_from_its_description_until_the_call_is_over() -> None:
    ends = Ends([message(1.0, "c", described("c", 4000)), message(5.0, "c", b"BYE sip:h SIP/2.0\r\n\r\n")])
    phone, other = ("127.0.3.1", 4000), ("127.0.0.1", 6000)
    assert [packet(at, other, phone) in ends for at in (0.9, 1.0, 5.9, 6.1)] == [False, True, True, False]
    assert packet(2.0, phone, other) in ends
    assert packet(2.0, ("127.0.3.1", 4001), other) in ends  # RTCP
    assert packet(2.0, other, ("127.0.3.1", 4002)) not in ends


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (described("c", 4000, "127.0.0.1"), [("127.0.0.1", 4000), ("127.0.0.1", 4001)]),
        (described("c", 9), []),  # nothing will be sent there
        (described("c", 0), []),  # a stream that is refused
        (b"OPTIONS sip:h SIP/2.0\r\nSubject: m=audio 4000\r\n\r\n", []),
        (b"\r\n\r\nm=audio 99999999999999999999 RTP/AVP 0\r\n", []),
        (described("c", 4000, "::1").replace(b"IP4", b"IP6"), [("::1", 4000), ("::1", 4001)]),
    ],
)
def test_the_ends_are_those_of_the_description(data: bytes, found: list[Address]) -> None:
    assert list(ends_in(data)) == found


@pytest.mark.parametrize(("mode", "kept"), [("all", [1.2, 2.2]), ("failed", [2.2]), ("never", [])])
def test_sound_is_kept_with_the_messages_of_its_call(tmp_path: Path, mode: Mode, kept: list[float]) -> None:
    recorder = MessageRecorder(tmp_path, mode)
    hear = recorder.hearing(proxied=True)
    if hear is not None:
        tap = Tap(hear, recorder.hearing_media(proxied=True))
        for number, call in enumerate(("good", "bad"), 1):
            tap.sent(number + 0.1, described(call, 4000 + 10 * number), CALLER, PROXY)
            tap.media_sent(number + 0.2, b"\x80\x00sound", CALLER, ("127.0.3.1", 4000 + 10 * number))
        tap.media_sent(2.3, b"\x80\x00sound", CALLER, ("127.0.3.1", 5000))  # somebody else's
    assert recorder.settle({"bad"}).kept == len(kept)
    assert [each.at for each in read_media(tmp_path)] == kept
    assert (tmp_path / MEDIA).exists() is bool(kept)
