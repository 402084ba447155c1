"""Differences of paired rates, and their test, with numbers from the literature or worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from simulator.judging.accuracy import Confusion
from simulator.judging.paired import FAULT, Comparison, Judged, Paired, outcome_of, paired_difference
from tests.plays.planned import planned

STOPPED = Judged("blocked", "reject", 603, "scam_list.exact")
PASSED = Judged("passed", "allow", None, "default.allow")


# Newcombe (1998), Statistics in Medicine 17:2635-2650, table II, method 10; his difference is A minus B.
@pytest.mark.parametrize(
    ("cells", "lower", "upper"),
    [((36, 12, 2, 0), 0.0569, 0.3404), ((0, 12, 2, 36), 0.0569, 0.3404), ((53, 1, 0, 0), -0.0496, 0.0977)],
)
def test_the_interval_of_a_paired_difference_is_the_published_one(
    cells: tuple[int, int, int, int], lower: float, upper: float
) -> None:
    found = paired_difference(*cells)
    assert found is not None
    assert found.lower95 == pytest.approx(-upper, abs=6e-5)
    assert found.upper95 == pytest.approx(-lower, abs=6e-5)


def test_a_difference_of_nothing_was_not_measured() -> None:
    assert paired_difference(0, 0, 0, 0) is None


@pytest.mark.parametrize(
    ("a_only", "b_only", "p"),
    [(0, 0, 1.0), (5, 5, 1.0), (0, 5, 2 / 32), (1, 6, 2 * 8 / 128), (10, 0, 2 / 1024)],
)
def test_the_exact_test_is_the_binomial_one(a_only: int, b_only: int, p: float) -> None:
    assert Paired(100, a_only, b_only, 3).p == pytest.approx(p)


def test_pairs_are_counted_by_truth_and_faults_of_either_lab_are_left_out_of_them() -> None:
    comparison = Comparison()
    scam, legit = planned("s", truth="scam"), planned("l", truth="legit")
    for call, a, b in [
        (scam, STOPPED, STOPPED),
        (scam, STOPPED, PASSED),
        (scam, PASSED, STOPPED),
        (scam, FAULT, PASSED),
        (legit, PASSED, STOPPED),
        (legit, PASSED, PASSED),
        (planned("u", truth="unknown"), PASSED, STOPPED),
    ]:
        comparison.add("x", call, a, b)
    assert comparison.recall == Paired(1, 1, 1, 0)
    assert comparison.false_blocks == Paired(0, 0, 1, 1)
    assert comparison.accuracy == Paired(2, 2, 1, 0)
    assert comparison.confusions == (Confusion(2, 1, 0, 2, 1, 1), Confusion(2, 2, 1, 1, 0, 1))


def test_examples_are_some_of_each_kind_however_many_there_are() -> None:
    comparison = Comparison()
    for number in range(5_000):
        comparison.add("x", replace(planned(truth="scam"), id=f"c{number}"), STOPPED, PASSED)
    comparison.add("x", planned("rare", truth="legit"), PASSED, STOPPED)
    assert comparison.verdicts_changed == 5_001
    assert len(comparison.examples) < 100
    assert comparison.examples[-1].id == "rare"


@pytest.mark.parametrize(
    ("action", "served", "outcome"),
    [("allow", False, "passed"), ("label", False, "passed"), ("divert", False, "blocked"), ("divert", True, "passed")],
)
def test_an_outcome_follows_from_the_action_as_in_a_lab(action: str, served: bool, outcome: str) -> None:
    assert outcome_of(action, served=served) == outcome
