"""Answers Asterisk's question where a dialled number or user leads, over FastAGI (a line protocol on TCP)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Self

# What was dialled -> variables that the dialplan reads.
Lookup = Callable[[str], dict[str, str]]


class Resolver:
    """A FastAGI server on loopback; use it as an async context manager."""

    def __init__(self, host: str, lookup: Lookup) -> None:
        self._host = host
        self._lookup = lookup
        self.address: tuple[str, int] = (host, 0)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, self._host, 0)
        self.address = self._server.sockets[0].getsockname()[:2]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One question: `agi_*: value` lines up to an empty one; each of our commands is answered by a line."""
        with contextlib.suppress(OSError, ValueError, UnicodeDecodeError):
            asked = {}
            while line := (await reader.readline()).decode().strip():
                name, _, value = line.partition(": ")
                asked[name] = value
            arguments = [value for name, value in asked.items() if name.startswith("agi_arg_")]
            for name, value in self._lookup(",".join(arguments)).items():
                writer.write(f"SET VARIABLE {name} {_quoted(value)}\n".encode())
                await reader.readline()
        writer.close()


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
