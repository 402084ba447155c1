"""Lines of JSON about SIP messages: when one passed, from where to where, and its bytes.

The proxy's own message log holds such lines, and so does the messages.jsonl of a run (see scenarios/README.md).
"""

from __future__ import annotations

import re
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quoted

from proxy.sip.flow import Flow

_CALL_ID = b"\r\nCall-ID: "
_ANY_CALL_ID = re.compile(rb"\r\n(?:call-id|i)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)
_CLOCK_HOLDS = 1.0  # seconds after which the time of day is looked up again
_KEEP_ALIVE = 4  # bytes: line ends and zeros, which are no message


class MessageLines:
    """Writes messages as lines; `more` are members that stand in all of them, such as `"proxied":false,`.

    Moments are given in seconds of `time.monotonic`; a line tells the time of day as well, by how far apart the two
    clocks were when `set_clock` was last called. The whole costs some two microseconds a message.
    """

    def __init__(self, more: str = "") -> None:
        self._more = more
        self._second, self._shown = -1, ""
        self.set_clock()

    def set_clock(self) -> None:
        """Compare the clocks: the time of day may have been set."""
        self._offset = time.time() - time.monotonic()

    def line(self, at: float, data: bytes, transport: str, sender: tuple[str, int], receiver: tuple[str, int]) -> str:
        """One message, without the end of the line. What is not UTF-8 is told in base64."""
        second, microsecond = divmod(round((at + self._offset) * 1e6), 1_000_000)
        if second != self._second:
            self._second, self._shown = second, datetime.fromtimestamp(second, UTC).isoformat()[:19]
        begin = data.find(_CALL_ID)
        if begin > 0:
            begin += 11
            call_id = quoted(data[begin : data.find(b"\r", begin)].decode("utf-8", "backslashreplace").strip())
        else:
            call_id = _unusual_call_id(data)
        try:
            message = f'"message":{quoted(data.decode())}'
        except UnicodeDecodeError:
            message = f'"base64":"{b64encode(data).decode()}"'
        addresses = _addresses(transport, sender, receiver)
        return (
            f'{{"timestamp":"{self._shown}.{microsecond:06}Z","call_id":{call_id},"at":{at:.6f},'
            f"{addresses}{self._more}{message}}}"
        )


class MessageLog:
    """Writes the messages that pass at a proxy's listeners: `addresses` are these, by the index that flows have.

    `without` holds peers (transport, host, port) whose messages are not wanted, `write` takes a line.
    """

    def __init__(
        self,
        write: Callable[[str], None],
        addresses: Sequence[tuple[str, int]],
        without: Iterable[tuple[str, str, int]] = (),
    ) -> None:
        self._write = write
        self._addresses = tuple(addresses)
        self._without = frozenset(without)
        self._lines = MessageLines()
        self._set_at = 0.0

    def received(self, data: bytes, flow: Flow) -> None:
        """A message came."""
        if flow[:3] not in self._without and is_message(data):
            self._write(self._lines.line(self._now(), data, flow.transport, flow[1:3], self._addresses[flow.local]))

    def sent(self, data: bytes, flow: Flow) -> None:
        """A message leaves."""
        if flow[:3] not in self._without and is_message(data):
            self._write(self._lines.line(self._now(), data, flow.transport, self._addresses[flow.local], flow[1:3]))

    def _now(self) -> float:
        now = time.monotonic()
        if now > self._set_at + _CLOCK_HOLDS:
            self._lines.set_clock()
            self._set_at = now
        return now


def is_message(data: bytes) -> bool:
    """True if it may be a SIP message, and is no keep-alive (RFC 5626 3.5.1)."""
    return len(data) > _KEEP_ALIVE


def _unusual_call_id(data: bytes) -> str:
    """The Call-ID of a message that writes its name in another way, or has none: null."""
    found = _ANY_CALL_ID.search(data.partition(b"\r\n\r\n")[0])
    return quoted(found[1].decode("utf-8", "backslashreplace").strip()) if found else "null"


@lru_cache(maxsize=4096)
def _addresses(transport: str, sender: tuple[str, int], receiver: tuple[str, int]) -> str:
    return f'"transport":"{transport}","from":"{_shown(sender)}","to":"{_shown(receiver)}",'


def _shown(address: tuple[str, int]) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
