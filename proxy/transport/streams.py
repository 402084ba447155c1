"""Every TCP and TLS connection of the proxy: accepted or made, counted, fed to the core, and let go.

Sockets are accepted here, not by asyncio: a connection counts from then on, through its TLS handshake as well.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import Awaitable
from time import perf_counter
from typing import Any, cast

from proxy.core.routing import Listener
from proxy.sip.errors import SipError
from proxy.sip.flow import Flow
from proxy.sip.stream import KEEPALIVE, Framer
from proxy.transport.pump import Pump

_WRITE_BUFFER = 1 << 20  # bytes a stream peer may leave unread before its connection is dropped
_IDLE = 900.0  # seconds after which a connection without messages is closed
_FIRST = 30.0  # seconds within which a connection must bring its first message
_STANDS = {"tcp": 5.0, "tls": 10.0}  # seconds a connection may take to be made, its handshake included
_BACKLOG = 256  # connections that the kernel holds until we accept them
_NO_FILES = 1.0  # seconds without accepting once the process has no file descriptor left
_STRANGERS = 16  # sources that no trunk matches get one in so many connections
_ONE_ADDRESS = 4  # and any one address one in so many


class Connection(asyncio.Protocol):
    """One TCP or TLS connection; `transport` is None until it stands."""

    def __init__(self, streams: Streams, pump: Pump, flow: Flow, *, stranger: bool = False) -> None:
        self.flow = flow
        self.stranger = stranger
        self.transport: asyncio.Transport | None = None
        self.last_heard = 0.0
        self._streams = streams
        self._pump = pump
        self._framer = Framer(pump.message_bytes)
        self._waiting: list[bytes] = []  # what is to be sent once the connection stands

    def connection_made(self, base: asyncio.BaseTransport) -> None:
        transport = cast(asyncio.Transport, base)  # what it is, but uvloop's does not say so
        self.transport = transport
        self.last_heard = self._pump.now() - _IDLE + _FIRST
        transport.set_write_buffer_limits(high=_WRITE_BUFFER)
        for data in self._waiting:
            transport.write(data)
        self._waiting.clear()

    def data_received(self, data: bytes) -> None:
        if (transits := self._pump.transits) is None:
            self._take(data)
        else:
            started = perf_counter()
            self._take(data)
            transits(perf_counter() - started)

    def _take(self, data: bytes) -> None:
        pump = self._pump
        try:
            for message in self._framer.feed(data):
                self.last_heard = pump.now()
                if message == KEEPALIVE:
                    self.send(b"\r\n")
                else:
                    pump.receive(message, self.flow)
        except SipError as error:
            pump.core.peer_events.note("stream_unusable", self.flow)
            pump.core.refuse(error, self.flow)
            pump.flush()
            if self.transport is not None:
                self.transport.close()
        if self._framer.between_messages:  # a lone CRLF or zero byte is a keep-alive that asks for no answer
            self.last_heard = pump.now()
        pump.flush()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        self._streams.forget(self)

    def send(self, data: bytes) -> None:
        if self.transport is None:
            if sum(map(len, self._waiting)) < _WRITE_BUFFER:
                self._waiting.append(data)
        elif self.transport.get_write_buffer_size() > _WRITE_BUFFER:
            self.transport.abort()
        else:
            self.transport.write(data)


class Streams:
    """All connections. At most `limit` of them, of which strangers and any one address get a share only: they
    cannot keep out phones and trunks. The softswitch may have as many as it likes within the limit."""

    def __init__(self, pump: Pump, limit: int, tls: ssl.SSLContext | None) -> None:
        self._pump = pump
        self._limit = limit
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._listening: list[socket.socket] = []
        self._connections: dict[Flow, Connection] = {}
        self._by_host: Counter[str] = Counter()
        self._strangers = 0
        self._opening: set[asyncio.Task[None]] = set()
        self._refused: set[Flow] = set()  # flows that wait to be told failed

    def __len__(self) -> int:
        return len(self._connections)

    def listen(self, local: int, listener: Listener) -> None:
        """Accept connections at a listener, the one with index `local`. Raises OSError where it cannot be opened."""
        family = socket.AF_INET6 if ":" in listener.host else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind((listener.host, listener.port))
            sock.listen(_BACKLOG)
            sock.setblocking(False)
        except OSError:
            sock.close()
            raise
        self._listening.append(sock)
        self._resume(sock, local)

    def _resume(self, sock: socket.socket, local: int) -> None:
        if sock.fileno() >= 0:
            self._loop.add_reader(sock, self._accept, sock, local)

    def _accept(self, listening: socket.socket, local: int) -> None:
        listener = self._pump.core.settings.listeners[local]
        for _ in range(_BACKLOG):
            try:
                sock, address = listening.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError:  # no file descriptor left: try again when others have ended
                here = Flow(listener.transport, listener.host, listener.port, local)
                self._pump.core.peer_events.note("accept_failed", here)
                self._loop.remove_reader(listening)
                self._loop.call_later(_NO_FILES, self._resume, listening, local)
                return
            self._take_in(sock, Flow(listener.transport, address[0], address[1], local))

    def _take_in(self, sock: socket.socket, flow: Flow) -> None:
        core = self._pump.core
        softswitch = flow.host == core.settings.softswitch.host
        stranger = not softswitch and core.settings.find_trunk(flow.host, flow.port) is None
        if (old := self._connections.get(flow)) is not None:  # ended, though we have not heard of it yet
            self.forget(old)
        if (
            len(self._connections) >= self._limit
            or (stranger and self._strangers >= max(1, self._limit // _STRANGERS))
            or (not softswitch and self._by_host[flow.host] >= max(1, self._limit // _ONE_ADDRESS))
        ):
            core.counters["too_many_connections"] += 1
            core.peer_events.note("too_many_connections", flow)
            sock.close()
            return
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = self._enter(Connection(self, self._pump, flow, stranger=stranger))
        tls = self._tls if flow.transport == "tls" else None
        self._open(connection, self._loop.connect_accepted_socket(lambda: connection, sock, ssl=tls))

    def send(self, flow: Flow, data: bytes) -> None:
        """Over the connection to that peer, which is made where there is none. One that cannot be made fails its
        transactions, a moment later."""
        connection = self._connections.get(flow)
        if connection is None:
            if len(self._connections) >= self._limit:
                self._refuse(flow)
                return
            connection = self._enter(Connection(self, self._pump, flow))
            tls = _client_context() if flow.transport == "tls" else None
            made = connection
            self._open(made, self._loop.create_connection(lambda: made, flow.host, flow.port, ssl=tls))
        connection.send(data)

    def _refuse(self, flow: Flow) -> None:
        core = self._pump.core
        core.counters["too_many_connections"] += 1
        core.peer_events.note("too_many_connections", flow)
        if not self._refused:
            self._loop.call_soon(self._fail_refused)
        self._refused.add(flow)

    def _fail_refused(self) -> None:
        refused, self._refused = self._refused, set()
        for flow in refused:
            self._pump.core.transport_failed(flow, self._pump.now())
        self._pump.flush()

    def _open(self, connection: Connection, opening: Awaitable[Any]) -> None:
        task = self._loop.create_task(self._bring_up(connection, opening))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _bring_up(self, connection: Connection, opening: Awaitable[Any]) -> None:
        try:
            async with asyncio.timeout(_STANDS[connection.flow.transport]):
                await opening
        except (OSError, TimeoutError):
            self._pump.core.peer_events.note("connection_failed", connection.flow)
        finally:
            if connection.transport is None:
                self.forget(connection)

    def _enter(self, connection: Connection) -> Connection:
        self._connections[connection.flow] = connection
        self._by_host[connection.flow.host] += 1
        self._strangers += connection.stranger
        return connection

    def forget(self, connection: Connection) -> None:
        """A connection ended or never stood."""
        flow = connection.flow
        if self._connections.get(flow) is not connection:
            return
        del self._connections[flow]
        self._strangers -= connection.stranger
        self._by_host[flow.host] -= 1
        if not self._by_host[flow.host]:
            del self._by_host[flow.host]
        self._pump.core.transport_failed(flow, self._pump.now())
        self._pump.flush()

    def close_idle(self) -> None:
        """Let go of connections that bring nothing."""
        now = self._pump.now()
        for connection in list(self._connections.values()):
            if connection.transport is not None and now - connection.last_heard > _IDLE:
                connection.transport.abort()

    def close(self) -> None:
        """Close every socket."""
        for sock in self._listening:
            self._loop.remove_reader(sock)
            sock.close()
        connections = list(self._connections.values())
        self._connections.clear()
        for connection in connections:
            if connection.transport is not None:
                connection.transport.abort()
        for task in self._opening:
            task.cancel()


def _client_context() -> ssl.SSLContext:
    """For connections that we make to a phone: its certificate cannot be checked by name (RFC 5922), so it is not."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
