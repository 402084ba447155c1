"""A cast of wire agents and real phones together: either sort calls the other."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from simulator.judging.evidence import CallerSaw
from simulator.lab.cast import MixedCast
from simulator.lab.real_cast import RealCast
from simulator.lab.wire_cast import WireCast
from simulator.scenario.calls import Expect
from simulator.softswitch.embedded.softswitch import Account, EmbeddedSoftswitch
from tests.plays.planned import SUBSCRIBERS, planned, spec

ACCOUNTS = [Account(each.number, each.user or name, each.password) for name, each in SUBSCRIBERS.items()]
ALICE, BOB = {"callee": "+8613800138001", "callee_name": "alice"}, {"callee": "+8613800138002", "callee_name": "bob"}
pytestmark = pytest.mark.phones


async def test_wire_agents_and_real_phones_call_each_other_and_each_witness_is_asked(tmp_path: Path) -> None:
    sees = Expect(phone_sees=("From: *",))
    calls = [
        planned("real-to-real", agent="pjsua", talk=1.0, **BOB),
        planned("wire-to-real", behaviour="reject", **BOB),
        planned("real-to-outside", agent="pjsua", callee="+12025550143", callee_name=None, behaviour="busy"),
        planned("wire-to-wire", expect=sees, **ALICE),
        planned("wire-texts-real", method="MESSAGE", body="on my way", **BOB),
    ]
    ended: list[str] = []

    def note(call: str, _saw: CallerSaw) -> None:
        ended.append(call)

    async with (
        WireCast(spec(), note) as wire,
        EmbeddedSoftswitch(("127.0.0.1", 0), ACCOUNTS, outside=wire.outside) as switch,
        RealCast(spec(), calls, switch.address, wire.trunks, note, tmp_path) as real,
    ):
        await wire.begin(switch.address, elsewhere=real.names)
        cast = MixedCast(wire, real)
        for call in calls:  # one by one: a worker of PJSIP holds no more than four call sides
            cast.expect(call)
            cast.place(call, due=0.0)
            async with asyncio.timeout(20):
                await cast.idle()
    seen = {call.id: cast.saw(call) for call in calls}
    assert {name: each and (each.caller_saw.status, each.phone_saw.status) for name, each in seen.items()} == {
        "real-to-real": (200, 200),
        "wire-to-real": (603, None),  # of its refusal PJSIP tells no status
        "real-to-outside": (486, 486),
        "wire-to-wire": (200, 200),
        "wire-texts-real": (200, 200),
    }
    assert {name for name, each in seen.items() if each and each.phone_saw.lines} == {"wire-to-wire"}
    assert {name for name, each in seen.items() if each and each.recordings} == {"real-to-real", "real-to-outside"}
    assert (ended, cast.ended) == ([call.id for call in calls], 5)
    assert cast.saw(planned("never-placed", agent="pjsua")) is None
    assert cast.problems == []
