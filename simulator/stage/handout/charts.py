"""The charts of the hand-out, as SVG: a rate on its interval, and counts as parts of a bar. Shapes tell them apart on
paper without colours."""

from __future__ import annotations

from collections.abc import Mapping

from simulator.report.html.svg import Markup, tag

CELLS = ("scam_blocked", "scam_passed", "legit_passed", "legit_blocked")
_WIDTH, _LEFT, _RIGHT = 260.0, 8.0, 252.0


def interval(value: float, low: float, high: float, told: str) -> Markup:
    """A rate as a point on its 95 % interval, from 0 to 100 %."""

    def x(share: float) -> float:
        return _LEFT + share * (_RIGHT - _LEFT)

    marks = [
        tag("line", x1=_LEFT, y1=14.0, x2=_RIGHT, y2=14.0, class_="axis"),
        tag("rect", x=x(low), y=8.0, width=max(2.0, x(high) - x(low)), height=12.0, class_="span"),
        tag("circle", cx=x(value), cy=14.0, r=6, class_="point"),
        *(tag("line", x1=x(each), y1=20.0, x2=x(each), y2=25.0, class_="axis") for each in (0.0, 0.5, 1.0)),
        tag("text", "0 %", x=_LEFT, y=36.0, class_="tick"),
        tag("text", "50 %", x=x(0.5), y=36.0, class_="tick", text_anchor="middle"),
        tag("text", "100 %", x=_RIGHT, y=36.0, class_="tick", text_anchor="end"),
    ]
    return _picture(told, _WIDTH, 40.0, marks, "interval")


def parts(counts: Mapping[str, int], most: int, told: str) -> Markup:
    """The four counts of a kind of calls as parts of a bar, whose length says how many there were."""
    x, bars = 0.0, []
    for name in CELLS:
        count = counts.get(name, 0)
        if not count:
            continue
        width = count / max(most, 1) * _WIDTH
        bars.append(tag("rect", x=x + 1, y=2.0, width=max(4.0, width - 2), height=18.0, class_=name))
        if width >= 16:
            bars.append(tag("text", str(count), x=x + width / 2, y=15.5, class_=f"count {name}", text_anchor="middle"))
        x += width
    return _picture(told, _WIDTH, 22.0, bars, "parts")


def _picture(told: str, width: float, height: float, marks: list[Markup], kind: str) -> Markup:
    box = f"0 0 {width:g} {height:g}"
    return tag("svg", tag("title", told), *marks, viewBox=box, role="img", class_=f"chart {kind}", aria_label=told)
