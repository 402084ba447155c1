"""Calls and texts that depend on what a remote source says of their caller: they wait, and nothing else does. Sans-IO.

Who asks about the same number while a question about it is open waits for the same answer. Where none comes in time, or
nobody can be asked, the rule says what becomes of the call. Rules in shadow mode delay nothing: what they would have
done is told once the answer is there.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from proxy.core.calls import Calls
from proxy.core.deciding import Decision
from proxy.core.events import Judged
from proxy.core.parked import Parked
from proxy.core.questions import Questions
from proxy.core.time_of_day import TimeOfDay
from proxy.policy.call import Call
from proxy.policy.engine import Policy
from proxy.policy.memory import Memory
from proxy.policy.precedence import REMOTE
from proxy.policy.remote import Gathered, Lookup, Opinion
from proxy.policy.verdict import Verdict
from proxy.reputation.sources import Sources


class Core(Protocol):
    """The core, as far as it goes on with what waited."""

    sources: Sources

    def carry_on(self, parked: Parked, decision: Decision, now: float) -> None:
        """Carry out what was decided over it."""

    def let_go(self, parked: Parked, now: float) -> None:
        """Forget one that cannot be gone on with."""


class _Open:
    """A question that was put, and who waits for its answer."""

    __slots__ = ("lookup", "waiting")

    def __init__(self, lookup: Lookup) -> None:
        self.lookup = lookup
        self.waiting: list[_Waiting] = []


class _Waiting:
    """A decision that waits for lookups. `parked` is the request that waits with it, None in shadow mode."""

    __slots__ = ("at", "call", "call_id", "given", "parked", "policy", "verdict")

    def __init__(self, call_id: str, call: Call, verdict: Verdict, policy: Policy, parked: Parked | None, at: float):
        self.call_id = call_id
        self.call = call
        self.verdict = verdict
        self.policy = policy
        self.parked = parked
        self.at = at
        self.given: dict[Lookup, Opinion] = {}

    @property
    def is_over(self) -> bool:
        """True once nobody waits any more: it was decided, or its sender gave up."""
        parked = self.parked
        return parked is not None and (parked.done or parked.context.final is not None)


class Consulting:
    """Has sources asked through `questions`, and decides again with each answer."""

    def __init__(
        self,
        core: Core,
        questions: Questions,
        calls: Calls,
        memory: Memory,
        clock: TimeOfDay,
        stopwatch: Callable[[], float],
    ) -> None:
        self._core = core
        self._questions = questions
        self._calls = calls
        self._memory = memory
        self._clock = clock
        self._stopwatch = stopwatch
        self._open: dict[Lookup, _Open] = {}
        self._parked: set[_Waiting] = set()

    @property
    def pending(self) -> int:
        """The number of requests that wait."""
        return sum(not each.is_over for each in self._parked)

    def wait(self, parked: Parked, call: Call, verdict: Verdict, now: float) -> None:
        """Have the sources asked that a verdict depends on, and go on with the request once it is decided."""
        waiting = _Waiting(parked.request.call_id, call, verdict, parked.policy, parked, now)
        if self._ask(waiting, now):
            # A record, should the caller give up before.
            judged = Judged(waiting.call_id, call, verdict, parked.decision.elapsed)
            parked.context.call = self._calls.waits(judged, parked.request)
            self._parked.add(waiting)

    def note(self, call_id: str, call: Call, verdict: Verdict, policy: Policy, now: float) -> None:
        """Have the sources asked that a rule in shadow mode would have asked; the call goes on meanwhile."""
        self._ask(_Waiting(call_id, call, verdict, policy, None, now), now)

    def _ask(self, waiting: _Waiting, now: float) -> bool:
        """Put the questions that are not open yet; what is known at once counts at once. False once it is decided."""
        while True:
            failed = False
            for lookup in waiting.verdict.asks:
                if (asked := self._open.get(lookup)) is not None:
                    if waiting not in asked.waiting:
                        asked.waiting.append(waiting)
                elif why := self._core.sources.begin(lookup, now + self._clock.epoch):
                    waiting.given[lookup] = Opinion(failure=why)
                    failed = True
                else:
                    self._open[lookup] = asked = _Open(lookup)
                    asked.waiting.append(waiting)
                    self._questions.ask(lookup, lookup.source.timeout, partial(self._answered, asked), now)
            if not failed:
                return True
            if self._decide_again(waiting, now):
                return False

    def _answered(self, asked: _Open, opinion: Opinion | None, now: float) -> None:
        """The answer is there, or its time is over (None); one that comes after that is good for the next caller."""
        lookup, at = asked.lookup, now + self._clock.epoch
        if self._open.get(lookup) is not asked:
            if opinion is not None and not opinion.failure:
                self._core.sources.learn(lookup, opinion, at)
            return
        del self._open[lookup]
        if opinion is None:
            opinion = Opinion(failure=f"no answer within {lookup.source.timeout * 1000:.0f} ms")
        self._core.sources.end(lookup, opinion, at)
        broken: list[Exception] = []
        for waiting in asked.waiting:
            try:
                self._go_on(waiting, lookup, opinion, now)
            except Exception as error:  # one call's fault is no other's
                broken.append(error)
                self._parked.discard(waiting)
                if waiting.parked is not None:
                    self._core.let_go(waiting.parked, now)
        if broken:
            raise broken[0]

    def _go_on(self, waiting: _Waiting, lookup: Lookup, opinion: Opinion, now: float) -> None:
        if not waiting.is_over:
            waiting.given[lookup] = opinion._replace(waited=now - waiting.at)
            if not self._decide_again(waiting, now) and self._ask(waiting, now):
                return
        self._parked.discard(waiting)

    def _decide_again(self, waiting: _Waiting, now: float) -> bool:
        """Decide by what is known by now; True once nothing is missing any more, and it is carried out."""
        parked, started = waiting.parked, self._stopwatch()
        known = Gathered(waiting.given, self._core.sources)
        waiting.verdict = verdict = waiting.policy.decide(waiting.call, self._memory, known)
        if parked is None:
            if not verdict.asks:
                self._calls.shadowed(waiting.call_id, next(s for s in verdict.trace if s.rule == REMOTE), now)
            return not verdict.asks
        elapsed = parked.decision.elapsed + self._stopwatch() - started
        parked.decision = parked.decision.but(verdict=verdict, elapsed=elapsed, waited=now - waiting.at)
        if verdict.waits:
            return False
        parked.done = True
        self._core.carry_on(parked, parked.decision, now)
        return True
