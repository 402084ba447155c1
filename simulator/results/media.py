"""media.bin: the RTP packets of a run, beside its messages and in the same format.

A packet belongs to a call whose messages describe one of its two ends (SDP, RFC 8866 5.7, 5.14), from then on until the
call is over.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from simulator.addresses import Address
from simulator.results.message_file import MessageFile, Record, read_records
from simulator.results.messages import Message, in_order

MEDIA = "media.bin"
_AFTER = 1.0  # seconds beyond the last message of a call: sound that was on its way
_HOSTS = re.compile(rb"^c=IN IP[46] ([^\s/]+)", re.MULTILINE)
_PORTS = re.compile(rb"^m=audio (\d+)", re.MULTILINE)
_LOWEST_PORT = 1024  # below are those that nothing is sent to: 0 (no stream) and 9 (discard)


class Passing(Protocol):
    """A packet that passed from one address to another, at a second of `time.monotonic`."""

    @property
    def at(self) -> float: ...
    @property
    def sender(self) -> Address: ...
    @property
    def receiver(self) -> Address: ...


class Ends:
    """The ends of streams that messages describe."""

    def __init__(self, messages: Iterable[Message]) -> None:
        self._described: defaultdict[Address, list[tuple[float, str | None]]] = defaultdict(list)
        self._last: dict[str | None, float] = {}
        for message in messages:
            self._last[message.call_id] = message.at
            for end in ends_in(message.data):
                self._described[end].append((message.at, message.call_id))

    def __contains__(self, packet: Passing) -> bool:
        return any(
            begin <= packet.at <= self._last[call] + _AFTER
            for end in (packet.sender, packet.receiver)
            for begin, call in self._described.get(end, ())
        )


def ends_in(data: bytes) -> Iterator[Address]:
    """The ends that a message describes, those of RTCP (the next port, RFC 3550 11) included."""
    body = data.partition(b"\r\n\r\n")[2]
    for port in map(int, _PORTS.findall(body) if b"m=audio" in body else ()):
        for host in _HOSTS.findall(body) if port >= _LOWEST_PORT else ():
            yield from ((host.decode("ascii", "replace"), each) for each in (port, port + 1))


def read_media(run: Path, ends: Ends | None = None) -> Iterator[Message]:
    """The packets of a run, or those of some ends, in order of time; nothing where there are none."""
    for record in in_order(read_records(run / MEDIA)):
        if ends is None or record in ends:
            at, since_1970, proxied, transport, sender, receiver, data = record
            moment = datetime.fromtimestamp(since_1970, UTC)
            yield Message(at, moment, transport, sender, receiver, None, proxied, data)


def keep_media(path: Path, ends: Ends) -> None:
    """Leave the packets of these ends in the file. Raises OSError, and leaves it as it is, where there is no room."""
    fresh = MessageFile(path.with_name(f".{path.name}.part"))
    for record in _of(path, ends):
        fresh.add(record)
    fresh.replace(path)


def _of(path: Path, ends: Ends) -> Iterator[Record]:
    return (record for record in read_records(path) if record in ends)
