"""Every UDP socket of the proxy: asyncio-dgram's protocol, which here hands each datagram over as it arrives.

Its own queues have no bound. What there is no time for waits in the kernel's buffer instead, which has one. Errors (an
ICMP answer to something sent earlier, perhaps to another peer) are counted and let go: they must not stop the next
datagram.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from contextlib import suppress
from typing import Any

import structlog
from asyncio_dgram.aio import Protocol as DatagramProtocol

from proxy.core.routing import Listener
from proxy.sip.flow import Flow
from proxy.transport.pump import Pump

log = structlog.get_logger()

_RECEIVE_BUFFER = 4 << 20  # bytes of datagrams that the kernel holds for us while we are busy
_SO_MEMINFO = 55  # socket(7) of Linux, which Python has no name for; the ninth number is that of drops
_MOST_FLOWS = 10_000  # peers of a socket whose flow is remembered


class Datagrams:
    """The `sockets`, by the index of their listener. The server sends on them itself: asyncio-dgram would queue without
    bound what does not fit, and raises for ICMP errors that others caused."""

    def __init__(self, pump: Pump) -> None:
        self._pump = pump
        self._loop = asyncio.get_running_loop()
        self._transports: list[asyncio.BaseTransport] = []
        self.sockets: dict[int, socket.socket] = {}

    async def listen(self, local: int, listener: Listener) -> None:
        """Receive at a listener, the one with index `local`. Raises OSError where it cannot be opened."""
        family = socket.AF_INET6 if ":" in listener.host else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_DGRAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
            sock.bind((listener.host, listener.port))
            sock.setblocking(False)
        except OSError:
            sock.close()
            raise
        transport, _ = await self._loop.create_datagram_endpoint(lambda: Inbox(self, self._pump, local), sock=sock)
        self._transports.append(transport)
        self.sockets[local] = sock

    def count_error(self, error: Exception) -> None:
        """Something could not be sent, or somebody refused it."""
        self._pump.core.counters["socket_error"] += 1
        log.debug("socket_error", detail=str(error))

    def lost(self) -> int:
        """The number of datagrams for which the kernel's buffers had no room (Linux; else 0)."""
        lost = 0
        for sock in self.sockets.values():
            with suppress(OSError):
                lost += int.from_bytes(sock.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 36)[32:], sys.byteorder)
        return lost

    def close(self) -> None:
        """Close every socket."""
        for transport in self._transports:
            transport.close()


class Inbox(DatagramProtocol):
    """Gives the datagrams of one socket to the pump. Peers speak again and again: their flows are kept."""

    def __init__(self, datagrams: Datagrams, pump: Pump, local: int) -> None:
        super().__init__(asyncio.Queue(), asyncio.Queue(), asyncio.Event())  # which stay as they are
        self._datagrams = datagrams
        self._take = pump.take
        self._local = local
        self._flows: dict[Any, Flow] = {}

    def datagram_received(self, data: bytes, address: Any) -> None:
        self._take(data, self._flows.get(address) or self._flow(address))

    def _flow(self, address: Any) -> Flow:
        if len(self._flows) >= _MOST_FLOWS:
            self._flows.clear()
        flow = self._flows[address] = Flow("udp", address[0], address[1], self._local)
        return flow

    def error_received(self, error: Exception) -> None:
        self._datagrams.count_error(error)

    def connection_lost(self, error: Exception | None) -> None:
        if error is not None:
            self._datagrams.count_error(error)
