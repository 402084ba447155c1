"""Timers without a clock: one queue a duration.

SIP starts timers of a handful of durations only, and time never goes back: the timers of one duration therefore end
in the order in which they were started, and starting one is an append, however many run.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")
NEVER = float("inf")


class Timers(Generic[T]):
    """Running timers of `T`. Durations and times are seconds on the caller's clock."""

    def __init__(self) -> None:
        self._queues: dict[float, deque[tuple[float, T]]] = {}
        self._next = NEVER

    def start(self, duration: float, what: T, now: float) -> None:
        """Let `what` be due `duration` seconds from now."""
        queue = self._queues.get(duration)
        if queue is None:
            queue = self._queues[duration] = deque()
        when = now + duration
        queue.append((when, what))
        if when < self._next:
            self._next = when

    def next(self) -> float:
        """The moment at which the next one is due; NEVER where none runs."""
        return self._next

    def due(self, now: float) -> Iterator[T]:
        """Take out what is due by now. More may be started meanwhile, be it due as well."""
        while self._next <= now:
            for queue in list(self._queues.values()):
                while queue and queue[0][0] <= now:
                    yield queue.popleft()[1]
            soonest = NEVER
            for queue in self._queues.values():
                if queue and queue[0][0] < soonest:
                    soonest = queue[0][0]
            self._next = soonest

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))
