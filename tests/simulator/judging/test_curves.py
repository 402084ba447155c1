"""Precision against recall of scores, by the calls that came to the rule."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as some

from simulator.judging.curves import Curve, CurvePoint, curves
from simulator.judging.figures import Figures
from simulator.judging.observation import CallObservation
from tests.plays.observed import call, changed


def scored(truth: str, score: float | None, *, blocked: bool = False) -> CallObservation:
    """A call that got a score."""
    played = call(truth=truth, blocked=blocked)
    assert played.proxy_wrote is not None
    scores = () if score is None else (("scam_list", score),)
    return changed(played, proxy_wrote=replace(played.proxy_wrote, scores=scores))


CALLS = [
    *[scored("scam", 0.9, blocked=True)] * 3,
    scored("legit", 0.9, blocked=True),
    scored("attack", 0.4),
    *[scored("legit", 0.4)] * 3,
    *[scored("scam", 0.0)] * 4,
    *[scored("legit", 0.0)] * 8,
    scored("unknown", 0.9, blocked=True),
    scored("scam", None, blocked=True),
]


def test_each_threshold_stops_what_scores_as_high() -> None:
    (kind, curve), *more = curves(CALLS).items()
    assert (kind, more) == ("scam_list", [])
    assert curve == Curve(20, 8, (CurvePoint(0.9, 3, 4), CurvePoint(0.4, 4, 8)))
    precision, recall = curve.precision(curve.points[1]), curve.recall(curve.points[1])
    assert precision is not None
    assert recall is not None
    assert (precision.value, recall.value) == (0.5, 0.5)


def test_the_area_is_the_average_precision_and_what_no_threshold_stops_adds_nothing() -> None:
    curve = curves(CALLS)["scam_list"]
    assert curve.average_precision == pytest.approx(3 / 8 * 3 / 4 + 1 / 8 * 4 / 8)


def test_a_fault_of_the_lab_is_on_no_curve() -> None:
    fault = changed(CALLS[0], phone_saw=replace(CALLS[0].phone_saw, invites=1))
    assert curves([*CALLS, fault]) == curves(CALLS)


@pytest.mark.parametrize("some_calls", [[], CALLS[8:16], [scored("legit", 0.9)], [scored("scam", None)]])
def test_without_scores_or_without_scam_there_is_no_curve(some_calls: list[CallObservation]) -> None:
    assert curves(some_calls) == {}


def test_the_figures_have_the_area_and_every_point() -> None:
    metrics = Figures(tuple(CALLS), {}).metrics
    assert {key: value for key, value in metrics.items() if key.startswith("curve.")} == {
        "curve.scam_list.average_precision": pytest.approx(0.34375),
        "curve.scam_list.calls": 20,
        "curve.scam_list.scam": 8,
        "curve.scam_list.at.0.90.hits": 3,
        "curve.scam_list.at.0.90.stopped": 4,
        "curve.scam_list.at.0.40.hits": 4,
        "curve.scam_list.at.0.40.stopped": 8,
    }


@given(some.lists(some.tuples(some.integers(0, 100), some.booleans())))
def test_recall_never_falls_as_the_threshold_does(scored: list[tuple[int, bool]]) -> None:
    curve = Curve.of([(score / 100, is_scam) for score, is_scam in scored])
    if curve is not None:
        points = curve.points
        assert [point.hits for point in points] == sorted(point.hits for point in points)
        assert all(high.threshold > low.threshold for high, low in pairwise(points))
        assert 0 <= curve.average_precision <= 1
