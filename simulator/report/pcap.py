"""Recorded messages as a capture that Wireshark, tshark and sngrep read (the classic pcap format, microseconds).

Each message is a packet from the socket that sent it to the one that got it: UDP as a datagram, TCP as the segments of
a connection whose sequence numbers fit together. What was said over TLS stands there as it was said, over TCP: nobody
could read the ciphertext. Link type RAW: packets begin with the IP header (RFC 791, RFC 8200).
"""

from __future__ import annotations

import heapq
import struct
from array import array
from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from operator import attrgetter
from pathlib import Path
from sys import byteorder
from typing import BinaryIO

from proxy.files.yaml_file import FileErrors
from simulator.addresses import Address
from simulator.results.media import MEDIA, Ends, read_media
from simulator.results.messages import MESSAGES, Calls, Message, Mode, read_messages
from simulator.results.run_reader import failed_calls

_MAGIC, _SNAPLEN, _RAW = 0xA1B2C3D4, 262_144, 101
_TCP, _UDP = 6, 17
_PUSH_ACK = 0x18
_SEGMENT = 65_000  # bytes of content that a packet has room for
_WINDOW = 65_535
_AT_ONCE = 10_000  # messages among which order is restored: files have them about in order of time


CAPTURE = "messages.pcap"
_AT = attrgetter("at")


def leave_captures(folders: Iterable[Path], mode: Mode) -> Iterator[str]:
    """Leave a capture in the folder of each run: of failed calls, or of all messages; yields what went wrong."""
    for run in folders if mode != "never" else ():
        try:
            write_pcap(run / CAPTURE, captured(run, failed_calls(run) if mode == "failed" else None))
        except (OSError, FileErrors) as error:
            yield f"{run / CAPTURE}: not written: {getattr(error, 'strerror', None) or error}"


def captured(run: Path, calls: Calls | None = None) -> Iterator[Message]:
    """The messages of a run, or of some calls, and the sound that belongs to them, in order of time."""
    ends = None
    if calls is not None:
        ends = Ends(read_messages(run / MESSAGES, calls) if (run / MEDIA).exists() else ())
    return heapq.merge(read_messages(run / MESSAGES, calls), read_media(run, ends), key=_AT)


def with_sound(run: Path, messages: Iterable[Message]) -> Iterator[Message]:
    """Messages of a run, and the sound that belongs to them, in order of time."""
    ordered = sorted(messages, key=_AT)
    return heapq.merge(ordered, read_media(run, Ends(ordered)), key=_AT)


def write_pcap(path: Path, messages: Iterable[Message]) -> int:
    """Write messages to a capture file, in order of time; returns how many. Raises OSError."""
    with path.open("wb") as file:
        return dump(file, messages)


def dump(file: BinaryIO, messages: Iterable[Message]) -> int:
    """Write a capture to an open file; returns how many messages it has."""
    file.write(struct.pack("<IHHiIII", _MAGIC, 2, 4, 0, 0, _SNAPLEN, _RAW))
    connections = _Connections()
    count = 0
    for message in _in_order(messages):
        stamp = int(message.time.timestamp()), message.time.microsecond
        packets = connections.packets(message)
        file.writelines(struct.pack("<IIII", *stamp, len(packet), len(packet)) + packet for packet in packets)
        count += 1
    return count


def _in_order(messages: Iterable[Message]) -> Iterator[Message]:
    waiting: list[tuple[float, int, Message]] = []
    for number, message in enumerate(messages):
        heapq.heappush(waiting, (message.at, number, message))
        if len(waiting) > _AT_ONCE:
            yield heapq.heappop(waiting)[2]
    while waiting:
        yield heapq.heappop(waiting)[2]


class _Connections:
    """The packets of messages; of each direction of a TCP connection it knows how many bytes went before."""

    def __init__(self) -> None:
        self._sent: dict[tuple[Address, Address], int] = {}

    def packets(self, message: Message) -> Iterator[bytes]:
        """The IP packets that carry a message."""
        there, back = (message.sender, message.receiver), (message.receiver, message.sender)
        if message.transport == "udp":
            yield _ip(message, _UDP, struct.pack("!HHHH", there[0][1], there[1][1], 8 + len(message.data), 0), 6)
            return
        for begin in range(0, len(message.data), _SEGMENT):
            part = message.data[begin : begin + _SEGMENT]
            sequence, acknowledged = self._sent.get(there, 1), self._sent.get(back, 1)
            self._sent[there] = (sequence + len(part)) & 0xFFFFFFFF
            ports, offset = (there[0][1], there[1][1]), 5 << 4
            head = struct.pack("!HHIIBBHHH", *ports, sequence, acknowledged, offset, _PUSH_ACK, _WINDOW, 0, 0)
            yield _ip(message._replace(data=part), _TCP, head, 16)


def _ip(message: Message, protocol: int, head: bytes, checksum_at: int) -> bytes:
    """An IP packet of a transport header, whose checksum is filled in, and the message."""
    source, target = ip_address(message.sender[0].partition("%")[0]), ip_address(message.receiver[0].partition("%")[0])
    length = len(head) + len(message.data)
    if source.version == 4:
        pseudo = source.packed + target.packed + struct.pack("!BBH", 0, protocol, length)
        ip = struct.pack(
            "!BBHHHBBH4s4s", 0x45, 0, 20 + length, 0, 0x4000, 64, protocol, 0, source.packed, target.packed
        )
        ip = ip[:10] + _checksum(ip) + ip[12:]
    else:
        pseudo = source.packed + target.packed + struct.pack("!IHBB", length, 0, 0, protocol)
        ip = struct.pack("!IHBB", 0x6000_0000, length, protocol, 64) + source.packed + target.packed
    check = _checksum(pseudo + head + message.data)
    if protocol == _UDP and check == b"\0\0":  # which would say that there is none (RFC 768)
        check = b"\xff\xff"
    return ip + head[:checksum_at] + check + head[checksum_at + 2 :] + message.data


def _checksum(data: bytes) -> bytes:
    """The Internet checksum (RFC 1071)."""
    words = array("H", data + b"\0" * (len(data) % 2))
    total = sum(words)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return (~total & 0xFFFF).to_bytes(2, byteorder)
