"""If a plateau holds, and if it was the proxy that was measured."""

from __future__ import annotations

from typing import Any

import pytest

from tests.plays.loaded import plateau


def test_one_within_its_limits_holds() -> None:
    assert plateau().held
    assert plateau().itself == ()


@pytest.mark.parametrize(
    ("figures", "why"),
    [
        ({"rang": 0.2}, "p99 was 200.0 ms (limit 100 ms)"),
        ({"failing": 1}, "1.00 % of the calls failed (limit 0.1 %)"),
        ({"unheard": 2}, "2.00 % of the calls failed (limit 0.1 %)"),
        ({"cut": True}, "it was ended early, as calls queued up"),
        ({"calls": 0}, "no call was placed"),
    ],
)
def test_one_that_misses_a_limit_says_which(figures: dict[str, Any], why: str) -> None:
    missed = plateau(**figures)
    assert (missed.held, missed.missed) == (False, (why,))


def test_the_time_that_a_call_left_late_is_in_its_delay() -> None:
    assert not plateau(rang=0.02, late=0.2).held  # a caller would have waited for it


def test_callers_who_heard_nothing_have_failed() -> None:
    assert plateau(failing=3, unheard=2).failures == {"503 Service Unavailable": 3, "no answer": 2}


@pytest.mark.parametrize(
    ("figures", "why"),
    [
        ({"late": 0.05}, "the generators were late: 1 call in 100 left 50 ms or more after it was due"),
        ({"processors": {"proxy": 0.5, "generators": 0.97, "idle": 0.5}}, "a generator computed 97 % of the time"),
        ({"processors": {"proxy": 0.5, "far_end": 0.95, "idle": 0.5}}, "the far end, in the place of the phones"),
        ({"processors": {"proxy": 0.5, "idle": 0.01}}, "this machine had no processor left: the proxy got 50 %"),
    ],
)
def test_what_was_measured_instead_of_the_proxy_is_told(figures: dict[str, Any], why: str) -> None:
    (told,) = plateau(**figures).itself
    assert told.startswith(why)


def test_a_proxy_that_takes_a_whole_processor_is_what_was_measured() -> None:
    assert plateau(rang=0.5, processors={"proxy": 0.99, "generators": 0.4, "far_end": 0.3, "idle": 0.0}).itself == ()


def test_a_proxy_that_hangs_on_a_busy_machine_waits_for_no_processor_and_is_what_was_measured() -> None:
    busy = {"proxy": 0.0, "generators": 0.9, "far_end": 0.1, "idle": 0.0}
    assert plateau(unheard=100, processors=busy | {"proxy_waited": 0.0}).itself == ()
    (starved,) = plateau(unheard=100, processors=busy | {"proxy_waited": 0.6}).itself
    assert starved.startswith("this machine had no processor left: the proxy got 0 %")


def test_its_figures_have_flat_names() -> None:
    flat = plateau(rate=200.0, failing=1).metrics
    assert (flat["load.rate"], flat["calls"], flat["calls.failed"], flat["failure_rate"]) == (200.0, 100, 1, 0.01)
    assert flat["processor.seconds_per_call"] == pytest.approx(0.05)
    assert {"setup_delay_from_due.p99", "setup_delay.p50", "send_lateness.max", "transit_time.p99.9"} <= flat.keys()
