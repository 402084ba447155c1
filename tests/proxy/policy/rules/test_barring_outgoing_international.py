"""Calls abroad of subscribers who may make none of those."""

from __future__ import annotations

import pytest

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

POLICY = company(subscriber(outgoing_international=True, allow=("+6591234567",)), subscriber(BOB))


@pytest.mark.parametrize(
    "callee",
    ["+6591234568", "006591234568", "+85291234567", "+881612345678", "+979123456789", "+999123456", "++6591234568"],
)
def test_calls_abroad_are_refused(callee: str) -> None:
    assert refused(judge(POLICY, ALICE, callee, PHONES), "barring.outgoing_international")
    assert refused(judge(POLICY, "13800138001", callee, PHONES), "barring.outgoing_international")


@pytest.mark.parametrize("callee", [BOB, "02062345678", "10086", "bob", "*33*1234#", "tel:2025;phone-context=x.cn"])
def test_calls_at_home_pass(callee: str) -> None:
    assert passed(judge(POLICY, ALICE, callee, PHONES))


def test_a_number_on_the_owners_allow_list_passes() -> None:
    assert passed(judge(POLICY, ALICE, "+6591234567", PHONES))


def test_the_owners_allow_list_does_not_overrule_the_callees_block_list() -> None:
    policy = company(subscriber(allow=(BOB,)), subscriber(BOB, block=(ALICE,)))
    assert refused(judge(policy, ALICE, BOB, PHONES), "subscriber.block")


def test_others_call_abroad() -> None:
    assert passed(judge(POLICY, BOB, "+6591234568", PHONES))
    assert passed(judge(POLICY, STRANGER, "+6591234568", PHONES))


def test_only_calls_from_phones_are_outgoing() -> None:
    assert passed(judge(POLICY, ALICE, "+6591234568", DOMESTIC))
