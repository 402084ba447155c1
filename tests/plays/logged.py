"""A listener to the log, in the place of lines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from proxy.observability.logger import Fields, Level, log


@contextmanager
def capture_logs() -> Iterator[list[dict[str, Any]]]:
    """The fields of each event, with its level as `log_level`, debug included."""

    def take(level: Level, fields: Fields) -> None:
        taken.append(fields | {"log_level": level})

    taken: list[dict[str, Any]] = []
    before, log.sink = log.sink, take
    try:
        yield taken
    finally:
        log.sink = before
