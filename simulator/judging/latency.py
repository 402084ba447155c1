"""The cost of the proxy in time: setup delay through it minus setup delay straight to the softswitch. Pure.

Both passes play the same calls at the same moments of their plan; a call's two delays are subtracted from
each other, and the percentiles are of those differences, in seconds.
"""

from __future__ import annotations

import math
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


def percentile(ordered: list[float], share: float) -> float:
    """The smallest value that at least `share` percent of `ordered` do not exceed (nearest rank)."""
    return ordered[max(0, math.ceil(share / 100 * len(ordered)) - 1)]


@dataclass(frozen=True, slots=True)
class Latency:
    """Setup delays with the proxy in the way, without it, and the difference; None where not measured."""

    proxied: Distribution | None
    direct: Distribution | None
    added: Distribution | None


def measure_latency(proxied: Mapping[str, CallerSaw], direct: Mapping[str, CallerSaw]) -> Latency:
    """Pair the calls of both passes by id and subtract.

    `proxied` holds the calls that the proxy let through (a refusal is quick and has no twin to compare with).
    """
    through, straight = _delays(proxied), _delays(direct)
    return Latency(
        Distribution.of(through.values()),
        Distribution.of(straight.values()),
        Distribution.of(through[call] - straight[call] for call in through.keys() & straight.keys()),
    )


def _delays(calls: Mapping[str, CallerSaw]) -> dict[str, float]:
    return {call: delay for call, saw in calls.items() if (delay := saw.setup_delay) is not None}
