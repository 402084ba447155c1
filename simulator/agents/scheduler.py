"""Things to be done later, at any moment and in any order. Sans-IO: seconds of one monotonic clock are arguments."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

NEVER = float("inf")
Action = Callable[[float], None]


class Timer:
    """An action that a scheduler will call, unless it is cancelled."""

    __slots__ = ("_action",)

    def __init__(self, action: Action) -> None:
        self._action: Action | None = action

    def cancel(self) -> None:
        """Never call it."""
        self._action = None

    def fire(self, now: float) -> None:
        """Call it, once."""
        action, self._action = self._action, None
        if action is not None:
            action(now)


class Scheduler:
    """Calls actions at their times."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._count = itertools.count()

    def at(self, when: float, action: Action) -> Timer:
        """Call `action(now)` at second `when`."""
        timer = Timer(action)
        heapq.heappush(self._heap, (when, next(self._count), timer))
        return timer

    def next(self) -> float:
        """The moment at which something may be due; NEVER where nothing waits."""
        return self._heap[0][0] if self._heap else NEVER

    def run(self, now: float) -> None:
        """Do what is due by now, in order of time."""
        while self._heap and self._heap[0][0] <= now:
            heapq.heappop(self._heap)[2].fire(now)
