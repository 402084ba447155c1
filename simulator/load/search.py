"""The search for the highest rate that holds: doubling until one does not, then halving the distance. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from math import log10, sqrt

_CLOSE = 1.1  # the rate that held and the one that did not are that close in the end
_FACTOR = 2.0
_TRIES = 2  # a rate that did not hold is tried again: this machine may have been busy with something else


def next_rate(lowest: float, highest: float, tried: Iterable[tuple[float, bool]]) -> float | None:
    """The rate to try next, given those that were `tried` and whether each held; None where the search is over."""
    missed: Counter[float] = Counter()
    held = 0.0
    latest: tuple[float, bool] | None = None
    for latest in tried:
        rate, holds = latest
        if holds:
            held = max(held, rate)
        else:
            missed[rate] += 1
    if latest is None:
        return lowest
    if not latest[1] and missed[latest[0]] < _TRIES and latest[0] > held:
        return latest[0]
    too_high = min((rate for rate in missed if rate > held), default=None)
    if held == 0.0 or held >= highest:
        return None
    if too_high is None:
        return min(held * _FACTOR, highest)
    between = _rounded(sqrt(held * too_high))
    return between if too_high / held > _CLOSE and held < between < too_high else None


def best(tried: Iterable[tuple[float, bool]]) -> float | None:
    """The highest rate that held; None where none did."""
    return max((rate for rate, held in tried if held), default=None)


def _rounded(rate: float) -> float:
    """A rate to three digits."""
    return round(rate, 2 - int(log10(rate)) if rate >= 1 else 3)
