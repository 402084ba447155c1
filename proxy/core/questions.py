"""Questions that only the world outside can answer, while the request that raised them waits, and no other. Sans-IO.

The core puts an `Ask`; whoever runs the core finds it among its `outputs`, and answers with `ProxyCore.resolved`. Where
no answer comes by the deadline, the request goes on without one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from proxy.policy.remote import Lookup, Opinion
from proxy.sip.timers import Timers
from proxy.subscribers.changes import Change

# Goes on with the answer, at a time; None where the deadline has passed (an answer may still come).
GoOn = Callable[[Any, float], None]


@dataclass(frozen=True, slots=True)
class Save:
    """Can these be kept, all of them? Yes once they are on disk."""

    changes: tuple[Change, ...]


# To the first the answer is True or False, to the second what the source said, or why it said nothing.
Question = Save | Lookup
Answer = bool | Opinion


@dataclass(frozen=True, slots=True, eq=False)
class Ask:
    """A question, and until when an answer is waited for (seconds on the core's clock)."""

    question: Question
    deadline: float


class Questions:
    """Those that are open. `put` takes the new ones."""

    def __init__(self, put: Callable[[Ask], None]) -> None:
        self._put = put
        self._open: dict[Ask, GoOn] = {}
        self._overdue: set[Ask] = set()
        self._timers: Timers[Ask] = Timers()
        self._pauses: Timers[GoOn] = Timers()

    def ask(self, question: Question, seconds: float, go_on: GoOn, now: float) -> None:
        """Put a question. `go_on` is called with its answer, and before that, `seconds` from now, with None."""
        ask = Ask(question, now + seconds)
        self._open[ask] = go_on
        self._timers.start(seconds, ask, now)
        self._put(ask)

    def pause(self, seconds: float, go_on: GoOn, now: float) -> None:
        """Ask nobody, and call `go_on` with None, `seconds` from now."""
        self._pauses.start(seconds, go_on, now)

    def resolved(self, ask: Ask, answer: Answer, now: float) -> None:
        """Go on with an answer."""
        go_on = self._open.pop(ask, None)
        self._overdue.discard(ask)
        if go_on is not None:
            go_on(answer, now)

    def next_timer(self) -> float:
        """The moment to call `run_timers` next; infinity where nothing waits."""
        return min(self._timers.next(), self._pauses.next())

    def run_timers(self, now: float) -> None:
        """Go on without those answers for which the deadline has passed."""
        for go_on in self._pauses.due(now):
            go_on(None, now)
        for ask in self._timers.due(now):
            if (waiting := self._open.get(ask)) is not None:
                self._overdue.add(ask)
                waiting(None, now)

    @property
    def saving(self) -> int:
        """The number of changes whose saving is being waited for."""
        return sum(isinstance(ask.question, Save) for ask in self._open.keys() - self._overdue)
