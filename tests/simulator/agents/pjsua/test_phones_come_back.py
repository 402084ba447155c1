"""A real phone whose worker process dies or hangs comes back, registers again, and takes the calls that follow."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from simulator.agents.endpoint import Incoming
from simulator.agents.pjsua import process as pjsua_process
from simulator.agents.pjsua.phone import LIVES
from simulator.agents.pjsua.phones import PhoneFault, PhonePool, PjsuaPhone
from simulator.judging.evidence import PhoneSaw
from simulator.judging.observation import CallObservation
from simulator.lab.lab import Lab
from simulator.lab.lab_spec import LabSpec
from simulator.lab.real_phones import RealPhones
from simulator.scenario.model import load_scenarios
from simulator.softswitch.embedded.registrar import Registrar
from simulator.softswitch.embedded.softswitch import Account, EmbeddedSoftswitch
from simulator.traffic.plan import plan
from simulator.traffic.planned_call import PlannedCall
from tests.plays.phone_workers import workers

pytestmark = [pytest.mark.phones, pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")]
CALLED = """\
scenario: called
subscribers: {alice: {number: "+8613800138001", password: s3cret}, bob: {number: "+8613800138002", password: s3cret}}
calls:
  - {call: 1st, trunk: domestic, from: "+8613912345678", to: alice, agent: AGENT, talk: 1s, truth: legit}
  - {call: 2nd, trunk: domestic, from: "+8613912345678", to: alice, agent: AGENT, talk: 1s, start: 1m, truth: legit}
  - {call: 3rd, trunk: domestic, from: "+8613912345678", to: alice, agent: AGENT, talk: 1s, start: 2m, truth: legit}
  - {call: 4th, trunk: domestic, from: "+8613912345678", to: alice, agent: AGENT, talk: 1s, start: 3m, truth: legit}
  - {call: own, trunk: phones, from: alice, to: bob, agent: pjsua, talk: 1s, start: 4m, truth: legit}
"""


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> dict[str, bool]:
    """The Call-IDs of alice's registrations, one for each life of her phone, and whether they came by the proxy."""
    seen: dict[str, bool] = {}
    receive = Registrar.receive

    def watch(self: Registrar, incoming: Incoming, now: float) -> None:
        request = incoming.request
        if "alice" in request.to.uri:
            seen[request.call_id] = bool(request.headers("path"))
        receive(self, incoming, now)

    monkeypatch.setattr(Registrar, "receive", watch)
    return seen


@pytest.mark.parametrize(
    ("agent", "sign", "fault"),
    [
        ("pjsua", signal.SIGKILL, "ended with -9"),  # the callers' phones are in the same worker
        ("wire", signal.SIGKILL, "ended with -9"),
        ("pjsua", signal.SIGSTOP, "hung and was killed"),
        ("wire", signal.SIGSTOP, "hung and was killed"),  # nobody wants anything of the worker
    ],
)
async def test_a_phone_takes_calls_again_after_its_worker_died_or_hung_in_one(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    registered: dict[str, bool],
    agent: str,
    sign: signal.Signals,
    fault: str,
) -> None:
    monkeypatch.setattr(pjsua_process, "PING_S", 0.2)
    monkeypatch.setattr(pjsua_process, "COMMAND_S", 5.0)
    path = tmp_path / "scenario.yaml"
    path.write_text(CALLED.replace("AGENT", agent))
    ((scenario, _),) = load_scenarios([path])
    calls = plan(scenario)
    first, second, *_ = calls
    async with (
        Lab(LabSpec.of(scenario), calls, tmp_path, proxied=True, on_ended=lambda *_: None) as lab,
        asyncio.timeout(60),
    ):
        for call in calls:
            lab.place(call, 0.0)
            if call is second:
                while phone_saw(lab, call).status != 200:  # noqa: ASYNC110 - what happens in another process
                    await asyncio.sleep(0.01)
                (worker,) = workers()
                os.kill(worker, sign)
                while phone_saw(lab, call).error is None:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
                assert worker not in workers()
            await lab.cast.idle()
    assert f"the phone worker {worker} {fault}" in (phone_saw(lab, second).error or "")
    for call in (first, *calls[2:]):
        evidence = lab.evidence(call)
        assert evidence is not None
        saw, phone = evidence.caller_saw, evidence.phone_saw
        assert (call.id, saw.status, saw.error, phone.status, phone.error) == (call.id, 200, None, 200, None)
        assert CallObservation.of(call, evidence).one_way_audio == ()
    assert list(registered.values()) == [True, True]
    assert lab.problems == []
    assert workers() == []


def phone_saw(lab: Lab, call: PlannedCall) -> PhoneSaw:
    """The called phone's view so far."""
    evidence = lab.cast.saw(call)
    return evidence.phone_saw if evidence else PhoneSaw()


async def test_a_phone_whose_workers_all_die_is_given_up(tmp_path: Path) -> None:
    killed = set()
    async with (
        EmbeddedSoftswitch(("127.0.0.54", 0), [Account("+15550100", "alice", "s3cret")]) as switch,
        RealPhones(switch.address, tmp_path) as phones,
    ):
        await phones.add("alice", "alice", "s3cret", "127.0.0.52")
        assert phones.problems == []
        async with asyncio.timeout(60):
            while not phones.problems:
                for worker in workers():
                    os.kill(worker, signal.SIGKILL)
                    killed.add(worker)
                await asyncio.sleep(0.01)
        (problem,) = phones.problems
        assert problem.startswith("the real phone of alice was given up: ")
        assert "ended with -9" in problem
        assert 1 < len(killed) <= LIVES
        assert workers() == []


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGSTOP])
async def test_leaving_while_a_phone_is_away_leaves_no_process(tmp_path: Path, sign: signal.Signals) -> None:
    async with (
        EmbeddedSoftswitch(("127.0.0.54", 0), [Account("+15550100", "alice", "s3cret")]) as switch,
        RealPhones(switch.address, tmp_path) as phones,
    ):
        await phones.add("alice", "alice", "s3cret", "127.0.0.52")
        (worker,) = workers()
        os.kill(worker, sign)
        async with asyncio.timeout(20):
            while sign == signal.SIGKILL and workers() in ([worker], []):  # noqa: ASYNC110 - what another process does
                await asyncio.sleep(0.001)  # leave as soon as the next worker is there
    assert workers() == []


async def test_a_phone_survives_any_number_of_workers_that_did_their_work_and_few_that_did_not() -> None:
    async with PhonePool() as pool:
        alice, bob = await pool.phone("alice", bind="127.0.0.51"), await pool.phone("bob", bind="127.0.0.52")
        for _ in range(LIVES + 1):
            await _lose_worker(alice)
            await bob.pid()
            made = await alice.call(bob.uri)
            await made.wait("answered")
            await made.hang_up()
            await made.wait("ended")
            await (await bob.next_call()).wait("ended")
        for _ in range(LIVES):
            await _lose_worker(alice)
        with pytest.raises(
            PhoneFault, match=f"{LIVES} workers in a row died with this phone; the last: .* ended with -9"
        ):
            await alice.call(bob.uri)
        assert await bob.pid()  # it lost one only


async def _lose_worker(phone: PjsuaPhone) -> None:
    faults = len(list(phone.all("fault")))
    os.kill(await phone.pid(), signal.SIGKILL)
    async with asyncio.timeout(10):
        while len(list(phone.all("fault"))) == faults:
            await phone.grows()
