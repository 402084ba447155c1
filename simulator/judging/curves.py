"""Precision against recall of the rules that score callers: what each threshold would stop, by the rule alone. Pure.

A curve is about the calls that a rule was asked about, with a known truth: those that rules before it decided are not
its own. The figure for all of it is the average precision: the precision at each step of recall, weighted by the step
(area under the curve without interpolation).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from simulator.judging.accuracy import Rate, wilson
from simulator.judging.observation import CallObservation, Outcome


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """A threshold: of the calls with this score or more, `hits` of `stopped` are scam."""

    threshold: float
    hits: int
    stopped: int


@dataclass(frozen=True, slots=True)
class Curve:
    """The points of a rule from the highest threshold down, which is above 0: what is not known is not stopped. Of the
    `calls` that it was asked about, `scam` were such."""

    calls: int
    scam: int
    points: tuple[CurvePoint, ...]

    @classmethod
    def of(cls, scored: Iterable[tuple[float, bool]]) -> Curve | None:
        """The curve of scores and whether each call was scam; None where no call was scored above 0, or none scam."""
        right: Counter[float] = Counter()
        wrong: Counter[float] = Counter()
        for score, is_scam in scored:
            (right if is_scam else wrong)[score] += 1
        scores = sorted((score for score in right | wrong if score > 0), reverse=True)
        if not scores or not right.total():
            return None
        points: list[CurvePoint] = []
        hits = stopped = 0
        for score in scores:
            hits += right[score]
            stopped += right[score] + wrong[score]
            points.append(CurvePoint(score, hits, stopped))
        return cls(right.total() + wrong.total(), right.total(), tuple(points))

    def precision(self, point: CurvePoint) -> Rate | None:
        """Of the calls that a threshold stops, those that are scam."""
        return wilson(point.hits, point.stopped)

    def recall(self, point: CurvePoint) -> Rate | None:
        """Of the scam calls, those that a threshold stops."""
        return wilson(point.hits, self.scam)

    @property
    def average_precision(self) -> float:
        """The area: 1 where no legitimate call scores as high as any scam call; scam that no threshold stops adds 0."""
        before, area = 0, 0.0
        for point in self.points:
            area += (point.hits - before) / self.scam * point.hits / point.stopped
            before = point.hits
        return area

    def named(self, kind: str) -> Iterator[tuple[str, float]]:
        """All of it as flat figures."""
        yield f"curve.{kind}.average_precision", self.average_precision
        yield f"curve.{kind}.calls", self.calls
        yield f"curve.{kind}.scam", self.scam
        for point in self.points:
            at = f"curve.{kind}.at.{point.threshold:.2f}"
            yield from ((f"{at}.hits", point.hits), (f"{at}.stopped", point.stopped))


def curves(calls: Iterable[CallObservation]) -> dict[str, Curve]:
    """The curve of each kind of score that calls have."""
    scored: dict[str, list[tuple[float, bool]]] = {}
    for call in calls:
        if call.proxy_wrote and call.planned.truth != "unknown" and call.outcome is not Outcome.FAULT:
            for kind, score in call.proxy_wrote.scores:
                scored.setdefault(kind, []).append((score, call.unwanted))
    found = {kind: Curve.of(scored[kind]) for kind in sorted(scored)}
    return {kind: curve for kind, curve in found.items() if curve is not None}
