"""messages.bin: the SIP messages of a run, as they passed at the sockets of the lab.

    for message in read_messages(run / MESSAGES): ...               # all, in order of time
    messages_of(run, "1f2e@127.0.1.1")                              # one call, all its legs

How they get there: `message_recorder`; the format: `message_file`. `ringfence messages` prints them as JSON.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple

from proxy.observability.message_log import call_id_of, message_line
from simulator.addresses import Address
from simulator.agents.orders import CALL_HEADER
from simulator.results.message_file import Record, read_records

MESSAGES = "messages.bin"
Mode = Literal["never", "failed", "all"]

_LATE = 4096  # messages that one may be heard late
_LEG = f"\r\n{CALL_HEADER}: ".encode()
_NAMED = re.compile(re.escape(_LEG) + rb"([^\r\n]*)")


class Message(NamedTuple):
    """One message. `at` is when it passed, in seconds of `time.monotonic`, and `time` the same in UTC.

    `call_id` is None where it has none, `proxied` False in the pass straight to the softswitch.
    """

    at: float
    time: datetime
    transport: str
    sender: Address
    receiver: Address
    call_id: str | None
    proxied: bool
    data: bytes


@dataclass(frozen=True, slots=True)
class Recorded:
    """The messages of a run that were wanted, and how many are in the file, were left out, or could not be written."""

    mode: Mode
    kept: int = 0
    dropped: int = 0
    lost: int = 0
    why: str = ""


class Calls:
    """Tells the bytes of messages of these calls, given by Call-ID, from others: with all legs that the softswitch says
    are theirs. A leg is known from its first message on, which names the call.
    """

    def __init__(self, call_ids: Iterable[str]) -> None:
        self._ids = set(call_ids)

    def __contains__(self, data: bytes) -> bool:
        if (call_id := call_id_of(data)) is None:
            return False
        if call_id in self._ids:
            return True
        begin = data.find(_LEG)
        if begin < 0:
            return False
        near = data[begin + len(_LEG) : data.find(b"\r", begin + len(_LEG))].decode("utf-8", "backslashreplace")
        if near.strip() not in self._ids:
            return False
        self._ids.add(call_id)
        return True


def read_messages(path: Path, calls: Calls | None = None) -> Iterator[Message]:
    """All messages of a file, or those of some calls, in order of time; nothing where there is no file.

    Raises FileErrors for a file of another format. It takes about two microseconds a message.
    """
    for record in in_order(read_records(path)):
        if calls is None or record.data in calls:
            at, since_1970, proxied, transport, sender, receiver, data = record
            moment = datetime.fromtimestamp(since_1970, UTC)
            yield Message(at, moment, transport, sender, receiver, call_id_of(data), proxied, data)


def messages_of(run: Path, call_id: str, legs: Iterable[str] = ()) -> list[Message]:
    """The messages of one call of a run by the Call-ID with which it left its caller, in order of time.

    `legs` are further Call-IDs of it, as the proxy's record tells; those that the softswitch marks as legs of the call
    are found anyway. The file is read from end to end.
    """
    return list(read_messages(run / MESSAGES, Calls((call_id, *legs))))


def messages_by_call(run: Path, legs: Mapping[str, Iterable[str]]) -> dict[str, list[Message]]:
    """The messages of several calls, by their Call-IDs, each with further ones as `messages_of` takes them; the file is
    read once."""
    found: dict[str, list[Message]] = {call_id: [] for call_id in legs}
    owners = {leg: call_id for call_id, more in legs.items() for leg in (call_id, *more)}
    for message in read_messages(run / MESSAGES, Calls(owners)) if owners else ():
        own = message.call_id or ""
        if own not in owners and (named := _NAMED.search(message.data)):
            owners[own] = owners.get(named[1].decode("utf-8", "replace").strip(), "")
        if owner := owners.get(own):
            found[owner].append(message)
    return found


def json_lines(path: Path, calls: Calls | None = None) -> Iterator[str]:
    """The messages of a file as the lines of JSON that scenarios/README.md describes."""
    for record in in_order(read_records(path)):
        if calls is None or record.data in calls:
            at, since_1970, proxied, transport, sender, receiver, data = record
            more = "" if proxied else '"proxied":false,'
            yield message_line(at, since_1970, data, transport, sender, receiver, more)


def in_order(records: Iterable[Record]) -> Iterator[Record]:
    """The same by time: what arrives has the kernel's time stamp, and is heard a little later than what is sent."""
    heap: list[tuple[float, int, Record]] = []
    for number, record in enumerate(records):
        if len(heap) < _LATE:
            heapq.heappush(heap, (record.at, number, record))
        else:
            yield heapq.heappushpop(heap, (record.at, number, record))[2]
    yield from (record for _, _, record in sorted(heap))
