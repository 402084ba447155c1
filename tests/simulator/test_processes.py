"""The end of processes that were asked to end."""

from __future__ import annotations

import asyncio
import sys

import pytest

from simulator.processes import end_or_kill

STUBBORN = "import time; print(flush=True); time.sleep(600)"


async def started(code: str) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    await process.stdout.readline()
    return process


async def test_one_that_ends_by_itself_is_not_killed() -> None:
    process = await started("import sys; print(flush=True); sys.stdin.read(); sys.exit(7)")
    assert process.stdin is not None
    process.stdin.close()
    await end_or_kill(process, 60.0)
    assert process.returncode == 7


async def test_one_that_does_not_end_in_time_is_killed() -> None:
    process = await started(STUBBORN)
    await end_or_kill(process, 0.0)
    assert await process.wait() == -9


async def test_it_is_killed_too_where_nobody_waits_any_more() -> None:
    process = await started(STUBBORN)
    waiting = asyncio.create_task(end_or_kill(process, 600.0))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await process.wait() == -9
