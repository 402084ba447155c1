"""Structured logs: one JSON object a line on stderr, and the file or stream that call records go to.

Nobody has to read them for calls to go on: lines are handed to a thread, and dropped where they cannot be written.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from proxy.sip.flow import Flow

_PAUSE = 0.05  # seconds between two writings: what comes meanwhile is written in one go
_HELD = 4 << 20  # characters of lines that may wait to be written
_FAREWELL = 2.0  # seconds that the last lines get
_QUIET = 10.0  # seconds between two warnings of a kind

log = structlog.get_logger()


def configure() -> LineWriter:
    """Set logging up for this process; what it returns writes to stderr, and is to be closed in the end."""
    closed = sys.stderr is None  # then the number of stderr may soon be that of a socket
    writer = LineWriter(os.open(os.devnull, os.O_WRONLY) if closed else os.dup(2), "stderr")
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=lambda *_: _Logger(writer.write),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[_FromLibraries()], force=True)
    return writer


class _Logger:
    """What structlog gives its finished lines to."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self.debug = self.info = self.warning = self.error = self.critical = write


class _FromLibraries(logging.Handler):
    """What libraries log, asyncio among them; by itself it would be written to stderr at once."""

    def emit(self, record: logging.LogRecord) -> None:
        log.log(record.levelno, "library", name=record.name, detail=record.getMessage(), exc_info=record.exc_info)


class LineWriter:
    """Writes lines in a thread of its own: whoever has a line to write never waits for a full disk or a slow reader.

    Lines that find no room, or that cannot be written, are dropped and counted in `lost`; a log line says so once
    there is somebody to read it. `fd` is a file descriptor, to be closed by `close`; `name` is what it is called.
    """

    def __init__(self, fd: int, name: str) -> None:
        self.lost = 0
        self._fd = fd
        self._name = name
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._lines: list[str] = []
        self._batch: list[str] = []  # being written
        self._held = 0  # characters in both
        self._torn = False  # the last thing written was half a line
        self._told = 0  # how much of `lost` was reported
        self._tell_at = 0.0
        self._thread = threading.Thread(target=self._run, name=f"writes {name}", daemon=True)
        self._thread.start()

    @classmethod
    def append_to(cls, path: Path) -> LineWriter:
        """Raises OSError where the file cannot be opened; so it does for a pipe that nobody has open for reading."""
        return cls(
            os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC, 0o666), str(path)
        )

    def write(self, line: str) -> None:
        """Take one line, without its end."""
        with self._lock:
            if self._held > _HELD:
                self.lost += 1
                return
            self._lines.append(line)
            self._held += len(line)
        if not self._wake.is_set():
            self._wake.set()

    def close(self, seconds: float = _FAREWELL) -> None:
        """Write out what is left, as far as that takes no longer than this; the rest is lost."""
        self._closing.set()
        self._wake.set()
        self._thread.join(seconds)
        if self._thread.is_alive():
            with self._lock:
                self.lost += len(self._batch) + len(self._lines)
                self._batch, self._lines = [], []

    def _run(self) -> None:
        while not self._closing.is_set():
            self._wake.wait()
            self._wake.clear()
            self._write_out()
            self._closing.wait(_PAUSE)
        self._write_out()
        os.close(self._fd)

    def _write_out(self) -> None:
        with self._lock:
            lines, self._lines = self._lines, []
            self._batch, held = lines, self._held
        if not lines:
            return
        written = self._write_all(
            "\n".join(("", *lines, "") if self._torn else (*lines, "")).encode("ascii", "replace")
        )
        with self._lock:
            if self._batch:  # else they were given up meanwhile
                self.lost += len(lines) - written
            self._batch = []
            self._held -= held
        if written and self.lost > self._told and time.monotonic() >= self._tell_at:
            self._told, self._tell_at = self.lost, time.monotonic() + _QUIET
            log.warning("lines_lost", file=self._name, lost=self.lost)

    def _write_all(self, data: bytes) -> int:
        """How many of the lines were written whole."""
        left, torn = memoryview(data), self._torn
        try:
            while left:
                left = left[self._write_some(left) :]
        except OSError:  # a full disk, a reader that went away: calls matter more
            pass
        written = len(data) - len(left)
        if written:
            self._torn = not data.endswith(b"\n", 0, written)
        return max(0, data.count(b"\n", 0, written) - torn)

    def _write_some(self, data: memoryview) -> int:
        try:
            return os.write(self._fd, data)
        except BlockingIOError:  # a full pipe that is not to be waited for
            time.sleep(_PAUSE)
            return 0


class Notices:
    """Warnings about what traffic can cause at any rate: of each kind one line in 10 s at most, with how many events
    it stands for and the first peer that caused one."""

    def __init__(self) -> None:
        self._next: dict[str, float] = {}

    def write_due(self, noticed: dict[str, tuple[int, Flow]], now: float) -> None:
        """Take out of `noticed` (event -> how many, first peer) what may be written by now, and write it."""
        for event in [event for event in noticed if now >= self._next.get(event, now)]:
            count, peer = noticed.pop(event)
            self._next[event] = now + _QUIET
            log.warning(event, count=count, peer=f"{peer.transport}:{peer.host}:{peer.port}")
