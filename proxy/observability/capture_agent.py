"""The proxy as a capture agent: sends copies of all messages, and a call's record, to a collector over HEPv3."""

from __future__ import annotations

import socket
import struct
import time
from collections import Counter
from collections.abc import Sequence
from typing import ClassVar

import structlog

from proxy.core.call_record import CallRecords, record_line
from proxy.core.events import Answered, Ended, Event, Shadowed, Unanswered
from proxy.observability.hep import LOG, SIP, Address, Correlations, Node, Packets
from proxy.observability.message_log import call_id_of, is_message
from proxy.sip.flow import Flow
from proxy.sip.uri import hostport

_QUIET = 10.0  # seconds between two warnings

log = structlog.get_logger()


class CaptureAgent:
    """Hears messages and events, and sends packets to the `collector` (host, port), which it never waits for.

    `addresses` are those of the listeners, by the index that flows have. An INVITE of the `softswitch` may tell which
    call its leg is for: what passes later has the correlation id of that call. What cannot be sent is counted as
    `hep_lost`, and told of in the log, every 10 s at most.
    """

    hears: ClassVar[frozenset[type[Event]]] = CallRecords.hears

    def __init__(
        self,
        collector: Address,
        node: Node,
        addresses: Sequence[Address],
        softswitch: str,
        counters: Counter[str],
    ) -> None:
        self._packets = Packets(node)
        self._collector = collector
        self._addresses = tuple(addresses)
        self._softswitch = softswitch
        self._counters = counters
        self._correlations = Correlations()
        self._tell_at = 0.0
        self._socket = socket.socket(socket.AF_INET6 if ":" in collector[0] else socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._connected = False

    def received(self, data: bytes, flow: Flow) -> None:
        """A message came."""
        if is_message(data):
            call_id = call_id_of(data)
            if call_id is not None and flow.host == self._softswitch and data.startswith(b"INVITE "):
                self._correlations.learn(call_id, data)
            self._copy(data, flow.transport, flow[1:3], self._addresses[flow.local], call_id)

    def sent(self, data: bytes, flow: Flow) -> None:
        """A message leaves."""
        if is_message(data):
            self._copy(data, flow.transport, self._addresses[flow.local], flow[1:3], call_id_of(data))

    def __call__(self, event: Event) -> None:
        """A call, its end or what a source in shadow mode said of it has a record: its line is an entry of its own."""
        if isinstance(event, (Answered, Unanswered)):
            call_id, call, _, elapsed, waited = event.judged
            at = call.arrival + waited + elapsed  # when it was decided
        elif isinstance(event, (Ended, Shadowed)):
            call_id, at = event.call_id, event.at
        else:
            return
        ours = self._addresses[0]
        self._send(LOG, at, "udp", ours, ours, record_line(event).encode(), call_id)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _copy(self, data: bytes, transport: str, sender: Address, receiver: Address, call_id: str | None) -> None:
        self._send(SIP, time.time(), transport, sender, receiver, data, self._correlations.of(call_id))

    def _send(
        self,
        kind: int,
        at: float,
        transport: str,
        sender: Address,
        receiver: Address,
        payload: bytes,
        correlation: str | None,
    ) -> None:
        try:
            packet = self._packets.packet(kind, at, transport, sender, receiver, payload, correlation)
            if not self._connected:  # there may have been no way until now
                self._socket.connect(self._collector)
                self._connected = True
            try:
                self._socket.send(packet)
            except ConnectionRefusedError as error:  # one before came to a closed port
                self._lose(error.strerror or str(error))
                self._socket.send(packet)
        except (ValueError, struct.error) as error:  # TooLong; whatever it is, calls go on
            self._lose(str(error))
        except OSError as error:
            self._lose(error.strerror or str(error))

    def _lose(self, why: str) -> None:
        self._counters["hep_lost"] += 1
        now = time.monotonic()
        if now >= self._tell_at:
            self._tell_at = now + _QUIET
            log.warning("hep_lost", collector=hostport(*self._collector), lost=self._counters["hep_lost"], detail=why)
