"""Framing over TCP and TLS by Content-Length (RFC 3261 18.3)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from proxy.sip.errors import BadRequest, MessageTooLarge, SipError
from proxy.sip.message import Broken, Request, broken_request, parse

# The values of all such lines, folded ones too: each ends where the next line begins.
_CONTENT_LENGTH = re.compile(rb"\r\n(?:content-length|l)[ \t]*:(.*?)(?=\r\n(?![ \t]))", re.IGNORECASE | re.DOTALL)
_MOST_DIGITS = 9
_MOST_ZEROS = 8  # a keep-alive has one, the end of a C string a few; more are no SIP
KEEPALIVE = b"\r\n\r\n"


class Framer:
    """Cuts a byte stream into messages. One for each connection; what it buffers is bounded by `limit` bytes."""

    def __init__(self, limit: int = 65536) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._searched = 0
        self._zeros = 0  # in a row between messages

    @property
    def between_messages(self) -> bool:
        """True where all that came was whole."""
        return not self._buffer

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take bytes in, give whole messages out; a double CRLF between messages comes out as a keep-alive
        (RFC 5626 4.4.1); single ones and a few zero bytes, which some phones send beside it, are skipped.

        Raises, after the messages that came before, Broken with status 513 for too large a request, with 400 where
        Content-Length is missing, is no number or says two things; and, where there is no request to answer,
        MessageTooLarge and BadRequest. The connection is then of no more use: the next message may start anywhere.
        """
        buffer = self._buffer
        buffer += data
        while buffer:
            if buffer[0] == 0 and self._zeros < _MOST_ZEROS:
                self._zeros += 1
                del buffer[0]
                continue
            if buffer[0] in b"\r\n":
                self._zeros = 0
                if buffer[:4] == KEEPALIVE:
                    del buffer[:4]
                    yield KEEPALIVE
                elif KEEPALIVE.startswith(buffer[:4]):
                    break
                else:
                    del buffer[0]  # no more at once: to look far ahead each time would take time without bound
                continue
            end = buffer.find(KEEPALIVE, self._searched)
            if end < 0:
                self._searched = max(0, len(buffer) - 3)
                if len(buffer) > self._limit:
                    whole_lines = buffer[: buffer.rfind(b"\r\n")]
                    raise _about(whole_lines, MessageTooLarge(f"more than {self._limit} bytes of headers"))
                break
            try:
                size = end + 4 + _body_length(buffer, end)
                if size > self._limit:
                    raise MessageTooLarge(f"message of {size} bytes, at most {self._limit} taken")
            except SipError as error:
                raise _about(buffer[:end], error) from None
            if len(buffer) < size:
                break
            message = bytes(buffer[:size])
            del buffer[:size]
            self._searched = self._zeros = 0
            yield message


def _body_length(buffer: bytearray, end: int) -> int:
    """The length of the body by the headers before `end`, in bytes."""
    found: list[bytes] = _CONTENT_LENGTH.findall(buffer, 0, end + 2)
    if len(found) == 1 and len(found[0]) <= _MOST_DIGITS and found[0].strip().isdigit():  # as in nearly all messages
        return int(found[0])
    given = [value.strip() for value in found]
    if not given:
        raise BadRequest("no Content-Length on a stream")
    if not all(map(bytes.isdigit, given)):
        raise BadRequest("Content-Length is not a number")
    lengths = {value.lstrip(b"0") for value in given}
    if len(lengths) > 1:
        raise BadRequest("two different Content-Lengths")
    digits = lengths.pop()
    if len(digits) > _MOST_DIGITS:
        raise MessageTooLarge("more than there is memory for")
    return int(digits or b"0")


def _about(head: bytearray, error: SipError) -> SipError:
    """Add to an error the request that these headers are of, so that it can be answered."""
    try:
        message = parse(bytes(head) + KEEPALIVE)
    except SipError as also_wrong:
        request = broken_request(also_wrong)
    else:
        request = message if isinstance(message, Request) else None
    return error if request is None else Broken(error, request)
