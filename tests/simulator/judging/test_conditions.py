"""Conditions under which a comparison fails."""

from __future__ import annotations

import pytest

from simulator.judging.conditions import Condition
from simulator.judging.paired import Difference

RECALL = {"scam_recall": Difference(-0.02, -0.05, 0.01)}


@pytest.mark.parametrize(
    ("text", "fails"),
    [
        ("recall drops > 0.01", True),
        ("recall drops > 1%", True),
        ("scam_recall drops > 0.02", False),
        ("recall drops >= 0.02", True),
        ("recall rises > 0", False),
        ("recall drops > 0.04 upper95", True),
        ("recall drops > 0.01 lower95", False),
        ("accuracy drops > 0.5", True),  # not measured
    ],
)
def test_a_condition_is_held_against_how_far_a_rate_went_its_way(text: str, fails: bool) -> None:
    assert Condition.parse(text).held(RECALL).fails is fails


def test_a_limit_within_the_interval_is_undecided() -> None:
    assert Condition.parse("recall drops > 0.03").held(RECALL).undecided
    assert not Condition.parse("recall drops > 0.06").held(RECALL).undecided


def test_delays_have_units_and_counts_have_none() -> None:
    found = {"added_setup_delay.p99": Difference(0.003, 0.001, 0.006), "changed": Difference(4)}
    assert Condition.parse("p99 added rises > 2ms").held(found).fails
    assert not Condition.parse("p99 added rises > 3000us").held(found).fails
    assert Condition.parse("p99 added rises > 5 ms upper95").held(found).fails
    assert Condition.parse("changed > 3").held(found).fails
    assert not Condition.parse("changed > 4").held(found).fails
    assert Condition.parse("p99.9 added rises > 1s").figure == "added_setup_delay.p99.9"


@pytest.mark.parametrize(
    "text", ["", "recall", "recall drops", "recall falls > 1", "p99 rises > 2ms", "p99 added rises > 2", "recall > 0.5"]
)
def test_what_cannot_be_read_is_told_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"recall drops > 0\.01"):
        Condition.parse(text)


def test_precision_has_no_interval_to_ask_for() -> None:
    with pytest.raises(ValueError, match="without an end"):
        Condition.parse("precision drops > 0.1 upper95")
