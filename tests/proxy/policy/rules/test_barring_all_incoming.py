"""Calls to subscribers who take none."""

from __future__ import annotations

import pytest

from proxy.policy.trunks import Trunk
from tests.plays.policy_play import (
    ALICE,
    BOB,
    DOMESTIC,
    FROM_ABROAD,
    PHONES,
    STRANGER,
    company,
    judge,
    passed,
    refused,
    subscriber,
)

POLICY = company(subscriber(all_incoming=True, allow=("+6591234567",)), subscriber(BOB))


@pytest.mark.parametrize("user", ["61001234", "4930123456", "13900139003", "carol"])
def test_a_subscriber_is_found_by_a_user_name_that_reads_as_a_number(user: str) -> None:
    barred = subscriber(all_incoming=True).but(user=user)
    assert refused(judge(company(barred, subscriber(STRANGER)), "+6591234567", user), "barring.all_incoming")


@pytest.mark.parametrize("method", ["INVITE", "MESSAGE"])
@pytest.mark.parametrize(
    ("caller", "trunk"),
    [("+23224123456", FROM_ABROAD), (STRANGER, DOMESTIC), (BOB, PHONES), ("anonymous", DOMESTIC), ("bob", PHONES)],
)
def test_nobody_gets_through(caller: str, trunk: Trunk, method: str) -> None:
    verdict = judge(POLICY, caller, trunk=trunk, method=method)
    assert refused(verdict, "barring.all_incoming")
    assert verdict.reason == "Decline"


def test_the_callees_allow_list_passes_and_so_do_callbacks_of_emergency_services() -> None:
    assert judge(POLICY, "+6591234567").rule == "subscriber.allow"
    assert judge(POLICY, "110", trunk=DOMESTIC).rule == "never_block"
    assert judge(POLICY, "110", trunk=FROM_ABROAD).rule == "spoofed.home_number"  # a forgery


def test_others_are_called_and_the_subscriber_calls() -> None:
    assert passed(judge(POLICY, STRANGER, BOB, DOMESTIC))
    assert passed(judge(POLICY, ALICE, BOB, PHONES))
