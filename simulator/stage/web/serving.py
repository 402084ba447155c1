"""Serves the pages on a socket until told to stop. The one place that knows the web server (uvicorn)."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator

import uvicorn

from simulator.errors import LabError
from simulator.stage.web.guard import App

_LARGEST_MESSAGE = 16 * 1024  # bytes from a page, by WebSocket
_CLOSES_WITHIN = 1  # seconds that open connections get at the end


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
    """Answer requests until `stop` is set; then `ending` has those end that go on, and the rest is cut off soon."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # nobody may say that they are somebody else
        lifespan="off",
        timeout_graceful_shutdown=_CLOSES_WITHIN,
        h11_max_incomplete_event_size=32 * 1024,
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
