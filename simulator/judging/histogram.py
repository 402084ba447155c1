"""HDR histograms of times: bounded in size whatever they hold, and added up without loss. The only import of hdrh.

Counts are of nanoseconds, to three significant digits, up to an hour. An added delay can be negative, which an HDR
histogram has no place for: such values are counted in one of their own, by their size.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from itertools import accumulate
from typing import Self

import numpy as np
from hdrh.histogram import HdrHistogram

from simulator.judging.latency import Distribution

_NANOSECONDS = 1e9
_LONGEST = 3_600 * 10**9
_DIGITS = 3
_SHARES = (50.0, 95.0, 99.0, 99.9)


class Histogram:
    """Counts of times in seconds. `positive` and `negative` are HDR histograms as text (V2, compressed, base64)."""

    __slots__ = ("_above", "_below")

    def __init__(self, values: Iterable[float] = ()) -> None:
        self._above = _empty()
        self._below: HdrHistogram | None = None
        for value in values:
            self.record(value)

    @classmethod
    def read(cls, positive: str = "", negative: str = "") -> Self:
        """Read what was written. Raises ValueError for what is no such text."""
        made = cls()
        if positive:
            _add(made._above, positive)
        if negative:
            made._below = _empty()
            _add(made._below, negative)
        return made

    def record(self, seconds: float) -> None:
        """Count one. What is longer than an hour counts as an hour."""
        value = round(seconds * _NANOSECONDS)
        if value >= 0:
            self._above.record_value(min(value, _LONGEST))
        else:
            if self._below is None:
                self._below = _empty()
            self._below.record_value(min(-value, _LONGEST))

    def add(self, other: Histogram) -> None:
        """Count what the other has counted, too."""
        self._above.add(other._above)
        if other._below is not None:
            if self._below is None:
                self._below = _empty()
            self._below.add(other._below)

    @property
    def count(self) -> int:
        """The number of values."""
        below = self._below.get_total_count() if self._below is not None else 0
        return int(self._above.get_total_count() + below)

    @property
    def positive(self) -> str:
        """The values from nought on as text; empty without any."""
        return _text(self._above)

    @property
    def negative(self) -> str:
        """The values below nought, by their size, as text; empty without any."""
        return _text(self._below)

    @property
    def longest(self) -> tuple[float, float]:
        """The greatest size of a value in seconds, from nought on and below."""
        below = self._below.get_max_value() if self._below is not None else 0
        return self._above.get_max_value() / _NANOSECONDS, below / _NANOSECONDS

    @property
    def distribution(self) -> Distribution | None:
        """The percentiles, each to three digits (nearest rank); None where nothing was counted."""
        bars = self.bars()
        count = sum(number for _, number in bars)
        if not count:
            return None
        ends = list(accumulate(number for _, number in bars))
        places = [max(1, -(-count * round(share * 10) // 1000)) for share in _SHARES]
        return Distribution(count, *(bars[bisect_left(ends, place)][0] for place in (*places, count)))

    def bars(self) -> list[tuple[float, int]]:
        """Each value that was counted, in seconds, the least first, and how often."""
        below = [] if self._below is None else [(-value, count) for value, count in _bars(self._below)]
        return [*reversed(below), *_bars(self._above)]


def _empty() -> HdrHistogram:
    return HdrHistogram(1, _LONGEST, _DIGITS)


def _bars(histogram: HdrHistogram) -> list[tuple[float, int]]:
    counts = np.frombuffer(histogram.counts, np.int64)
    value, highest = histogram.get_value_from_index, histogram.get_highest_equivalent_value
    return [(highest(value(int(at))) / _NANOSECONDS, int(counts[at])) for at in counts.nonzero()[0]]


def _text(histogram: HdrHistogram | None) -> str:
    if histogram is None or not histogram.get_total_count():
        return ""
    return str(histogram.encode().decode("ascii"))


def _add(histogram: HdrHistogram, text: str) -> None:
    try:
        histogram.add(HdrHistogram.decode(text))
    except Exception as error:  # whatever breaks in it: zlib, base64, ctypes and its own errors have no common base
        raise ValueError(str(error) or type(error).__name__) from error
