"""Rows of generators, added up."""

from __future__ import annotations

from array import array

import pytest

from simulator.load.tally import TIMES
from tests.plays.loaded import counted, expecting, plan, rows


def test_the_delay_is_told_from_when_a_call_was_due_and_from_when_it_left() -> None:
    tally = counted(rows(late=0.5, rang=0.02))
    found = {name: each.max for name in TIMES if (each := tally.distribution(name)) is not None}
    assert found == pytest.approx(
        {"setup_delay_from_due": 0.52, "setup_delay": 0.02, "transit_time": 0.005, "send_lateness": 0.5}, rel=1e-3
    )
    assert (tally.heard, tally.ended, tally.failures) == (1, 1, 0)


def test_a_refusal_has_times_of_its_own() -> None:
    tally = counted(rows(rang=None, final=0.01, status=603, transit=None))
    assert tally.distribution("setup_delay") is None
    refusal = tally.distribution("time_to_refusal")
    assert refusal is not None
    assert refusal.max == pytest.approx(0.01, rel=1e-3)
    assert tally.failures == 0  # what it should be told is not known


def test_a_busy_phone_is_no_refusal() -> None:
    tally = counted(rows(rang=None, status=486), call=plan(behaviour="busy"))
    assert tally.distribution("time_to_refusal") is None
    assert tally.distribution("setup_delay") is not None


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (rows(rang=None, final=None, status=None, error="no final answer"), "no answer"),
        (rows(error="BYE not answered"), "BYE without an answer"),
        (rows(rang=None, status=503), "503 Service Unavailable"),
        (rows(rang=None, status=408), "408 Request Timeout"),
        (rows(status=487), "no answer before the caller gave up"),
    ],
)
def test_what_a_proxy_out_of_breath_does_is_a_failure(row: array[float], why: str) -> None:
    assert counted(row).failed == {why: 1}


def test_what_failed_soon_makes_no_delay_better() -> None:
    for status in (503, 487):
        tally = counted(rows(rang=None, final=0.001, status=status))
        assert {name for name in TIMES if tally.distribution(name)} == {"send_lateness"}


def test_what_the_scenario_expects_is_none() -> None:
    assert counted(rows(rang=None, status=503), call=expecting(503)).failures == 0
    assert counted(rows(status=487), call=plan(cancel_after=1.0)).failures == 0


def test_another_status_than_expected_is_a_wrong_verdict_unless_nobody_could_decide() -> None:
    other = counted(rows(rang=None, status=603), call=expecting(200))
    assert (other.failed, other.wrong) == ({"603 instead of 200": 1}, 1)
    broken = counted(rows(rang=None, status=503), call=expecting(200))
    assert (broken.failed, broken.wrong) == ({"503 instead of 200": 1}, 0)


def test_invites_that_were_sent_again_are_counted() -> None:
    assert counted(rows(again=2), rows(again=1)).again == 3
