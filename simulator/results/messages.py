"""messages.jsonl: the SIP messages of a run, one line each, as they passed at the sockets of the lab.

    for message in read_messages(run / "messages.jsonl"): ...       # all, about in order of time
    messages_of(run, "1f2e@127.0.1.1")                              # one call, all its legs, in order of time

How they get there: `message_recorder`. The members of a line: scenarios/README.md.
"""

from __future__ import annotations

import json
import mmap
from base64 import b64decode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
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


def quoted_call_id(line: bytes) -> bytes:
    """The Call-ID of a line as JSON has it: `"..."` or null."""
    return line[_CALL_ID : line.find(b',"at":', _CALL_ID)]


def near_id(line: bytes) -> bytes | None:
    """The Call-ID, as JSON has it, of the call that a message begins another leg of, where the softswitch says so."""
    begin = line.find(_LEG)
    if begin < 0:
        return None
    begin += len(_LEG)
    return b'"' + line[begin : line.find(rb"\r\n", begin)] + b'"'


def read_messages(path: Path) -> Iterator[Message]:
    """All messages of a file, about in order of time; nothing where there is no file. Half a line ends it."""
    if path.exists():
        with path.open("rb") as file:
            yield from map(_message, whole_lines(file))


def messages_of(run: Path, call_id: str, legs: Iterable[str] = ()) -> list[Message]:
    """The messages of one call of a run by the Call-ID with which it left its caller, in order of time.

    `legs` are further Call-IDs of it, as the proxy's record tells; those that the softswitch marks as legs of the call
    are found anyway. Quick without an index, in a file of any size.
    """
    path = run / MESSAGES
    if not path.exists() or not path.stat().st_size:
        return []
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        ids = {quoted(each).encode() for each in (call_id, *legs)}
        own = quoted(call_id).encode()
        ids |= {quoted_call_id(line) for line in _lines_with(data, _LEG + own[1:-1] + rb"\r\n") if near_id(line) == own}
        found = [line for each in ids for line in _lines_with(data, b'"call_id":' + each + b",")]
        return sorted(map(_message, dict.fromkeys(found)), key=lambda message: message.at)


def _lines_with(data: mmap.mmap, text: bytes) -> Iterator[bytes]:
    at = data.find(text)
    while at >= 0:
        begin, end = data.rfind(b"\n", 0, at) + 1, data.find(b"\n", at)
        if end < 0:
            return
        yield data[begin : end + 1]
        at = data.find(text, end)


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


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)
