"""The recorded messages of a run and the records of its calls, sent over HEPv3 with the times at which they passed."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from proxy.observability.hep import LOG, SIP, Correlations, Node, Packets, TooLong
from proxy.sip.uri import hostport
from simulator.addresses import Address, read_address
from simulator.errors import LabError
from simulator.results.messages import MESSAGES, Message, read_messages
from simulator.results.run_reader import PlayedCall, addresses, lines_of, messages_of_call
from simulator.wording import counted

_BURST = 10  # packets that are sent without a pause
_ANSWERS_WITHIN = 0.02  # seconds in which a closed port on this machine says so
_UNKNOWN = ("127.0.0.1", 5060)  # the proxy's address where the run left no config


class Sent(NamedTuple):
    """The numbers of messages and records that were sent, and of those that are too long for a datagram."""

    messages: int
    records: int
    too_long: int

    def __str__(self) -> str:
        left_out = f"; {counted(self.too_long, 'message')} too long for a datagram" if self.too_long else ""
        return f"{counted(self.messages, 'message')} and {counted(self.records, 'record')} sent{left_out}"


class _Item(NamedTuple):
    kind: int
    since_1970: float
    transport: str
    sender: Address
    receiver: Address
    data: bytes
    correlation: str | None


def send_hep(calls: Sequence[tuple[Path, PlayedCall | None]], collector: Address, node: Node, rate: float) -> Sent:
    """Send what passed through the proxy, and its records: of calls of runs, or of all where it is None.

    It goes at `rate` packets a second, so that a collector can follow. Raises LabError where that cannot be reached,
    and FileErrors where it is no run.
    """
    for run, _ in calls:
        next(lines_of(run / "calls.jsonl"), None)  # raises where it is no run
    items = chain.from_iterable(_of_all(run) if call is None else _of_call(run, call) for run, call in calls)
    packets, counts = Packets(node), {SIP: 0, LOG: 0}
    too_long = 0
    family = socket.AF_INET6 if ":" in collector[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as out:
        try:
            out.connect(collector)
            for item in _paced(items, rate):
                try:
                    packet = packets.packet(*item)
                except TooLong:
                    too_long += 1
                    continue
                out.send(packet)
                counts[item.kind] += 1
            time.sleep(_ANSWERS_WITHIN)
            if error := out.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise OSError(error, os.strerror(error))
        except ConnectionRefusedError:
            raise LabError(f"udp:{hostport(*collector)}: nothing listens there for HEP") from None
        except OSError as error:
            raise LabError(f"udp:{hostport(*collector)}: {error.strerror}") from None
    return Sent(counts[SIP], counts[LOG], too_long)


def _paced(items: Iterable[_Item], rate: float) -> Iterator[_Item]:
    """The same at that many a second, a few at a time; what could not be sent in time is not caught up with."""
    due = time.monotonic()
    for number, item in enumerate(items, 1):
        yield item
        if number % _BURST == 0:
            due = max(due + _BURST / rate, time.monotonic())
            time.sleep(due - time.monotonic() if due > time.monotonic() else 0)


def _of_call(run: Path, call: PlayedCall) -> Iterator[_Item]:
    for message in messages_of_call(run, call):
        yield _item(message, call.call_id)
    yield from (_entry(record, ours) for ours, record in _records(run) if record["call_id"] == call.call_id)


def _of_all(run: Path) -> Iterator[_Item]:
    """Messages in order of time, each with the id of its call, then the records."""
    told = ((leg, record["call_id"]) for _, record in _records(run) for leg in record.get("legs", ()))
    correlations = Correlations(told)
    for message in read_messages(run / MESSAGES):
        if message.proxied:
            if message.call_id is not None and message.data.startswith(b"INVITE "):
                correlations.learn(message.call_id, message.data)
            yield _item(message, correlations.of(message.call_id))
    yield from (_entry(record, ours) for ours, record in _records(run))


def _item(message: Message, correlation: str | None) -> _Item:
    at = message.time.timestamp()
    return _Item(SIP, at, message.transport, message.sender, message.receiver, message.data, correlation)


def _records(run: Path) -> Iterator[tuple[Address, dict[str, Any]]]:
    """The lines that the proxy wrote of calls, with its address; none where it wrote none."""
    path = run / "proxy-calls.jsonl"
    if not path.exists():
        return
    ours = next((name for name, what in addresses(run).items() if what == "proxy"), None)
    address = read_address(ours) if ours else _UNKNOWN
    yield from ((address, record) for record in lines_of(path))


def _entry(record: dict[str, Any], ours: Address) -> _Item:
    """The record as it stands in the file, at the moment of the verdict."""
    at = datetime.fromisoformat(record["timestamp"]).timestamp()
    if record["event"] == "call":
        at += record.get("waited_ms", 0) / 1e3 + record["elapsed_us"] / 1e6
    data = json.dumps(record, separators=(",", ":")).encode()
    return _Item(LOG, at, "udp", ours, ours, data, record["call_id"])
