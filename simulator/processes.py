"""The end of processes that were asked to end."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Protocol


class Process(Protocol):
    """A process as far as its end goes."""

    @property
    def returncode(self) -> int | None:
        """None until it has ended, and somebody has waited for that."""

    async def wait(self) -> int | None: ...

    def kill(self) -> None: ...


async def end_or_kill(process: Process, within: float) -> None:
    """Give a process that was asked to end so many seconds for it; then, or when this is cancelled, kill it."""
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await process.wait()
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
