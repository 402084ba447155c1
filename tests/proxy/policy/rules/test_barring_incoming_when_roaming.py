"""Calls to subscribers who take none while they are abroad."""

from __future__ import annotations

import pytest

from proxy.policy.engine import Policy
from proxy.policy.trunks import Trunk
from tests.plays.policy_play import (
    BOB,
    DOMESTIC,
    FROM_ABROAD,
    PHONES,
    STRANGER,
    company,
    judge,
    passed,
    refused,
    said,
    subscriber,
)


def policy(*, roaming: bool) -> Policy:
    return company(subscriber(roaming=roaming, incoming_when_roaming=True, allow=("+6591234567",)))


@pytest.mark.parametrize("method", ["INVITE", "MESSAGE"])
@pytest.mark.parametrize(("caller", "trunk"), [("+23224123456", FROM_ABROAD), (STRANGER, DOMESTIC), (BOB, PHONES)])
def test_who_is_roaming_gets_no_calls_and_who_is_at_home_does(caller: str, trunk: Trunk, method: str) -> None:
    abroad = judge(policy(roaming=True), caller, trunk=trunk, method=method)
    assert refused(abroad, "barring.incoming_when_roaming")
    at_home = judge(policy(roaming=False), caller, trunk=trunk, method=method)
    assert passed(at_home)
    assert said(at_home, "barring.incoming_when_roaming") == "no_match: callee is not roaming"


def test_the_callees_allow_list_passes_and_so_do_callbacks_of_emergency_services() -> None:
    assert judge(policy(roaming=True), "+6591234567").rule == "subscriber.allow"
    assert judge(policy(roaming=True), "110", trunk=DOMESTIC).rule == "never_block"


def test_roamers_who_did_not_ask_for_it_get_their_calls() -> None:
    assert passed(judge(company(subscriber(roaming=True)), STRANGER, trunk=DOMESTIC))
