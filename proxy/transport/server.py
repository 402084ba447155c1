"""Every socket of the proxy, and its clock: pumps bytes and time through the core.

UDP goes through asyncio-dgram (datagrams.py), TCP and TLS through asyncio's own protocols (streams.py); uvloop runs
both where it is installed. Nothing in here looks inside a SIP message.
"""

from __future__ import annotations

import asyncio
import gc
import ssl
from collections.abc import Callable, Iterable
from time import perf_counter
from typing import Final

import structlog

from proxy.core.events import Event, EventListener, hears
from proxy.core.proxy_core import ProxyCore
from proxy.core.routing import Listener
from proxy.observability.log import EventLog
from proxy.observability.message_log import MessageListener
from proxy.sip.flow import Flow
from proxy.sip.timers import NEVER
from proxy.transport.datagrams import Datagrams
from proxy.transport.knocking import Knocker
from proxy.transport.resolving import LookUp, Resolver, SaveChanges
from proxy.transport.streams import Streams

log = structlog.get_logger()

_TICK: Final = 0.02  # seconds; an alarm wakes us for all the timers that end within the same tick
_LATE: Final = 0.005  # seconds that a timer may be late before a message that woke us anyway has it run
_WATCH: Final = 1.0  # seconds between two looks at what operators should hear of
_SET: Final = 0.05  # seconds; two readings of both clocks differ by less
_TOLD: Final = 1.0  # and from here on operators hear of it: more than clocks are kept right by
_HOUSEKEEPING: Final = 10  # and as many of them between two rounds of housekeeping


class Server:
    """Runs a core on its sockets. `listeners` hear of each event, in order; `save` keeps what subscribers changed of
    their profiles, and tells whether it could; `look_up` asks a remote source about a caller. `messages` hears of every
    message that passes, `transits` how many seconds went by from reading one until all that it brought about was sent.
    `clocks_apart` says what to add to the loop's time to get seconds since 1970: the core follows it.

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
        messages: MessageListener | None = None,
        transits: Callable[[float], None] | None = None,
        clocks_apart: Callable[[], float] | None = None,
    ) -> None:
        self.core = core
        self.listeners: tuple[Listener, ...] = core.settings.listeners
        if tls is None and (bare := next((one for one in self.listeners if one.transport == "tls"), None)):
            raise ValueError(f"tls:{bare.host_port} has no certificate: give the server an SSL context")
        self.message_bytes = message_bytes
        self.messages = messages
        self.transits = transits
        self._clocks_apart = clocks_apart
        self._event_log = EventLog(core.settings.softswitch, core.settings.find_trunk)
        self._loop = asyncio.get_running_loop()
        self.now = self._loop.time
        self._resolver = Resolver(core, self.now, self.flush, save, look_up)
        self._events: tuple[EventListener, ...] = (self._resolver, self._event_log, *listeners)
        self._hearing: dict[type[Event], tuple[EventListener, ...]] = {}  # of each kind of events
        self._datagrams = Datagrams(self)
        self._sockets = self._datagrams.sockets
        self._streams = Streams(self, max_connections, tls)
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = NEVER
        self._look_at = 0.0  # when the timers are to be looked at again
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
            await self._datagrams.listen(local, listener)
        else:
            self._streams.listen(local, listener)

    def take(self, data: bytes, flow: Flow) -> None:
        """Take a datagram, and send what comes of it; one that is too long is let go."""
        if len(data) > self.message_bytes:
            return
        if self.transits is None:
            self.flush(self.receive(data, flow))
        else:
            started = perf_counter()
            self.flush(self.receive(data, flow))
            self.transits(perf_counter() - started)

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
        """Send what the core has to say, tell what happened, and see to its timers."""
        core = self.core
        if core.outbox:
            outbox = core.outbox.copy()
            core.outbox.clear()
            messages, sockets = self.messages, self._sockets
            for flow, data in outbox:
                if messages is not None:
                    messages.sent(data, flow)
                if flow[0] == "udp":
                    try:
                        sockets[flow[3]].sendto(data, (flow[1], flow[2]))
                    except OSError as error:  # a full buffer among them: dropped, as the network would
                        self._datagrams.count_error(error)
                else:
                    self._streams.send(flow, data)
        if core.outputs:
            self._tell_listeners()
        if not now or now >= self._look_at:
            self._see_to_timers(now)

    def _see_to_timers(self, now: float) -> None:
        """Run what is due in the wake of a message, a few at a time, where messages come often; an alarm is for the
        times between. While one is soon to ring, the timers need no look after each message."""
        due = self.core.next_timer()
        if due + _LATE < now:
            self._run_timers()
            return
        if due < self._alarm_at - _TICK:
            if self._alarm is not None:
                self._alarm.cancel()
            self._alarm_at = (due // _TICK + 1) * _TICK
            self._alarm = self._loop.call_at(self._alarm_at, self._ring)
        self._look_at = now + _LATE if self._alarm_at < now + 2 * _TICK else 0.0

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

    def _watch(self, count: int = 0) -> None:
        """Once a second; `count` is how often before."""
        if self.core.outputs:  # of streams
            self._tell_listeners()
        self.keep_time()
        self._event_log.write_due(self.now())
        if count and count % _HOUSEKEEPING == 0:
            self._streams.close_idle()
            if not self.core.transactions:
                gc.collect()
        self._watching = self._loop.call_later(_WATCH, self._watch, count + 1)

    def keep_time(self) -> None:
        """Tell the core where the time of day was set, or went on while the machine was suspended."""
        if self._clocks_apart is None:
            return
        epoch = self._clocks_apart()
        by = epoch - self.core.settings.clock.epoch
        if abs(by) >= _SET:
            self.core.set_epoch(epoch)
            if abs(by) >= _TOLD:
                log.warning("time_of_day_set", seconds=round(by, 3))

    def connections(self) -> int:
        """The number of TCP and TLS connections."""
        return len(self._streams)

    def datagrams_lost(self) -> int:
        """The number of datagrams for which the kernel's buffers had no room (Linux; else 0)."""
        return self._datagrams.lost()

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
        self._datagrams.close()
