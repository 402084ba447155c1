"""messages.jsonl: the SIP messages of a run, one line each, as they passed at the sockets of the lab.

    for message in read_messages(run / "messages.jsonl"): ...       # all, about in order of time
    messages_of(run, "1f2e@127.0.1.1")                              # one call, all its legs, in order of time

How they get there: `message_recorder`. The members of a line: scenarios/README.md.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quoted
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

from simulator.addresses import Address
from simulator.agents.orders import CALL_HEADER

MESSAGES = "messages.jsonl"
Mode = Literal["never", "failed", "all"]

_STAMP = len('{"timestamp":"2026-11-29T04:55:01.123456Z"')  # lines in order of these bytes are in order of time
_CALL_ID = _STAMP + len(',"call_id":')
_LEG = CALL_HEADER.encode() + b": "


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


def whole_lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines of a file but for half a line at its end."""
    return (line for line in file if line.endswith(b"\n"))


def moment(line: bytes) -> bytes:
    """The part of a line that sorts as time does."""
    return line[:_STAMP]


class Calls:
    """Tells lines of these calls, given by Call-ID, from others: with all legs that the softswitch says are theirs.

    A leg is known from its first message on, which names the call.
    """

    def __init__(self, call_ids: Iterable[str]) -> None:
        self._ids = {quoted(call_id).encode() for call_id in call_ids}

    def __contains__(self, line: bytes) -> bool:
        call_id = line[_CALL_ID : line.find(b',"at":', _CALL_ID)]  # as JSON has it
        if call_id in self._ids:
            return True
        begin = line.find(_LEG)
        if begin < 0 or b'"' + line[begin + len(_LEG) : line.find(rb"\r\n", begin)] + b'"' not in self._ids:
            return False
        self._ids.add(call_id)
        return True


def read_messages(path: Path, calls: Calls | None = None) -> Iterator[Message]:
    """All messages of a file, or those of some calls, about in order of time; nothing where there is no file.

    Half a line ends it.
    """
    if path.exists():
        with path.open("rb") as file:
            lines = whole_lines(file)
            yield from map(_message, lines if calls is None else filter(calls.__contains__, lines))


def messages_of(run: Path, call_id: str, legs: Iterable[str] = ()) -> list[Message]:
    """The messages of one call of a run by the Call-ID with which it left its caller, in order of time.

    `legs` are further Call-IDs of it, as the proxy's record tells; those that the softswitch marks as legs of the call
    are found anyway. The file is read from end to end: a gigabyte takes about a second.
    """
    return sorted(read_messages(run / MESSAGES, Calls((call_id, *legs))), key=lambda message: message.at)


def _message(line: bytes) -> Message:
    read = json.loads(line)
    message = read.get("message")
    return Message(
        read["at"],
        datetime.fromisoformat(read["timestamp"]),
        read["transport"],
        _address(read["from"]),
        _address(read["to"]),
        read["call_id"],
        read.get("proxied", True),
        b64decode(read["base64"]) if message is None else message.encode(),
    )


@lru_cache(maxsize=4096)
def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)
