"""A phone worker process as its parent sees it: commands out, answers and events in, and what it said as it died."""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

Message = dict[str, Any]

SCRIPT = Path(__file__).with_name("pjsua_worker.py")
COMMAND_S = 20.0  # a worker starts in a third of a second and answers in a hundredth; one that hangs is killed
QUIT_S = 3.0
LINE_BYTES = 1 << 20  # a SIP message over UDP has 64 kB at most, escaped as JSON several times that


class PhoneError(Exception):
    """PJSIP refused what was asked, or a call or registration did not come to what was waited for."""


class PhoneFault(PhoneError):
    """The phone's worker died: a fault of the lab, which says nothing about the call."""


class WorkerProcess:
    """Starts at once, with phones that speak ``codecs`` alone.

    ``hear`` gets each event, ``died`` is called once if the process ends before its time. ``fault`` says how it died
    and is empty while it lives.
    """

    def __init__(self, codecs: Sequence[str]) -> None:
        self.fault = ""
        self._codecs = codecs
        self._numbers = itertools.count(1)
        self._replies: dict[int, asyncio.Future[Message]] = {}
        self._last_words: deque[str] = deque(maxlen=3)
        self._stopping = False
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
            process.kill()
            raise PhoneFault(f"the phone worker {process.pid} hung and was killed") from None
        finally:
            del self._replies[number]
        if "error" in answer:
            raise PhoneError(answer["error"])
        return answer

    async def stop(self) -> None:
        """Let the worker hang up and go; kill it if it will not."""
        self._stopping = True
        process = await self.process()
        cast(asyncio.StreamWriter, process.stdin).close()
        try:
            async with asyncio.timeout(QUIT_S):
                await process.wait()
        except TimeoutError:
            pass
        finally:
            if process.returncode is None:
                process.kill()
        if self._reading is not None:
            await self._reading

    async def _start(self) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # the folder of the script, with its neighbours, is no place to import from
            str(SCRIPT),
            *self._codecs,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=LINE_BYTES,
            start_new_session=True,  # Ctrl-C at the terminal is for the parent, which then ends the worker in order
        )
        self._reading = asyncio.gather(self._read(process), self._read_last_words(process))
        return process

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        async for line in cast(asyncio.StreamReader, process.stdout):
            message = json.loads(line)
            if "event" in message:
                self.hear(message)
            elif (reply := self._replies.get(message["reply"])) and not reply.done():
                reply.set_result(message)
        status = await process.wait()
        words = " ".join(self._last_words) or "without a word"
        self.fault = f"the phone worker {process.pid} ended with {status}: {words}"
        if not self._stopping:
            self.died()
        for reply in self._replies.values():
            if not reply.done():
                reply.set_exception(PhoneFault(self.fault))

    async def _read_last_words(self, process: asyncio.subprocess.Process) -> None:
        async for line in cast(asyncio.StreamReader, process.stderr):
            self._last_words.append(line.decode(errors="replace").strip())
