"""HDR histograms of times."""

from __future__ import annotations

import random

import pytest

from simulator.judging.histogram import Histogram
from simulator.judging.latency import Distribution


def seconds(count: int, seed: int = 1) -> list[float]:
    drawn = random.Random(seed)
    return [drawn.lognormvariate(-6, 1) - 0.001 for _ in range(count)]


def test_percentiles_are_those_of_the_values_to_three_digits() -> None:
    values = seconds(20_000)
    found, exact = Histogram(values).distribution, Distribution.of(values)
    assert found is not None
    assert exact is not None
    assert found.count == exact.count
    assert found.figures == pytest.approx(exact.figures, rel=1e-3, abs=2e-9)


def test_two_added_up_are_as_one_of_all_values() -> None:
    one, other = seconds(1000), seconds(1500, seed=2)
    together = Histogram(one)
    together.add(Histogram(other))
    assert (together.count, together.bars()) == (2500, Histogram([*one, *other]).bars())


def test_written_and_read_it_is_the_same_also_below_nought() -> None:
    histogram = Histogram([-0.002, -0.002, 0.0, 0.001, 3.5])
    again = Histogram.read(histogram.positive, histogram.negative)
    assert again.bars() == histogram.bars()
    assert [count for _, count in again.bars()] == [2, 1, 1, 1]
    assert [value for value, _ in again.bars()] == pytest.approx([-0.002, 0.0, 0.001, 3.5], rel=1e-3)
    assert again.longest == pytest.approx((3.5, 0.002), rel=1e-3)


def test_where_nothing_was_counted_there_is_nothing_to_tell() -> None:
    histogram = Histogram()
    assert (histogram.distribution, histogram.bars(), histogram.positive, histogram.negative) == (None, [], "", "")
    assert Histogram.read("", "").count == 0


def test_what_takes_longer_than_an_hour_counts_as_an_hour() -> None:
    ((value, count),) = Histogram([86_400.0]).bars()
    assert (value, count) == (pytest.approx(3600, rel=1e-3), 1)


@pytest.mark.parametrize("text", ["x", "HISTFAAAAHx", "HISTFAAAAEV42pNpmSz", "AAAA"])
def test_a_text_that_is_no_histogram_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Histogram.read(text)
