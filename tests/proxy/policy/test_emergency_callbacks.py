"""Control rooms that call back, and whoever helps: whom they reach, and who only claims to be one (RFC 7090)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from proxy.core.emergency_calls import EmergencyCalls
from proxy.policy.call import Call
from proxy.policy.engine import Policy
from proxy.policy.trunks import Trunk
from proxy.policy.verdict import Verdict
from proxy.presets import preset
from proxy.sip.flow import Flow
from tests.plays.policy_play import (
    ALICE,
    DOMESTIC,
    FROM_ABROAD,
    NOON,
    PHONES,
    UNTRUSTED_DOMESTIC,
    UNTRUSTED_FROM_ABROAD,
    Listed,
    company,
    request,
    subscriber,
)

MARK: dict[str, Any] = {"priority": "psap-callback"}
HOMES = [("CN", "cn", "110"), ("GB", "gb", "999"), ("US", "us", "911"), ("SG", "sg", "995"), ("TW", "tw", "119"),
         ("IN", "in", "112"), ("AU", "au", "000"), ("DE", "default", "112"), ("GB", "default", "112")]  # fmt: skip
MINUTE = 60.0
LINE = "+8613900139120"


def locked(home: str = "CN", rules: str = "cn", listed: tuple[Listed, ...] = ()) -> Policy:
    """Alice wants nobody to call her."""
    bars: dict[str, Any] = dict.fromkeys(
        ("all_incoming", "incoming_international", "incoming_when_roaming", "anonymous"), True
    )
    return company(subscriber(ALICE, block=(LINE, "110"), **bars), home=home, rules=rules, listed=listed)


def judged(
    caller: str, trunk: Trunk = DOMESTIC, memory: EmergencyCalls | None = None, policy: Policy | None = None,
    *, at: float = NOON, method: str = "INVITE", **headers: str,
) -> Verdict:  # fmt: skip
    policy = policy or locked()
    sent = request(caller, ALICE, method, **headers)
    call = Call.from_request(sent, trunk, policy.snapshot.numbering, at)
    return policy.decide(call, memory or EmergencyCalls())


@pytest.mark.parametrize(("home", "rules", "number"), HOMES)
@pytest.mark.parametrize("method", ["INVITE", "MESSAGE"])
def test_a_control_room_reaches_everybody_whatever_they_bar(home: str, rules: str, number: str, method: str) -> None:
    policy = locked(home, rules)
    withheld: dict[str, Any] = {"privacy": "id", "p_asserted_identity": f"<sip:{number}@x>"}
    for headers in ({}, withheld):
        assert judged(number, policy=policy, method=method, **headers).rule == "never_block"
    verdict = judged("<sip:anonymous@anonymous.invalid>;tag=1", policy=policy, method=method, **MARK)
    assert (verdict.action, verdict.rule, verdict.detail) == ("allow", "never_block", "Priority: psap-callback")


@pytest.mark.parametrize("value", ["psap-callback", "PSAP-Callback", " psap-callback "])
def test_the_mark_is_read_as_tokens_are(value: str) -> None:
    assert judged(LINE, priority=value).rule == "never_block"
    for other in ("emergency", "urgent", "psap-callbacks", "normal"):
        assert judged(LINE, priority=other).action == "reject"


@pytest.mark.parametrize("trunk", [FROM_ABROAD, UNTRUSTED_FROM_ABROAD, UNTRUSTED_DOMESTIC, PHONES])
@pytest.mark.parametrize("caller", [LINE, "110", "<sip:anonymous@anonymous.invalid>;tag=1"])
def test_nobody_else_is_believed(trunk: Trunk, caller: str) -> None:
    memory = EmergencyCalls()
    memory.note(ALICE, NOON)
    verdict = judged(caller, trunk, memory, **MARK)
    assert (verdict.action, verdict.rule == "never_block") == ("reject", False)


@pytest.mark.parametrize("method", ["INVITE", "MESSAGE"])
@pytest.mark.parametrize("caller", [LINE, "+861062345678", "<sip:anonymous@anonymous.invalid>;tag=1", "+442079460900"])
def test_who_called_for_help_can_be_reached_by_every_line_at_home_for_half_an_hour(caller: str, method: str) -> None:
    memory = EmergencyCalls()
    assert judged(caller, memory=memory, method=method).action == "reject"
    memory.note(ALICE, NOON)
    verdict = judged(caller, memory=memory, at=NOON + 4 * MINUTE, method=method)
    assert (verdict.rule, verdict.detail) == ("never_block", "callee called an emergency number 4 min ago")
    assert judged(caller, memory=memory, at=NOON + 30 * MINUTE, method=method).rule == "never_block"
    assert judged(caller, memory=memory, at=NOON + 30 * MINUTE + 1, method=method).action == "reject"


def test_a_listed_line_reaches_who_called_for_help() -> None:
    memory, policy = EmergencyCalls(), company(subscriber(ALICE), listed=(Listed(LINE),))
    assert judged(LINE, memory=memory, policy=policy).rule == "scam_list.exact"
    memory.note(ALICE, NOON)
    assert judged(LINE, memory=memory, policy=policy).rule == "never_block"


def test_an_operator_may_choose_another_time_or_none() -> None:
    memory = EmergencyCalls()
    memory.note(ALICE, NOON)
    alice = subscriber(ALICE, all_incoming=True)
    for seconds, passes in ((0.0, False), (60.0, True)):
        policy = Policy(replace(company(alice).snapshot, callback_seconds=seconds))
        assert (judged("+861062345678", memory=memory, policy=policy).rule == "never_block") is passes


def test_the_memory_is_bounded_and_forgets_the_oldest() -> None:
    memory = EmergencyCalls(most=2)
    for n, number in enumerate(("+1", "+2", "+1", "+3")):
        memory.note(number, float(n))
        memory.note_proof(Flow("udp", "127.0.0.1", n % 3, 0), number)
    assert [memory.last_emergency(number) for number in ("+1", "+2", "+3")] == [2.0, None, 3.0]
    assert [memory.at(Flow("udp", "127.0.0.1", port, 1)) for port in (0, 1, 2)] == ["+3", None, "+1"]


def test_the_shipped_presets_are_all_asked() -> None:
    assert {rules for _, rules, _ in HOMES} == set(preset.names())
