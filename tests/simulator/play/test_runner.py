"""Bringing the lab up and down, and what the runner does with a plan."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import sys
from pathlib import Path

import pytest

from proxy.policy.profile import Barring, Subscriber
from simulator.agents.pjsua import phones as pjsua
from simulator.errors import LabError
from simulator.lab import lab as lab_module
from simulator.lab.lab import Lab
from simulator.lab.premises import Premises
from simulator.lab.proxy_forks import ProxyForks
from simulator.play.jobs import Job, with_agents_at_hand
from simulator.play.runner import closer_together, read_records
from simulator.scenario.calls import TRUNKS
from simulator.scenario.model import load_scenarios
from simulator.traffic.plan import PlannedCall, plan

TEXT = """\
scenario: plan
subscribers: {alice: {number: "+8613800138001"}}
calls:
  - {campaign: steady, trunk: domestic, from: "+8613912345678", to: alice, count: 4, rate: 2/s, truth: legit}
  - {call: later, trunk: domestic, from: "+8613912345678", to: alice, start: 9s, truth: legit, agent: pjsua}
"""
SUBSCRIBERS = {
    "alice": Subscriber("+8613800138001", password="s3cret", barring=Barring(incoming_international=True)),
    "bob": Subscriber("+8613800138002", user="robert"),
}


def premises(preset: str = "cn") -> Premises:
    return Premises("CN", preset, {}, TRUNKS, SUBSCRIBERS, ())


def call(id_: str = "c1", **changes: object) -> PlannedCall:
    values: dict[str, object] = {
        "id": id_,
        "campaign": id_,
        "family": id_,
        "trunk": "domestic",
        "caller": "+8613912345678",
        "caller_name": None,
        "callee": "+8613800138002",
        "callee_name": "bob",
        "start": 0.0,
        "ring": 0.05,
        "talk": 0.05,
        "behaviour": "answer",
        "cancel_after": None,
        "agent": "wire",
        "truth": "legit",
        "expect": None,
    }
    return PlannedCall(**(values | changes))  # type: ignore[arg-type]


def job(folder: Path) -> Job:
    path = folder / "plan.yaml"
    path.write_text(TEXT)
    ((scenario, source),) = load_scenarios([path])
    return Job(scenario, source, 1, tuple(plan(scenario)))


@pytest.mark.parametrize("proxied", [True, False])
@pytest.mark.parametrize(
    ("planned", "status", "invites"),
    [
        (call(), 200, 1),
        (call(callee="013800138002"), 200, 1),
        (call(method="MESSAGE", body="on my way"), 200, 1),
        (call(method="MESSAGE", body="hello", trunk="phones", caller="+8613800138002", callee="+12025550143"), 200, 1),
        (call(behaviour="busy"), 486, 1),
        (call(behaviour="reject"), 603, 1),
        (call(behaviour="cancel", cancel_after=0.05), 487, 1),
        (call(trunk="phones", caller="+8613800138001", caller_name="alice", callee="110", callee_name=None), 200, 1),
    ],
)
async def test_a_call_does_what_was_planned_with_and_without_the_proxy(
    planned: PlannedCall, status: int, invites: int, proxied: bool, tmp_path: Path, forks: ProxyForks | None
) -> None:
    ended: list[str] = []
    async with Lab(premises(), [planned], tmp_path, proxied=proxied, on_ended=ended.append, forks=forks) as lab:
        lab.place(planned, 0.0)
        async with asyncio.timeout(10):
            await lab.idle()
    saw = lab.caller_saw(planned.id)
    assert saw is not None
    assert (saw.status, lab.phone_saw(planned).invites, ended, lab.ended) == (status, invites, [planned.id], 1)
    assert lab.problems == []
    assert list(read_records(tmp_path / "proxy-calls.jsonl")) == [planned.id] * proxied


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
async def test_a_proxy_that_dies_is_a_problem_of_the_run(tmp_path: Path) -> None:
    before = children()
    async with Lab(premises(), [], tmp_path, proxied=True, on_ended=print) as lab:
        (pid,) = children() - before
        os.kill(pid, signal.SIGKILL)
    assert lab.problems == ["the proxy did not end when and as it was told to (see proxy.log)"]


def children() -> set[int]:
    pid = os.getpid()
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


async def test_a_proxy_that_does_not_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"ended with code 2: .*proxy\.yaml:\d+:\d+: found \"nonsense\""):
        async with Lab(premises("nonsense"), [], tmp_path, proxied=True, on_ended=print):
            pass


async def test_a_lab_without_a_free_port_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left() -> int:
        raise OSError(errno.EADDRINUSE, "Address already in use")

    monkeypatch.setattr(lab_module, "free_port", none_left)
    with pytest.raises(LabError, match="cannot open a socket on loopback: Address already in use"):
        async with Lab(premises(), [], tmp_path, proxied=True, on_ended=print):
            pass


async def test_calls_whose_setup_delays_are_known_need_not_be_played_to_their_end(tmp_path: Path) -> None:
    planned = [call("rings", ring=60.0), call("talks", ring=0.0, talk=60.0), call("busy", behaviour="busy")]
    async with Lab(premises(), planned, tmp_path, proxied=False, on_ended=lambda _: None) as lab:
        for each in planned:
            lab.place(each, 0.0)
        async with asyncio.timeout(10):
            await lab.all_set_up()
            lab.hang_up()
            await lab.idle()
    saw = [lab.caller_saw(each.id) for each in planned]
    assert [each and (each.ringing is not None, each.error) for each in saw] == [
        (True, None),
        (True, None),
        (False, None),
    ]


def test_the_direct_pass_keeps_the_pace_and_cuts_long_silences() -> None:
    calls = [call("b", start=3.1), call("a", start=3.0), call("c", start=9.0)]
    moved = closer_together(calls)
    assert [(each.id, round(each.start, 6)) for each in moved] == [("a", 0.2), ("b", 0.3), ("c", 0.5)]


def test_a_proxy_that_wrote_no_log_recorded_nothing(tmp_path: Path) -> None:
    assert read_records(tmp_path / "none.jsonl") == {}


def test_wire_agents_stand_in_for_real_phones_that_cannot_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = job(tmp_path)
    monkeypatch.setattr(pjsua, "available", lambda: (True, ""))
    assert with_agents_at_hand(planned) == (planned, ())
    monkeypatch.setattr(pjsua, "available", lambda: (False, "real phones need PJSIP"))
    replaced, notes = with_agents_at_hand(planned)
    assert {each.agent for each in replaced.calls} == {"wire"}
    assert notes == ("real phones need PJSIP; wire agents played their 1 call",)


@pytest.mark.phones
async def test_calls_that_found_no_room_in_a_real_phone_are_a_problem_of_the_run(tmp_path: Path) -> None:
    first = call("first", agent="pjsua", behaviour="cancel", cancel_after=1.0)
    more = [call(f"more{index}", behaviour="cancel", cancel_after=1.0) for index in range(5)]
    async with Lab(premises(), [first, *more], tmp_path, proxied=True, on_ended=print) as lab:
        for each in (first, *more):
            lab.place(each, 0.0)
        async with asyncio.timeout(20):
            await lab.idle()
    (problem,) = lab.problems
    assert problem.startswith("real phones had trouble ")
    assert "486 Busy Here from PJSIP itself" in problem


@pytest.mark.phones
async def test_real_phones_call_and_are_called_through_the_proxy(tmp_path: Path) -> None:
    outgoing = call("out", agent="pjsua", trunk="phones", caller="+8613800138001", caller_name="alice", callee="110")
    incoming = call("in", agent="pjsua")
    barred = call("barred", agent="pjsua", trunk="international", caller="+12025550143", callee="+8613800138001")
    by_wire = call("wire", callee_name="bob", behaviour="reject")
    calls = [outgoing, incoming, barred, by_wire]
    async with Lab(premises(), calls, tmp_path, proxied=True, on_ended=print) as lab:
        for each in calls:  # one by one: a worker of PJSIP holds no more than four call sides
            lab.place(each, 0.0)
            async with asyncio.timeout(20):
                await lab.idle()
    seen = {each.id: (lab.caller_saw(each.id), lab.phone_saw(each).invites) for each in calls}
    assert {name: (saw and saw.status, invites) for name, (saw, invites) in seen.items()} == {
        "out": (200, 1),
        "in": (200, 1),
        "barred": (603, 0),
        "wire": (603, 1),
    }
    rules = {name: record["rule"] for name, record in read_records(tmp_path / "proxy-calls.jsonl").items()}
    assert rules[lab.call_id(barred)] == "barring.incoming_international"
    assert rules[lab.call_id(outgoing)] == "never_block"
