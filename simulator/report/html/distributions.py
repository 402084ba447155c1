"""Times as distributions: one histogram below the other on one logarithmic axis, as SVG."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate
from math import ceil, floor, log10

from simulator.judging.histogram import Histogram
from simulator.report.html.svg import Markup, bar, number, picture, tag

_WIDTH = 860
_LEFT, _RIGHT = 60, 16
_BINS = 72
_FEW_DECADES, _MOST_DECADES = 3, 5
_BESIDE = 26  # two percentiles that close have one label
_LEAST = 1e-9  # seconds
# Title and class of each time, by its name; of what is not here no picture is drawn.
_TIMES = {
    "setup_delay": ("with the proxy", "proxied"),
    "setup_delay_from_due": ("with the proxy, from when the call was due", "proxied"),
    "direct_setup_delay": ("straight to the softswitch", "direct"),
    "added_setup_delay": ("added by the proxy", "added"),
    "time_to_refusal": ("until a refusal", "refused"),
    "transit_time": ("INVITE from caller to softswitch", "transit"),
    "decision_time": ("the decision in it", "decision"),
}
_Scale = Callable[[float], float]
_Bars = Sequence[tuple[float, int]]


def distribution(times: Mapping[str, Histogram]) -> Markup | None:
    """The picture of these times, by their names; None without any."""
    series = [(*_TIMES[name], times[name].bars()) for name in _TIMES if name in times]
    series = [each for each in series if each[2]]
    if not series:
        return None
    low, high = _decades([bars for _, _, bars in series])

    def x(value: float) -> float:
        return _LEFT + max(0.0, log10(max(value, _LEAST)) - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT)

    parts: list[Markup] = []
    y = 22.0
    for title, kind, bars in series:
        count = sum(number for _, number in bars)
        parts += _histogram(kind, f"{title}, {count:,} calls", bars, y, x, (low, high))
        y += 104
    for exponent in range(ceil(low), floor(high) + 1):
        for step in (1, 2, 5) if high - low <= _FEW_DECADES else (1,):
            value = step * 10.0**exponent
            if low <= log10(value) <= high:
                parts.append(tag("line", x1=x(value), y1=22.0, x2=x(value), y2=y - 20, class_="grid"))
                parts.append(tag("text", _shown(value), x=x(value), y=y - 4, class_="tick", text_anchor="middle"))
    return picture("Distribution of times; the table has the percentiles", _WIDTH, int(y + 4), parts, "distribution")


def _decades(series: Sequence[_Bars]) -> tuple[float, float]:
    """The ends of a logarithmic axis for these values; the few least ones need not be on it."""
    least = min(_at(bars, 1 / 200) for bars in series)
    most = max(bars[-1][0] for bars in series)
    most = max(most, _LEAST)
    low = floor(max(log10(max(least, _LEAST)), log10(most) - _MOST_DECADES) * 2) / 2
    return low, max(ceil(log10(most) * 2) / 2, low + 0.5)


def _at(bars: _Bars, share: float) -> float:
    """The value that this share of all do not exceed."""
    ends = list(accumulate(count for _, count in bars))
    return bars[bisect_left(ends, max(1, ceil(share * ends[-1])))][0]


def _histogram(
    kind: str, title: str, bars: _Bars, top: float, x: _Scale, ends: tuple[float, float]
) -> Iterator[Markup]:
    low, high = ends
    counts = [0] * _BINS
    for value, count in bars:
        place = int((log10(max(value, _LEAST)) - low) / (high - low) * _BINS)
        counts[min(_BINS - 1, max(0, place))] += count
    most = max(counts)
    width = (_WIDTH - _LEFT - _RIGHT) / _BINS
    bottom = top + 76
    yield tag("text", title, x=float(_LEFT), y=top - 4, class_="name")
    d = "".join(
        bar(_LEFT + place * width, bottom, width, count / most * 66) for place, count in enumerate(counts) if count
    )
    yield tag("path", d=d, class_=f"bars {kind}")
    yield tag("line", x1=float(_LEFT), y1=bottom, x2=float(_WIDTH - _RIGHT), y2=bottom, class_="axis")
    named: dict[str, str] = {}
    for share in (50, 95, 99):
        at = x(_at(bars, share / 100))
        near = next((place for place in named if abs(float(place) - at) < _BESIDE), number(at))
        named[near] = f"{named[near]}, p{share}" if near in named else f"p{share}"
        yield tag("line", x1=at, y1=top + 4, x2=at, y2=bottom, class_="percentile")
    for mark, label in named.items():
        right = float(mark) > _WIDTH - 80
        beside = float(mark) + (-3 if right else 3)
        yield tag("text", label, x=beside, y=top + 12, class_="tick", text_anchor="end" if right else None)


def _shown(seconds: float) -> str:
    if seconds < 1e-3:
        return f"{seconds * 1e6:g} µs"
    return f"{seconds * 1e3:g} ms" if seconds < 1 else f"{seconds:g} s"
