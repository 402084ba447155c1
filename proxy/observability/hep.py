"""HEPv3: copies of SIP messages and call records for a collector, such as Homer or `sngrep -L` (EEP is the same).

A packet is "HEP3", its length and chunks, each with vendor (0), type, length and a value, all in network byte order.
The chunks stand in the order in which sngrep looks for them; others take them in any. One packet is one datagram.
"""

from __future__ import annotations

import re
import struct
from collections import OrderedDict
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple

Address = tuple[str, int]

SIP, LOG = 1, 100  # protocol types
_TCP, _UDP = 6, 17
_AF_INET, _AF_INET6 = 2, 10  # as Linux numbers them
_LONGEST = 65_507  # bytes that a UDP datagram over IPv4 has room for
_MOST = 100_000  # legs that are remembered
_LONGEST_IDS = 1_000  # characters of the two Call-IDs of a leg that is
_CALL = re.compile(rb"\r\nX-Ringfence-Call[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)

_FAMILY, _PROTOCOL, _SOURCE_4, _TARGET_4, _SOURCE_6, _TARGET_6, _SOURCE_PORT, _TARGET_PORT = range(1, 9)
_SECONDS, _MICROSECONDS, _TYPE, _NODE, _KEY, _PAYLOAD, _CORRELATION, _NAME = 9, 10, 11, 12, 14, 15, 17, 19
_BEGIN = struct.Struct("!4sH")
_CHUNK = struct.Struct("!HHH")
_TIMES = struct.Struct("!HHHI HHHI HHHB")


class TooLong(ValueError):
    """A payload has no room in a datagram."""


class Node(NamedTuple):
    """The capture agent that packets are from: its number, and its name and the collector's key, if any."""

    number: int = 2001
    name: str = ""
    key: str = ""


class Packets:
    """Makes the packets of a node."""

    def __init__(self, node: Node) -> None:
        self._node = _chunk(_NODE, struct.pack("!I", node.number))
        self._key = _chunk(_KEY, node.key.encode()) if node.key else b""
        self._name = _chunk(_NAME, node.name.encode()) if node.name else b""

    def packet(
        self,
        kind: int,
        since_1970: float,
        transport: str,
        sender: Address,
        receiver: Address,
        payload: bytes,
        correlation: str | None,
    ) -> bytes:
        """The packet of a payload, SIP or LOG, that passed between two addresses; `correlation` is the id of its call.

        What passed over TLS is told as it was said, over TCP. Raises TooLong.
        """
        second, microsecond = divmod(round(since_1970 * 1e6), 1_000_000)
        ends, addresses = _ends(transport, sender, receiver)
        times = _TIMES.pack(0, _SECONDS, 10, second, 0, _MICROSECONDS, 10, microsecond, 0, _TYPE, 7, kind)
        size = len(payload) + _CHUNK.size
        tie = _chunk(_CORRELATION, correlation.encode("utf-8", "backslashreplace")) if correlation else b""
        around = ends, times, self._node, addresses, self._key, tie, self._name
        length = _BEGIN.size + sum(map(len, around)) + size
        if length > _LONGEST:
            raise TooLong(f"{len(payload)} bytes have no room in a datagram")
        head = _CHUNK.pack(0, _PAYLOAD, size)
        begin = _BEGIN.pack(b"HEP3", length)
        return b"".join((begin, ends, times, self._node, addresses, self._key, head, payload, tie, self._name))


class Correlations:
    """The id that ties the messages of all legs of a call: the Call-ID of the side that it came in on.

    `legs` are Call-IDs of the softswitch's own legs, each with that of its call, as far as they are known before.
    A leg of a leg has the id of the first call. 100,000 legs are remembered, then the oldest are forgotten.
    """

    def __init__(self, legs: Iterable[tuple[str, str]] = ()) -> None:
        self._calls: OrderedDict[str, str] = OrderedDict(legs)

    def learn(self, call_id: str, data: bytes) -> None:
        """Take an INVITE of the softswitch: the call that it is for, where it tells (`X-Ringfence-Call`)."""
        named = _CALL.search(data)
        if named is None or call_id in self._calls or len(call_id) + len(named[1]) > _LONGEST_IDS:
            return
        near = named[1].decode("utf-8", "backslashreplace").strip()
        self._calls[call_id] = self._calls.get(near, near)
        if len(self._calls) > _MOST:
            self._calls.popitem(last=False)

    def of(self, call_id: str | None) -> str | None:
        """The id for a message with that Call-ID: the same, where nothing else is known."""
        return call_id if call_id is None else self._calls.get(call_id, call_id)


def _chunk(kind: int, value: bytes) -> bytes:
    return _CHUNK.pack(0, kind, _CHUNK.size + len(value)) + value


@lru_cache(maxsize=4096)
def _ends(transport: str, sender: Address, receiver: Address) -> tuple[bytes, bytes]:
    """The chunks of family, protocol and ports, and those of the addresses."""
    source, target = (ip_address(host.partition("%")[0]) for host, _ in (sender, receiver))
    if source.version != target.version:
        source, target = (
            one if isinstance(one, IPv6Address) else IPv6Address(f"::ffff:{one}") for one in (source, target)
        )
    six = source.version == 6
    chunks = (
        _chunk(_FAMILY, bytes((_AF_INET6 if six else _AF_INET,))),
        _chunk(_PROTOCOL, bytes((_UDP if transport == "udp" else _TCP,))),
        _chunk(_SOURCE_PORT, struct.pack("!H", sender[1])),
        _chunk(_TARGET_PORT, struct.pack("!H", receiver[1])),
    )
    addresses = (
        _chunk(_SOURCE_6 if six else _SOURCE_4, source.packed),
        _chunk(_TARGET_6 if six else _TARGET_4, target.packed),
    )
    return b"".join(chunks), b"".join(addresses)
