"""A collector of HEPv3 packets, which reads them by itself: nothing of ours that writes them is used here."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

HOST = "127.0.0.1"
NAMES = {
    1: "family",
    2: "protocol",
    3: "from",
    4: "to",
    5: "from",
    6: "to",
    7: "from_port",
    8: "to_port",
    9: "seconds",
    10: "microseconds",
    11: "type",
    12: "node",
    14: "key",
    15: "payload",
    17: "correlation",
    19: "name",
}
SIZES = {1: 1, 2: 1, 3: 4, 4: 4, 5: 16, 6: 16, 7: 2, 8: 2, 9: 4, 10: 4, 11: 1, 12: 4}


@dataclass(frozen=True)
class Packet:
    """The chunks of a packet, in order."""

    chunks: tuple[tuple[str, bytes], ...]

    def raw(self, name: str) -> bytes:
        return dict(self.chunks)[name]

    def number(self, name: str) -> int:
        return int.from_bytes(self.raw(name), "big")

    def text(self, name: str) -> str | None:
        return found.decode() if (found := dict(self.chunks).get(name)) is not None else None

    @property
    def time(self) -> float:
        return self.number("seconds") + self.number("microseconds") / 1e6

    @property
    def ends(self) -> tuple[tuple[str, int], tuple[str, int]]:
        family = {2: socket.AF_INET, 10: socket.AF_INET6}[self.number("family")]
        source, target = (socket.inet_ntop(family, self.raw(name)) for name in ("from", "to"))
        return (source, self.number("from_port")), (target, self.number("to_port"))


def read_packet(data: bytes) -> Packet:
    """Read one; AssertionError where it is none, or anything in it has a wrong length."""
    assert data[:4] == b"HEP3"
    assert int.from_bytes(data[4:6], "big") == len(data)
    chunks, at = [], 6
    while at < len(data):
        vendor, kind, length = struct.unpack_from(">HHH", data, at)
        value = data[at + 6 : at + length]
        assert vendor == 0
        assert len(value) == length - 6 == SIZES.get(kind, length - 6)
        chunks.append((NAMES[kind], value))
        at += length
    assert at == len(data)
    assert len(dict(chunks)) == len(chunks)
    return Packet(tuple(chunks))


class Collector:
    """Listens on a port of its own."""

    def __init__(self, out: socket.socket) -> None:
        self._socket = out
        self.address: tuple[str, int] = out.getsockname()

    def packets(self, count: int) -> list[Packet]:
        """The next ones, as soon as there are so many."""
        return [read_packet(self._socket.recv(65536)) for _ in range(count)]

    def has_no_more(self) -> bool:
        self._socket.setblocking(False)
        try:
            return not self._socket.recv(65536)
        except BlockingIOError:
            return True
        finally:
            self._socket.settimeout(10)


def is_taken(port: int) -> bool:
    """True where somebody listens on that UDP port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


@contextmanager
def collecting() -> Iterator[Collector]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        out.bind((HOST, 0))
        out.settimeout(10)
        yield Collector(out)
