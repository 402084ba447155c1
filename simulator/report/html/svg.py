"""SVG and HTML elements as text, with everything escaped that is not an element itself."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup as Markup
from markupsafe import escape

from proxy.files.visible import visible


def tag(name: str, *children: object, **attributes: object) -> Markup:
    """An element. An attribute that is None is left out; `class_` stands for `class`, `aria_label` for `aria-label`."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    inner = "".join(child if isinstance(child, Markup) else escape(visible(str(child))) for child in children)
    return Markup(f"<{name}{written}>{inner}</{name}>" if inner else f"<{name}{written}/>")  # noqa: S704 - escaped


def joined(parts: Iterable[Markup]) -> Markup:
    """Several elements, one after the other."""
    return Markup("").join(parts)


def path(points: list[tuple[float, float]]) -> str:
    """The `d` of a line through these points."""
    return "M" + "L".join(f"{number(x)} {number(y)}" for x, y in points)


def bar(x: float, bottom: float, width: float, height: float) -> str:
    """The `d` of a bar that stands there."""
    up, down = number(-height), number(height)
    return f"M{number(x)} {number(bottom)}v{up}h{number(width - 1)}v{down}z"


def picture(told: str, width: int, height: int, parts: Iterable[Markup], kind: str) -> Markup:
    """A chart of that kind; `told` is for those who do not see it."""
    return tag(
        "svg",
        tag("title", told),
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        class_=f"chart {kind}",
        role="img",
        viewBox=f"0 0 {width} {height}",
        width=width,
        height=height,
    )


def number(value: float) -> str:
    """A length to a tenth of a pixel."""
    return f"{value:.1f}".removesuffix(".0")


def _value(value: object) -> str:
    return number(value) if isinstance(value, float) else str(escape(visible(str(value))))
