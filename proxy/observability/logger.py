"""The log: what happened, with fields, for `configure` of `proxy.observability.log` to make lines of.

No library: those for structured logs import what prints in colour on terminals, a sixth of a proxy's start.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Literal

Level = Literal["debug", "info", "warning", "error", "critical"]
Fields = dict[str, Any]
_Raised = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
_LEVELS: dict[int, Level] = {
    logging.DEBUG: "debug",
    logging.INFO: "info",
    logging.WARNING: "warning",
    logging.ERROR: "error",
    logging.CRITICAL: "critical",
}


def line(level: Level, fields: Fields) -> str:
    """A JSON object, without the end of a line: the fields, then the level and the time, in UTC."""
    at = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    raised = {"exception": fields["exception"]} if "exception" in fields else {}
    said = {name: value for name, value in fields.items() if name != "exception"}
    return json.dumps({**said, "level": level, "timestamp": at, **raised}, default=repr)


def _to_stderr(level: Level, fields: Fields) -> None:
    print(line(level, fields), file=sys.stderr)


class Log:
    """The log of a process. `sink` takes each event's level and fields, of which one is "event" and one, behind an
    error in the program, "exception"."""

    def __init__(self) -> None:
        self.sink: Callable[[Level, Fields], None] = _to_stderr

    def debug(self, event: str, **fields: Any) -> None:
        self.sink("debug", {**fields, "event": event})

    def info(self, event: str, **fields: Any) -> None:
        self.sink("info", {**fields, "event": event})

    def warning(self, event: str, **fields: Any) -> None:
        self.sink("warning", {**fields, "event": event})

    def error(self, event: str, **fields: Any) -> None:
        self.sink("error", {**fields, "event": event})

    def exception(self, event: str, **fields: Any) -> None:
        """Log an error with the exception that is being dealt with."""
        self.sink("error", {**fields, "event": event, **_told(sys.exc_info())})

    def from_library(self, record: logging.LogRecord) -> None:
        """Log what a library logged, at its level or the one below."""
        level = _LEVELS[max((each for each in _LEVELS if each <= record.levelno), default=logging.DEBUG)]
        fields = {"name": record.name, "detail": record.getMessage(), "event": "library"}
        self.sink(level, {**fields, **_told(record.exc_info)})


def _told(raised: _Raised | None) -> Fields:
    if raised is None or raised[1] is None:
        return {}
    return {"exception": "".join(traceback.format_exception(raised[1])).removesuffix("\n")}


log = Log()
