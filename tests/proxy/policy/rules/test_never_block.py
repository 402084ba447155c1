"""Calls for help, and calls back from those who help, pass whatever else is to be said of them."""

from __future__ import annotations

import pytest

from proxy.policy.trunks import Trunk
from tests.plays.policy_play import (
    ALICE,
    DOMESTIC,
    FROM_ABROAD,
    PHONES,
    STRANGER,
    UNTRUSTED_DOMESTIC,
    UNTRUSTED_FROM_ABROAD,
    company,
    judge,
    passed,
    subscriber,
)


@pytest.mark.parametrize("trunk", [PHONES, DOMESTIC, FROM_ABROAD, UNTRUSTED_FROM_ABROAD])
@pytest.mark.parametrize("caller", [ALICE, STRANGER, "nobody", "+6591234567", "anonymous"])
@pytest.mark.parametrize("callee", ["110", "119", "120", "122", "urn:service:sos"])
def test_emergency_calls_pass_whoever_makes_them(callee: str, caller: str, trunk: Trunk) -> None:
    alice = subscriber(outgoing_international=True, block=("110",))
    assert passed(judge(company(alice), caller, callee, trunk), "never_block")


def test_a_call_back_from_the_police_passes_on_a_trusted_domestic_trunk() -> None:
    policy = company(subscriber(block=("110", "96110")))
    assert passed(judge(policy, "110", trunk=DOMESTIC), "never_block")
    assert passed(judge(policy, "96110", trunk=DOMESTIC), "never_block")


@pytest.mark.parametrize("trunk", [PHONES, UNTRUSTED_DOMESTIC, FROM_ABROAD])
def test_nobody_else_is_believed_to_be_the_police(trunk: Trunk) -> None:
    assert judge(company(subscriber()), "110", trunk=trunk).rule != "never_block"


def test_emergency_numbers_are_those_of_the_home_country() -> None:
    assert passed(judge(company(home="US", rules="us"), STRANGER, "911", PHONES), "never_block")
    assert passed(judge(company(home="US", rules="us"), STRANGER, "110", PHONES))
