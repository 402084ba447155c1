"""A call is blocked or passed only if caller, phone and proxy say the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from simulator.judging.evidence import CallerSaw, PhoneSaw, ProxyWrote
from simulator.judging.observation import CallObservation, Outcome
from simulator.scenario.calls import Expect
from tests.plays.observed import call, changed

BLOCKED = call(blocked=True)
PASSED = call(blocked=False, truth="legit")


def test_three_agreeing_witnesses_make_an_outcome() -> None:
    assert BLOCKED.outcome is Outcome.BLOCKED
    assert PASSED.outcome is Outcome.PASSED
    assert (BLOCKED.disagreements, PASSED.disagreements) == ((), ())


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (changed(BLOCKED, phone_saw=PhoneSaw(1)), "recorded reject but the phone saw an INVITE"),
        (
            changed(BLOCKED, caller_saw=replace(BLOCKED.caller_saw, status=200)),
            "recorded 603 but the caller saw 200",
        ),
        (changed(BLOCKED, proxy_wrote=None), "the proxy wrote no call record"),
        (changed(BLOCKED, caller_saw=CallerSaw(5.0, sent=5.0)), "no final answer"),
        (changed(BLOCKED, caller_saw=CallerSaw(5.0)), "never sent the INVITE"),
        (changed(BLOCKED, caller_saw=CallerSaw(5.0, error="no port left")), "no port left"),
        (changed(PASSED, phone_saw=PhoneSaw(0)), "recorded allow but the phone saw no INVITE"),
        (changed(PASSED, phone_saw=PhoneSaw(1, status=486)), "phone answered 486 but the caller saw 200"),
        (changed(PASSED, phone_saw=PhoneSaw(1, status=200, error="it died")), "the phone's agent failed: it died"),
        (
            changed(PASSED, phone_saw=PhoneSaw(1, 16.0), caller_saw=CallerSaw(5.0, 5.0, final=15.0, status=487)),
            "the phone saw an INVITE only after the caller saw 487",
        ),
        (
            changed(PASSED, proxy_wrote=ProxyWrote("allow", None, "default.allow", "", 408)),
            "recorded a final 408 but the caller saw 200",
        ),
        (
            changed(PASSED, proxy_wrote=ProxyWrote("shrug", None, "default.allow", "", 200)),
            "an action nobody knows: shrug",
        ),
    ],
)
def test_a_disagreement_is_a_fault_of_the_lab_and_says_why(seen: CallObservation, why: str) -> None:
    assert seen.outcome is Outcome.FAULT
    assert not seen.rightly_judged
    assert any(why in problem for problem in seen.disagreements)


@pytest.mark.parametrize("action", ["divert", "challenge"])
def test_a_call_that_the_switch_answered_in_the_phones_place_is_blocked(action: str) -> None:
    answered = changed(
        PASSED, phone_saw=PhoneSaw(0), proxy_wrote=ProxyWrote(action, None, "barring.incoming_international", "", 200)
    )
    assert (answered.outcome, answered.disagreements) == (Outcome.BLOCKED, ())
    unheard = changed(answered, caller_saw=replace(answered.caller_saw, status=480))
    assert unheard.disagreements == ("the proxy recorded 200 but the caller saw 480",)


def test_who_meets_the_challenge_gets_through_and_who_is_diverted_does_not() -> None:
    def rang(action: str) -> CallObservation:
        return changed(PASSED, proxy_wrote=ProxyWrote(action, None, "barring.incoming_international", "", 200))

    assert rang("challenge").outcome is Outcome.PASSED
    assert rang("divert").disagreements == ("the proxy recorded divert but the phone saw an INVITE",)


def test_a_caller_who_gave_up_during_the_announcement_was_refused_all_the_same() -> None:
    record = ProxyWrote("reject", 603, "barring.incoming_international", "", 487, service="rf*announce*barred")
    gave_up = changed(BLOCKED, caller_saw=replace(BLOCKED.caller_saw, status=487), proxy_wrote=record)
    assert gave_up.outcome is Outcome.BLOCKED
    assert changed(gave_up, caller_saw=replace(BLOCKED.caller_saw, status=603)).outcome is Outcome.FAULT


def test_an_order_to_self_service_has_passed_once_it_is_carried_out_and_rings_no_phone() -> None:
    record = ProxyWrote("divert", None, "self_service", "", 200, service="rf*play*changed")
    order = changed(PASSED, phone_saw=PhoneSaw(), proxy_wrote=record)
    assert (order.outcome, order.timed) == (Outcome.PASSED, False)
    assert changed(order, phone_saw=PhoneSaw(1)).outcome is Outcome.FAULT
    assert changed(order, caller_saw=replace(order.caller_saw, status=404)).outcome is Outcome.FAULT
    refused = changed(BLOCKED, proxy_wrote=ProxyWrote("reject", 403, "self_service", "", 403))
    assert changed(refused, caller_saw=replace(refused.caller_saw, status=403)).outcome is Outcome.BLOCKED


def test_who_hangs_up_on_the_warning_is_no_fault_of_the_lab() -> None:
    def hung_up(service: str) -> CallObservation:
        record = ProxyWrote("label", None, "default.allow", "", 480, service=service)
        caller_saw = replace(PASSED.caller_saw, status=480)
        return changed(PASSED, caller_saw=caller_saw, phone_saw=PhoneSaw(1, status=200), proxy_wrote=record)

    assert hung_up("rf*warn*+8613800138001").outcome is Outcome.PASSED
    assert hung_up("").outcome is Outcome.FAULT


def test_a_phone_that_declines_by_itself_has_not_been_protected_by_the_proxy() -> None:
    busy = changed(
        PASSED,
        caller_saw=replace(PASSED.caller_saw, status=486),
        phone_saw=PhoneSaw(1, status=486),
        proxy_wrote=ProxyWrote("allow", None, "default.allow", "", 486),
    )
    assert busy.outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("truth", "blocked", "right"),
    [("scam", True, True), ("scam", False, False), ("attack", True, True), ("legit", True, False)],
)
def test_right_means_unwanted_calls_blocked_and_wanted_ones_passed(truth: str, blocked: bool, right: bool) -> None:
    assert call(truth=truth, blocked=blocked).rightly_judged is right


def test_expectations_compare_action_rule_and_the_status_that_the_caller_saw() -> None:
    met = call(expect=Expect(action="reject", rule="barring.incoming_international", status=603))
    assert met.unmet_expectations == ()
    unmet = call(expect=Expect(action="allow", rule="subscriber.allow", status=200))
    assert unmet.unmet_expectations == (
        "action reject instead of allow",
        "rule barring.incoming_international instead of subscriber.allow",
        "status 603 instead of 200",
    )
    assert call(expect=Expect(status=603)).unmet_expectations == ()


def test_a_text_is_blocked_or_passed_as_a_call_is_but_takes_no_part_in_delays() -> None:
    blocked, passed = changed(BLOCKED, method="MESSAGE"), changed(PASSED, method="MESSAGE")
    assert (blocked.outcome, passed.outcome) == (Outcome.BLOCKED, Outcome.PASSED)
    assert "reject but the phone saw the text" in changed(blocked, phone_saw=PhoneSaw(1)).disagreements[0]
    assert "allow but the phone saw no MESSAGE" in changed(passed, phone_saw=PhoneSaw(0)).disagreements[0]
    assert (PASSED.timed, passed.timed, changed(PASSED, agent="pjsua").timed) == (True, False, False)
