"""RTP packets (RFC 3550) and the digits in them (telephone-event, RFC 4733)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

_HEADER = struct.Struct("!BBHII")
_EVENT = struct.Struct("!BBH")  # code, end and volume, duration (RFC 4733 2.3)
_VERSION = 2 << 6
_STEP, _PRESSED = 160, 800  # samples of a key's duration
_VOLUME = 10  # dB below full scale
_DIGITS = "0123456789*#ABCD"  # by event code (RFC 4733 3.2)


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet. Sequence number, timestamp (samples) and SSRC wrap at 16, 32 and 32 bits."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False

    def __bytes__(self) -> bytes:
        kind = self.marker << 7 | self.payload_type
        return _HEADER.pack(_VERSION, kind, self.sequence, self.timestamp, self.ssrc) + self.payload


def parse(data: bytes) -> Packet | None:
    """Read a packet; None where it is none (RFC 3550 5.1, 5.3.1, A.1)."""
    if len(data) < _HEADER.size or data[0] >> 6 != 2:
        return None
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    start = _HEADER.size + 4 * (first & 0x0F)
    if first & 0x10:
        if len(data) < start + 4:
            return None
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
    end = len(data) - (data[-1] if first & 0x20 else 0)
    if start > end or (first & 0x20 and not data[-1]):
        return None
    return Packet(second & 0x7F, sequence, timestamp, ssrc, data[start:end], bool(second & 0x80))


def key_events(digit: str) -> list[bytes]:
    """The payloads that press a key for 100 ms, 20 ms of sound apart; its end is told three times (RFC 4733 2.5.1.4).

    Raises ValueError for what is no key.
    """
    code = _DIGITS.index(digit)
    durations = [*range(_STEP, _PRESSED + 1, _STEP), *[_PRESSED] * 3]
    last = len(durations) - 3
    return [_EVENT.pack(code, (index >= last) << 7 | _VOLUME, each) for index, each in enumerate(durations)]


class Digits:
    """Reads the keys that are pressed. Each comes in many packets of one timestamp, any of which may be lost."""

    def __init__(self) -> None:
        self._latest: tuple[int, int] | None = None

    def read(self, packet: Packet) -> str | None:
        """The digit that this packet is the first to tell of (RFC 4733 2.3, 2.5.1)."""
        event = packet.ssrc, packet.timestamp
        if len(packet.payload) < 4 or event == self._latest:
            return None
        self._latest = event
        code = packet.payload[0]
        return _DIGITS[code] if code < len(_DIGITS) else None
