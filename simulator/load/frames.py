"""The talk between a load and its processes: lines of JSON to them, frames from them. They end when their standard
input does, so that none outlives the load."""

from __future__ import annotations

import asyncio
import json
import os
import select
import struct
import sys
from array import array
from collections.abc import AsyncIterator
from typing import Any

_HEAD = struct.Struct("=cI")
_JSON, _ROWS = b"J", b"R"
_STDOUT = 1


async def orders() -> AsyncIterator[dict[str, Any]]:
    """The lines that the run writes to us, as they come."""
    reader = asyncio.StreamReader(limit=1 << 20)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        yield json.loads(line)


def tell(message: dict[str, Any]) -> None:
    """Write a message to the run."""
    _write(_JSON, json.dumps(message).encode())


def tell_rows(rows: array[float]) -> None:
    """Write rows to the run."""
    _write(_ROWS, rows.tobytes())


def _write(kind: bytes, data: bytes) -> None:
    left = memoryview(_HEAD.pack(kind, len(data)) + data)
    while left:
        try:
            left = left[os.write(_STDOUT, left) :]
        except BlockingIOError:  # it is one socket with standard input, which is read without waiting
            select.select((), (_STDOUT,), ())


async def frames(reader: asyncio.StreamReader) -> AsyncIterator[dict[str, Any] | array[float]]:
    """The frames that a process of ours writes, until it ends."""
    while True:
        try:
            kind, length = _HEAD.unpack(await reader.readexactly(_HEAD.size))
            data = await reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        if kind == _JSON:
            yield json.loads(data)
        else:
            rows = array("d")
            rows.frombytes(data)
            yield rows
