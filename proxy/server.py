"""Every socket of the proxy, and its clock: pumps bytes and time through the core.

UDP goes through asyncio-dgram, TCP and TLS through asyncio's own streams protocol; uvloop runs both where it is
installed. Nothing in here looks inside a SIP message.
"""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
from collections.abc import Callable
from typing import Any, cast

import structlog
from asyncio_dgram.aio import DatagramServer
from asyncio_dgram.aio import Protocol as DatagramProtocol

from proxy.core import ProxyCore
from proxy.forwarding import Listener
from proxy.sip.errors import SipError
from proxy.sip.flow import Flow
from proxy.sip.stream import KEEPALIVE, Framer
from proxy.sip.timers import NEVER

log = structlog.get_logger()

_RECEIVE_BUFFER = 4 << 20  # bytes of datagrams that the kernel holds for us while we are busy
_WRITE_BUFFER = 1 << 20  # bytes a stream peer may leave unread before its connection is dropped
_TICK = 0.02  # seconds; an alarm wakes us for all the timers that end within the same tick
_LATE = 0.005  # seconds that a timer may be late before a message that woke us anyway has it run
_IDLE = 900.0  # seconds after which a connection without messages is closed
_FIRST = 30.0  # seconds within which a connection must bring its first message
_HANDSHAKE = 10.0  # seconds for that of TLS
_CONNECT = 5.0  # seconds a connection may take to be made


class _Handover:
    """Stands where asyncio-dgram keeps its receive and error queues.

    Its own queues have no bound. Here a datagram is handled as it arrives, and what there is no time for waits in the
    kernel's buffer, which has one. Errors (an ICMP answer to something sent earlier, perhaps to another peer) are
    counted and let go: they must not stop the next datagram.
    """

    def __init__(self, take: Callable[[Any], None]) -> None:
        self.put_nowait = take

    def get_nowait(self) -> Any:
        raise asyncio.QueueEmpty


class _Connection(asyncio.Protocol):
    """One TCP or TLS connection, accepted or made by us."""

    def __init__(self, server: Server, local: int) -> None:
        self._server = server
        self._local = local
        self._framer = Framer(server.message_bytes)
        self._waiting: list[bytes] = []  # what is to be sent once the connection stands
        self.transport: asyncio.Transport | None = None
        self.flow: Flow | None = None
        self.last_heard = 0.0

    def connection_made(self, base: asyncio.BaseTransport) -> None:
        transport = cast(asyncio.Transport, base)  # what it is, but uvloop's does not say so
        peer = transport.get_extra_info("peername")
        if not peer:  # gone before it was looked at
            transport.abort()
            return
        self.transport = transport
        self.last_heard = self._server.now() - _IDLE + _FIRST
        transport.set_write_buffer_limits(high=_WRITE_BUFFER)
        self.flow = Flow(self._server.listeners[self._local].transport, peer[0], peer[1], self._local)
        if not self._server.register(self.flow, self):
            transport.abort()
            return
        for data in self._waiting:
            transport.write(data)
        self._waiting.clear()

    def data_received(self, data: bytes) -> None:
        if self.flow is None or self.transport is None:
            return
        try:
            for message in self._framer.feed(data):
                self.last_heard = self._server.now()
                if message == KEEPALIVE:
                    self.send(b"\r\n")
                else:
                    self._server.receive(message, self.flow)
        except SipError as error:
            log.info("stream_unusable", peer=self.flow.host, port=self.flow.port, detail=error.detail)
            self.transport.close()
        self._server.flush()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        if self.flow is not None:
            self._server.forget(self.flow, self)

    def send(self, data: bytes) -> None:
        if self.transport is None:
            if sum(map(len, self._waiting)) < _WRITE_BUFFER:
                self._waiting.append(data)
        elif self.transport.get_write_buffer_size() > _WRITE_BUFFER:
            self.transport.abort()
        else:
            self.transport.write(data)

    def close(self) -> None:
        if self.transport is not None:
            self.transport.abort()


class Server:
    """Runs a core on its sockets. `write_record` takes the JSON line of each call that ended."""

    def __init__(
        self,
        core: ProxyCore,
        write_record: Callable[[str], None],
        *,
        tls: ssl.SSLContext | None = None,
        max_connections: int = 1024,
        message_bytes: int = 65536,
    ) -> None:
        self.core = core
        self.listeners: tuple[Listener, ...] = core.settings.listeners
        self.message_bytes = message_bytes
        self._write_record = write_record
        self._tls = tls
        self._max_connections = max_connections
        self._loop = asyncio.get_running_loop()
        self.now = self._loop.time
        self._datagrams: dict[int, DatagramServer] = {}
        self._sockets: dict[int, socket.socket] = {}  # theirs, to send on
        self._acceptors: list[asyncio.Server] = []
        self._connections: dict[Flow, _Connection] = {}
        self._connecting: set[asyncio.Task[None]] = set()
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = NEVER
        self._housekeeping: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Open every listener. Raises OSError, with the listener as its `filename`, where one cannot be opened."""
        for local, listener in enumerate(self.listeners):
            try:
                await self._open(local, listener)
            except OSError as error:
                self.close()
                error.filename = f"{listener.transport}:{listener.host_port}"
                raise
        self._keep_house()

    async def _open(self, local: int, listener: Listener) -> None:
        if listener.transport == "udp":
            self._datagrams[local] = await self._open_datagrams(local, listener)
            return

        def accept() -> _Connection:
            return _Connection(self, local)

        tls = self._tls if listener.transport == "tls" else None
        self._acceptors.append(
            await self._loop.create_server(
                accept,
                listener.host,
                listener.port,
                ssl=tls,
                backlog=256,
                ssl_handshake_timeout=_HANDSHAKE if tls else None,
            )
        )

    async def _open_datagrams(self, local: int, listener: Listener) -> DatagramServer:
        family = socket.AF_INET6 if ":" in listener.host else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_DGRAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
            sock.bind((listener.host, listener.port))
            sock.setblocking(False)
        except OSError:
            sock.close()
            raise
        inbox: Any = _Handover(self._inbox(local))
        errors: Any = _Handover(self._count_error)
        drained = asyncio.Event()
        transport: Any
        transport, _ = await self._loop.create_datagram_endpoint(
            lambda: DatagramProtocol(inbox, errors, drained), sock=sock
        )
        self._sockets[local] = sock
        return DatagramServer(transport, inbox, errors, drained)

    def _inbox(self, local: int) -> Callable[[tuple[bytes | None, Any]], None]:
        receive, flush = self.receive, self.flush

        def take(item: tuple[bytes | None, Any]) -> None:
            data, address = item
            if data is not None and len(data) <= self.message_bytes:
                flush(receive(data, Flow("udp", address[0], address[1], local)))

        return take

    def _count_error(self, error: Exception) -> None:
        self.core.counters["socket_error"] += 1
        log.debug("socket_error", detail=str(error))

    def receive(self, data: bytes, flow: Flow) -> float:
        """Give one message to the core, and say when that was; no message may stop the proxy."""
        now = self.now()
        try:
            self.core.receive(data, flow, now)
        except Exception:
            self.core.counters["internal_error"] += 1
            log.exception("internal_error", peer=flow.host, port=flow.port, message=data[:2000].decode("latin-1"))
        return now

    def flush(self, now: float = 0.0) -> None:
        """Send what the core has to say, write what it has to report, and see to its next timer.

        Timers that are due go off in the wake of a message, a few at a time, where messages come often; an alarm is
        for the times between.
        """
        core = self.core
        if core.outbox:
            outbox = core.outbox.copy()
            core.outbox.clear()
            for flow, data in outbox:
                if flow[0] == "udp":
                    self._send_datagram(flow, data)
                else:
                    self._send_on_stream(flow, data)
        if core.records:
            for line in core.records:
                self._write_record(line)
            core.records.clear()
        due = core.next_timer()
        if due + _LATE < now:
            self._run_timers()
        elif due < self._alarm_at:
            due = (due // _TICK + 1) * _TICK
            if self._alarm is not None:
                self._alarm.cancel()
            self._alarm, self._alarm_at = self._loop.call_at(due, self._ring), due

    def _ring(self) -> None:
        self._alarm, self._alarm_at = None, NEVER
        self._run_timers()

    def _run_timers(self) -> None:
        try:
            self.core.run_timers(self.now())
        except Exception:
            self.core.counters["internal_error"] += 1
            log.exception("internal_error")
        self.flush()

    def _send_datagram(self, flow: Flow, data: bytes) -> None:
        """On the socket itself: asyncio-dgram would queue without bound what does not fit, and raises here for ICMP
        errors that others caused."""
        try:
            self._sockets[flow[3]].sendto(data, (flow[1], flow[2]))
        except OSError as error:  # a full buffer among them: dropped, as the network would
            self._count_error(error)

    def _send_on_stream(self, flow: Flow, data: bytes) -> None:
        connection = self._connections.get(flow)
        if connection is not None:
            connection.send(data)
        elif len(self._connections) + len(self._connecting) < self._max_connections:
            connection = self._connections[flow] = _Connection(self, flow.local)
            connection.send(data)
            task = self._loop.create_task(self._connect(flow, connection))
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)

    async def _connect(self, flow: Flow, connection: _Connection) -> None:
        tls = _client_context() if flow.transport == "tls" else None
        try:
            async with asyncio.timeout(_CONNECT):
                await self._loop.create_connection(lambda: connection, flow.host, flow.port, ssl=tls)
        except (OSError, TimeoutError) as error:
            log.info("connect_failed", peer=flow.host, port=flow.port, detail=str(error))
            self.forget(flow, connection)

    def register(self, flow: Flow, connection: _Connection) -> bool:
        """Note a connection that stands; False where there are too many."""
        if len(self._connections) >= self._max_connections and self._connections.get(flow) is not connection:
            self.core.counters["too_many_connections"] += 1
            return False
        self._connections[flow] = connection
        return True

    def forget(self, flow: Flow, connection: _Connection) -> None:
        """A connection ended or never stood."""
        if self._connections.get(flow) is connection:
            del self._connections[flow]
            self.core.transport_failed(flow, self.now())
            self.flush()

    def _keep_house(self) -> None:
        for connection in list(self._connections.values()):
            if connection.transport is not None and self.now() - connection.last_heard > _IDLE:
                connection.close()
        if not self.core.transactions:
            gc.collect()
        self._housekeeping = self._loop.call_later(_FIRST / 3, self._keep_house)

    async def drain(self, seconds: float) -> bool:
        """Refuse new calls and wait until those being set up are; False where they took longer than that."""
        self.core.draining = True
        deadline = self.now() + seconds
        while self.core.pending and self.now() < deadline:  # noqa: ASYNC110  # the core knows no event loop
            await asyncio.sleep(0.02)
        return not self.core.pending

    def close(self) -> None:
        """Close every socket."""
        for handle in (self._alarm, self._housekeeping):
            if handle is not None:
                handle.cancel()
        for acceptor in self._acceptors:
            acceptor.close()
        for connection in list(self._connections.values()):
            connection.close()
        for task in self._connecting:
            task.cancel()
        for stream in self._datagrams.values():
            stream.close()


def _client_context() -> ssl.SSLContext:
    """For connections that we make to a phone: its certificate cannot be checked by name (RFC 5922), so it is not."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
