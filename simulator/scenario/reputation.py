"""Remote sources of reputation that a lab plays itself: what they say of whom, and how they behave."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from proxy.config.reputation import Share, Weighing
from proxy.numbers.patterns import matching
from proxy.policy.remote import Lookup, Opinion, Reputon
from simulator.scenario.fields import Duration

_Pattern = Annotated[str, Field(pattern=r"^\+[1-9][0-9]{0,14}\*?$")]
_Assertion = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]


class LabSource(Weighing):
    """A remote source that the lab plays, on loopback: the proxy asks it about callers as it would ask a real one.

    `rates` says what it tells of numbers in E.164, or of prefixes that end in `*`: assertions, and how far they hold (0
    to 1); of several that fit, the longest counts. Of all other numbers it knows nothing. It answers after `delay`;
    `behaves: never` takes questions and answers none, `error` answers with HTTP 500, at `closed` nobody listens. The
    other keys are those of the proxy's config.
    """

    rates: dict[_Pattern, dict[_Assertion, Share]] = Field(default={})
    delay: Annotated[Duration, Field(json_schema_extra={"default": "0s"})] = 0.0
    behaves: Literal["answers", "never", "error", "closed"] = "answers"

    def opinion(self, number: str) -> Opinion:
        """The opinion about a number in E.164 that a proxy gets of it."""
        if self.behaves != "answers" or self.delay >= self.timeout_seconds:
            return Opinion(failure=f"behaves as {self.behaves}")
        return Opinion(tuple(Reputon(assertion, rating) for assertion, rating in self.rating(number).items()))

    def rating(self, number: str) -> dict[str, float]:
        """The assertions about a number, and how far they hold."""
        pattern = matching(sorted(self.rates, key=len, reverse=True), number)
        return self.rates[pattern] if pattern is not None else {}


class Canned:
    """The opinions of the sources of a scenario, by name, for whoever decides without asking anybody."""

    def __init__(self, sources: dict[str, LabSource]) -> None:
        self._sources = sources

    def about(self, lookup: Lookup, at: float, /) -> Opinion | None:  # noqa: ARG002
        """The opinion of a source of that name; None where there is none."""
        source = self._sources.get(lookup.source.name)
        return None if source is None else source.opinion(lookup.number)
