"""The charts of the page, as SVG: intervals, delays over time, and the run from begin to end."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from math import ceil, floor, isnan, log10

from simulator.report.html.figures import Share
from simulator.report.html.reading import Calls, Played
from simulator.report.html.svg import Markup, bar, number, path, picture, tag

_WIDTH = 860
_LEFT, _RIGHT = 60, 16
_BINS = 72
_POINTS = 60  # along the time of a run
_Scale = Callable[[float], float]
_CELLS = ("scam_blocked", "legit_passed", "legit_blocked", "scam_passed")
_OUTCOMES = ("passed", "blocked", "fault")


def interval(share: Share, limit: float | None = None) -> Markup:
    """A rate as a point on its interval; `limit` is that of a threshold."""
    values = [share.lower, share.upper, share.value, *([] if limit is None else [limit])]
    low = 0.0 if min(values) < 0.8 else floor(min(values) * 20) / 20
    high = 1.0 if max(values) > 0.2 else max(0.01, ceil(max(values) * 100) / 100)
    if low >= high:
        low = 0.0

    def x(value: float) -> float:
        return 6 + (value - low) / (high - low) * 228

    told = f"{share.shown}, 95 % interval {share.interval}" + ("" if limit is None else f", limit {limit * 100:g} %")
    marks = [
        tag("line", x1=6.0, y1=14.0, x2=234.0, y2=14.0, class_="axis"),
        tag(
            "rect", x=x(share.lower), y=9.0, width=max(2.0, x(share.upper) - x(share.lower)), height=10.0, class_="span"
        ),
        tag("circle", cx=x(share.value), cy=14.0, r=5, class_="point"),
    ]
    if limit is not None:
        marks.append(tag("path", d=f"M{number(x(limit))} 3v22", class_="limit"))
    ends = [
        tag("text", f"{low * 100:g} %", x=6.0, y=36.0, class_="tick"),
        tag("text", f"{high * 100:g} %", x=234.0, y=36.0, class_="tick", text_anchor="end"),
    ]
    return picture(told, 240, 40, [*marks, *ends], "interval")


def parts(row: Mapping[str, int]) -> Markup:
    """The four counts of a row of calls as parts of a bar, from right to wrong."""
    total = sum(row[name] for name in _CELLS) or 1
    x, bars = 0.0, []
    for name in _CELLS:
        width = row[name] / total * 140
        if width:
            bars.append(tag("rect", x=x, y=2.0, width=max(1.0, width), height=10.0, class_=name))
        x += width
    told = ", ".join(f"{row[name]} {name.replace('_', ' ')}" for name in _CELLS if row[name]) or "none"
    return picture(told, 142, 14, bars, "share")


def over_time(calls: Calls, played: Played) -> Markup | None:
    """The median and the 95th percentile of the delays along the time of a run, by when the calls left."""
    rows = [row for row in range(played.first, played.last) if not isnan(calls.setup[row])]
    if len(rows) < 2:
        return None
    rows.sort(key=lambda row: calls.at[row])
    first, last = calls.at[rows[0]], calls.at[rows[-1]]
    span = max(last - first, 1e-6)
    chunk = max(1, len(rows) // _POINTS)
    lines: dict[str, list[tuple[float, float, float]]] = {"proxied": [], "direct": []}
    for begin in range(0, len(rows), chunk):
        part = rows[begin : begin + chunk]
        at = calls.at[part[len(part) // 2]]
        for name, column in (("proxied", calls.setup), ("direct", calls.direct)):
            values = sorted(value for row in part if not isnan(value := column[row]))
            if values:
                lines[name].append((at, values[len(values) // 2], values[max(0, ceil(0.95 * len(values)) - 1)]))
    highest = max(high for points in lines.values() for _, _, high in points)
    top = nice(highest * 1e3)

    def x(at: float) -> float:
        return _LEFT + (at - first) / span * (_WIDTH - _LEFT - _RIGHT)

    def y(delay: float) -> float:
        return 190 - delay * 1e3 / top * 170

    parts = [*y_axis(top, lambda value: 190 - value / top * 170, "ms"), *time_axis(first, last, x, 190.0)]
    for name, points in lines.items():
        if points:
            band = [(x(at), y(high)) for at, _, high in points] + [(x(at), y(middle)) for at, middle, _ in points[::-1]]
            parts.append(tag("path", d=path(band) + "z", class_=f"band {name}"))
            parts.append(tag("path", d=path([(x(at), y(middle)) for at, middle, _ in points]), class_=f"line {name}"))
    told = f"Set-up delay along the run of {played.name}: half of the calls within the line, 95 % within the band"
    return picture(told, _WIDTH, 226, parts, "over-time")


def timeline(calls: Calls, played: Played) -> Markup | None:
    """The run from begin to end: calls by when they left and what became of them, the passes, and what went wrong."""
    moments = played.moments
    end = max(
        [moment.at for moment in moments] + [calls.at[row] for row in range(played.first, played.last)], default=0.0
    )
    if end <= 0:
        return None
    scale = (_WIDTH - _LEFT - _RIGHT) / end

    def x(at: float) -> float:
        return _LEFT + at * scale

    edges = [end * place / _BINS for place in range(1, _BINS)]
    outcome = calls.words["outcome"]
    counts = {name: [0] * _BINS for name in _OUTCOMES}
    for row in range(played.first, played.last):
        if not isnan(calls.at[row]):
            counts[outcome[row]][bisect_right(edges, calls.at[row])] += 1
    most = max(map(sum, zip(*counts.values(), strict=True)), default=0) or 1
    top = nice(float(most))
    width = (_WIDTH - _LEFT - _RIGHT) / _BINS
    parts = [*y_axis(top, lambda value: 120 - value / top * 100, "calls"), *time_axis(0.0, end, x, 166.0)]
    below = [0.0] * _BINS
    for name in _OUTCOMES:
        d = ""
        for place, count in enumerate(counts[name]):
            if count:
                height = count / top * 100
                d += bar(_LEFT + place * width, 120 - below[place], width, height)
                below[place] += height
        if d:
            parts.append(tag("path", d=d, class_=f"bars {name}"))
    parts += _passes(played, x, end)
    told = f"Timeline of {played.name}: calls by when they left, and the passes"
    return picture(told, _WIDTH, 204, parts, "timeline")


def _passes(played: Played, x: _Scale, end: float) -> Iterator[Markup]:
    began: dict[str, float] = {}
    for moment in played.moments:
        at = x(moment.at)
        if moment.kind.startswith("pass_started"):
            began[moment.kind] = moment.at
        elif moment.kind.startswith("pass_ended"):
            begin = began.pop(moment.kind.replace("ended", "started"), 0.0)
            yield _pass(x(begin), at, direct=moment.kind.endswith("direct"))
        elif moment.kind == "problem":
            mark = tag("title", moment.text)
            yield tag("g", mark, tag("path", d=f"M{number(at)} 128l7 12h-14z"), class_="problem")
    for kind, begin in began.items():  # cut off
        yield _pass(x(begin), x(end), direct=kind.endswith("direct"))


def _pass(begin: float, end: float, *, direct: bool) -> Markup:
    name, title = ("direct", "straight to the softswitch") if direct else ("proxied", "through the proxy")
    fits = end - begin > 7 * len(title)
    words = [tag("text", title, x=begin + 6, y=152.0, class_="pass-name")] if fits else []
    bar = tag("rect", x=begin, y=140.0, width=max(2.0, end - begin), height=17.0, rx=3, class_=f"pass {name}")
    return tag("g", tag("title", title), bar, *words)


def y_axis(top: float, y: _Scale, unit: str) -> Iterator[Markup]:
    """Lines at nought, at `top` and between, with their values."""
    for value in (0.0, top / 2, top):
        at = y(value)
        yield tag("line", x1=float(_LEFT), y1=at, x2=float(_WIDTH - _RIGHT), y2=at, class_="grid")
        yield tag("text", f"{value:g} {unit}", x=_LEFT - 6.0, y=at + 4, class_="tick", text_anchor="end")


def time_axis(first: float, last: float, x: _Scale, y: float) -> Iterator[Markup]:
    """Seconds along the time of a run."""
    step = nice((last - first) / 6)
    at = ceil(first / step) * step
    while at <= last:
        yield tag("text", f"{at:g} s", x=x(at), y=y + 22, class_="tick", text_anchor="middle")
        at = round(at + step, 9)


def nice(value: float) -> float:
    """The least of 1, 2, 5 times a power of ten that is not less."""
    if value <= 0:
        return 1.0
    scale = 10.0 ** floor(log10(value))
    return next(step * scale for step in (1, 2, 5, 10) if step * scale >= value * 0.999999)
