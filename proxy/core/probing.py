"""The times at which the softswitch is asked whether it is there."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Probing:
    """The times for asking the softswitch, in seconds: after `interval` of silence (0: never for that),
    when a request went `unanswered` so long; it has `timeout` to answer, and while it is down `retry` goes between."""

    interval: float = 10.0
    unanswered: float = 1.0
    timeout: float = 2.0
    retry: float = 2.0
