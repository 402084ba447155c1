"""Serves the pages on a socket until told to stop. The one place that knows the web server (uvicorn)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Callable, Iterator

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from simulator.errors import LabError
from simulator.stage.web.guard import App

_LARGEST_MESSAGE = 16 * 1024  # bytes from a page, by WebSocket
_CLOSES_WITHIN = 1  # seconds that open connections get at the end
MOST, FROM_ONE = 400, 200  # connections at a time, and of these from one address
PATIENCE = 10.0  # seconds for a whole request to come
_GIVES_WAY = 5  # niceness of what serves pages: a third of the proxy's share where both want a processor
STANDSTILL = 30.0  # seconds for which a page may read nothing, and there is more for it
KEPT = 5  # seconds for which a connection is kept after an answer, until the next request has come


class _Connection(H11Protocol):
    """A connection that is cut off where it says or reads nothing for too long: with --share everybody may open one."""

    _asking: asyncio.TimerHandle | None = None
    _standing: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.timeout_keep_alive = KEPT
        clients = [getattr(each, "client", None) for each in self.connections]
        same = sum(1 for client in clients if client and self.client and client[0] == self.client[0])
        if len(clients) > MOST or same > FROM_ONE:
            transport.abort()
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_asking()
        self._cancel_standing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._wait()

    def _wait(self) -> None:
        """Have patience with a request that is not whole, from its first byte on."""
        whole = self.cycle is not None and not self.cycle.more_body and not self.cycle.response_complete
        if whole or self.transport.get_protocol() is not self:  # a WebSocket has another protocol
            self._cancel_asking()
        elif self._asking is None:
            self._asking = self.loop.call_later(PATIENCE, self.transport.abort)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._cancel_standing()
        self._standing = self.loop.call_later(STANDSTILL, self.transport.abort)

    def resume_writing(self) -> None:
        self._cancel_standing()
        super().resume_writing()

    def _cancel_asking(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None

    def _cancel_standing(self) -> None:
        if self._standing is not None:
            self._standing.cancel()
            self._standing = None


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the command."""
        yield


def listen(host: str, port: int) -> socket.socket:
    """A socket for the pages. Raises LabError where the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise LabError(
            f"cannot listen on {host} port {port}: {error.strerror}; choose another one with --port"
        ) from None
    return listening


async def serve(
    app: App, listening: socket.socket, stop: asyncio.Event, ending: Callable[[], None] = lambda: None
) -> None:
    """Answer requests until `stop` is set; then `ending` has those end that go on, and the rest is cut off soon.

    The thread gives way to the proxy, which runs by then: who looks on is not to slow what is looked at.
    """
    if sys.platform == "linux":  # where a thread has a niceness of its own
        os.setpriority(os.PRIO_PROCESS, 0, max(os.getpriority(os.PRIO_PROCESS, 0), _GIVES_WAY))
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # nobody may say that they are somebody else
        lifespan="off",
        timeout_graceful_shutdown=_CLOSES_WITHIN,
        h11_max_incomplete_event_size=32 * 1024,
        http=_Connection,
        ws="websockets-sansio",
        ws_max_size=_LARGEST_MESSAGE,
        ws_per_message_deflate=False,  # sound gets no smaller
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve([listening]))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        ending()
        server.should_exit = True
        await serving
