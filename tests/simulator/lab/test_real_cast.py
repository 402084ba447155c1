"""Real phones as a cast: which phone places which call, and what both phones' events say of it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from simulator.errors import LabError
from simulator.judging.evidence import CallerSaw, PhoneSaw
from simulator.judging.observation import CallObservation
from simulator.lab.real_cast import RealCast, callers
from simulator.softswitch.embedded.softswitch import Account, EmbeddedSoftswitch
from simulator.traffic.planned_call import PlannedCall
from tests.plays import planned as plays
from tests.plays.phone_workers import workers

ACCOUNTS = [Account(each.number, each.user or name, each.password) for name, each in plays.SUBSCRIBERS.items()]
TRUNKS = {"international": ("127.0.1.1", 0), "domestic": ("127.0.2.1", 0), "phones": ("127.0.3.1", 0)}
if sys.platform != "linux":
    TRUNKS = dict.fromkeys(TRUNKS, ("127.0.0.1", 0))


def planned(id_: str, start: float, trunk: str = "international") -> PlannedCall:
    return plays.planned(id_, start=start, trunk=trunk, ring=0.5, talk=1.0, agent="pjsua")


def test_calls_at_the_same_time_get_a_phone_each_and_later_ones_find_it_free() -> None:
    calls = [planned("a", 0.0), planned("b", 1.0), planned("c", 20.0), planned("d", 20.0, "domestic")]
    assert callers(calls) == {"a": "international-1", "b": "international-2", "c": "international-1", "d": "domestic-1"}


def test_a_trunk_has_a_limited_number_of_phones() -> None:
    assert len(set(callers(planned(f"c{index}", 0.0) for index in range(40)).values())) == 16


@pytest.mark.phones
async def test_a_call_and_a_text_are_seen_by_both_phones_under_the_call_id_that_pjsip_chose(tmp_path: Path) -> None:
    call = plays.planned("call", agent="pjsua", talk=1.0)
    alice_texts = {"trunk": "phones", "caller": "+8613800138001", "caller_name": "alice"}
    text = plays.planned("text", agent="pjsua", method="MESSAGE", body="on my way", talk=None, **alice_texts)
    busy = plays.planned("busy", agent="pjsua", behaviour="busy")
    unplaced = plays.planned("unplaced", agent="pjsua")
    calls = [call, text, busy, unplaced]
    ended: list[tuple[str, CallerSaw]] = []
    async with (
        EmbeddedSoftswitch(("127.0.0.1", 0), ACCOUNTS) as switch,
        RealCast(plays.spec(), calls, switch.address, TRUNKS, lambda *said: ended.append(said), tmp_path) as cast,
    ):
        assert cast.names == {"alice", "bob", "domestic-1", "domestic-2", "domestic-3"}
        for each in calls[:3]:
            cast.expect(each)
            cast.place(each, due=0.0)
            async with asyncio.timeout(20):
                await cast.idle()
        assert cast.saw(unplaced) is None
        assert cast.ended == 3
    assert cast.problems == []
    seen = {each.id: cast.saw(each) for each in calls[:3]}
    statuses = {name: each and (each.caller_saw.status, each.phone_saw.status) for name, each in seen.items()}
    assert statuses == {
        "call": (200, 200),
        "text": (200, 200),
        "busy": (486, None),
    }  # of its refusal PJSIP tells no status
    assert [(name, saw.status) for name, saw in ended] == [("call", 200), ("text", 200), ("busy", 486)]
    evidence = seen["call"]
    assert evidence is not None
    assert evidence.call_id not in ("", call.id)
    assert cast.phone_saw(call, call.id) == PhoneSaw()
    assert CallObservation.of(call, evidence).one_way_audio == ()


@pytest.mark.phones
@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
async def test_a_phone_that_cannot_register_is_an_error_that_leaves_no_process(tmp_path: Path) -> None:
    async with EmbeddedSoftswitch(("127.0.0.1", 0), []) as switch:
        with pytest.raises(LabError, match=r"a real phone \(PJSIP\) did not come up: .*404"):
            async with RealCast(
                plays.spec(), [planned("call", 0.0)], switch.address, TRUNKS, lambda *_: None, tmp_path
            ):
                pass
    assert workers() == []
