"""Records the messages of a run into its folder.

Lines are appended to messages.jsonl while calls are played, also where only those of failed calls are wanted: which
these are is known at the end, and memory does not grow meanwhile. A run that ends in order leaves what is wanted;
after a crash all messages are there, but for the last fifth of a second.

Each message is recorded once, at a socket of the wire agents or of the embedded softswitch: as it leaves, or as it
comes from elsewhere. What passes between the proxy and others (real phones, Asterisk) the proxy records, in a file of
its own that is put in at the end.
"""

from __future__ import annotations

import errno
import heapq
import os
from collections.abc import Collection
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from shutil import disk_usage

from proxy.observability.message_log import MessageLines
from simulator.addresses import Address
from simulator.agents.tap import Hear
from simulator.results.events import Event, PassEnded, Tick
from simulator.results.messages import MESSAGES, Calls, Mode, Recorded, moment, whole_lines

PROXYS = "proxy-messages.jsonl"  # what the proxy alone can see, until it is put with the others
_BATCH = 65536  # characters that are written at once
_SPARED = 64 << 20  # bytes of the disk that are left to what a run cannot do without


class MessageRecorder:
    """Records the messages of a run into its folder. Nothing here raises OSError: calls matter more.

    `failed` records the pass through the proxy, `all` both passes.
    """

    def __init__(self, folder: Path, mode: Mode) -> None:
        self._path = folder / MESSAGES
        self._proxys = folder / PROXYS
        self._mode = mode
        self._file: int | None = None
        self._size = 0  # bytes of whole lines in the file
        self._lines: list[str] = []
        self._waiting = 0  # characters in them
        self._writers: list[MessageLines] = []
        self._recorded = Recorded(mode)

    def hearing(self, *, proxied: bool) -> Hear | None:
        """The function that takes the messages of a pass; None where they are not wanted."""
        if self._mode == "never" or (self._mode == "failed" and not proxied):
            return None
        lines = MessageLines("" if proxied else '"proxied":false,')
        self._writers.append(lines)
        line, hold = lines.line, self._hold

        def hear(at: float, data: bytes, transport: str, sender: Address, receiver: Address) -> None:
            hold(line(at, data, transport, sender, receiver))

        return hear

    def hear(self, event: Event) -> None:
        """Write out what waits, now and then."""
        if isinstance(event, (Tick, PassEnded)):
            self._write_out()
            for lines in self._writers:
                lines.set_clock()

    def settle(self, failed: Collection[str] | None) -> Recorded:
        """Close the file, with what the proxy saw put in. Where only failed calls are wanted, leave no others in it.

        `failed` are the Call-IDs with which these left their callers; None keeps all, as nobody knows.
        """
        self._write_out()
        if self._file is not None:
            os.close(self._file)
            self._file = None
        only = failed if self._mode == "failed" else None
        try:
            if only is not None and not only and not self._proxys.exists():
                self._path.unlink(missing_ok=True)
                self._recorded = replace(self._recorded, kept=0, dropped=self._recorded.kept)
            elif self._mode == "never":
                self._proxys.unlink(missing_ok=True)
            elif only is not None or self._proxys.exists():
                self._rewrite(only)
        except OSError as error:
            self._recorded = replace(self._recorded, why=f"{MESSAGES}: {error.strerror or error}")
        return self._recorded

    def _hold(self, line: str) -> None:
        self._lines.append(line)
        self._waiting += len(line)
        if self._waiting > _BATCH:
            self._write_out()

    def _write_out(self) -> None:
        if not self._lines:
            return
        lines, self._lines, self._waiting = self._lines, [], 0
        recorded = self._recorded
        if recorded.lost:  # there is no room: what comes later would make no sense without what was lost
            self._recorded = replace(recorded, lost=recorded.lost + len(lines))
            return
        data = ("\n".join(lines) + "\n").encode("ascii")
        try:
            if disk_usage(self._path.parent).free < _SPARED:
                raise OSError(errno.ENOSPC, "less than 64 MB of room are left on the disk")
            if self._file is None:
                self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
            written = 0
            while written < len(data):
                written += os.write(self._file, memoryview(data)[written:])
        except OSError as error:
            self._recorded = replace(recorded, lost=len(lines), why=f"{MESSAGES}: {error.strerror or error}")
            if self._file is not None:
                with suppress(OSError):
                    os.truncate(self._file, self._size)
        else:
            self._size += len(data)
            self._recorded = replace(recorded, kept=recorded.kept + len(lines))

    def _rewrite(self, failed: Collection[str] | None) -> None:
        """Merge the files by time, and leave out what is not of `failed` calls."""
        fresh = self._path.with_name(f".{MESSAGES}.part")
        kept = dropped = 0
        try:
            with ExitStack() as stack, fresh.open("wb") as out:
                files = [stack.enter_context(path.open("rb")) for path in (self._path, self._proxys) if path.exists()]
                wanted = None if failed is None else Calls(failed)
                for line in heapq.merge(*map(whole_lines, files), key=moment):
                    if wanted is None or line in wanted:
                        out.write(line)
                        kept += 1
                    else:
                        dropped += 1
            if kept:
                fresh.replace(self._path)
            else:
                self._path.unlink(missing_ok=True)
            self._proxys.unlink(missing_ok=True)
        finally:
            fresh.unlink(missing_ok=True)
        self._recorded = replace(self._recorded, kept=kept, dropped=dropped)
