"""Jobs for the agents that there are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from simulator.agents.pjsua import phones as pjsua
from simulator.play.jobs import Job, jobs, not_waited_for, with_agents_at_hand
from simulator.scenario.model import load_scenarios
from simulator.traffic.plan import plan
from tests.plays.planned import planned

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


def test_who_plays_a_part_is_told_what_was_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(TEXT.replace("start: 9s", "after: steady"))
    (whole,) = jobs(load_scenarios([path]))
    assert not list(not_waited_for(whole.calls))
    (part,) = jobs(load_scenarios([path]), selected=lambda name: "later" in name)
    assert list(not_waited_for(part.calls)) == [
        "later did not wait for steady: not played; where they need it, select it too"
    ]


def test_calls_that_did_not_wait_for_the_same_are_told_of_together_and_not_all_by_name() -> None:
    calls = [replace(planned(f"c{place}"), campaign=f"c{place}", after=("a", "b")) for place in range(1207)]
    calls.append(replace(planned("recorded.7"), campaign="c1"))  # a record, whose name is its own matter
    assert list(not_waited_for(calls)) == [
        "c0, c1, c2, c3, c4 and 1,202 more did not wait for a and b: not played; where they need it, select it too",
    ]
    assert list(not_waited_for(calls[:2])) == [
        "c0 and c1 did not wait for a and b: not played; where they need it, select it too"
    ]


MIX = """\
scenario: mix
mix:
  lasts: 1h
  pace: 1000
  subscribers: {people: {count: 2, numbers: {prefix: "+861380013", length: 13}, profiles: {plain: {}}}}
  traffic: {home-circle: {calls_per_line: 200}, wangiri: {calls_per_line: 0.000001}}
"""


def test_who_plays_a_mix_is_told_of_which_kinds_it_has_no_call(tmp_path: Path) -> None:
    path = tmp_path / "mix.yaml"
    path.write_text(MIX)
    (job,) = jobs(load_scenarios([path]))
    assert job.notes == ("the mix has no call of wangiri: more time, more subscribers or another seed may bring some",)
    (part,) = jobs(load_scenarios([path]), selected=lambda name: "home" in name)
    assert not part.notes  # nobody asked for the others
    path.write_text(MIX.replace("0.000001", "200"))
    assert not next(jobs(load_scenarios([path]))).notes
