"""Calls without a SIP message are decided over as those with one."""

from __future__ import annotations

import random
from itertools import product

import pytest

from proxy.core.deciding import decide
from proxy.policy.call import Call
from proxy.policy.engine import Policy
from proxy.policy.trunks import Trunk
from tests.plays.policy_play import (
    ALICE,
    BOB,
    DOMESTIC,
    FROM_ABROAD,
    NOON,
    PHONES,
    STRANGER,
    UNTRUSTED_FROM_ABROAD,
    Listed,
    company,
    judge,
    subscriber,
)  # fmt: skip

SINGAPORE = "+6591234567"
POLICY = company(
    subscriber(ALICE, block=("+1900*",), incoming_international=True, anonymous=True),
    subscriber(BOB, roaming=True, allow=(SINGAPORE,), all_outgoing=True),
    listed=(Listed("+4420*"), Listed("+19005550100")),
)
CALLERS = [ALICE, BOB, STRANGER, SINGAPORE, "+442079460123", "+19005550100", "110", "13800138001", "anonymous"]
CALLERS.append("95588/")  # which people read, and switches do not
CALLEES = [ALICE, BOB, "13800138001", "110", "006591234567", "%23%23110", "*354%23", "10086", "9110"]


def test_the_same_call_gets_the_same_verdict_from_fields_as_from_a_request() -> None:
    rules = set()
    for caller, callee, trunk in product(CALLERS, CALLEES, [FROM_ABROAD, UNTRUSTED_FROM_ABROAD, DOMESTIC, PHONES]):
        call = Call.from_fields(caller, callee, trunk, POLICY.snapshot.numbering, NOON)
        verdict = decide(call, POLICY).verdict
        assert verdict == judge(POLICY, caller, callee, trunk), (caller, callee, trunk)
        rules.add(verdict.rule if verdict else "")
    assert len(rules) >= 8, rules


def test_what_is_known_of_a_caller_beside_their_number_counts() -> None:
    def rule(caller: str, trunk: Trunk = FROM_ABROAD, policy: Policy = POLICY, **fields: str) -> str:
        call = Call.from_fields(caller, ALICE, trunk, policy.snapshot.numbering, NOON, **fields)  # type: ignore[arg-type]
        verdict = decide(call, policy).verdict
        assert verdict is not None
        return verdict.rule

    assert rule(STRANGER, DOMESTIC) == "default.allow"
    assert rule(STRANGER, DOMESTIC, withheld="CLIR") == "anonymous.reject"
    assert rule("", DOMESTIC) == "anonymous.reject"
    assert rule(STRANGER, DOMESTIC, display_name="Anonymous") == "anonymous.reject"
    assert rule(STRANGER, DOMESTIC, display_name=ALICE) == "spoofed.own_number"
    assert rule(STRANGER, PHONES, authenticated=BOB) == "spoofed.subscriber_number"
    assert rule(BOB, PHONES, authenticated=BOB, display_name='Bank "95588"') == "spoofed.subscriber_number"
    assert rule(BOB, PHONES, authenticated=BOB) == "barring.all_outgoing"


@pytest.mark.parametrize("seed", range(3))
def test_deciding_changes_nothing(seed: int) -> None:
    numbers = random.Random(seed).sample([(one, two) for one in CALLERS for two in CALLEES], 40)
    first = [decide(Call.from_fields(*pair, PHONES, POLICY.snapshot.numbering, NOON), POLICY) for pair in numbers]
    again = [decide(Call.from_fields(*pair, PHONES, POLICY.snapshot.numbering, NOON), POLICY) for pair in numbers]
    assert first == again
