"""The curves of scores on the page: a picture, and thresholds with their intervals."""

from __future__ import annotations

from xml.etree import ElementTree

from simulator.judging.curves import Curve
from simulator.report.html.curves import drawn, shown


def metrics(scored: list[tuple[float, bool]]) -> dict[str, float]:
    curve = Curve.of(scored)
    assert curve is not None
    return {"calls": 1.0, **dict(curve.named("scam_list"))}


def test_a_curve_has_a_point_for_each_threshold() -> None:
    (one,) = shown(metrics([(0.9, True), (0.9, True), (0.4, False), (0.3, True), (0.0, False)]))
    assert (one.title, one.curve.calls, one.curve.scam) == ("Confidence of scam lists", 5, 3)
    assert [step.threshold for step in one.steps] == ["0.90", "0.40", "0.30"]
    assert [step.precision.counted for step in one.steps] == ["2 of 2", "2 of 3", "3 of 4"]
    assert one.average_precision == "0.917"
    picture = ElementTree.fromstring(one.picture)  # noqa: S314 - our own
    circles = [each for each in picture.iter() if each.tag.endswith("circle")]
    assert [each.findtext("{*}title") for each in circles] == [
        "0.90 or more: 66.67 % of scam stopped, 100.00 % of what is stopped is scam",
        "0.40 or more: 66.67 % of scam stopped, 66.67 % of what is stopped is scam",
        "0.30 or more: 100.00 % of scam stopped, 75.00 % of what is stopped is scam",
    ]


def test_one_threshold_is_no_curve() -> None:
    assert list(shown(metrics([(0.9, True), (0.0, False)]))) == []


def test_of_many_thresholds_some_are_in_the_table_ends_included() -> None:
    (one,) = shown(metrics([(number / 100, number % 2 == 0) for number in range(1, 101)]))
    thresholds = [step.threshold for step in one.steps]
    assert (len(thresholds), thresholds[0], thresholds[-1]) == (12, "1.00", "0.01")
    assert one.picture.count("<circle") == 100


def test_dots_without_a_line_are_not_joined() -> None:
    assert "<path" not in drawn("points", [(0.5, 0.5, "point 1")])
