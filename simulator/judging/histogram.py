"""HDR histograms of times: bounded in size whatever they hold, and added up without loss. The only import of hdrh.

Counts are of nanoseconds, to three significant digits, up to an hour. An added delay can be negative, which an HDR
histogram has no place for: such values are counted in one of their own, by their size.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import Self

import numpy as np
from hdrh.histogram import HdrHistogram

from simulator.judging.latency import Distribution

_NANOSECONDS = 1e9
_LONGEST = 3_600 * 10**9
_DIGITS = 3
_BITS = 11  # of a value that are kept: three digits
_SHARES = (50.0, 95.0, 99.0, 99.9)


class Histogram:
    """Counts of times in seconds. `positive` and `negative` are HDR histograms as text (V2, compressed, base64)."""

    __slots__ = ("_above", "_below")

    def __init__(self, values: Iterable[float] = ()) -> None:
        # By the least nanoseconds that are counted as the same. An HDR histogram itself takes 280 kB at once.
        self._above: Counter[int] = Counter()
        self._below: Counter[int] = Counter()
        for value in values:
            self.record(value)

    @classmethod
    def read(cls, positive: str = "", negative: str = "") -> Self:
        """Read what was written. Raises ValueError for what is no such text."""
        made = cls()
        made._above.update(_read(positive))
        made._below.update(_read(negative))
        return made

    def record(self, seconds: float) -> None:
        """Count one. What is longer than an hour counts as an hour."""
        value = round(seconds * _NANOSECONDS)
        counts, size = (self._above, value) if value >= 0 else (self._below, -value)
        if size > _LONGEST:
            size = _LONGEST
        left_out = size.bit_length() - _BITS
        counts[size >> left_out << left_out if left_out > 0 else size] += 1

    def add(self, other: Histogram) -> None:
        """Count what the other has counted, too."""
        self._above.update(other._above)
        self._below.update(other._below)

    @property
    def count(self) -> int:
        """The number of values."""
        return self._above.total() + self._below.total()

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
        return _seconds(max(self._above, default=0)), _seconds(max(self._below, default=0))

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
        below = [(-_seconds(least), count) for least, count in sorted(self._below.items(), reverse=True)]
        return [*below, *((_seconds(least), count) for least, count in sorted(self._above.items()))]


def _seconds(least: int) -> float:
    """The greatest time that is counted as the same."""
    return (least + (1 << max(0, least.bit_length() - _BITS)) - 1) / _NANOSECONDS


def _text(counts: Mapping[int, int]) -> str:
    if not counts:
        return ""
    histogram = _empty()
    for least, count in counts.items():
        histogram.record_value(least, count)
    return str(histogram.encode().decode("ascii"))


def _read(text: str) -> Mapping[int, int]:
    if not text:
        return {}
    histogram = _empty()
    try:
        histogram.add(HdrHistogram.decode(text))
    except Exception as error:  # whatever breaks in it: zlib, base64, ctypes and its own errors have no common base
        raise ValueError(str(error) or type(error).__name__) from error
    counts = np.frombuffer(histogram.counts, np.int64)
    return {histogram.get_value_from_index(int(at)): int(counts[at]) for at in counts.nonzero()[0]}


def _empty() -> HdrHistogram:
    return HdrHistogram(1, _LONGEST, _DIGITS)
