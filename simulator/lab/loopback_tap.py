"""Sound that passes no socket of ours: what real phones, and Asterisk, send one another on loopback.

The kernel hands out copies of packets (packet(7)), as it does to tcpdump, to whoever has CAP_NET_RAW. Only what looks
like RTP or RTCP is asked for; whose it is, the calls' messages tell later.
"""

from __future__ import annotations

import asyncio
import ctypes
import socket
import struct
import sys
from typing import Self

from simulator.agents.tap import Hear
from simulator.agents.udp import arrival, ask_for_timestamps

_ETH_P_IP = 0x0800
_OUTGOING = 4  # PACKET_OUTGOING: on loopback each packet comes twice, as it leaves and as it arrives
_SO_ATTACH_FILTER = 26  # Linux; the socket module does not name it
_BATCH = 256  # packets read before others get their turn
_LARGEST = 4096
_BUFFER = 4 * 1024 * 1024
_UDP, _UDP_HEAD = 17, 8
# Of IPv4 the UDP datagrams without fragments whose content begins with the version of RTP, 2 (RFC 3550 5.1): code,
# jumps where true and false, operand (BPF).
_FILTER = (
    (0x30, 0, 0, 9),  # load the protocol
    (0x15, 0, 7, _UDP),
    (0x28, 0, 0, 6),  # load flags and offset of a fragment
    (0x45, 5, 0, 0x1FFF),
    (0xB1, 0, 0, 0),  # X = length of the IP header
    (0x50, 0, 0, _UDP_HEAD),  # load the first byte of the content
    (0x54, 0, 0, 0xC0),
    (0x15, 0, 1, 0x80),
    (0x6, 0, 0, _LARGEST),  # take it
    (0x6, 0, 0, 0),  # leave it
)


class LoopbackTap:
    """A tap on the loopback interface, until `close`; needs a running event loop."""

    def __init__(self, hear: Hear) -> None:
        """Begin to listen. Raises OSError where this process may not, or where there is no such thing."""
        if sys.platform != "linux":
            raise OSError("packets can be copied on Linux only")
        self._hear = hear
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)  # of no protocol yet: the filter comes first
        try:
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
            _attach(self._socket)
            ask_for_timestamps(self._socket)
            self._socket.bind(("lo", _ETH_P_IP))
        except OSError:
            self._socket.close()
            raise
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._readable)

    def close(self) -> None:
        """Take what has come, and listen no more."""
        self._readable()
        self._loop.remove_reader(self._socket)
        self._socket.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def _readable(self) -> None:
        for _ in range(_BATCH):
            try:
                data, ancillary, _, (_, _, kind, *_) = self._socket.recvmsg(_LARGEST, 64)
            except OSError:
                return
            if kind != _OUTGOING:
                self._take(data, arrival(ancillary))

    def _take(self, data: bytes, at: float) -> None:
        head = (data[0] & 0x0F) * 4
        source, target, length = struct.unpack_from("!HHH", data, head)
        content = data[head + _UDP_HEAD : head + length]
        sender, receiver = socket.inet_ntoa(data[12:16]), socket.inet_ntoa(data[16:20])
        self._hear(at, content, "udp", (sender, source), (receiver, target))


def _attach(sock: socket.socket) -> None:
    """Have the kernel leave out what the filter does."""
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *each) for each in _FILTER))
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HL", len(_FILTER), ctypes.addressof(program)))
