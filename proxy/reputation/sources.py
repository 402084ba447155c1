"""The proxy's knowledge of its remote sources: answers that are still good, open questions, and who is down. Sans-IO.

Times are epoch seconds. A source that fails again and again is asked no more for a while (a circuit breaker), so that
its callers do not each wait for nothing; then one question goes out to see, and its answer brings the source back.
One that asks to be left alone is, at once.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Collection
from typing import NamedTuple

from proxy.policy.remote import Lookup, Opinion, RemoteSource

DOWN = "is down"  # what is said of a source that is asked no more for a while


class SourceFailed(NamedTuple):
    """A remote source gave no answer to a question, or was not asked for want of room; `detail` says why."""

    source: str
    detail: str


class SourceDown(NamedTuple):
    """A remote source failed so often that it is asked no more for a while; `detail` says how it failed last."""

    source: str
    detail: str


class SourceUp(NamedTuple):
    """A remote source answers again after so many `seconds`, in which so many lookups did without it."""

    source: str
    seconds: float
    unasked: int


class _State:
    """All about one source. `down_since` is 0.0 while it answers, `trial` the lookup that goes out to see. Until
    `alone_until` it asked to be left alone."""

    __slots__ = ("alone_until", "answers", "asked", "down_since", "failures", "retry_at", "trial", "unasked")

    def __init__(self) -> None:
        # By number: good until, given at; oldest first.
        self.answers: OrderedDict[str, tuple[float, float, Opinion]] = OrderedDict()
        self.asked = 0  # questions that are open
        self.failures = 0  # in a row
        self.down_since = 0.0
        self.retry_at = 0.0
        self.alone_until = 0.0
        self.trial: Lookup | None = None
        self.unasked = 0


class Sources:
    """Knows what remote sources said, and whom not to ask. `put` takes events."""

    def __init__(self, counters: Counter[str], put: Callable[[SourceFailed | SourceDown | SourceUp], None]) -> None:
        self._put = put
        self._counters = counters
        self._states: dict[RemoteSource, _State] = {}

    def about(self, lookup: Lookup, at: float, /) -> Opinion | None:
        """The opinion that was given before and is still good; None where the source has to be asked."""
        state = self._states.get(lookup.source)
        held = None if state is None else state.answers.get(lookup.number)
        if held is None:
            return None
        until, given, opinion = held
        return opinion._replace(age=max(0.0, at - given)) if at < until else None

    def begin(self, lookup: Lookup, at: float) -> str:
        """Count a question as open; or say why it cannot be put: the source is down, or has enough to do."""
        state = self._state(lookup.source)
        if state.down_since and (state.trial is not None or at < max(state.retry_at, state.alone_until)):
            state.unasked += 1
            self._counters["reputation_unasked"] += 1
            return DOWN
        if state.asked >= lookup.source.in_flight:
            self._counters["reputation_overload"] += 1
            failure = f"{state.asked} questions are open already"
            self._put(SourceFailed(lookup.source.name, failure))
            return failure
        if state.down_since:
            state.trial = lookup
        state.asked += 1
        self._counters["reputation_asked"] += 1
        return ""

    def end(self, lookup: Lookup, opinion: Opinion, at: float) -> None:
        """Take what became of a question that was begun."""
        state = self._state(lookup.source)
        state.asked -= 1
        if opinion.failure:
            self._counters["reputation_failed"] += 1
            self._put(SourceFailed(lookup.source.name, opinion.failure))
            self._failed(lookup, state, opinion, at)
        else:
            self.learn(lookup, opinion, at)

    def learn(self, lookup: Lookup, opinion: Opinion, at: float) -> None:
        """Take an answer, be it too late for who asked: the source is there, unless it asked to be left alone, and
        the next caller need not ask."""
        source, number = lookup
        state = self._state(source)
        state.failures, state.trial = 0, None
        if state.down_since and at >= state.alone_until:
            self._put(SourceUp(source.name, at - state.down_since, state.unasked))
            state.down_since, state.alone_until, state.unasked = 0.0, 0.0, 0
        until = (
            at + source.cache_seconds if opinion.expires is None else min(at + source.cache_seconds, opinion.expires)
        )
        state.answers.pop(number, None)
        if until > at and source.cache_entries:
            state.answers[number] = until, at, opinion
            if len(state.answers) > source.cache_entries:
                state.answers.popitem(last=False)

    def set_back(self, seconds: float) -> None:
        """The time of day was set back: nobody waits longer for that, and no answer is good for longer."""
        for state in self._states.values():
            state.retry_at -= seconds
            state.alone_until -= seconds
            if state.down_since:
                state.down_since -= seconds
            for number, (until, given, opinion) in state.answers.items():
                state.answers[number] = until - seconds, given - seconds, opinion

    def keep(self, sources: Collection[RemoteSource]) -> None:
        """Forget all others, once nothing is asked of them any more."""
        for source in [one for one, state in self._states.items() if one not in sources and not state.asked]:
            del self._states[source]

    def _state(self, source: RemoteSource) -> _State:
        state = self._states.get(source)
        if state is None:
            state = self._states[source] = _State()
        return state

    def _failed(self, lookup: Lookup, state: _State, opinion: Opinion, at: float) -> None:
        source = lookup.source
        state.failures += 1
        state.alone_until = max(state.alone_until, at + opinion.leave_alone)
        if state.down_since:
            if state.trial == lookup:  # others were asked while it was thought to be there
                state.trial, state.retry_at = None, at + source.breaker_seconds
        elif opinion.leave_alone or state.failures >= source.breaker_failures:
            state.down_since, state.retry_at = at, at + source.breaker_seconds
            self._put(SourceDown(source.name, opinion.failure))
            self._counters["reputation_down"] += 1
