"""Shipped scenarios mean what their `expect` says, by the policy alone."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from proxy.core.deciding import decide
from proxy.core.emergency_calls import EmergencyCalls
from proxy.policy.call import Call
from proxy.policy.case import Case
from proxy.policy.engine import Policy
from proxy.policy.trunks import Trunk
from proxy.policy.verdict import Verdict
from proxy.presets import preset
from proxy.presets.preset import build_snapshot
from proxy.reputation.scam_list import ScamList
from proxy.sip.message import Request
from proxy.subscribers.directory import Directory
from simulator.__main__ import main
from simulator.agents.orders import Order
from simulator.scenario.model import Scenario, load_scenarios
from simulator.scenario.reputation import Canned
from simulator.traffic.plan import plan
from simulator.traffic.planned_call import PlannedCall
from tests.plays import ROOT

FOLDER = ROOT / "scenarios"
NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
# Its subscribers change their profiles as it goes on: no one policy judges all of it, so it is played for real below.
CHANGING = "self-service"
ARRIVAL = datetime(2026, 6, 1, tzinfo=UTC).timestamp()


@cache
def shipped() -> dict[str, Scenario]:
    """The shipped scenarios, read when the first test needs them: each worker collects the tests."""
    return {scenario.name: scenario for scenario, _ in load_scenarios([FOLDER])}


@cache
def planned_calls(name: str) -> list[PlannedCall]:
    return plan(shipped()[name])


def policy_of(scenario: Scenario) -> Policy:
    return Policy(
        build_snapshot(
            scenario.home,
            preset.load(scenario.preset),
            Directory(scenario.subscribers.values()),
            ScamList.load(scenario.scam_lists),
            scenario.rules,
            scenario.treatments,
            sources=tuple(one.source_at(name, "") for name, one in scenario.reputation.items()),
        )
    )


def judged(planned: PlannedCall, scenario: Scenario, policy: Policy, memory: EmergencyCalls) -> Verdict:
    """The verdict that the proxy would reach on the call that the agent sends; `memory` notes emergency calls."""
    order = Order(
        planned.id,
        planned.caller,
        planned.callee,
        display_name=planned.display_name,
        headers=planned.headers,
    )
    headers = [("From", f"{order.from_};tag=1"), ("To", f"<{order.uri}>"), *order.identity_headers]
    kind: Any = scenario.trunks[planned.trunk]
    trunk = Trunk(planned.trunk, kind, trust_identity=kind != "access")
    request = Request.build(planned.method, order.uri, headers)
    proves_it = planned.trunk in scenario.digest_trunks and planned.caller_name is not None
    subscriber = scenario.subscribers[planned.caller_name or ""] if proves_it else None
    number = subscriber.number if subscriber else None
    call = Call.from_request(request, trunk, policy.snapshot.numbering, ARRIVAL, number)
    case = Case.of(call, policy.snapshot)
    if kind == "access" and case.is_emergency and case.calling is not None:
        memory.note(case.calling.number, ARRIVAL)
    verdict = decide(call, policy, memory=memory, opinions=Canned(scenario.reputation)).verdict
    assert verdict is not None
    return verdict


@pytest.mark.parametrize("name", [name for name in NAMES if name != CHANGING])
def test_the_policy_judges_every_shipped_call_as_the_scenario_expects(name: str) -> None:
    scenario = shipped()[name]
    policy, memory = policy_of(scenario), EmergencyCalls()
    wrong = []
    for planned in sorted(planned_calls(name), key=lambda call: call.start):
        verdict = judged(planned, scenario, policy, memory)
        assert planned.expect is not None
        expected = planned.expect.model_dump(include={"action", "rule"}, exclude_none=True)
        if expected != {key: getattr(verdict, key) for key in expected}:
            wrong.append((planned.id, planned.caller, verdict.rule, verdict.detail))
    assert wrong == []


@pytest.mark.usefixtures("runs_beside_others")
def test_orders_of_subscribers_hold_from_the_next_call_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run", str(FOLDER / f"{CHANGING}.yaml")]) == 0


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_scenario_is_over_in_a_few_seconds_and_says_what_it_is_about(name: str) -> None:
    ends = [call.start + call.ring + (call.cancel_after or 0) + (call.talk or 0) for call in planned_calls(name)]
    assert max(ends) < 5.0
    assert (FOLDER / f"{name}.yaml").read_text(encoding="utf-8").startswith("# ")


def test_the_suite_holds_a_thousand_calls_wanted_and_unwanted_from_both_kinds_of_agent() -> None:
    calls = [call for name in shipped() for call in planned_calls(name)]
    assert len(calls) >= 1000
    truths = Counter(call.truth for call in calls)
    assert truths["scam"] >= 500
    assert truths["legit"] >= 500
    assert {call.agent for call in calls} == {"wire", "pjsua"}
    assert {call.trunk for call in calls} == {"international", "domestic", "phones"}


def test_the_suite_sends_texts_wanted_and_unwanted_and_calls_after_them() -> None:
    calls = planned_calls("text-then-call")
    texts = {(call.truth, call.caller): call.start for call in calls if call.method == "MESSAGE" and call.body}
    assert {truth for truth, _ in texts} == {"scam", "legit"}
    scams = {call.caller: call.start for call in calls if call.method == "INVITE" and call.truth == "scam"}
    assert {caller for truth, caller in texts if truth == "scam"} == scams.keys()
    assert all(texts["scam", caller] < start for caller, start in scams.items())


def test_every_rule_of_the_first_policy_decides_some_shipped_call() -> None:
    decided = {
        judged(planned, scenario, policy, memory).rule
        for scenario in shipped().values()
        if scenario.name != CHANGING  # where the rules that bar everything decide
        for policy, memory in [(policy_of(scenario), EmergencyCalls())]
        for planned in planned_calls(scenario.name)
    }
    assert decided == {
        "never_block",
        "subscriber.allow",
        "subscriber.block",
        "spoofed.own_number",
        "spoofed.home_number",
        "spoofed.subscriber_number",
        "anonymous.reject",
        "barring.all_incoming",
        "barring.incoming_when_roaming",
        "barring.incoming_international",
        "barring.outgoing_international",
        "scam_list.exact",
        "scam_list.prefix",
        "reputation.remote",
        "default.allow",
    }
