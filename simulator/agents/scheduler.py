"""Things to be done later, at any moment and in any order. Sans-IO: seconds of one monotonic clock are arguments."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

NEVER = float("inf")
Action = Callable[[float], None]


class Appointment:
    """One entry of an agenda."""

    __slots__ = ("_action",)

    def __init__(self, action: Action) -> None:
        self._action: Action | None = action

    def cancel(self) -> None:
        """It shall not happen."""
        self._action = None

    def keep(self, now: float) -> None:
        """Do it, once."""
        action, self._action = self._action, None
        if action is not None:
            action(now)


class Agenda:
    """Calls actions at their times."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Appointment]] = []
        self._count = itertools.count()

    def at(self, when: float, action: Action) -> Appointment:
        """Call `action(now)` at second `when`."""
        appointment = Appointment(action)
        heapq.heappush(self._heap, (when, next(self._count), appointment))
        return appointment

    def next(self) -> float:
        """When something may be due; NEVER where nothing waits."""
        return self._heap[0][0] if self._heap else NEVER

    def run(self, now: float) -> None:
        """Do what is due by now, in order of time."""
        while self._heap and self._heap[0][0] <= now:
            heapq.heappop(self._heap)[2].keep(now)
