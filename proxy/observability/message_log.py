"""Lines of JSON about SIP messages: when one passed, from where to where, and its bytes.

The proxy's own message log holds such lines, and `ringfence messages` prints those of a run so.
"""

from __future__ import annotations

import re
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quoted
from typing import Protocol

from proxy.sip.flow import Flow
from proxy.sip.uri import hostport

_CALL_ID = b"\r\nCall-ID: "
_ANY_CALL_ID = re.compile(rb"\r\n(?:call-id|i)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)
_CLOCK_HOLDS = 1.0  # seconds after which the time of day is looked up again
_KEEP_ALIVE = 4  # bytes: line ends and zeros, which are no message


class MessageListener(Protocol):
    """Hears of every message that passes at a proxy's listeners."""

    def received(self, data: bytes, flow: Flow) -> None:
        """A message came."""

    def sent(self, data: bytes, flow: Flow) -> None:
        """A message leaves."""


class MessageListeners:
    """Several of them, as one."""

    def __init__(self, listeners: Sequence[MessageListener]) -> None:
        self._listeners = tuple(listeners)

    def received(self, data: bytes, flow: Flow) -> None:
        """A message came."""
        for listener in self._listeners:
            listener.received(data, flow)

    def sent(self, data: bytes, flow: Flow) -> None:
        """A message leaves."""
        for listener in self._listeners:
            listener.sent(data, flow)


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
        self._set_at = self._offset = 0.0

    def received(self, data: bytes, flow: Flow) -> None:
        """A message came."""
        if flow[:3] not in self._without and is_message(data):
            self._note(data, flow.transport, flow[1:3], self._addresses[flow.local])

    def sent(self, data: bytes, flow: Flow) -> None:
        """A message leaves."""
        if flow[:3] not in self._without and is_message(data):
            self._note(data, flow.transport, self._addresses[flow.local], flow[1:3])

    def _note(self, data: bytes, transport: str, sender: tuple[str, int], receiver: tuple[str, int]) -> None:
        now = time.monotonic()
        if now > self._set_at + _CLOCK_HOLDS:
            self._offset, self._set_at = clocks_apart(), now
        self._write(message_line(now, now + self._offset, data, transport, sender, receiver))


def clocks_apart() -> float:
    """Seconds to add to `time.monotonic` to get seconds since 1970; it changes where the time of day is set."""
    return time.time() - time.monotonic()


def is_message(data: bytes) -> bool:
    """True if it may be a SIP message, and is no keep-alive (RFC 5626 3.5.1)."""
    return len(data) > _KEEP_ALIVE


def call_id_of(data: bytes) -> str | None:
    """The Call-ID of a message, read without parsing it; None where it has none."""
    begin = data.find(_CALL_ID)
    if begin >= 0 and (end := data.find(b"\r", begin + 11)) > 0:
        return data[begin + 11 : end].decode("utf-8", "backslashreplace").strip()
    found = _ANY_CALL_ID.search(data.partition(b"\r\n\r\n")[0])
    return found[1].decode("utf-8", "backslashreplace").strip() if found else None


def message_line(
    at: float,
    since_1970: float,
    data: bytes,
    transport: str,
    sender: tuple[str, int],
    receiver: tuple[str, int],
    more: str = "",
) -> str:
    """One message, without the end of the line; what is not UTF-8 is told in base64. It takes some two microseconds.

    `at` is the moment in seconds of `time.monotonic`; `more` are further members, such as `"proxied":false,`.
    """
    second, microsecond = divmod(round(since_1970 * 1e6), 1_000_000)
    call_id = call_id_of(data)
    try:
        message = f'"message":{quoted(data.decode())}'
    except UnicodeDecodeError:
        message = f'"base64":"{b64encode(data).decode()}"'
    return (
        f'{{"timestamp":"{_to_the_second(second)}.{microsecond:06}Z",'
        f'"call_id":{"null" if call_id is None else quoted(call_id)},"at":{at:.6f},'
        f"{_addresses(transport, sender, receiver)}{more}{message}}}"
    )


@lru_cache(maxsize=16)
def _to_the_second(since_1970: int) -> str:
    return datetime.fromtimestamp(since_1970, UTC).isoformat()[:19]


@lru_cache(maxsize=4096)
def _addresses(transport: str, sender: tuple[str, int], receiver: tuple[str, int]) -> str:
    return f'"transport":"{transport}","from":"{hostport(*sender)}","to":"{hostport(*receiver)}",'
