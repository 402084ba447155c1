"""Answers HTTP GETs of a few pages: metrics, and whether the proxy is well. One request a connection (RFC 9112 9.6).

By hand on asyncio's protocols, since calls must not wait: with the garbage collector off (see the command), what leaves
reference cycles behind would stay.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import cast

import structlog

from proxy.observability.health import Page

log = structlog.get_logger()

_MOST = 32  # connections at once; the oldest makes room for one more
_LONGEST = 8192  # bytes of a request
_PATIENCE = 5.0  # seconds from connecting to having the answer


class StatusServer:
    """Serves `pages`, by path, at an address. A page is made anew for each request."""

    def __init__(self, host: str, port: int, pages: Mapping[str, Callable[[], Page]]) -> None:
        self.pages = pages
        self.open: dict[asyncio.BaseTransport, asyncio.Transport] = {}  # oldest first
        self._host, self._port = host, port
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen. Raises OSError, with the address as its `filename`."""
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(lambda: _Connection(self), self._host, self._port)
        except OSError as error:
            host = f"[{self._host}]" if ":" in self._host else self._host
            error.filename = f"tcp:{host}:{self._port}"
            raise

    def close(self) -> None:
        """Close the listener and what is connected."""
        if self._server is not None:
            self._server.close()
        for transport in [*self.open]:
            transport.close()

    def answer(self, head: bytes) -> bytes:
        """The whole answer to the head of a request."""
        words = head.partition(b"\r\n")[0].decode("latin-1").split(" ")
        method, path = (words[0], words[1].partition("?")[0]) if len(words) == 3 else ("", "")
        if not method or not words[2].startswith("HTTP/1."):
            page = Page(HTTPStatus.BAD_REQUEST, b"not HTTP/1.1\n")
        elif (make := self.pages.get(path)) is None:
            page = Page(HTTPStatus.NOT_FOUND, "".join(f"{known}\n" for known in self.pages).encode())
        elif method not in ("GET", "HEAD"):
            page = Page(HTTPStatus.METHOD_NOT_ALLOWED, b"GET or HEAD\n")
        else:
            page = _made(make)
        lines = (
            f"HTTP/1.1 {page.status.value} {page.status.phrase}",
            f"Content-Type: {page.content_type}",
            f"Content-Length: {len(page.body)}",
            "Connection: close",
            *(("Allow: GET, HEAD",) if page.status is HTTPStatus.METHOD_NOT_ALLOWED else ()),
            "\r\n",
        )
        return "\r\n".join(lines).encode() + (b"" if method == "HEAD" else page.body)


def _made(make: Callable[[], Page]) -> Page:
    try:
        return make()
    except Exception:  # calls go on, and operators hear of it
        log.exception("internal_error")
        return Page(HTTPStatus.INTERNAL_SERVER_ERROR, b"see the log\n")


class _Connection(asyncio.Protocol):
    """One request, and the end."""

    def __init__(self, server: StatusServer) -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._head = b""
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if len(self._server.open) >= _MOST:
            oldest = next(iter(self._server.open))  # who says nothing keeps nobody out who does
            self._server.open.pop(oldest).abort()
        self._transport = cast(asyncio.Transport, transport)
        self._server.open[transport] = self._transport
        self._timer = asyncio.get_running_loop().call_later(_PATIENCE, self._transport.abort)

    def data_received(self, data: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        self._head += data
        if b"\r\n\r\n" in self._head:
            self._transport.write(self._server.answer(self._head))
            self._transport.close()
        elif len(self._head) > _LONGEST:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._server.open.pop(self._transport, None)
        self._transport = self._timer = None
