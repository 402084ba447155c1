"""A phone worker process as its parent sees it: commands out, answers and events in, and what it said as it died."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import sys
from collections import deque
from collections.abc import Sequence
from typing import Any, cast

from simulator.processes import end_or_kill

Message = dict[str, Any]

WORKER = (sys.executable, "-P", "-m", "simulator.agents.pjsua.worker")  # a current folder is no place to import from
COMMAND_S = 20.0  # a worker starts in a third of a second and answers in a hundredth; one that hangs is killed
PING_S = 5.0  # how often a worker is asked whether it still answers
QUIT_S = 3.0
LINE_BYTES = 1 << 20  # a SIP message over UDP has 64 kB at most, escaped as JSON several times that


class PhoneError(Exception):
    """PJSIP refused what was asked, or a call or registration did not come to what was waited for."""


class PhoneFault(PhoneError):
    """The phone's worker died: a fault of the lab, which says nothing about the call."""


class WorkerProcess:
    """Starts at once, with phones that speak ``codecs`` alone.

    ``hear`` gets each event, ``died`` is called once if the process ends before its time, which one that hangs is made
    to do. ``fault`` says how it died and is empty while it lives: with a fault, the process and its ports are gone.
    """

    def __init__(self, codecs: Sequence[str]) -> None:
        self.fault = ""
        self._codecs = codecs
        self._numbers = itertools.count(1)
        self._replies: dict[int, asyncio.Future[Message]] = {}
        self._last_words: deque[str] = deque(maxlen=3)
        self._stopping = self._hung = False
        self._watching: asyncio.Task[None] | None = None
        self._started = asyncio.ensure_future(self._start())
        self._reading: asyncio.Future[Any] | None = None

    def hear(self, message: Message) -> None:
        raise NotImplementedError

    def died(self) -> None:
        raise NotImplementedError

    async def process(self) -> asyncio.subprocess.Process:
        return await asyncio.shield(self._started)

    async def command(self, do: str, **details: Any) -> Message:
        """Have the worker do something; PhoneError when PJSIP refuses, PhoneFault when the worker dies of it."""
        process = await self.process()
        if self.fault:
            raise PhoneFault(self.fault)
        number = next(self._numbers)
        reply: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._replies[number] = reply
        line = json.dumps({"id": number, "do": do, "with": details}).encode() + b"\n"
        cast(asyncio.StreamWriter, process.stdin).write(line)
        try:
            async with asyncio.timeout(COMMAND_S):
                answer = await reply
        except TimeoutError:
            self._hung = True
            await self._kill(process)
            raise PhoneFault(self.fault) from None
        finally:
            del self._replies[number]
        if "error" in answer:
            raise PhoneError(answer["error"])
        return answer

    async def stop(self) -> None:
        """Let the worker hang up and go; kill it if it will not."""
        self._stopping = True
        process = await self.process()
        if self._watching is not None:
            self._watching.cancel()
        cast(asyncio.StreamWriter, process.stdin).close()
        try:
            await end_or_kill(process, QUIT_S)
        finally:
            await self._kill(process)

    async def _kill(self, process: asyncio.subprocess.Process) -> None:
        """Kill what has not ended yet, and wait for its end to be known."""
        if process.returncode is None:
            process.kill()
        if self._reading is not None:
            await asyncio.shield(self._reading)  # others may be waiting for it as well

    async def _start(self) -> asyncio.subprocess.Process:
        try:
            process = await asyncio.create_subprocess_exec(
                *WORKER,
                *self._codecs,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                limit=LINE_BYTES,
                start_new_session=True,  # Ctrl-C at the terminal is for the parent, which then ends the worker in order
            )
        except OSError as error:
            self.fault = f"a phone worker could not be started: {error.strerror or error}"
            raise PhoneFault(self.fault) from error
        self._reading = asyncio.gather(self._read(process), self._read_last_words(process))
        self._watching = asyncio.create_task(self._watch())
        return process

    async def _watch(self) -> None:
        """Ask now and then, so that a worker that hangs is found out though nobody wants anything of it."""
        with contextlib.suppress(PhoneError):
            while True:
                await asyncio.sleep(PING_S)
                await self.command("ping")

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        async for line in cast(asyncio.StreamReader, process.stdout):
            if not line.endswith(b"\n"):  # killed in the middle of it
                break
            message = json.loads(line)
            if "event" in message:
                self.hear(message)
            elif (reply := self._replies.get(message["reply"])) and not reply.done():
                reply.set_result(message)
        status = await process.wait()
        words = " ".join(self._last_words) or "without a word"
        end = "hung and was killed" if self._hung else f"ended with {status}: {words}"
        self.fault = f"the phone worker {process.pid} {end}"
        if not self._stopping:
            self.died()
        for reply in self._replies.values():
            if not reply.done():
                reply.set_exception(PhoneFault(self.fault))
        if self._watching is not None:
            self._watching.cancel()
        stdin = cast(asyncio.StreamWriter, process.stdin)
        stdin.close()
        with contextlib.suppress(OSError):  # a command may have come too late
            await stdin.wait_closed()

    async def _read_last_words(self, process: asyncio.subprocess.Process) -> None:
        async for line in cast(asyncio.StreamReader, process.stderr):
            self._last_words.append(line.decode(errors="replace").strip())
