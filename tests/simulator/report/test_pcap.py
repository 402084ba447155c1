"""Captures, byte by byte; real readers of them: tests/peers/test_captures.py."""

from __future__ import annotations

import io
import struct
from datetime import UTC, datetime

import pytest

from simulator.report.pcap import dump
from simulator.results.messages import Message

AT = datetime(2026, 3, 2, 8, 0, 0, 123_456, tzinfo=UTC)


def message(data: bytes, transport: str = "udp", six: bool = False, at: float = 1.0, back: bool = False) -> Message:
    ends = (("::1", 5070), ("::1", 5060)) if six else (("127.0.1.1", 5070), ("127.0.0.1", 5060))
    sender, receiver = reversed(ends) if back else ends
    return Message(at, AT, transport, sender, receiver, "c1", True, data)


def packets(*messages: Message) -> list[tuple[int, int, bytes]]:
    """Seconds, microseconds and bytes of the packets of a capture."""
    file = io.BytesIO()
    assert dump(file, messages) == len(messages)
    data = file.getvalue()
    assert struct.unpack("<IHHiIII", data[:24]) == (0xA1B2C3D4, 2, 4, 0, 0, 262_144, 101)
    found, at = [], 24
    while at < len(data):
        seconds, micro, kept, length = struct.unpack("<IIII", data[at : at + 16])
        assert kept == length
        found.append((seconds, micro, data[at + 16 : at + 16 + kept]))
        at += 16 + kept
    return found


def ones_complement(data: bytes) -> int:
    """The sum that is 0xffff where a checksum fits (RFC 1071)."""
    data += b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


@pytest.mark.parametrize("data", [b"OPTIONS sip:x SIP/2.0\r\n\r\n", b"odd", b""])
@pytest.mark.parametrize("six", [False, True])
def test_a_datagram_is_one_packet_with_checksums_that_fit_and_its_time_to_the_microsecond(
    data: bytes, six: bool
) -> None:
    [(seconds, micro, packet)] = packets(message(data, six=six))
    assert (seconds, micro) == (1772438400, 123_456)
    head = 40 if six else 20
    assert packet[head + 8 :] == data
    assert struct.unpack("!HHH", packet[head : head + 6]) == (5070, 5060, 8 + len(data))
    if not six:
        assert ones_complement(packet[:20]) == 0xFFFF
    addresses = packet[8:40] if six else packet[12:20]
    assert ones_complement(addresses + struct.pack("!HH", 17, 8 + len(data)) + packet[head:]) == 0xFFFF


def test_what_was_said_over_tcp_and_tls_is_a_connection_whose_numbers_fit_together() -> None:
    sent = (message(b"a" * 10, "tcp", at=1), message(b"b" * 5, "tcp", at=2, back=True), message(b"c", "tcp", at=3))
    numbers = [struct.unpack("!II", packet[24:32]) for _, _, packet in packets(*sent)]
    assert numbers == [(1, 1), (1, 11), (11, 6)]
    [(_, _, packet)] = packets(message(b"over TLS", "tls"))
    assert (packet[9], packet[40:]) == (6, b"over TLS")


def test_a_message_longer_than_a_packet_is_several_segments() -> None:
    found = packets(message(b"x" * 100_000, "tcp"))
    assert [len(packet) - 40 for _, _, packet in found] == [65_000, 35_000]


def test_messages_are_put_in_order_of_time() -> None:
    found = packets(message(b"second", at=2.0), message(b"first", at=1.0))
    assert [packet[28:] for _, _, packet in found] == [b"first", b"second"]
