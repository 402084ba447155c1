"""The proxy as a process of its own, as its users run it: started, waited for, stopped, and never left behind."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any, Self

from simulator.errors import LabError
from simulator.lab.lifeline import end_with
from simulator.lab.proxy_forks import ForkedProcess, ProxyForks
from simulator.processes import end_or_kill

READY_WITHIN = 30.0  # seconds; it takes about one, a machine under load its time
STOP_WITHIN = 15.0  # seconds; the proxy drains for less, unless its config says otherwise


class ProxyProcess:
    """A running proxy; `start` makes one."""

    def __init__(self, process: asyncio.subprocess.Process | ForkedProcess, log: Path) -> None:
        self._process = process
        self._log = log
        self._ready = asyncio.Event()
        self._counters: dict[str, int] | None = None
        self._last_words = ""
        self._reloads: asyncio.Queue[str] = asyncio.Queue()  # what came of each: empty, or what is wrong
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, config: Path, log: Path, forks: ProxyForks | None = None) -> Self:
        """Start the proxy and wait until it listens; its log goes to `log`. With `forks` it need not import anything.

        Raises LabError where it does not listen.
        """
        proxy = cls(forked if forks and (forked := await forks.start(config)) else await _spawn(config), log)
        try:
            await proxy._wait_ready()
        except BaseException:
            await proxy.stop()
            raise
        return proxy

    async def _wait_ready(self) -> None:
        ready, ended = asyncio.create_task(self._ready.wait()), asyncio.create_task(self._process.wait())
        try:
            await asyncio.wait({ready, ended}, timeout=READY_WITHIN, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
            ended.cancel()
        if self._ready.is_set():
            return
        if self._process.returncode is None:
            raise LabError(f"the proxy was not ready within {READY_WITHIN:.0f} s; its log is {self._log}")
        await self._reader
        raise LabError(f"the proxy ended with code {self._process.returncode}: {self._last_words or 'no last words'}")

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    @property
    def runs(self) -> bool:
        """True until it ends."""
        return self._process.returncode is None

    async def reload(self) -> None:
        """Have it read its files again, and wait until they are in force. Raises LabError where they are not."""
        while not self._reloads.empty():
            self._reloads.get_nowait()
        told, ended = asyncio.create_task(self._reloads.get()), asyncio.create_task(self._process.wait())
        try:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGHUP)
            await asyncio.wait({told, ended}, timeout=READY_WITHIN, return_when=asyncio.FIRST_COMPLETED)
            if not told.done():
                said = "the proxy has ended" if ended.done() else "the proxy does not read its files again"
                raise LabError(f"{said}; its log is {self._log}")
        finally:
            told.cancel()
            ended.cancel()
        wrong = told.result()
        if wrong:
            raise LabError(wrong)

    async def stop(self) -> dict[str, int] | None:
        """Stop it, by force where it will not; returns its counters, None where it did not end in order."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)
            await end_or_kill(self._process, STOP_WITHIN)
        await self._reader
        await self._process.wait()
        return self._counters

    async def _read(self) -> None:
        assert self._process.stderr is not None  # noqa: S101 - asked for above
        with self._log.open("ab", buffering=0) as log:
            while written := await _line(self._process.stderr):
                with contextlib.suppress(OSError):  # no room: who reads on hears of more than a log
                    log.write(written)
                line = written.decode("utf-8", "replace")
                self._last_words = line.strip() or self._last_words
                self._hear(line)

    def _hear(self, line: str) -> None:
        try:
            message: Any = json.loads(line)
        except ValueError:
            return
        if isinstance(message, dict):
            if message.get("event") == "ready":
                self._ready.set()
            elif message.get("event") in ("reloaded", "reload_failed"):
                self._reloads.put_nowait(message.get("detail", "") if message["event"] == "reload_failed" else "")
            elif message.get("event") == "stopped":
                self._counters = message["counters"]


async def _line(stream: asyncio.StreamReader) -> bytes:
    """The next line, or as much of it as fits; empty at the end."""
    try:
        return await stream.readline()
    except ValueError:  # longer than the reader's limit, and dropped by it
        return b"(a line too long to keep)\n"


async def _spawn(config: Path) -> asyncio.subprocess.Process:
    """A process of its own, from nothing."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",  # a folder named proxy where the user stands is not ours
        "-m",
        "proxy",
        str(config),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C on the terminal is for the lab, which stops the proxy in order
        preexec_fn=end_with(os.getpid()),
    )
