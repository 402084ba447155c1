"""Structured logs: one JSON object a line on stderr, and the file or stream that call records go to."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TextIO

import structlog

_FLUSH_EVERY = 0.2  # seconds


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
    """Appends call records to a file, or to stderr where `path` is None; whole lines, a fifth of a second late at most.

    Raises OSError where the file cannot be opened.
    """

    def __init__(self, path: Path | None) -> None:
        self._file = sys.stderr if path is None else path.open("a", encoding="ascii", buffering=1 << 16)
        self._owned = path is not None
        self._flush: asyncio.TimerHandle | None = None

    def write(self, line: str) -> None:
        """Take one line, without its end."""
        self._file.write(line + "\n")
        if self._flush is None:
            self._flush = asyncio.get_running_loop().call_later(_FLUSH_EVERY, self._flush_now)

    def _flush_now(self) -> None:
        self._flush = None
        self._file.flush()

    def close(self) -> None:
        """Write out what is left."""
        if self._flush is not None:
            self._flush.cancel()
        self._file.flush()
        if self._owned:
            self._file.close()
