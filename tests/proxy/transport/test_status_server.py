"""A few pages over HTTP, on real sockets: what it answers, and that nobody holds it up."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus

import pytest
from structlog.testing import capture_logs

from proxy.observability.health import Page
from proxy.transport import status_server
from proxy.transport.status_server import StatusServer
from simulator.loopback import free_port

HOST = "127.0.0.61"


def _fails() -> Page:
    raise RuntimeError("no page")


@asynccontextmanager
async def serving() -> AsyncIterator[int]:
    """The port of a server with a page that is well and one that fails."""
    port = free_port(HOST)
    server = StatusServer(HOST, port, {"/well": lambda: Page(HTTPStatus.OK, b"well\n"), "/ill": _fails})
    await server.start()
    yield port
    server.close()


async def answer_to(port: int, *sent: bytes) -> bytes:
    """All that comes back until the connection is closed."""
    reader, writer = await asyncio.open_connection(HOST, port)
    for data in sent:
        writer.write(data)
        await writer.drain()
        await asyncio.sleep(0)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_a_page_is_served_once_and_the_connection_closed() -> None:
    async with serving() as port:
        head, _, body = (await answer_to(port, b"GET /well HTTP/1.1\r\n", b"Host: x\r\n\r\n")).partition(b"\r\n\r\n")
        assert head.split(b"\r\n") == [
            b"HTTP/1.1 200 OK",
            b"Content-Type: text/plain; charset=utf-8",
            b"Content-Length: 5",
            b"Connection: close",
        ]
        assert body == b"well\n"
        assert (await answer_to(port, b"HEAD /well HTTP/1.1\r\n\r\n")).endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", b"404 Not Found"),
        (b"DELETE /well HTTP/1.1\r\n\r\n", b"405 Method Not Allowed"),
        (b"GET /well\r\n\r\n", b"400 Bad Request"),
        (b"\xff\xfe\r\n\r\n", b"400 Bad Request"),
        (b"GET /well SIP/2.0\r\n\r\n", b"400 Bad Request"),
    ],
)
async def test_all_else_is_refused(sent: bytes, status: bytes) -> None:
    async with serving() as port:
        assert (await answer_to(port, sent)).startswith(b"HTTP/1.1 " + status)


async def test_a_page_that_fails_stops_nothing() -> None:
    async with serving() as port:
        with capture_logs() as logs:
            assert (await answer_to(port, b"GET /ill HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 500 ")
        assert [entry["event"] for entry in logs] == ["internal_error"]
        assert (await answer_to(port, b"GET /well HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 200 ")


async def test_who_says_nothing_is_let_go_and_so_is_who_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status_server, "_PATIENCE", 0.01)
    async with serving() as port:
        for sent in (b"GET /well HTTP/1.1\r\n", b"x" * 10_000):
            with suppress(ConnectionError):
                assert await answer_to(port, sent) == b""


async def test_who_says_nothing_keeps_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status_server, "_MOST", 2)
    async with serving() as port:
        held = [await asyncio.open_connection(HOST, port) for _ in range(5)]
        assert (await answer_to(port, b"GET /well HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        held[4][1].write(b"GET /well HTTP/1.1\r\n\r\n")
        for reader, _ in held[:4]:
            with suppress(ConnectionError):
                assert await reader.read() == b""
        assert (await held[4][0].read()).startswith(b"HTTP/1.1 200 ")
        for _, writer in held:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


async def test_an_address_that_is_taken_is_named() -> None:
    async with serving() as port:
        with pytest.raises(OSError, match="in use") as taken:
            await StatusServer(HOST, port, {}).start()
        assert taken.value.filename == f"tcp:{HOST}:{port}"


async def test_a_request_leaves_no_reference_cycles() -> None:
    """The proxy runs with the collector off while there are calls."""
    server = StatusServer(HOST, 1, {"/well": lambda: Page(HTTPStatus.OK, b"well\n")})

    class Transport(asyncio.Transport):
        def __init__(self) -> None:
            super().__init__()
            self.written, self.closed = b"", False

        def write(self, data: object) -> None:
            assert isinstance(data, bytes)
            self.written += data

        def close(self) -> None:
            self.closed = True

        def is_closing(self) -> bool:
            return self.closed

    def serve() -> bytes:
        transport, connection = Transport(), status_server._Connection(server)
        connection.connection_made(transport)
        connection.data_received(b"GET /well HTTP/1.1\r\n\r\n")
        connection.connection_lost(None)
        return transport.written

    assert serve().endswith(b"well\n")
    gc.collect()
    gc.disable()
    try:
        serve()
        assert gc.collect() == 0
    finally:
        gc.enable()
    assert not server.open
