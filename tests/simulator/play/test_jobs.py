"""Jobs for the agents that there are."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.agents.pjsua import phones as pjsua
from simulator.play.jobs import Job, with_agents_at_hand
from simulator.scenario.model import load_scenarios
from simulator.traffic.plan import plan

TEXT = """\
scenario: plan
subscribers: {alice: {number: "+8613800138001"}}
calls:
  - {campaign: steady, trunk: domestic, from: "+8613912345678", to: alice, count: 4, rate: 2/s, truth: legit}
  - {call: later, trunk: domestic, from: "+8613912345678", to: alice, start: 9s, truth: legit, agent: pjsua}
"""


def job(folder: Path) -> Job:
    path = folder / "plan.yaml"
    path.write_text(TEXT)
    ((scenario, source),) = load_scenarios([path])
    return Job(scenario, source, 1, tuple(plan(scenario)))


def test_wire_agents_stand_in_for_real_phones_that_cannot_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = job(tmp_path)
    monkeypatch.setattr(pjsua, "available", lambda: (True, ""))
    assert with_agents_at_hand(asked) == (asked, ())
    monkeypatch.setattr(pjsua, "available", lambda: (False, "real phones need PJSIP"))
    replaced, notes = with_agents_at_hand(asked)
    assert {each.agent for each in replaced.calls} == {"wire"}
    assert notes == ("real phones need PJSIP; wire agents played their 1 call",)
