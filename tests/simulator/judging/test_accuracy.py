"""Rates and confusion counts, with numbers worked out by hand or taken from the literature."""

from __future__ import annotations

import pytest

from simulator.judging.accuracy import Confusion, at_prevalence, measure_accuracy, wilson
from tests.plays.observed import call


# Newcombe (1998), Statistics in Medicine 17:857-872, table I, method 3 (score, no continuity correction).
@pytest.mark.parametrize(
    ("hits", "of", "lower", "upper"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (20, 20, 0.8389, 1.0000),
    ],
)
def test_the_interval_is_the_published_one(hits: int, of: int, lower: float, upper: float) -> None:
    rate = wilson(hits, of)
    assert rate is not None
    assert rate.value == hits / of
    assert rate.lower95 == pytest.approx(lower, abs=5e-5)
    assert rate.upper95 == pytest.approx(upper, abs=5e-5)


def test_nothing_measured_is_no_rate_at_all() -> None:
    assert wilson(0, 0) is None


@pytest.mark.parametrize(("hits", "of"), [(2, 1), (-1, 3), (0, -1)])
def test_impossible_counts_are_refused(hits: int, of: int) -> None:
    with pytest.raises(ValueError, match="no share"):
        wilson(hits, of)


def test_calls_are_counted_by_truth_and_outcome() -> None:
    calls = [call(truth="scam", blocked=True)] * 5
    calls += [call(truth="attack", blocked=True)] * 2
    calls += [call(truth="scam", blocked=False)] * 3
    calls += [call(truth="legit", blocked=True)] * 1
    calls += [call(truth="legit", blocked=False)] * 9
    calls += [call(truth="legit", blocked=True, invites=1)]
    total = Confusion.of(calls)
    assert total == Confusion(7, 3, 1, 9, 1)
    assert (total.calls, total.judged) == (21, 20)
    assert {name: rate.value for name, rate in total.rates.items()} == {
        "scam_recall": 7 / 10,
        "precision": 7 / 8,
        "false_block_rate": 1 / 10,
        "accuracy": 16 / 20,
    }


def test_rates_without_calls_are_absent() -> None:
    assert set(Confusion.of([call(truth="legit", blocked=False)]).rates) == {"false_block_rate", "accuracy"}
    assert Confusion.of([]).rates == {}


def test_the_whole_is_split_by_rule_and_by_family() -> None:
    measured = measure_accuracy(
        [
            call(truth="scam", blocked=True, rule="barring.incoming_international", family="wangiri"),
            call(truth="legit", blocked=True, rule="barring.incoming_international", family="family"),
            call(truth="legit", blocked=False, rule="subscriber.allow", family="family"),
            call(truth="legit", blocked=False, record=False, family="family"),
        ]
    )
    assert measured.by_rule == {
        "barring.incoming_international": Confusion(1, 0, 1, 0, 0),
        "subscriber.allow": Confusion(0, 0, 0, 1, 0),
    }
    assert measured.by_family == {"family": Confusion(0, 0, 1, 1, 1), "wangiri": Confusion(1, 0, 0, 0, 0)}


def test_precision_where_few_calls_are_scam_is_far_below_that_of_a_sample_half_of_which_is() -> None:
    recall, false_blocks = wilson(51, 100), wilson(22, 10_000)
    assert recall is not None
    assert false_blocks is not None
    estimate = at_prevalence(recall, false_blocks, 0.01)
    assert estimate.value == pytest.approx(0.7007, abs=1e-4)  # 0.51 x 0.01 / (0.51 x 0.01 + 0.0022 x 0.99)
    assert estimate.lower95 < 0.6 < estimate.value < 0.8 < estimate.upper95
    assert at_prevalence(recall, false_blocks, 0.5).value > 0.99


def test_calls_of_unknown_truth_are_counted_and_are_in_no_rate() -> None:
    measured = Confusion.of([call("a"), call("b", truth="unknown"), call("c", truth="unknown", blocked=False)])
    assert (measured.calls, measured.judged, measured.unknown) == (3, 1, 2)
    assert measured.scam_recall is not None
    assert measured.scam_recall.of == 1
    assert call("b", truth="unknown").rightly_judged
