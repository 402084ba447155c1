"""Follows files of JSON lines that another process appends to."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

_GLANCE = 0.02  # seconds between two looks: to ask for the size of a file takes some microseconds


class Tail:
    """Hands each whole line of a file to `hear`.

    The file may come to be later. A line that is no JSON object is left out.
    """

    def __init__(self, path: Path, hear: Callable[[dict[str, Any]], None]) -> None:
        self._path = path
        self._hear = hear
        self._at = 0
        self._half = b""

    def look(self) -> None:
        """Take what is there by now."""
        try:
            if self._path.stat().st_size <= self._at:
                return
            with self._path.open("rb") as file:
                file.seek(self._at)
                data = file.read()
        except OSError:
            return
        self._at += len(data)
        *lines, self._half = (self._half + data).split(b"\n")
        for line in lines:
            with contextlib.suppress(ValueError):
                if isinstance(found := json.loads(line), dict):
                    self._hear(found)


@asynccontextmanager
async def followed(*tails: Tail) -> AsyncIterator[None]:
    """Have lines heard meanwhile, soon after they were written, and those that are left at the end."""
    loop = asyncio.get_running_loop()

    async def look() -> None:
        while True:
            for tail in tails:
                loop.call_soon(tail.look)  # where one fails the loop says so, and the others go on
            await asyncio.sleep(_GLANCE)

    task = asyncio.create_task(look())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        for tail in tails:
            tail.look()
