"""The page of a sweep: recall against false blocks, as a picture and as tables."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.judging.accuracy import Rate
from simulator.judging.front import front, rates
from simulator.offline.sweep import Row
from simulator.report.compare.sweep_terminal import parameter, varying
from simulator.report.html.curves import drawn
from simulator.report.html.page import still
from simulator.report.html.svg import Markup, path, tag
from simulator.report.terminal import with_interval

_WIDTH, _HEIGHT = 860, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 20, 16, 46
_MOST_DOTS, _MOST_ROWS = 5_000, 1_000
_TICKS = 5


def document(name: str, rows: Sequence[Row], size: int, scenarios: Sequence[str]) -> str:
    """The text of the page of a sweep of that name, of whose points there are these rows."""
    best = front(rows)
    keys = varying(rows)
    same = rows[0].parameters.items() if rows else ()
    return still(
        "sweep.html",
        {
            "name": name,
            "rows": rows,
            "size": size,
            "complete": len(rows) == size,
            "calls": rows[0].confusion.calls if rows else 0,
            "scenarios": scenarios,
            "picture": _picture(rows, best) if best else None,
            "precision": _precision(rows),
            "best": best,
            "shown": rows[:_MOST_ROWS],
            "keys": keys,
            "fixed": [(key, value) for key, value in same if key not in keys],
            "share": _share,
            "parameter": parameter,
        },
    )


def _share(rate: Rate | None) -> str:
    return "" if rate is None else with_interval(rate)


def _precision(rows: Sequence[Row]) -> Markup | None:
    """Precision against recall of the points that stop any call."""
    points = [
        (recall.value, precision.value, f"point {row.number}")
        for row in rows
        if (recall := row.confusion.scam_recall) is not None and (precision := row.confusion.precision) is not None
    ]
    return drawn(f"Precision against recall of {len(points)} points", points) if points else None


def _picture(rows: Sequence[Row], best: Sequence[Row]) -> Markup:
    found = {row.number: each for row in rows if (each := rates(row)) is not None}
    most = max(x for x, _ in found.values()) or 0.01
    low, high = min(y for _, y in found.values()), max(y for _, y in found.values())
    low, high = (low, high) if high > low else (max(0.0, low - 0.05), min(1.0, high + 0.05))

    def x(value: float) -> float:
        return _LEFT + value / most * (_WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return _HEIGHT - _BOTTOM - (value - low) / (high - low) * (_HEIGHT - _TOP - _BOTTOM)

    parts: list[Markup] = []
    for step in range(_TICKS + 1):
        across, up = most * step / _TICKS, low + (high - low) * step / _TICKS
        parts.append(tag("line", x1=float(_LEFT), y1=y(up), x2=float(_WIDTH - _RIGHT), y2=y(up), class_="grid"))
        parts.append(tag("text", f"{up * 100:.1f} %", x=_LEFT - 8.0, y=y(up) + 4, class_="tick", text_anchor="end"))
        place = _HEIGHT - _BOTTOM + 18.0
        parts.append(tag("text", f"{across * 100:.2g} %", x=x(across), y=place, class_="tick", text_anchor="middle"))
    parts.append(tag("text", "legitimate calls wrongly stopped", x=_WIDTH / 2, y=_HEIGHT - 8.0, class_="tick"))
    parts.append(tag("text", "scam stopped", x=4.0, y=12.0, class_="tick"))
    step = max(1, len(found) // _MOST_DOTS)
    for number in list(found)[::step]:
        across, up = found[number]
        parts.append(tag("circle", cx=x(across), cy=y(up), r=2.5, class_="dot"))
    corners: list[tuple[float, float]] = []
    for row in best:
        across, up = found[row.number]
        corners += [(x(across), corners[-1][1])] if corners else []
        corners.append((x(across), y(up)))
    parts.append(tag("path", d=path(corners), class_="front"))
    for row in best:
        across, up = found[row.number]
        told = f"point {row.number}: {up * 100:.2f} % of scam stopped, {across * 100:.3f} % of legitimate calls"
        parts.append(tag("circle", tag("title", told), cx=x(across), cy=y(up), r=4.5, class_="best"))
    told = f"Recall against false blocks of {len(found)} points, {len(best)} of them on the front"
    return tag(
        "svg",
        tag("title", told),
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        class_="chart tradeoff",
        role="img",
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        width=_WIDTH,
        height=_HEIGHT,
    )
