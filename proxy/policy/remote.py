"""Reputation that remote sources tell of callers' numbers: what is asked, and the answers that a rule weighs.

The words are those of RFC 7071: a reputon is one assertion about a number (`spam`), with a rating of 0 to 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, Protocol

ASSERTIONS = ("abusive", "fraud", "spam")  # of RFC 7073, what can be said of a caller


@dataclass(frozen=True, slots=True)
class RemoteSource:
    """A service that can be asked about callers, and what its answers count for.

    `url` holds `{e164}` or `{digits}` in the place of the number; `headers` go with each question. `timeout` is in
    seconds. Without an answer its callers pass (`allow`), or are refused (`block`). `callers` says whose numbers it is
    told: those from overseas, or all that come in on a trunk; our own subscribers' never. An assertion counts where it
    is one of `assertions`, rated `min_rating` or more and, where it comes with a confidence, at least `min_confidence`.

    At most `in_flight` questions are open at once, over `connections` connections. Answers are kept for
    `cache_seconds`, `cache_entries` of them. After `breaker_failures` failures in a row it is asked nothing for
    `breaker_seconds`, and then one question to see; so it is at once where it says that it wants to be left alone.
    """

    name: str
    url: str
    timeout: float = 0.3
    on_failure: Literal["allow", "block"] = "allow"
    callers: Literal["overseas", "all"] = "overseas"
    min_rating: float = 0.5
    min_confidence: float = 0.0
    assertions: tuple[str, ...] = ASSERTIONS
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)  # may hold keys
    cafile: str | None = None
    in_flight: int = 1000
    connections: int = 50
    cache_seconds: float = 300.0
    cache_entries: int = 10_000
    breaker_failures: int = 5
    breaker_seconds: float = 10.0


class Lookup(NamedTuple):
    """The question what a source knows of a number in E.164."""

    source: RemoteSource
    number: str


class Reputon(NamedTuple):
    """One assertion about a number (RFC 7071): how far it holds, and how sure the source is of that (0 to 1)."""

    assertion: str
    rating: float
    confidence: float | None = None


class Opinion(NamedTuple):
    """The outcome of a lookup: `reputons`, none where the source knows nothing, or a `failure` in words.

    `expires` is the epoch time until which the source stands by it. `waited` is how long a call waited for it, `age`
    how long ago it was given to another, None of a fresh one, `leave_alone` how long the source that failed wants no
    more questions (Retry-After, RFC 9110 10.2.3), 0 where it did not say; all in seconds.
    """

    reputons: tuple[Reputon, ...] = ()
    failure: str = ""
    expires: float | None = None
    waited: float = 0.0
    age: float | None = None
    leave_alone: float = 0.0


class Opinions(Protocol):
    """The opinions that are known."""

    def about(self, lookup: Lookup, at: float, /) -> Opinion | None:
        """The opinion at an epoch time; None where the source has to be asked."""


class Gathered:
    """Opinions that were given to one call, over those that `others` know."""

    def __init__(self, given: Mapping[Lookup, Opinion], others: Opinions) -> None:
        self._given = given
        self._others = others

    def about(self, lookup: Lookup, at: float, /) -> Opinion | None:
        """The opinion that was given, else the one that is known."""
        return self._given.get(lookup) or self._others.about(lookup, at)


class _Nothing:
    def about(self, lookup: Lookup, at: float, /) -> Opinion | None:  # noqa: ARG002
        return None


UNASKED: Final[Opinions] = _Nothing()


class Asks(NamedTuple):
    """A rule's wish to know more before it can say anything."""

    lookups: tuple[Lookup, ...]
    detail: str
