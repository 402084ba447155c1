"""The times that are measured of calls, and what the proxy adds to the set-up delay. Pure.

Both passes play the same calls at the same moments of their plan; a call's two delays are subtracted from
each other, and the percentiles are of those differences, in seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from simulator.judging.evidence import CallerSaw


@dataclass(frozen=True, slots=True)
class Distribution:
    """Percentiles of at least one value, in seconds."""

    count: int
    p50: float
    p95: float
    p99: float
    p999: float
    max: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Distribution | None:
        """Describe `values`; None where there are none."""
        ordered = sorted(values)
        if not ordered:
            return None
        return cls(
            len(ordered),
            percentile(ordered, 50),
            percentile(ordered, 95),
            percentile(ordered, 99),
            percentile(ordered, 99.9),
            ordered[-1],
        )

    @property
    def figures(self) -> dict[str, float]:
        """The percentiles by name."""
        return {"p50": self.p50, "p95": self.p95, "p99": self.p99, "p99.9": self.p999, "max": self.max}

    def named(self, name: str) -> dict[str, float]:
        """The number of values and the percentiles, as metrics.json names them."""
        return {f"{name}.count": self.count, **{f"{name}.{key}": value for key, value in self.figures.items()}}


def percentile(ordered: list[float], share: float) -> float:
    """The smallest value that at least `share` percent of `ordered`, to a tenth, do not exceed (nearest rank)."""
    return ordered[max(0, -(-len(ordered) * round(share * 10) // 1000) - 1)]


# The times by name, in the order in which they are told of.
TIMES = (
    "setup_delay",  # INVITE sent until ringing, of the calls that the proxy let through
    "direct_setup_delay",  # the same calls straight to the softswitch
    "added_setup_delay",  # the first less the second, call by call
    "time_to_refusal",  # INVITE sent until the refusal came
    "transit_time",  # INVITE left the caller's socket until it came to the softswitch's
    "decision_time",  # as the proxy measured it
    "send_lateness",  # INVITE due until it left: the generator's own
)


@dataclass(frozen=True, slots=True)
class Latency:
    """Setup delays with the proxy in the way, without it, and the difference; None where not measured."""

    proxied: Distribution | None
    direct: Distribution | None
    added: Distribution | None


def added_delays(proxied: Mapping[str, CallerSaw], direct: Mapping[str, CallerSaw]) -> dict[str, list[float]]:
    """The set-up delays of both passes, and what the proxy added: calls are paired by id and subtracted.

    `proxied` holds the calls that the proxy let through (a refusal is quick and has no twin to compare with).
    """
    through, straight = _delays(proxied), _delays(direct)
    return {
        "setup_delay": list(through.values()),
        "direct_setup_delay": list(straight.values()),
        "added_setup_delay": [through[call] - straight[call] for call in through.keys() & straight.keys()],
    }


def _delays(calls: Mapping[str, CallerSaw]) -> dict[str, float]:
    return {call: delay for call, saw in calls.items() if (delay := saw.setup_delay) is not None}
