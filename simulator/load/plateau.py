"""A plateau as it was measured: what is asked of it, if it holds, and if it was the proxy that was measured. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from simulator.judging.latency import Distribution
from simulator.load.tally import FROM_DUE, NO_ANSWER, REFUSAL_FROM_DUE, Tally

_LATE = 0.010  # seconds that generators may be late by without a word
_MUCH = 1 / 3  # of the delay that was measured
_BUSY = 0.9  # of a processor: a process cannot do much more
_NOTHING_LEFT = 0.03  # of all processors
_DRIVEN = 0.8  # of a processor: what a proxy that has all it needs reaches in the end
_STARVED = 0.05  # of the time: a proxy that waited for a processor for less had one when it wanted


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a plateau that holds: 99 of 100 callers hear ringing or a refusal within `p99` seconds from when
    the call was due, and no greater share of calls fails than `failures`."""

    p99: float
    failures: float


@dataclass(frozen=True, slots=True)
class Plateau:
    """A plateau of so many calls a second. `unheard` callers had heard nothing when it was judged, and of calls that
    were due `unplaced` had not been placed, as where a generator hangs; `cut` is it where it was ended early, since it
    could not hold any more. `processors` are shares of one processor: of the `proxy`, the `far_end`, the busiest of the
    `generators`; `idle` is the share of the whole machine, `proxy_waited` that of the time in which the proxy waited
    for a processor. `began` and `ended` are in seconds since 1970; it lasted for `seconds`. `broken` says what ended it
    before its time; then only calls whose callers were heard of count."""

    number: int
    rate: float
    calls: int
    unheard: int
    tally: Tally
    limits: Limits
    processors: Mapping[str, float]
    began: float
    ended: float
    seconds: float
    cut: bool = False
    broken: str = ""
    unplaced: int = 0

    @property
    def failures(self) -> dict[str, int]:
        """The calls that failed, by reason."""
        found = self.tally.failed.copy()
        found[NO_ANSWER] += self.unheard
        return {why: count for why, count in found.most_common() if count}

    @property
    def failed(self) -> int:
        """The number of calls that failed."""
        return sum(self.failures.values())

    @property
    def failed_share(self) -> float:
        """The share of calls that failed."""
        return self.failed / self.calls if self.calls else 0.0

    @property
    def delay(self) -> Distribution | None:
        """The delays from when calls were due until callers heard ringing, or a refusal where that took longer."""
        found = [self.tally.distribution(name) for name in (FROM_DUE, REFUSAL_FROM_DUE)]
        return max((each for each in found if each is not None), key=lambda each: each.p99, default=None)

    @property
    def missed(self) -> tuple[str, ...]:
        """The limits that were missed, in words."""
        return tuple(self._missed())

    def _missed(self) -> Iterator[str]:
        limits, delay = self.limits, self.delay
        if self.failed_share > limits.failures:
            yield f"{self.failed_share * 100:.2f} % of the calls failed (limit {limits.failures * 100:g} %)"
        if delay is not None and delay.p99 > limits.p99:
            yield f"p99 was {delay.p99 * 1e3:.1f} ms (limit {limits.p99 * 1e3:g} ms)"
        if not self.calls:
            yield "no call was placed"
        if self.unplaced and self.calls:
            yield f"{self.unplaced} of the {self.calls + self.unplaced} calls that were due were not placed"
        if self.cut:
            yield "it was ended early, as calls queued up"
        if self.broken:
            yield f"it was broken off after {self.seconds:.0f} s"

    @property
    def held(self) -> bool:
        """True if it kept its limits."""
        return not self.missed

    @property
    def itself(self) -> tuple[str, ...]:
        """The reasons why the load measured itself, or this machine, instead of the proxy."""
        return tuple(self._itself())

    def _itself(self) -> Iterator[str]:
        late, delay = self.tally.distribution("send_lateness"), self.delay
        if late is not None and delay is not None and late.p99 > max(_LATE, delay.p99 * _MUCH):
            yield (
                f"the generators were late: 1 call in 100 left {late.p99 * 1e3:.0f} ms or more after it was due "
                f"(p99 of the delay: {delay.p99 * 1e3:.0f} ms)"
            )
        if self.unplaced:
            yield f"the generators placed {self.calls} of the {self.calls + self.unplaced} calls that were due"
        share = self.processors
        if share.get("generators", 0.0) > _BUSY:
            yield f"a generator computed {share['generators'] * 100:.0f} % of the time: try more --processes"
        if share.get("far_end", 0.0) > _BUSY:
            yield f"the far end, in the place of the phones, computed {share['far_end'] * 100:.0f} % of the time"
        starved = share.get("proxy_waited", 1.0) > _STARVED  # one that hangs waits for no processor
        if share.get("idle", 1.0) < _NOTHING_LEFT and share.get("proxy", 1.0) < _DRIVEN and starved:
            yield (
                f"this machine had no processor left: the proxy got {share['proxy'] * 100:.0f} % of one, "
                f"and {share['idle'] * 100:.0f} % of all was idle"
            )

    @property
    def metrics(self) -> dict[str, float]:
        """Its figures by flat names, as in metrics.json; delays in seconds."""
        flat: dict[str, float] = {
            "load.rate": self.rate,
            "calls": self.calls,
            "calls.failed": self.failed,
            "calls.wrong": self.tally.wrong,
            "failure_rate": self.failed_share,
            "retransmissions": self.tally.again,
        }
        for name, histogram in self.tally.times.items():
            if (distribution := histogram.distribution) is not None:
                flat |= distribution.named(name)
        flat |= {f"processor.{name}": value for name, value in self.processors.items()}
        if (proxy := self.processors.get("proxy")) is not None and self.calls:
            flat["processor.seconds_per_call"] = proxy * self.seconds / self.calls
        return flat
