"""Precision against recall as a picture: of scores whose threshold moves, and of the points of a sweep."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from simulator.judging.curves import Curve, CurvePoint
from simulator.report.html.figures import Share
from simulator.report.html.svg import Markup, path, picture, tag

_WIDTH, _HEIGHT = 860, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 20, 22, 46
_TICKS = 5
_MOST_DOTS = 5_000
_MOST_ROWS = 12
_NAMES = {"scam_list": "Confidence of scam lists", "reputation": "Ratings of reputation sources"}


@dataclass(frozen=True, slots=True)
class Step:
    """A threshold as a row of a table."""

    threshold: str
    recall: Share
    precision: Share


@dataclass(frozen=True, slots=True)
class Shown:
    """The curve of a score."""

    kind: str
    title: str
    curve: Curve
    picture: Markup
    steps: Sequence[Step]

    @property
    def average_precision(self) -> str:
        """The area under it."""
        return f"{self.curve.average_precision:.3f}"


def shown(metrics: Mapping[str, float]) -> Iterator[Shown]:
    """The curves among the figures of a run, of two thresholds and more."""
    kinds = [key.split(".")[1] for key in metrics if key.startswith("curve.") and key.endswith(".average_precision")]
    for kind in kinds:
        own = f"curve.{kind}."
        at = f"{own}at."
        thresholds = [key.removeprefix(at).removesuffix(".hits") for key in metrics if key.startswith(at)]
        points = [
            CurvePoint(float(each), int(metrics[f"{at}{each}.hits"]), int(metrics[f"{at}{each}.stopped"]))
            for each in thresholds
            if not each.endswith(".stopped")
        ]
        if len(points) < 2:
            continue
        curve = Curve(int(metrics[f"{own}calls"]), int(metrics[f"{own}scam"]), tuple(points))
        title = _NAMES.get(kind, kind)
        told = f"{title}: precision against recall of {len(points)} thresholds"
        dots = [
            (point.hits / curve.scam, point.hits / point.stopped, f"{point.threshold:.2f} or more") for point in points
        ]
        yield Shown(kind, title, curve, drawn(told, dots, line=True), list(_steps(curve)))


def _steps(curve: Curve) -> Iterator[Step]:
    points = curve.points
    if len(points) > _MOST_ROWS:  # evenly along the curve
        points = tuple(points[round(place * (len(points) - 1) / (_MOST_ROWS - 1))] for place in range(_MOST_ROWS))
    for point in points:
        recall, precision = curve.recall(point), curve.precision(point)
        if recall is not None and precision is not None:
            yield Step(
                f"{point.threshold:.2f}",
                *(
                    Share(name, name, rate.value, rate.lower95, rate.upper95, f"{rate.hits:,} of {rate.of:,}", True)
                    for name, rate in (("recall", recall), ("precision", precision))
                ),
            )


def drawn(told: str, points: Sequence[tuple[float, float, str]], *, line: bool = False) -> Markup:
    """A picture of points: recall, precision, and what each is. With `line` they are one curve."""

    def x(recall: float) -> float:
        return _LEFT + recall * (_WIDTH - _LEFT - _RIGHT)

    def y(precision: float) -> float:
        return _HEIGHT - _BOTTOM - precision * (_HEIGHT - _TOP - _BOTTOM)

    parts = list(_axes(x(0.0), x(1.0), y(0.0), y(1.0)))
    if line and points:
        parts.append(
            tag("path", d=path([(x(recall), y(precision)) for recall, precision, _ in points]), class_="front")
        )
    step = max(1, len(points) // _MOST_DOTS)
    for recall, precision, what in points[::step]:
        said = f"{what}: {recall * 100:.2f} % of scam stopped, {precision * 100:.2f} % of what is stopped is scam"
        dot, radius = ("best", 4.5) if line else ("dot", 2.5)
        parts.append(tag("circle", tag("title", said), cx=x(recall), cy=y(precision), r=radius, class_=dot))
    return picture(told, _WIDTH, _HEIGHT, parts, "tradeoff")


def _axes(left: float, right: float, bottom: float, top: float) -> Iterable[Markup]:
    for tick in range(_TICKS + 1):
        share = tick / _TICKS
        across, up = left + share * (right - left), bottom - share * (bottom - top)
        yield tag("line", x1=left, y1=up, x2=right, y2=up, class_="grid")
        yield tag("text", f"{share * 100:.0f} %", x=left - 8.0, y=up + 4, class_="tick", text_anchor="end")
        yield tag("text", f"{share * 100:.0f} %", x=across, y=bottom + 18.0, class_="tick", text_anchor="middle")
    yield tag(
        "text", "recall: scam stopped", x=(left + right) / 2, y=bottom + 38.0, class_="tick", text_anchor="middle"
    )
    yield tag("text", "precision: scam among what is stopped", x=4.0, y=12.0, class_="tick")
