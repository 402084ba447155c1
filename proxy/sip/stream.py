"""Framing over TCP and TLS by Content-Length (RFC 3261 18.3)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from proxy.sip.errors import MessageTooLarge, Unanswerable

_CONTENT_LENGTH = re.compile(rb"\r\n(?:content-length|l)[ \t]*:[ \t]*(\d{1,9})[ \t]*(?=\r\n)", re.IGNORECASE)
KEEPALIVE = b"\r\n\r\n"


class Framer:
    """Cuts a byte stream into messages. One for each connection; what it buffers is bounded by `limit` bytes."""

    def __init__(self, limit: int = 65536) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._searched = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take bytes in, give whole messages out; a double CRLF between messages comes out as a keep-alive
        (RFC 5626 4.4.1) and single ones are skipped.

        Raises, after the messages that came before, MessageTooLarge, and Unanswerable where Content-Length is
        missing: the connection is then of no more use, since nobody knows where the next message starts.
        """
        buffer = self._buffer
        buffer += data
        while buffer:
            if buffer[0] in b"\r\n":
                if buffer[:4] == KEEPALIVE:
                    del buffer[:4]
                    yield KEEPALIVE
                elif KEEPALIVE.startswith(buffer[:4]):
                    break
                else:
                    del buffer[: len(buffer) - len(buffer.lstrip(b"\r\n"))]
                continue
            end = buffer.find(KEEPALIVE, self._searched)
            if end < 0:
                self._searched = max(0, len(buffer) - 3)
                if len(buffer) > self._limit:
                    raise MessageTooLarge(f"more than {self._limit} bytes of headers")
                break
            length = _CONTENT_LENGTH.search(buffer, 0, end + 2)
            if length is None:
                raise Unanswerable("no Content-Length on a stream")
            size = end + 4 + int(length[1])
            if size > self._limit:
                raise MessageTooLarge(f"message of {size} bytes, at most {self._limit} taken")
            if len(buffer) < size:
                break
            message = bytes(buffer[:size])
            del buffer[:size]
            self._searched = 0
            yield message
