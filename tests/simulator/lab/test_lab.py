"""Bringing the lab up and down, and the evidence that it has of its calls."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from simulator.errors import LabError
from simulator.judging.evidence import CallerSaw
from simulator.lab import lab as lab_module
from simulator.lab.lab import Lab
from simulator.lab.proxy_forks import ProxyForks
from simulator.traffic.planned_call import PlannedCall
from tests.plays.planned import planned, spec


def ignore(_call: str, _saw: CallerSaw) -> None:
    pass


@pytest.mark.parametrize("proxied", [True, False])
@pytest.mark.parametrize(
    ("call", "status", "invites"),
    [
        (planned(), 200, 1),
        (planned(callee="013800138002"), 200, 1),
        (planned(method="MESSAGE", body="on my way"), 200, 1),
        (
            planned(method="MESSAGE", body="hello", trunk="phones", caller="+8613800138002", callee="+12025550143"),
            200,
            1,
        ),
        (planned(behaviour="busy"), 486, 1),
        (planned(behaviour="reject"), 603, 1),
        (planned(behaviour="cancel", cancel_after=0.05), 487, 1),
        (planned(trunk="phones", caller="+8613800138001", caller_name="alice", callee="110", callee_name=None), 200, 1),
    ],
)
async def test_a_call_does_what_was_planned_with_and_without_the_proxy(
    call: PlannedCall, status: int, invites: int, proxied: bool, tmp_path: Path, forks: ProxyForks | None
) -> None:
    ended: list[tuple[str, int | None]] = []

    def note(id_: str, saw: CallerSaw) -> None:
        ended.append((id_, saw.status))

    async with Lab(spec(), [call], tmp_path, proxied=proxied, on_ended=note, forks=forks) as lab:
        lab.place(call, 0.0)
        async with asyncio.timeout(10):
            await lab.cast.idle()
    evidence = lab.evidence(call)
    assert evidence is not None
    assert (evidence.caller_saw.status, evidence.phone_saw.invites) == (status, invites)
    assert evidence.proxy_wrote is None or evidence.proxy_wrote.final == status
    assert (evidence.proxy_wrote is not None) is proxied
    assert (ended, lab.cast.ended) == ([(call.id, status)], 1)
    assert lab.problems == []


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
async def test_a_proxy_that_dies_is_a_problem_of_the_run(tmp_path: Path, forks: ProxyForks) -> None:
    async with Lab(spec(), [], tmp_path, proxied=True, on_ended=ignore, forks=forks) as lab:
        os.kill(lab.proxy.pid, signal.SIGKILL)
    assert lab.problems == ["the proxy did not end when and as it was told to (see proxy.log)"]


async def test_a_proxy_that_does_not_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"ended with code 2: .*proxy\.yaml:\d+:\d+: found \"nonsense\""):
        async with Lab(spec("nonsense"), [], tmp_path, proxied=True, on_ended=ignore):
            pass


async def test_a_lab_without_a_free_port_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left() -> int:
        raise OSError(errno.EADDRINUSE, "Address already in use")

    monkeypatch.setattr(lab_module, "free_port", none_left)
    with pytest.raises(LabError, match="cannot open a socket on loopback: Address already in use"):
        async with Lab(spec(), [], tmp_path, proxied=True, on_ended=ignore):
            pass


async def test_calls_whose_setup_delays_are_known_need_not_be_played_to_their_end(tmp_path: Path) -> None:
    calls = [planned("rings", ring=60.0), planned("talks", ring=0.0, talk=60.0), planned("busy", behaviour="busy")]
    async with Lab(spec(), calls, tmp_path, proxied=False, on_ended=ignore) as lab:
        for each in calls:
            lab.place(each, 0.0)
        async with asyncio.timeout(10):
            await lab.cast.all_set_up()
            lab.cast.hang_up()
            await lab.cast.idle()
    seen = [lab.evidence(each) for each in calls]
    assert [each and (each.caller_saw.ringing is not None, each.caller_saw.error) for each in seen] == [
        (True, None),
        (True, None),
        (False, None),
    ]


@pytest.mark.phones
async def test_calls_that_found_no_room_in_a_real_phone_are_a_problem_of_the_run(tmp_path: Path) -> None:
    first = planned("first", agent="pjsua", behaviour="cancel", cancel_after=1.0)
    more = [planned(f"more{index}", behaviour="cancel", cancel_after=1.0) for index in range(5)]
    async with Lab(spec(), [first, *more], tmp_path, proxied=True, on_ended=ignore) as lab:
        for each in (first, *more):
            lab.place(each, 0.0)
        async with asyncio.timeout(20):
            await lab.cast.idle()
    (problem,) = lab.problems
    assert problem.startswith("real phones had trouble ")
    assert "486 Busy Here from PJSIP itself" in problem


@pytest.mark.phones
async def test_real_phones_call_and_are_called_through_the_proxy(tmp_path: Path) -> None:
    outgoing = planned("out", agent="pjsua", trunk="phones", caller="+8613800138001", caller_name="alice", callee="110")
    incoming = planned("in", agent="pjsua")
    barred = planned("barred", agent="pjsua", trunk="international", caller="+12025550143", callee="+8613800138001")
    by_wire = planned("wire", callee_name="bob", behaviour="reject")
    calls = [outgoing, incoming, barred, by_wire]
    async with Lab(spec(), calls, tmp_path, proxied=True, on_ended=ignore) as lab:
        for each in calls:  # one by one: a worker of PJSIP holds no more than four call sides
            lab.place(each, 0.0)
            async with asyncio.timeout(20):
                await lab.cast.idle()
    seen = {each.id: lab.evidence(each) for each in calls}
    assert {name: each and (each.caller_saw.status, each.phone_saw.invites) for name, each in seen.items()} == {
        "out": (200, 1),
        "in": (200, 1),
        "barred": (603, 0),
        "wire": (603, 1),
    }
    rules = {name: each and each.proxy_wrote and each.proxy_wrote.rule for name, each in seen.items()}
    assert (rules["barred"], rules["out"]) == ("barring.incoming_international", "never_block")


async def test_a_lab_that_is_watched_writes_verdicts_and_reads_its_files_again(
    tmp_path: Path, forks: ProxyForks | None
) -> None:
    call = planned()
    async with Lab(spec(), [call], tmp_path, proxied=True, on_ended=ignore, forks=forks, verdicts=True) as lab:
        lab.place(call, 0.0)
        async with asyncio.timeout(10):
            await lab.cast.idle()
        assert lab.proxy.runs
        await lab.proxy.reload()
        config = (tmp_path / "proxy.yaml").read_text()
        (tmp_path / "proxy.yaml").write_text(config.replace("softswitch:", "softswitsch:", 1))
        with pytest.raises(LabError, match="softswitsch"):
            await lab.proxy.reload()
        (tmp_path / "proxy.yaml").write_text(config)
        await lab.proxy.reload()
    [verdict] = (json.loads(line) for line in (tmp_path / "proxy-verdicts.jsonl").read_text().splitlines())
    assert (verdict["event"], verdict["call_id"], verdict["rule"]) == ("judged", call.id, "default.allow")
    assert not lab.proxy.runs
    with pytest.raises(LabError, match="has ended"):
        await lab.proxy.reload()


async def test_who_waits_for_a_proxy_that_is_killed_is_told_at_once(tmp_path: Path, forks: ProxyForks | None) -> None:
    async with Lab(spec(), [planned()], tmp_path, proxied=True, on_ended=ignore, forks=forks) as lab:
        os.kill(lab.proxy.pid, signal.SIGSTOP)  # it reads nothing any more
        waiting = asyncio.create_task(lab.proxy.reload())
        await asyncio.sleep(0)
        os.kill(lab.proxy.pid, signal.SIGKILL)
        async with asyncio.timeout(10):
            with pytest.raises(LabError, match="has ended"):
                await waiting
            with pytest.raises(LabError, match="has ended"):
                await lab.proxy.reload()
