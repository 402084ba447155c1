"""Conditions on figures: how they read and when they are met."""

from __future__ import annotations

import pytest

from simulator.scenario.thresholds import Threshold, check


@pytest.mark.parametrize(
    ("figure", "text", "key", "limit"),
    [
        ("scam_recall", ">= 0.95 lower95", "scam_recall.lower95", 0.95),
        ("false_block_rate", "<= 0.002", "false_block_rate", 0.002),
        ("false_block_rate", "< 0.5% upper95", "false_block_rate.upper95", 0.005),
        ("added_setup_delay", "p99 < 20ms", "added_setup_delay.p99", 0.02),
        ("added_setup_delay", "p50<500us", "added_setup_delay.p50", 0.0005),
        ("setup_delay", "max <= 1.5 s", "setup_delay.max", 1.5),
    ],
)
def test_a_condition_names_a_metric_and_a_limit(figure: str, text: str, key: str, limit: float) -> None:
    threshold = Threshold.parse(figure, text)
    assert threshold.key == key
    assert threshold.limit == pytest.approx(limit)


@pytest.mark.parametrize(
    ("figure", "text", "expected"),
    [
        ("scam_recall", "=> 0.95", 'such as ">= 0.95 lower95"'),
        ("scam_recall", ">= 95", "a rate between 0 and 1"),
        ("scam_recall", "p99 < 20ms", 'such as ">= 0.95 lower95"'),
        ("added_setup_delay", "< 20ms", 'such as "p99 < 20ms"'),
        ("added_setup_delay", "p99 < 20", "us, ms or s"),
    ],
)
def test_a_bad_condition_is_answered_with_what_was_expected(figure: str, text: str, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        Threshold.parse(figure, text)


@pytest.mark.parametrize(
    ("text", "value", "met"),
    [(">= 0.95", 0.95, True), ("> 0.95", 0.95, False), ("<= 0.95", 0.96, False), ("< 0.95", 0.94, True)],
)
def test_a_value_is_held_against_its_limit(text: str, value: float, met: bool) -> None:
    (held,) = check((Threshold.parse("precision", text),), {"precision": value})
    assert held.met is met


def test_a_figure_that_was_not_measured_meets_nothing() -> None:
    (held,) = check((Threshold.parse("false_block_rate", "<= 1"),), {})
    assert not held.met
    assert str(held) == "false_block_rate <= 1: not measured"


def test_a_check_shows_delays_in_milliseconds() -> None:
    (held,) = check((Threshold.parse("added_setup_delay", "p99 < 20ms"),), {"added_setup_delay.p99": 0.0125})
    assert held.met
    assert str(held) == "added_setup_delay p99 < 20ms: 12.500 ms"


@pytest.mark.parametrize(
    ("text", "lower", "upper", "met", "undecided"),
    [
        (">= 0.95 lower95", 0.96, 1.0, True, False),
        (">= 0.95 lower95", 0.72, 1.0, False, True),
        (">= 0.95 lower95", 0.72, 0.94, False, False),
        ("<= 0.002 upper95", 0.0, 0.03, False, True),
        ("<= 0.002 upper95", 0.01, 0.03, False, False),
    ],
)
def test_a_sample_too_small_to_decide_is_undecided_and_does_not_pass(
    text: str, lower: float, upper: float, met: bool, undecided: bool
) -> None:
    metrics = {"scam_recall.lower95": lower, "scam_recall.upper95": upper}
    (held,) = check((Threshold.parse("scam_recall", text),), metrics)
    assert (held.met, held.undecided) == (met, undecided)
    assert ("undecided" in str(held)) is undecided


def test_the_share_itself_is_held_against_a_limit_without_its_interval() -> None:
    metrics = {"scam_recall": 0.9, "scam_recall.lower95": 0.5, "scam_recall.upper95": 1.0}
    (held,) = check((Threshold.parse("scam_recall", ">= 0.95"),), metrics)
    assert not held.undecided
