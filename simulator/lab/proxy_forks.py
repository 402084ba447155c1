"""Proxies, and other processes of ours, forked off one that has everything imported (see proxy_template), which saves
most of their start.

The constructor starts that process and returns at once: what else a run has to prepare goes on beside it. Nothing waits
for it long: where it was stopped, or hangs, others are started from nothing, and those that it forked end as usual.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from simulator.lab.lifeline import end_with

_LARGEST = 65536  # bytes of a message
_WARM_WITHIN = 15.0  # seconds until it has imported everything, and forks the first; it takes about one
_FORKED_WITHIN = 10.0  # seconds until it forks another; it takes milliseconds
_TOLD_WITHIN = 5.0  # seconds until it tells of an end that the kernel has told of; it takes microseconds
_UNKNOWN = 255  # the code of a process of which it does not tell
_STDERR = 2
ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1"}  # of processes of ours: numpy's threads would not survive a fork


@contextlib.contextmanager
def proxy_forks(*modules: str) -> Iterator[ProxyForks | None]:
    """Have proxies, and these modules, forked meanwhile; None where processes are not forked (the one call is Linux's)
    or cannot be."""
    if sys.platform != "linux":
        yield None
        return
    try:
        forks = ProxyForks(lambda theirs: start_template(theirs, *modules))
    except OSError:
        yield None
        return
    try:
        yield forks
    finally:
        forks.close()


class ForkedProcess:
    """A forked process, used as one of asyncio's."""

    def __init__(self, pid: int, over: Callable[[ForkedProcess], None]) -> None:
        """`over` is called when it has ended, by the kernel's word, which has no code."""
        self.pid = pid
        self.stderr: asyncio.StreamReader | None = None
        self.returncode: int | None = None
        self._ended = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._handle = _handle(pid)
        if self._handle is not None:
            self._loop.add_reader(self._handle, self._is_over, over)

    def send_signal(self, number: int) -> None:
        """Send it a signal; nothing happens where it has ended."""
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                if self._handle is None:
                    os.kill(self.pid, number)
                else:
                    signal.pidfd_send_signal(self._handle, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    async def wait(self) -> int:
        """Wait for its end; returns its code, negative where a signal ended it."""
        await self._ended.wait()
        assert self.returncode is not None  # noqa: S101 - set with the event
        return self.returncode

    def ended(self, code: int) -> None:
        """The template's word that it is over."""
        if self.returncode is None:
            self.returncode = code
            self._ended.set()
            if self._handle is not None:
                self._unwatch()
                os.close(self._handle)

    def _is_over(self, over: Callable[[ForkedProcess], None]) -> None:
        self._unwatch()
        over(self)

    def _unwatch(self) -> None:
        if self._handle is not None and not self._loop.is_closed():
            self._loop.remove_reader(self._handle)


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _handle(pid: int) -> int | None:
    """Open what stands for a process, and no other later (pidfd_open(2)); None where it has ended, or none is made."""
    try:
        return os.pidfd_open(pid)
    except (OSError, AttributeError):  # a kernel before Linux 5.3, or a Python that was built on one
        return None


class Template(Protocol):
    """The process that proxies are forked off, as one of subprocess."""

    def kill(self) -> None: ...

    def wait(self) -> int: ...


def start_template(theirs: socket.socket, *modules: str) -> Template:
    """Start it, with these modules imported, to take orders from that socket. Raises OSError."""
    return subprocess.Popen(  # noqa: S603 - our own module
        # -P: a folder named simulator where the user stands is not ours
        [sys.executable, "-P", "-m", "simulator.lab.proxy_template", str(theirs.fileno()), *modules],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=[theirs.fileno()],
        start_new_session=True,  # Ctrl-C on the terminal is for the lab
        # It hears of our end by its socket, but not while it is stopped.
        preexec_fn=end_with(os.getpid()),  # noqa: PLW1509 - a call of prctl(2), no more
        env=os.environ | ENVIRONMENT,
    )


class ProxyForks:
    """The orders to the process that others are forked off. `close` ends it, and them with it. `trouble` is why none is
    forked any more, for people; empty where all is well."""

    def __init__(self, start: Callable[[socket.socket], Template] = start_template) -> None:
        """Start it. Raises OSError where it cannot be started."""
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.setblocking(False)
        with theirs:
            self._process = start(theirs)
        self._loop: asyncio.AbstractEventLoop | None = None
        self.trouble = ""
        self._within = _WARM_WITHIN
        self._running: dict[int, ForkedProcess] = {}
        self._ended: dict[int, int] = {}  # codes of those that ended at once
        self._asked: deque[asyncio.Future[int]] = deque()  # in the order in which they are answered

    async def start(self, config: Path) -> ForkedProcess | None:
        """Fork a proxy off, to read its stderr; None where there is nothing to fork off any more."""
        reading, writing = os.pipe()
        stderr = await _reader(reading)
        try:
            proxy = await self.fork("proxy.__main__", [str(config)], {_STDERR: writing})
        finally:
            os.close(writing)
        if proxy is not None:
            proxy.stderr = stderr
        return proxy

    async def fork(self, module: str, arguments: Sequence[str], streams: Mapping[int, int]) -> ForkedProcess | None:
        """Fork off a process that calls `main` of a module and ends with what that returns; None where there is nothing
        to fork off any more. `streams` are the descriptors that standard streams of it are to be."""
        if self.trouble:
            return None
        self._listen()
        asked: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        order = {
            "module": module,
            "arguments": [*arguments],
            "folder": str(Path.cwd()),
            "environment": {**os.environ, **ENVIRONMENT},  # as it is now, which configs may name
            "streams": [*streams],
        }
        try:
            socket.send_fds(self._socket, [json.dumps(order).encode()], [*streams.values()])
            self._asked.append(asked)
            async with asyncio.timeout(self._within):
                pid = await asked
        except TimeoutError:
            self._silent(f"did not answer within {self._within:.0f} s")
            return None
        except asyncio.CancelledError:
            if asked.done() and not asked.cancelled() and asked.exception() is None:  # it answered at this very moment
                _kill(asked.result())
            raise
        except OSError:
            return None
        self._within = _FORKED_WITHIN
        forked = ForkedProcess(pid, self._is_over)
        if pid in self._ended:
            forked.ended(self._ended.pop(pid))
        else:
            self._running[pid] = forked
        return forked

    def close(self) -> None:
        """End it."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(self._socket)
        self._socket.close()
        self._process.kill()
        self._process.wait()
        for forked in self._running.values():
            forked.ended(-signal.SIGKILL)
        self._running.clear()

    def _is_over(self, forked: ForkedProcess) -> None:
        """A process has ended: the template gets some time to say so, but not for each one anew."""
        asyncio.get_running_loop().call_later(0.0 if self.trouble else _TOLD_WITHIN, self._not_told, forked)

    def _not_told(self, forked: ForkedProcess) -> None:
        if forked.returncode is None:
            self._running.pop(forked.pid, None)
            forked.ended(_UNKNOWN)
            self._silent(f"did not tell within {_TOLD_WITHIN:.0f} s that one of these had ended")

    def _silent(self, what: str) -> None:
        why = "it was stopped, or hangs; all was done without it"
        self.trouble = f"the process that others of this run are forked off {what}: {why}"
        if not self._running:  # which would be killed with it
            self._process.kill()

    def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop = loop
            loop.add_reader(self._socket, self._hear)

    def _hear(self) -> None:
        try:
            data = self._socket.recv(_LARGEST)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._gone()
            return
        message = json.loads(data)
        if "code" not in message:
            self._ended.pop(message["pid"], None)  # of one before with this number, which nobody waited for
            if (asked := self._asked.popleft()).done():  # nobody waits for it any more
                _kill(message["pid"])
            else:
                asked.set_result(message["pid"])
        elif forked := self._running.pop(message["pid"], None):
            forked.ended(message["code"])
        else:
            self._ended[message["pid"]] = message["code"]

    def _gone(self) -> None:
        """The template has ended, and those that it forked are killed with it."""
        if self._loop is not None:
            self._loop.remove_reader(self._socket)
        for asked in self._asked:
            if not asked.done():
                asked.set_exception(BrokenPipeError())
        self._asked.clear()
        for forked in self._running.values():
            forked.ended(-signal.SIGKILL)
        self._running.clear()


class _Pipe(asyncio.StreamReaderProtocol):
    """Closes the pipe once its other end is closed."""

    def eof_received(self) -> bool:
        super().eof_received()
        return False


async def _reader(descriptor: int) -> asyncio.StreamReader:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: _Pipe(reader), os.fdopen(descriptor, "rb", 0))
    return reader
