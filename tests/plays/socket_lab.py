"""Neighbours on real sockets, and a proxy between them."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from proxy.core.call_record import CallRecords
from proxy.core.proxy_core import ProxyCore
from proxy.core.routing import Listener
from proxy.core.settings import CoreSettings
from proxy.sip.flow import Flow
from proxy.sip.message import Request, Response, parse
from proxy.sip.stream import KEEPALIVE, Framer
from proxy.transport.server import Server
from simulator.loopback import free_port
from tests.plays.dialogue import TRUNKS, new_policy, request

T = TypeVar("T")
Contexts = tuple[ssl.SSLContext, ssl.SSLContext]  # of a server, and of a client that checks its certificate
HOST, SWITCH_HOST, PHONE_HOST, TRUNK_HOST = "127.0.0.1", "127.0.0.9", "127.0.0.77", "127.0.1.1"


async def soon(event: Awaitable[T]) -> T:
    """Await what should happen at once; two seconds are for a busy machine."""
    return await asyncio.wait_for(event, 2)


class Peer(asyncio.DatagramProtocol):
    """A UDP neighbour with a mailbox."""

    transport: asyncio.DatagramTransport
    flow: Flow

    def __init__(self) -> None:
        self.mail: asyncio.Queue[bytes] = asyncio.Queue()

    @classmethod
    @asynccontextmanager
    async def at(cls, host: str) -> AsyncIterator[Peer]:
        transport, peer = await asyncio.get_running_loop().create_datagram_endpoint(cls, local_addr=(host, 0))
        peer.transport = transport
        bound, port = transport.get_extra_info("sockname")
        peer.flow = Flow("udp", bound, port, 0)
        try:
            yield peer
        finally:
            transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        self.mail.put_nowait(data)

    def send(self, data: bytes, port: int) -> None:
        self.transport.sendto(data, (HOST, port))

    async def hears(self, what: int | str) -> Any:
        message = parse(await soon(self.mail.get()))
        assert what == (message.method if isinstance(message, Request) else message.status)
        return message


class Stream:
    """A TCP or TLS neighbour."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        transport = "tcp" if writer.get_extra_info("ssl_object") is None else "tls"
        host, port = writer.get_extra_info("sockname")
        self.flow = Flow(transport, host, port, 0)
        self._framer = Framer()
        self._waiting: list[bytes] = []

    @classmethod
    @asynccontextmanager
    async def to(
        cls, port: int, context: ssl.SSLContext | None = None, host: str = PHONE_HOST
    ) -> AsyncIterator[Stream]:
        """A connection from `host`."""
        stream = cls(*await soon(asyncio.open_connection(HOST, port, ssl=context, local_addr=(host, 0))))
        try:
            yield stream
        finally:
            stream.writer.close()
            with suppress(OSError):  # the proxy was quicker
                await stream.writer.wait_closed()

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def hears(self, what: int | str) -> Any:
        while not self._waiting:
            data = await soon(self.reader.read(65536))
            assert data, "connection closed"
            self._waiting = [message for message in self._framer.feed(data) if message != KEEPALIVE]
        message = parse(self._waiting.pop(0))
        assert what == (message.method if isinstance(message, Request) else message.status)
        return message

    async def is_served(self) -> bool:
        """True if a keep-alive is answered."""
        self.send(b"\r\n\r\n")
        return await soon(self.reader.readexactly(2)) == b"\r\n"

    async def is_closed(self) -> bool:
        try:
            return await soon(self.reader.read(1)) == b""
        except ConnectionResetError:
            return True


class SocketLab:
    """A proxy between a switch and whoever connects; its records and its ports."""

    def __init__(self, switch: Peer, tls: ssl.SSLContext | None, limits: dict[str, Any]) -> None:
        self.switch = switch
        self.records: list[dict[str, Any]] = []
        self.udp, self.tcp, self.tls = (free_port(HOST) for _ in range(3))
        listeners = (Listener("udp", HOST, self.udp), Listener("tcp", HOST, self.tcp)) + (
            (Listener("tls", HOST, self.tls),) if tls else ()
        )
        self.core = ProxyCore(CoreSettings(listeners, switch.flow, TRUNKS.find, trying_after=0.0), new_policy())
        self.server = Server(self.core, [CallRecords(self._take_line)], tls=tls, **limits)

    def _take_line(self, line: str) -> None:
        self.records.append(json.loads(line))

    async def is_alive(self) -> bool:
        async with Peer.at(TRUNK_HOST) as peer:
            peer.send(request("OPTIONS", peer.flow, uri=f"sip:{HOST}:{self.udp}"), self.udp)
            return isinstance(await peer.hears(200), Response)


@asynccontextmanager
async def running(tls: ssl.SSLContext | None = None, **limits: Any) -> AsyncIterator[SocketLab]:
    async with Peer.at(SWITCH_HOST) as switch:
        lab = SocketLab(switch, tls, limits)
        await lab.server.start()
        try:
            yield lab
        finally:
            lab.server.close()
            await asyncio.sleep(0)  # lets the transports say goodbye
