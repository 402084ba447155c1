"""RTP packets and pressed keys."""

from __future__ import annotations

import pytest

from simulator.media.rtp import Digits, Packet, key_events, parse

HEADER = bytes.fromhex("8088 fffe 00000102 cafebabe".replace(" ", ""))


def test_a_packet_is_what_the_standard_draws() -> None:
    packet = Packet(8, 65534, 0x102, 0xCAFEBABE, b"sound", marker=True)
    assert bytes(packet) == HEADER + b"sound"
    assert parse(bytes(packet)) == packet


def test_what_stands_around_the_sound_is_left_out() -> None:
    sources = bytes([0x82]) + HEADER[1:] + b"AAAABBBB"
    extended = bytes([0x90]) + HEADER[1:] + b"\xbe\xde\x00\x01EEEE"
    padded = bytes([0xA0]) + HEADER[1:]
    for data in (sources + b"sound", extended + b"sound", padded + b"sound\0\0\3"):
        packet = parse(data)
        assert packet is not None
        assert (packet.payload, packet.sequence) == (b"sound", 65534)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"OPTIONS sip:x SIP/2.0",
        HEADER[:11],
        bytes([0x40]) + HEADER[1:],
        bytes([0x81]) + HEADER[1:],
        bytes([0x90]) + HEADER[1:] + b"\xbe\xde\x00\x02EEEE",
        bytes([0x90]) + HEADER[1:] + b"\xbe",
        bytes([0xA0]) + HEADER[1:] + b"sound\0",
        bytes([0xA0]) + HEADER[1:] + b"s\x09",
    ],
    ids=["empty", "SIP", "short", "version 1", "no source", "extension cut", "no extension", "no padding", "padding"],
)
def test_what_is_no_packet_is_none(data: bytes) -> None:
    assert parse(data) is None


def key(code: int, timestamp: int, *, end: bool = False, ssrc: int = 1) -> Packet:
    return Packet(101, 0, timestamp, ssrc, bytes([code, end << 7 | 10, 0, 160]))


def test_a_key_is_read_once_however_many_packets_tell_of_it() -> None:
    digits = Digits()
    pressed = [key(5, 800), key(5, 800), key(5, 800, end=True), key(5, 800, end=True), key(5, 4000), key(11, 8000)]
    assert [digits.read(packet) for packet in pressed] == ["5", None, None, None, "5", "#"]


def test_a_key_is_read_from_its_last_packet_where_the_others_are_lost() -> None:
    digits = Digits()
    assert digits.read(key(1, 800)) == "1"
    assert digits.read(key(1, 2400, end=True)) == "1"


def test_events_that_are_no_keys_and_half_packets_are_none() -> None:
    digits = Digits()
    assert digits.read(key(16, 800)) is None
    assert digits.read(Packet(101, 0, 900, 1, b"\5\0\0")) is None
    assert digits.read(key(15, 900)) == "D"


def test_a_key_that_is_pressed_is_read_and_its_end_is_told_three_times() -> None:
    digits = Digits()
    for at, key_pressed in enumerate("0159*#"):
        events = key_events(key_pressed)
        packets = [Packet(101, n, 1000 * at, 1, event) for n, event in enumerate(events)]
        assert [digits.read(packet) for packet in packets] == [key_pressed, *[None] * 7]
        assert [event[1] >> 7 for event in events] == [0] * 5 + [1] * 3
        assert [int.from_bytes(event[2:], "big") for event in events] == [160, 320, 480, 640, 800, 800, 800, 800]
    with pytest.raises(ValueError, match="substring"):
        key_events("x")
