"""The difference that a policy makes to the added set-up delay: calls that were played with A and with B. Pure.

Percentiles have no simple interval, so pairs are drawn again and again with repetition (paired bootstrap, percentile
method, 2.5 to 97.5 %), from a fixed seed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from simulator.judging.evidence import CallerSaw
from simulator.judging.figures import Figures
from simulator.judging.observation import Outcome
from simulator.judging.paired import Difference
from simulator.scenario.thresholds import DELAY_STATISTICS

STATISTICS = ("mean", *DELAY_STATISTICS)
_SHARES = {"p50": 50.0, "p95": 95.0, "p99": 99.0, "p99.9": 99.9, "max": 100.0}
_DRAWS = 1_000
_MOST_VALUES = 30_000_000  # drawn in all: a sample of 100,000 pairs is drawn 300 times
_SEED = 1


def pairs(a: Figures, b: Figures) -> list[tuple[float, float]]:
    """The added delays under A and under B, in seconds, of the calls that both let through and that were timed."""
    of_a, of_b = _added(a), _added(b)
    return [(of_a[call], of_b[call]) for call in sorted(of_a.keys() & of_b.keys())]


def _added(figures: Figures) -> dict[str, float]:
    passed = {call.id: call.caller_saw for call in figures.calls if call.outcome is Outcome.PASSED and call.timed}
    through, straight = _delays(passed), _delays(figures.direct)
    return {call: through[call] - straight[call] for call in through.keys() & straight.keys()}


def _delays(calls: Mapping[str, CallerSaw]) -> dict[str, float]:
    return {call: delay for call, saw in calls.items() if (delay := saw.setup_delay) is not None}


def delay_differences(given: Sequence[tuple[float, float]]) -> dict[str, Difference]:
    """B minus A of the mean and of each percentile (nearest rank), in seconds; none without pairs."""
    if not given:
        return {}
    values = np.asarray(given, np.float64)
    random = np.random.default_rng(_SEED)
    draws = max(100, min(_DRAWS, _MOST_VALUES // len(values)))
    drawn = np.array([_statistics(values[random.integers(0, len(values), len(values))]) for _ in range(draws)])
    lower, upper = np.percentile(drawn, (2.5, 97.5), axis=0)
    found = _statistics(values)
    return {
        name: Difference(float(found[place]), float(lower[place]), float(upper[place]))
        for place, name in enumerate(STATISTICS)
    }


def _statistics(values: np.ndarray) -> list[float]:
    shares = [_SHARES[name] for name in STATISTICS[1:]]
    a, b = (np.percentile(values[:, side], shares, method="inverted_cdf") for side in (0, 1))
    return [float(values[:, 1].mean() - values[:, 0].mean()), *(b - a).tolist()]
