"""A played scenario's validity, wrong verdicts and exit code."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from simulator.exit_code import ExitCode, worst
from simulator.judging.evidence import CallerSaw
from simulator.judging.figures import Figures, combine
from simulator.judging.observation import CallObservation
from simulator.judging.result import LATENESS_BOUND, Result
from simulator.scenario.calls import Expect
from simulator.scenario.thresholds import Threshold
from tests.plays.observed import call, changed


def played(*calls: CallObservation, thresholds: tuple[tuple[str, str], ...] = (), **more: object) -> Result:
    numbered = tuple(changed(each, id=f"c{number}") for number, each in enumerate(calls))
    asked = tuple(Threshold.parse(figure, text) for figure, text in thresholds)
    result = Result("s", Path("s.yaml"), "CN", "cn", 7, Path("runs/s"), Figures(numbered, {}), asked)
    return replace(result, **more)  # type: ignore[arg-type]


BLOCKED_SCAM = call(truth="scam", blocked=True)
PASSED_SCAM = call(truth="scam", blocked=False)
PASSED_LEGIT = call(truth="legit", blocked=False)
BLOCKED_LEGIT = call(truth="legit", blocked=True)


def test_right_verdicts_end_as_expected() -> None:
    result = played(BLOCKED_SCAM, PASSED_LEGIT)
    assert result.exit_code is ExitCode.AS_EXPECTED
    assert result.wrong == ()
    assert result.invalid_because == ()


@pytest.mark.parametrize(("wrong", "why"), [(PASSED_SCAM, "scam call was passed"), (BLOCKED_LEGIT, "was blocked")])
def test_without_expectation_or_threshold_the_truth_judges(wrong: CallObservation, why: str) -> None:
    result = played(BLOCKED_SCAM, wrong, PASSED_LEGIT)
    assert result.exit_code is ExitCode.WRONG_VERDICT
    ((seen, reason),) = result.wrong
    assert seen.id == "c1"
    assert why in reason


def test_a_threshold_on_its_rate_judges_a_call_together_with_the_others() -> None:
    result = played(PASSED_SCAM, *[BLOCKED_SCAM] * 9, thresholds=(("scam_recall", ">= 0.9"),))
    assert result.exit_code is ExitCode.AS_EXPECTED
    stricter = replace(result, thresholds=(Threshold.parse("scam_recall", ">= 0.95"),))
    assert stricter.exit_code is ExitCode.THRESHOLD_MISSED
    assert [str(check) for check in stricter.missed] == ["scam_recall >= 0.95: 0.9000"]


@pytest.mark.parametrize(
    ("mistake", "threshold"),
    [
        (PASSED_SCAM, ("scam_recall", ">= 0.5")),
        (BLOCKED_LEGIT, ("false_block_rate", "<= 0.5")),
        (PASSED_SCAM, ("accuracy", ">= 0.5")),
    ],
)
def test_a_part_of_a_scenario_is_held_to_no_threshold_and_excused_by_none(
    mistake: CallObservation, threshold: tuple[str, str]
) -> None:
    whole = played(mistake, BLOCKED_SCAM, PASSED_LEGIT, thresholds=(threshold,))
    assert whole.exit_code is ExitCode.AS_EXPECTED
    part = replace(whole, partial=True)
    assert part.exit_code is ExitCode.WRONG_VERDICT
    assert [each.id for each, _ in part.wrong] == ["c0"]
    assert (whole.not_applied, part.not_applied, part.checks) == ((), part.thresholds, ())


@pytest.mark.parametrize(
    ("mistake", "threshold"),
    [
        (PASSED_SCAM, ("scam_recall", "<= 0.9")),
        (BLOCKED_LEGIT, ("false_block_rate", ">= 0.1")),
        (PASSED_SCAM, ("accuracy", "< 1")),
        (PASSED_SCAM, ("scam_recall", ">= 0")),
        (BLOCKED_LEGIT, ("false_block_rate", "<= 100%")),
        (PASSED_SCAM, ("scam_recall", ">= 0.5 upper95")),
        (BLOCKED_LEGIT, ("false_block_rate", "<= 0.5 lower95")),
        (PASSED_SCAM, ("precision", ">= 0.5")),
    ],
)
def test_a_threshold_that_mistakes_alone_can_meet_excuses_none(
    mistake: CallObservation, threshold: tuple[str, str]
) -> None:
    assert played(mistake, BLOCKED_SCAM, thresholds=(threshold,)).exit_code is ExitCode.WRONG_VERDICT


def test_a_threshold_on_another_rate_does_not_excuse_a_call() -> None:
    result = played(BLOCKED_LEGIT, *[BLOCKED_SCAM] * 9, thresholds=(("scam_recall", ">= 0.9"),))
    assert result.exit_code is ExitCode.WRONG_VERDICT


def test_an_unmet_expectation_is_wrong_whatever_the_thresholds_say() -> None:
    expected = call(truth="scam", blocked=True, expect=Expect(rule="scam_list.prefix"))
    result = played(expected, thresholds=(("scam_recall", ">= 0.5"), ("added_setup_delay", "p99 < 1ms")))
    assert result.exit_code is ExitCode.WRONG_VERDICT
    assert result.wrong[0][1] == "rule barring.incoming_international instead of scam_list.prefix"


def test_a_scam_that_is_expected_to_pass_is_no_wrong_verdict() -> None:
    assert played(changed(PASSED_SCAM, expect=Expect(action="allow"))).exit_code is ExitCode.AS_EXPECTED


def test_who_says_only_what_is_seen_or_heard_leaves_the_outcome_to_the_truth() -> None:
    silent = changed(PASSED_SCAM, expect=Expect(phone_hears=("caller",)))
    assert played(silent).wrong[0][1] == "a scam call was passed"
    unheard = changed(silent, unmet_evidence=("the phone did not hear the caller",))
    assert played(unheard).wrong[0][1].startswith("a scam call was passed; the phone did not hear the caller; ")
    assert played(changed(BLOCKED_SCAM, expect=Expect(phone_hears=("caller",)))).exit_code is ExitCode.AS_EXPECTED
    excused = played(silent, BLOCKED_SCAM, thresholds=(("scam_recall", ">= 0.5"),))
    assert excused.exit_code is ExitCode.AS_EXPECTED


@pytest.mark.parametrize("said", [{"action": "allow"}, {"rule": "default.allow"}, {"status": 200}])
def test_what_is_said_of_the_outcome_stands_beside_another_truth(said: dict[str, Any]) -> None:
    mistake = changed(call(truth="scam", blocked=False, rule="default.allow"), expect=Expect(**said))
    assert played(mistake).exit_code is ExitCode.AS_EXPECTED


def test_a_fault_of_the_lab_makes_the_run_invalid_before_any_verdict() -> None:
    result = played(PASSED_SCAM, call(blocked=True, invites=1), PASSED_LEGIT)
    assert result.exit_code is ExitCode.ENVIRONMENT
    (reason,) = result.invalid_because
    assert "disagree about 1 of 3 calls" in reason
    assert reason.endswith("the first is c1: the proxy recorded reject but the phone saw an INVITE")


def test_a_generator_that_lagged_makes_the_run_invalid() -> None:
    in_time = [call(truth="scam", late=LATENESS_BOUND / 2)] * 90
    assert played(*in_time).exit_code is ExitCode.AS_EXPECTED
    late = played(*in_time, *[call(truth="scam", late=2 * LATENESS_BOUND)] * 10)
    assert late.exit_code is ExitCode.ENVIRONMENT
    assert "1 call in 100 left 1000 ms late" in late.invalid_because[0]


def test_a_problem_met_while_playing_makes_the_run_invalid() -> None:
    result = played(BLOCKED_SCAM, problems=("the proxy dropped 3 datagrams",))
    assert result.exit_code is ExitCode.ENVIRONMENT
    assert result.invalid_because == ("the proxy dropped 3 datagrams",)


def test_a_run_without_a_call_is_no_success() -> None:
    assert played(partial=True, thresholds=(("scam_recall", ">= 0.9"),)).exit_code is ExitCode.NOTHING_SELECTED
    assert played(interrupted=True, unfinished=3).exit_code is ExitCode.INTERRUPTED


def test_an_interrupted_run_says_so_first() -> None:
    assert played(PASSED_SCAM, problems=("x",), interrupted=True).exit_code is ExitCode.INTERRUPTED


@pytest.mark.parametrize(
    ("codes", "code"),
    [
        ([], 0),
        ([0, 0], 0),
        ([5, 0], 0),
        ([5], 5),
        ([5, 1], 1),
        ([0, 99], 99),
        ([99, 1, 0], 1),
        ([1, 3, 99], 3),
        ([3, 130], 130),
    ],
)
def test_several_scenarios_end_with_the_gravest_code(codes: list[int], code: int) -> None:
    assert worst(ExitCode(each) for each in codes) == code


def test_metrics_hold_what_was_measured_and_nothing_else() -> None:
    assert Figures((), {}).metrics == {
        "calls": 0,
        "calls.scam_blocked": 0,
        "calls.scam_passed": 0,
        "calls.legit_blocked": 0,
        "calls.legit_passed": 0,
        "calls.faults": 0,
    }
    passed = call("a", truth="legit", blocked=False, delay=0.5, retransmissions=2)
    measured = Figures((passed,), {"a": CallerSaw(5.0, sent=5.0, ringing=5.25)}).metrics
    assert measured["added_setup_delay.p50"] == 0.25
    assert measured["added_setup_delay.count"] == 1
    assert measured["false_block_rate"] == 0.0
    assert measured["family.wangiri.legit_passed"] == 1
    assert measured["rule.barring.incoming_international.legit_passed"] == 1
    assert (measured["retransmissions"], measured["direct_retransmissions"]) == (2, 0)
    assert "scam_recall" not in measured
    assert "precision" not in measured


def test_scenarios_combine_into_figures_over_all_their_calls() -> None:
    first = Figures((call("a", blocked=False, delay=0.5),), {"a": CallerSaw(0.0, sent=1.0, ringing=1.25)})
    second = Figures((call("a", blocked=False, delay=1.0),), {"a": CallerSaw(0.0, sent=1.0, ringing=1.5)})
    both = combine([("one", first), ("two", second)])
    assert [each.id for each in both.calls] == ["one/a", "two/a"]
    assert both.metrics["calls"] == 2
    assert (both.metrics["added_setup_delay.p50"], both.metrics["added_setup_delay.max"]) == (0.25, 0.5)
