"""Every socket of the proxy, and its clock: pumps bytes and time through the core.

UDP goes through asyncio-dgram, TCP and TLS through asyncio's own protocols (streams.py); uvloop runs both where it is
installed. Nothing in here looks inside a SIP message.
"""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from time import perf_counter
from typing import Any

import structlog
from asyncio_dgram.aio import DatagramServer
from asyncio_dgram.aio import Protocol as DatagramProtocol

from proxy.core.events import Event, hears
from proxy.core.events import Listener as EventListener
from proxy.core.proxy_core import ProxyCore
from proxy.core.routing import Listener
from proxy.observability.log import EventLog
from proxy.observability.message_log import MessageLog
from proxy.sip.flow import Flow
from proxy.sip.timers import NEVER
from proxy.transport.knocking import Knocker
from proxy.transport.resolving import LookUp, Resolver, SaveChanges
from proxy.transport.streams import Streams

log = structlog.get_logger()

_RECEIVE_BUFFER = 4 << 20  # bytes of datagrams that the kernel holds for us while we are busy
_SO_MEMINFO = 55  # socket(7) of Linux, which Python has no name for; the ninth number is that of drops
_TICK = 0.02  # seconds; an alarm wakes us for all the timers that end within the same tick
_LATE = 0.005  # seconds that a timer may be late before a message that woke us anyway has it run
_WATCH = 1.0  # seconds between two looks at what operators should hear of
_HOUSEKEEPING = 10  # and as many of them between two rounds of housekeeping


def _timed(take: Callable[[Any], None], observe: Callable[[float], None]) -> Callable[[Any], None]:
    """The same, and `observe` hears how long each took, in seconds."""

    def take_in_time(item: Any) -> None:
        started = perf_counter()
        take(item)
        observe(perf_counter() - started)

    return take_in_time


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


class Server:
    """Runs a core on its sockets. `listeners` hear of each event, in order; `save` keeps what subscribers changed of
    their profiles, and tells whether it could; `look_up` asks a remote source about a caller. `messages` hears of every
    message that passes, `transits` how many seconds went by from reading one until all that it brought about was sent.

    Raises ValueError for a TLS listener without `tls`.
    """

    def __init__(
        self,
        core: ProxyCore,
        listeners: Iterable[EventListener] = (),
        *,
        save: SaveChanges | None = None,
        look_up: LookUp | None = None,
        tls: ssl.SSLContext | None = None,
        max_connections: int = 1024,
        message_bytes: int = 65536,
        messages: MessageLog | None = None,
        transits: Callable[[float], None] | None = None,
    ) -> None:
        self.core = core
        self.listeners: tuple[Listener, ...] = core.settings.listeners
        if tls is None and (bare := next((one for one in self.listeners if one.transport == "tls"), None)):
            raise ValueError(f"tls:{bare.host_port} has no certificate: give the server an SSL context")
        self.message_bytes = message_bytes
        self.messages = messages
        self.transits = transits
        self._event_log = EventLog(core.settings.softswitch, core.settings.find_trunk)
        self._loop = asyncio.get_running_loop()
        self.now = self._loop.time
        self._resolver = Resolver(core, self.now, self.flush, save, look_up)
        self._events: tuple[EventListener, ...] = (self._resolver, self._event_log, *listeners)
        self._hearing: dict[type[Event], tuple[EventListener, ...]] = {}  # of each kind of events
        self._datagrams: dict[int, DatagramServer] = {}
        self._sockets: dict[int, socket.socket] = {}  # theirs, to send on
        self._streams = Streams(self, max_connections, tls)
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = NEVER
        self._watching: asyncio.TimerHandle | None = None
        self._knocker: Knocker | None = None

    async def start(self) -> None:
        """Open every listener. Raises OSError, with the listener as its `filename`, where one cannot be opened."""
        for local, listener in enumerate(self.listeners):
            try:
                await self._open(local, listener)
            except OSError as error:
                self.close()
                error.filename = f"{listener.transport}:{listener.host_port}"
                raise
        self._knocker = self._make_knocker()
        self.core.watch.start(self.now())
        self._watch()
        self.flush()

    def _make_knocker(self) -> Knocker | None:
        """Tells of a softswitch whose UDP port is closed, where the core wants to know."""
        settings = self.core.settings
        softswitch = settings.softswitch
        if settings.probing is None or softswitch.transport != "udp":
            return None
        try:
            return Knocker(
                self.listeners[softswitch.local].host, (softswitch.host, softswitch.port), self._softswitch_refuses
            )
        except OSError as error:
            log.warning("no_way_to_softswitch", detail=error.strerror)
            return None

    def _softswitch_refuses(self) -> None:
        self.core.watch.refused(self.now())
        self.flush()

    async def _open(self, local: int, listener: Listener) -> None:
        if listener.transport == "udp":
            self._datagrams[local] = await self._open_datagrams(local, listener)
            return
        self._streams.listen(local, listener)

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

        return take if self.transits is None else _timed(take, self.transits)

    def _count_error(self, error: Exception) -> None:
        self.core.counters["socket_error"] += 1
        log.debug("socket_error", detail=str(error))

    def receive(self, data: bytes, flow: Flow) -> float:
        """Give one message to the core, and say when that was; no message may stop the proxy."""
        now = self.now()
        try:
            if self.messages is not None:
                self.messages.received(data, flow)
            self.core.receive(data, flow, now)
        except Exception:
            self.core.counters["internal_error"] += 1
            log.exception("internal_error", peer=flow.host, port=flow.port, message=data[:2000].decode("latin-1"))
        return now

    def flush(self, now: float = 0.0) -> None:
        """Send what the core has to say, tell what happened, and see to its next timer.

        Timers that are due go off in the wake of a message, a few at a time, where messages come often; an alarm is
        for the times between.
        """
        core = self.core
        if core.outbox:
            outbox = core.outbox.copy()
            core.outbox.clear()
            messages = self.messages
            for flow, data in outbox:
                if messages is not None:
                    messages.sent(data, flow)
                if flow[0] == "udp":
                    self._send_datagram(flow, data)
                else:
                    self._send_on_stream(flow, data)
        if core.outputs:
            self._tell_listeners()
        due = core.next_timer()
        if due + _LATE < now:
            self._run_timers()
        elif due < self._alarm_at:
            due = (due // _TICK + 1) * _TICK
            if self._alarm is not None:
                self._alarm.cancel()
            self._alarm, self._alarm_at = self._loop.call_at(due, self._ring), due

    def _tell_listeners(self) -> None:
        outputs = self.core.outputs.copy()
        self.core.outputs.clear()
        for event in outputs:
            kind = type(event)
            if (listeners := self._hearing.get(kind)) is None:
                listeners = self._hearing[kind] = tuple(one for one in self._events if hears(one, kind))
            for listener in listeners:
                try:
                    listener(event)
                except Exception:
                    self.core.counters["internal_error"] += 1
                    log.exception("internal_error")

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
        watch = self.core.watch
        if watch.knocks:
            watch.knocks = False
            if self._knocker is not None:
                self._knocker.knock()

    def _send_datagram(self, flow: Flow, data: bytes) -> None:
        """On the socket itself: asyncio-dgram would queue without bound what does not fit, and raises here for ICMP
        errors that others caused."""
        try:
            self._sockets[flow[3]].sendto(data, (flow[1], flow[2]))
        except OSError as error:  # a full buffer among them: dropped, as the network would
            self._count_error(error)

    def _send_on_stream(self, flow: Flow, data: bytes) -> None:
        self._streams.send(flow, data)

    def _watch(self, count: int = 0) -> None:
        """Once a second; `count` is how often before."""
        if self.core.outputs:  # of streams
            self._tell_listeners()
        self._event_log.write_due(self.now())
        if count % _HOUSEKEEPING == 0:
            self._streams.close_idle()
            if not self.core.transactions:
                gc.collect()
        self._watching = self._loop.call_later(_WATCH, self._watch, count + 1)

    def connections(self) -> int:
        """The number of TCP and TLS connections."""
        return len(self._streams)

    def datagrams_lost(self) -> int:
        """The number of datagrams for which the kernel's buffers had no room (Linux; else 0)."""
        lost = 0
        for sock in self._sockets.values():
            with suppress(OSError):
                lost += int.from_bytes(sock.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 36)[32:], sys.byteorder)
        return lost

    async def drain(self, seconds: float) -> bool:
        """Refuse new calls and wait until those being set up are; False where they took longer than that."""
        self.core.draining = True
        deadline = self.now() + seconds
        while self.core.pending and self.now() < deadline:  # noqa: ASYNC110  # the core knows no event loop
            await asyncio.sleep(0.02)
        return not self.core.pending

    def close(self) -> None:
        """Close every socket."""
        self._resolver.close()
        for handle in (self._alarm, self._watching):
            if handle is not None:
                handle.cancel()
        if self._knocker is not None:
            self._knocker.close()
        self._streams.close()
        for stream in self._datagrams.values():
            stream.close()
