"""Percentiles and the pairing of proxied and direct calls."""

from __future__ import annotations

import pytest

from simulator.judging.evidence import CallerSaw
from simulator.judging.latency import Distribution, added_delays, percentile


@pytest.mark.parametrize(("share", "value"), [(50, 50.0), (95, 95.0), (99, 99.0), (1, 1.0), (100, 100.0)])
def test_percentiles_are_by_nearest_rank(share: float, value: float) -> None:
    assert percentile([float(n) for n in range(1, 101)], share) == value


# The nearest-rank example of five scores that textbooks use: 15, 20, 35, 40, 50.
@pytest.mark.parametrize(("share", "value"), [(5, 15), (30, 20), (40, 20), (50, 35), (100, 50)])
def test_percentiles_of_few_values_are_values_that_were_seen(share: float, value: float) -> None:
    assert percentile([15, 20, 35, 40, 50], share) == value


def test_no_values_have_no_distribution() -> None:
    assert Distribution.of([]) is None


def rang_after(delay: float | None) -> CallerSaw:
    return CallerSaw(0.0, sent=10.0, ringing=None if delay is None else 10.0 + delay)


def test_each_call_is_compared_with_its_own_direct_twin() -> None:
    measured = added_delays(
        {
            "a": rang_after(0.5),
            "b": rang_after(0.25),
            "only-proxied": rang_after(4.0),
            "silent": rang_after(None),
        },
        {"a": rang_after(0.125), "b": rang_after(0.25), "only-direct": rang_after(9.0)},
    )
    measured["added_setup_delay"].sort()
    assert measured == {
        "setup_delay": [0.5, 0.25, 4.0],
        "direct_setup_delay": [0.125, 0.25, 9.0],
        "added_setup_delay": [0.0, 0.375],
    }


def test_without_a_direct_pass_nothing_is_said_of_what_the_proxy_added() -> None:
    assert added_delays({"a": rang_after(0.5)}, {})["added_setup_delay"] == []
