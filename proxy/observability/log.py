"""Structured logs: one JSON object a line on stderr, and the file or stream that call records go to.

Nobody has to read them for calls to go on: lines are handed to a thread, and dropped where they cannot be written.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Literal

import structlog

from proxy.core.call_record import CallRecords, judged_line, record_line
from proxy.core.events import Event, Judged, PeerNoticed, Refused, SoftswitchDown, SoftswitchUp
from proxy.core.refusals import Refusals
from proxy.policy.trunks import Trunk
from proxy.reputation.sources import SourceDown, SourceFailed, SourceUp
from proxy.sip.flow import Flow

_PAUSE = 0.05  # seconds between two writings: what comes meanwhile is written in one go
_HELD = 4 << 20  # characters of lines that may wait to be written
_RECORD = 800  # characters that a record counts for until it is made a line
_AT_ONCE = 32  # lines that are made in one go: calls wait meanwhile
_FAREWELL = 2.0  # seconds that the last lines get
_SLOW = "nobody takes them as fast as they come"
_LONGEST_HALF = 1 << 20  # bytes of half a line that are looked for at the end of a file
_QUIET = 10.0  # seconds between two warnings of a kind

LogLevel = Literal["debug", "info"]
_level: LogLevel = "info"

log = structlog.get_logger()


def configure() -> LineWriter:
    """Set logging up for this process; what it returns writes to stderr, and is to be closed in the end."""
    closed = sys.stderr is None  # then the number of stderr may soon be that of a socket
    writer = LineWriter(os.open(os.devnull, os.O_WRONLY) if closed else os.dup(2), "stderr", is_log=True)
    structlog.configure(
        processors=[
            _drop_below_level,
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


def set_level(level: LogLevel, refusals: Refusals) -> None:
    """Say from which level on lines are written, info until then: whether refusals are gathered follows from it."""
    global _level  # noqa: PLW0603  # of the process, as structlog's configuration is
    _level = level
    refusals.wanted = level == "debug"


def _drop_below_level(_logger: Any, method: str, event: Any) -> Any:
    if method == "debug" and _level != "debug":
        raise structlog.DropEvent
    return event


class _Logger:
    """The sink for structlog's finished lines."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self.debug = self.info = self.warning = self.error = self.critical = write


class _FromLibraries(logging.Handler):
    """The handler of what libraries log, asyncio among them, which else goes to stderr at once."""

    def emit(self, record: logging.LogRecord) -> None:
        log.log(record.levelno, "library", name=record.name, detail=record.getMessage(), exc_info=record.exc_info)


_Line = str | tuple[Callable[[Any], str], Any]  # or what makes a line, and of what


class LineWriter:
    """Writes lines in a thread of its own: whoever has a line to write never waits for a full disk or a slow reader.

    Lines that find no room, or that cannot be written, are dropped and counted in `lost`. The log says so at once or,
    where it is the log itself (`is_log`), as soon as there is room in it again. Half a line is taken back out of a
    file. `fd` is a file descriptor, to be closed by `close`; `name` is what it is called. `torn`:
    half a line stands there.
    """

    def __init__(self, fd: int, name: str, *, is_log: bool = False, torn: bool = False) -> None:
        self.lost = 0
        self._counters: Counter[str] = Counter()
        self._counted_as = "log_lines_lost" if is_log else "records_lost"
        self._is_log = is_log
        self._fd = fd
        self._name = name
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._lines: list[_Line] = []
        self._batch: list[_Line] = []  # being written
        self._held = 0  # characters in both
        self._torn = torn  # the last thing written was half a line, and could not be taken back
        self._why = ""  # the last writing failed
        self._told = 0  # how much of `lost` was reported
        self._tell_at = 0.0
        self._thread = threading.Thread(target=self._run, name=f"writes {name}", daemon=True)
        self._thread.start()

    @classmethod
    def append_to(cls, path: Path) -> LineWriter:
        """Raises OSError where the file cannot be opened; so it does for a pipe that nobody has open for reading.

        Half a line that an earlier process left at its end is cut off.
        """
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
        return cls(fd, str(path), torn=path.is_file() and _mend(path, fd))

    def write(self, line: str) -> None:
        """Take one line, without its end."""
        self._take(line, len(line))

    def write_later(self, make: Callable[[Any], str], what: Any) -> None:
        """Take what is to be made a line of in the thread: many at once take half the time that each takes alone."""
        self._take((make, what), _RECORD)

    def _take(self, line: _Line, length: int) -> None:
        with self._lock:
            if full := self._held > _HELD:
                self._lose(1)
            else:
                self._lines.append(line)
                self._held += length
        if full and not self._is_log:
            self._tell(_SLOW)
        elif not full and not self._wake.is_set():
            self._wake.set()

    def count_in(self, counters: Counter[str]) -> None:
        """Count what is lost in these as well: as `records_lost`, or as `log_lines_lost` where it is the log."""
        with self._lock:
            self._counters = counters
            if self.lost:
                counters[self._counted_as] += self.lost

    def close(self, seconds: float = _FAREWELL) -> None:
        """Write out what is left, as far as that takes no longer than this; the rest is lost."""
        self._closing.set()
        self._wake.set()
        self._thread.join(seconds)
        if self._thread.is_alive():
            with self._lock:
                self._lose(len(self._batch) + len(self._lines))
                self._batch, self._lines = [], []
        if not self._is_log:
            self._tell_at = 0.0
            self._tell(self._why)

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
            taken, self._lines = self._lines, []
            self._batch, held = taken, self._held
        if not taken:
            return
        lines = _made(taken)
        failed_before, self._why = self._why, ""
        written = self._write_all(
            "\n".join(("", *lines, "") if self._torn else (*lines, "")).encode("ascii", "replace")
        )
        with self._lock:
            if self._batch:  # else they were given up meanwhile
                self._lose(len(lines) - written)
            self._batch = []
            self._held -= held
        if bool(self._why) != bool(failed_before):  # both are told of at once
            self._tell_at = 0.0
        if not self._is_log or (written and not self._why):
            self._tell(self._why or failed_before)
        if failed_before and not self._why:
            log.info("lines_written_again", file=self._name, lost=self.lost)

    def _lose(self, count: int) -> None:
        """Count lines as lost; the lock is held."""
        self.lost += count
        if count:
            self._counters[self._counted_as] += count

    def _tell(self, why: str) -> None:
        """Say in the log what was lost and not told of yet, every few seconds at most."""
        with self._lock:
            now = time.monotonic()
            if self.lost == self._told or now < self._tell_at:
                return
            self._told, self._tell_at = self.lost, now + _QUIET
        log.error("lines_lost", file=self._name, lost=self._told, detail=why or _SLOW)

    def _write_all(self, data: bytes) -> int:
        """The number of lines that were written whole; after a failure `_why` says what it was."""
        left, torn = memoryview(data), self._torn
        try:
            while left:
                left = left[self._write_some(left) :]
        except OSError as error:  # a full disk, a reader that went away: calls matter more
            self._why = (error.strerror or str(error)).lower()
        written = len(data) - len(left)
        if written:
            half = written - data.rfind(b"\n", 0, written) - 1
            self._torn = half > 0 and not self._take_back(half)
        return max(0, data.count(b"\n", 0, written) - torn)

    def _write_some(self, data: memoryview) -> int:
        try:
            return os.write(self._fd, data)
        except BlockingIOError:  # a full pipe that is not to be waited for
            time.sleep(_PAUSE)
            return 0

    def _take_back(self, count: int) -> bool:
        """Cut the last bytes written off again; False where it is no file, or others wrote behind them."""
        try:
            end = os.lseek(self._fd, 0, os.SEEK_CUR)
            if os.fstat(self._fd).st_size != end:
                return False
            os.ftruncate(self._fd, end - count)
            os.lseek(self._fd, end - count, os.SEEK_SET)
        except OSError:
            return False
        return True


def _made(taken: list[_Line]) -> list[str]:
    """The lines themselves, so that none is missing where one cannot be made."""
    lines: list[str] = []
    for one in taken:
        if isinstance(one, str):
            lines.append(one)
            continue
        make, what = one
        try:
            lines.append(make(what))
        except Exception:
            lines.append('{"event":"internal_error"}')
            log.exception("internal_error")
        if len(lines) % _AT_ONCE == 0:
            time.sleep(0)  # calls come first
    return lines


def _mend(path: Path, fd: int) -> bool:
    """Cut half a record off the end of a file, so that the next one stands by itself; True where what is there without
    an end is no such half, and is to be left."""
    size = os.fstat(fd).st_size
    try:
        with path.open("rb") as file:
            file.seek(max(0, size - _LONGEST_HALF))
            last = file.read()
    except OSError:  # we may write it, but not read it
        return False
    half = last[last.rfind(b"\n") + 1 :]
    if not half:
        return False
    try:
        json.loads(half)
    except ValueError:
        if half.startswith(b"{"):
            os.ftruncate(fd, size - len(half))
            log.warning("half_line_cut", file=str(path), bytes=len(half))
            return False
    return True


class RecordLog:
    """A listener that has the records of calls written, which are made there."""

    hears: ClassVar[frozenset[type[Event]]] = CallRecords.hears

    def __init__(self, writer: LineWriter) -> None:
        self._write_later = writer.write_later

    def __call__(self, event: Event) -> None:
        self._write_later(record_line, event)


class VerdictLog:
    """A listener that has each verdict written the moment it was taken: records wait for the answer to the call."""

    hears: ClassVar[frozenset[type[Event]]] = frozenset((Judged,))

    def __init__(self, writer: LineWriter) -> None:
        self._write_later = writer.write_later

    def __call__(self, event: Event) -> None:
        self._write_later(judged_line, event)


class EventLog:
    """A listener that writes log lines: one for each refusal (level debug) and for each change in the state of the
    softswitch or of a remote source, and warnings about what can happen at any rate. Of these there is one line of a
    kind in 10 s at most, with how many events it stands for, and the first peer that caused one or the source's last
    failure: `write_due` writes them."""

    hears: ClassVar[frozenset[type[Event]]] = frozenset(
        (Refused, PeerNoticed, SoftswitchDown, SoftswitchUp, SourceFailed, SourceDown, SourceUp)
    )

    def __init__(self, softswitch: Flow, find_trunk: Callable[[str, int], Trunk | None]) -> None:
        self._softswitch = _shown(softswitch)
        self._find_trunk = find_trunk
        self._noticed: dict[str, tuple[int, Flow]] = {}
        self._failed: dict[str, tuple[int, str]] = {}  # by remote source
        self._next: dict[str, float] = {}

    def __call__(self, event: Event) -> None:
        if isinstance(event, PeerNoticed):
            count, first = self._noticed.get(event.fault, (0, event.peer))
            self._noticed[event.fault] = count + 1, first
        elif isinstance(event, Refused):
            self._refused(event)
        elif isinstance(event, SoftswitchDown):
            log.warning("softswitch_down", softswitch=self._softswitch, cause=event.cause, failed=event.failed)
        elif isinstance(event, SoftswitchUp):
            seconds = round(event.seconds, 1)
            log.warning("softswitch_up", softswitch=self._softswitch, down_seconds=seconds, refused=event.refused)
        else:
            self._of_source(event)

    def _of_source(self, event: Event) -> None:
        if isinstance(event, SourceFailed):
            count, _ = self._failed.get(event.source, (0, ""))
            self._failed[event.source] = count + 1, event.detail
        elif isinstance(event, SourceDown):
            log.warning("reputation_down", source=event.source, detail=event.detail)
        elif isinstance(event, SourceUp):
            seconds = round(event.seconds, 1)
            log.warning("reputation_up", source=event.source, down_seconds=seconds, unasked=event.unasked)

    def _refused(self, event: Refused) -> None:
        trunk = self._find_trunk(event.peer.host, event.peer.port)
        log.debug(
            "refused",
            status=event.status,
            reason=event.reason,
            method=event.method,
            call_id=event.call_id,
            peer=_shown(event.peer),
            trunk=trunk.name if trunk else None,
        )

    def write_due(self, now: float) -> None:
        """Write the warnings that may be written by now."""
        for fault in [fault for fault in self._noticed if now >= self._next.get(fault, now)]:
            count, peer = self._noticed.pop(fault)
            self._next[fault] = now + _QUIET
            log.warning(fault, count=count, peer=_shown(peer))
        for source in [source for source in self._failed if now >= self._next.get(f"source {source}", now)]:
            count, detail = self._failed.pop(source)
            self._next[f"source {source}"] = now + _QUIET
            log.warning("reputation_failed", source=source, detail=detail, count=count)


def _shown(peer: Flow) -> str:
    return f"{peer.transport}:{peer.host}:{peer.port}"
