"""The picture of a ladder: lifelines, an arrow for each message, and the policy in a lane of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap

from simulator.report.html.svg import Markup, joined, number, tag
from simulator.report.ladder import Arrow, Judgement, Ladder

_LEFT = 152  # to the first lifeline: times stand before it
_GAP = 212  # between two lifelines
_LANE = 258  # the width of the policy's
_ROW = 30
_LINE = 15
_HEAD = 62
_BOX_CHARACTERS = 32
_LABEL_CHARACTERS = 29


@dataclass(frozen=True, slots=True)
class _Places:
    """The x of each lifeline, of the policy's lane (None without one), and the width of it all."""

    lifelines: tuple[float, ...]
    lane: float | None
    width: float


def drawn(ladder: Ladder, counterfactual: str) -> Markup:
    """Draw a ladder. The arrows have `data-message`, the number of the message among those of the call."""
    places = _places(ladder)
    rows: list[Markup] = []
    y = float(_HEAD + 26)
    previous = 0.0
    count = 0
    for step in ladder.steps:
        if isinstance(step, Judgement):
            box, height = _box(step, places, y, counterfactual)
            rows.append(box)
            y += height
            continue
        rows.append(_arrow(step, places, y, step.at - previous if count else None, count))
        previous = step.at
        count += 1
        y += _ROW
    bottom = y - 8
    return tag(
        "svg",
        tag("title", ladder.title),
        tag("desc", f"{count} messages between {', '.join(line.title for line in ladder.lifelines)}; listed below"),
        joined(_frame(ladder, places, bottom)),
        joined(rows),
        xmlns="http://www.w3.org/2000/svg",
        class_="ladder",
        role="img",
        viewBox=f"0 0 {number(places.width)} {number(bottom + 10)}",
        width=places.width,
        height=bottom + 10,
    )


def _places(ladder: Ladder) -> _Places:
    lane = next((step.lifeline for step in ladder.steps if isinstance(step, Judgement)), None)
    x, xs, at = float(_LEFT), [], None
    for place in range(len(ladder.lifelines)):
        xs.append(x)
        if place == lane:
            at = x + 24 + _LANE / 2
            x += _LANE + 48
            if place + 1 < len(ladder.lifelines):
                continue
        x += _GAP
    last = xs[-1] + 70 if xs else float(_LEFT)
    return _Places(tuple(xs), at, max(last, (at or 0) + _LANE / 2 + 16))


def _frame(ladder: Ladder, places: _Places, bottom: float) -> Iterator[Markup]:
    """The lane, the lifelines and their titles."""
    yield tag("text", "ms", x=54.0, y=_HEAD - 4.0, class_="time", text_anchor="end")
    yield tag("text", "since", x=104.0, y=_HEAD - 4.0, class_="time", text_anchor="end")
    if places.lane is not None:
        left = places.lane - _LANE / 2
        yield tag("rect", x=left, y=4.0, width=float(_LANE), height=bottom - 4, rx=6, class_="lane")
        yield tag("text", "policy", x=places.lane, y=20.0, class_="title", text_anchor="middle")
    for line, x in zip(ladder.lifelines, places.lifelines, strict=True):
        yield tag("line", x1=x, y1=float(_HEAD), x2=x, y2=bottom, class_="lifeline")
        yield tag("text", line.title, x=x, y=20.0, class_="title", text_anchor="middle")
        shown = [address for address in line.addresses if address]
        for row, address in enumerate(shown[:2]):
            more = f" +{len(shown) - 2}" if row == 1 and len(shown) > 2 else ""
            yield tag("text", address + more, x=x, y=36.0 + 14 * row, class_="address", text_anchor="middle")


def _arrow(step: Arrow, places: _Places, y: float, since: float | None, place: int) -> Markup:
    begin, end = places.lifelines[step.source], places.lifelines[step.target]
    label = step.label + (" again" if step.again else "")
    shown = label if len(label) <= _LABEL_CHARACTERS else label[: _LABEL_CHARACTERS - 1] + "…"
    times = [tag("text", f"{step.at * 1e3:.1f}", x=54.0, y=y + 4, class_="time", text_anchor="end")]
    if since is not None:
        times.append(tag("text", f"+{since * 1e3:.1f}", x=104.0, y=y + 4, class_="time since", text_anchor="end"))
    if begin == end:
        shaft = tag("path", d=f"M{number(begin)} {number(y - 5)}h26v10h-22", class_="shaft")
        head, middle = _head(begin, y + 5, -1), begin + 70
    else:
        way = 1 if end > begin else -1
        shaft = tag("line", x1=begin, y1=y, x2=end - way * 5, y2=y, class_="shaft")
        head, middle = _head(end, y, way), _label_x(begin, end, places)
    return tag(
        "g",
        tag("title", f"{label}, {step.message.transport.upper()}, {step.at * 1e3:.3f} ms"),
        tag("rect", x=0.0, y=y - 20, width=places.width, height=float(_ROW - 1), class_="hit"),
        joined(times),
        shaft,
        head,
        tag("text", shown, x=middle, y=y - 5, class_="label", text_anchor="middle"),
        class_=f"arrow {_sort(step.label)}{' again' if step.again else ''}",
        data_message=place,
    )


def _label_x(begin: float, end: float, places: _Places) -> float:
    """The middle of an arrow, or of its way beside the policy's lane where it crosses that."""
    return (
        (begin + end) / 2 if places.lane is None or not min(begin, end) < places.lane < max(begin, end) else places.lane
    )


def _head(x: float, y: float, way: int) -> Markup:
    return tag("path", d=f"M{number(x)} {number(y)}l{-9 * way} -4.5v9z", class_="head")


def _sort(label: str) -> str:
    return {"1": "provisional", "2": "success"}.get(label[0], "failure") if label[:1].isdigit() else "request"


def _box(step: Judgement, places: _Places, y: float, counterfactual: str) -> tuple[Markup, float]:
    """The verdict in the policy's lane, and the height that it takes."""
    took = f"decided in {step.elapsed_us:.0f} µs" if step.elapsed_us is not None else ""
    lines = [*_lines("verdict", step.verdict), *_lines("evidence", step.detail), *_lines("evidence", took)]
    lines += _lines("counterfactual", counterfactual)
    top, left = y - 16, (places.lane or 0) - _LANE / 2 + 8
    height = len(lines) * _LINE + 14
    words = [
        tag("text", line, x=left + 10, y=top + 18 + place * _LINE, class_=kind)
        for place, (kind, line) in enumerate(lines)
    ]
    link = tag("line", x1=places.lifelines[step.lifeline], y1=top + 14, x2=left, y2=top + 14, class_="link")
    box = tag("rect", x=left, y=top, width=float(_LANE - 16), height=float(height), rx=4, class_="box")
    kind = step.verdict.partition(" ")[0]
    return tag("g", link, box, joined(words), class_=f"judgement {kind}"), height + 14.0


def _lines(kind: str, words: str) -> Sequence[tuple[str, str]]:
    return [(kind, line) for line in wrap(words, _BOX_CHARACTERS)]
