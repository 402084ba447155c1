"""Structured logs: one JSON object a line on stderr, and the file or stream that call records go to."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TextIO

import structlog

_FLUSH_EVERY = 0.05  # seconds


def configure(stream: TextIO | None = None) -> None:
    """Set structlog up for this process."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(stream or sys.stderr),
        cache_logger_on_first_use=True,
    )


class RecordWriter:
    """Appends call records to a file, or to stderr where `path` is None: many lines at once, 50 ms late at most.

    Raises OSError where the file cannot be opened.
    """

    def __init__(self, path: Path | None) -> None:
        self._file = sys.stderr if path is None else path.open("a", encoding="ascii")
        self._owned = path is not None
        self._lines: list[str] = []
        self.lost = 0  # lines that could not be written
        self._alarm: asyncio.TimerHandle | None = None

    def write(self, line: str) -> None:
        """Take one line, without its end."""
        self._lines.append(line)
        if self._alarm is None:
            self._alarm = asyncio.get_running_loop().call_later(_FLUSH_EVERY, self._flush)

    def _flush(self) -> None:
        self._alarm = None
        lines, self._lines = self._lines, []
        try:
            self._file.write("\n".join((*lines, "")))
            self._file.flush()
        except OSError as error:  # a full disk, a reader that went away: calls matter more than their records
            self.lost += len(lines)
            structlog.get_logger().error("records_lost", lost=self.lost, detail=str(error))

    def close(self) -> None:
        """Write out what is left."""
        if self._alarm is not None:
            self._alarm.cancel()
        self._flush()
        if self._owned:
            self._file.close()
