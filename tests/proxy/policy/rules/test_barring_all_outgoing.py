"""Calls of subscribers who may make none."""

from __future__ import annotations

import pytest

from proxy.policy.verdict import Mode
from tests.plays.policy_play import (
    ALICE,
    BOB,
    DOMESTIC,
    PHONES,
    STRANGER,
    company,
    judge,
    passed,
    refused,
    subscriber,
)

POLICY = company(
    subscriber(all_outgoing=True, allow=("+6591234567", "96110")), subscriber(BOB, allow=(ALICE,), block=("+44*",))
)


@pytest.mark.parametrize("method", ["INVITE", "MESSAGE"])
@pytest.mark.parametrize("callee", [STRANGER, "02062345678", "+6591234568", "bob", "95588", "10086*1", "*21*1#"])
def test_no_call_gets_out(callee: str, method: str) -> None:
    for caller in (ALICE, "13800138001"):
        verdict = judge(POLICY, caller, callee, PHONES, method=method)
        assert refused(verdict, "barring.all_outgoing")
        assert verdict.reason == "Decline"


def test_a_friends_allow_list_does_not_undo_it() -> None:
    assert refused(judge(POLICY, ALICE, BOB, PHONES), "barring.all_outgoing")


@pytest.mark.parametrize("modes", [{}, {"never_block": "off"}])
@pytest.mark.parametrize("callee", ["110", "119", "120", "urn:service:sos.police"])
def test_emergency_calls_always_get_out(callee: str, modes: dict[str, Mode]) -> None:
    policy = company(subscriber(all_outgoing=True), modes=modes)
    verdict = judge(policy, ALICE, callee, PHONES)
    assert passed(verdict, "default.allow" if modes else "never_block")


@pytest.mark.parametrize("callee", ["10086", "+6591234567", "96110"])
def test_service_numbers_of_the_operator_and_the_owners_allow_list_pass(callee: str) -> None:
    assert passed(judge(POLICY, ALICE, callee, PHONES))


def test_only_calls_from_phones_are_outgoing() -> None:
    assert passed(judge(POLICY, ALICE, STRANGER, DOMESTIC))


def test_others_call_and_the_subscriber_is_called() -> None:
    assert passed(judge(POLICY, BOB, STRANGER, PHONES))
    assert passed(judge(POLICY, BOB, ALICE, PHONES))
