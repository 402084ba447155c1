"""A remote source of reputation on loopback: it answers fast, slowly, never, wrongly or not at all, as it is told."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import threading
from collections.abc import Coroutine
from typing import Any, Self
from urllib.parse import unquote

NEVER = b""  # the question is taken, and no answer given


def reply(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """An HTTP response as it goes over the wire."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Content-Type: application/reputon+json", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def reputon(number: str, rating: float, assertion: str = "spam") -> bytes:
    """The response that rates a number."""
    one = {"rater": "desk.example", "assertion": assertion, "rated": number, "rating": rating}
    return reply(json.dumps({"application": "calls", "reputons": [one]}).encode())


class ReputationSource:
    """An HTTP server in a thread of its own. `says` is its answer about all numbers but those of `bad`, which it rates
    0.9; where None, it knows nothing of them. From `hold` on it takes questions and answers none until `release`."""

    def __init__(self, tls: ssl.SSLContext | None = None, port: int = 0) -> None:
        self.says: bytes | None = None
        self.hangs_up = False  # after each answer
        self.bad: set[str] = set()
        self.asked: list[str] = []  # request lines' last part, as it came
        self.heads: list[str] = []
        self.connections = 0
        self._tls = tls
        self._writers: list[asyncio.StreamWriter] = []
        self._loop = asyncio.new_event_loop()
        self._free = asyncio.Event()
        self._free.set()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._serve, "127.0.0.1", port, ssl=tls, backlog=1024))
        self.port: int = self._server.sockets[0].getsockname()[1]

    @property
    def url(self) -> str:
        """For the proxy's config."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/v1/{{e164}}"

    def hold(self) -> Self:
        self._loop.call_soon_threadsafe(self._free.clear)
        return self

    def release(self) -> None:
        self._loop.call_soon_threadsafe(self._free.set)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _close(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()
        await self._server.wait_closed()
        await asyncio.sleep(0)  # transports close their sockets in the round after

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.heads.append(head.decode())
                number = unquote(head.split()[1].decode().rpartition("/")[2])
                self.asked.append(number)
                await self._free.wait()
                answer = self.says if self.says is not None else reply(b'{"reputons": []}')
                if number in self.bad:
                    answer = reputon(number, 0.9)
                writer.write(answer)
                await writer.drain()
                if self.hangs_up:
                    return
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            return
        finally:
            writer.close()


def closed_port() -> int:
    """A port of this machine at which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
