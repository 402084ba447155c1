"""A remote source of reputation as the scenario wants it: a small HTTP server on loopback, for one run."""

from __future__ import annotations

import asyncio
import json
from typing import Self
from urllib.parse import unquote

from simulator.loopback import free_port
from simulator.scenario.reputation import LabSource

_HOST = "127.0.0.1"


class ReputationSource:
    """Serves what a source of the scenario says, at `url`. Use it as an async context manager."""

    def __init__(self, source: LabSource) -> None:
        self._source = source
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()
        self._port = 0

    @property
    def url(self) -> str:
        """The address, as it stands in a proxy's config."""
        return f"http://{_HOST}:{self._port}/numbers/{{e164}}"

    async def __aenter__(self) -> Self:
        if self._source.behaves == "closed":
            self._port = free_port(_HOST)
            return self
        self._server = await asyncio.start_server(self._serve, _HOST, 0)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  # a coroutine that runs has one
        self._serving.add(task)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if self._source.behaves == "never":
                    continue
                await asyncio.sleep(self._source.delay)
                writer.write(self._answer(unquote(head.split()[1].decode().rpartition("/")[2])))
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):  # the proxy has heard enough
            return
        finally:
            writer.close()
            self._serving.discard(task)

    def _answer(self, number: str) -> bytes:
        if self._source.behaves == "error":
            return b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"
        reputons = [
            {"rater": "lab.example", "assertion": assertion, "rated": number, "rating": rating}
            for assertion, rating in self._source.rating(number).items()
        ]
        body = json.dumps({"application": "calls", "reputons": reputons}).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/reputon+json\r\nContent-Length: {len(body)}\r\n\r\n"
        return head.encode() + body
