"""Wire agents as a cast: what is planned is played on real sockets, and what both sides saw is the evidence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from simulator.agents.orders import Order
from simulator.agents.wire import WireTrunk
from simulator.errors import LabError
from simulator.judging.evidence import CallerSaw, PhoneSaw
from simulator.lab.wire_cast import WireCast
from simulator.scenario.calls import Expect
from simulator.softswitch.embedded.softswitch import Account, EmbeddedSoftswitch
from simulator.traffic.planned_call import PlannedCall
from tests.plays.planned import SUBSCRIBERS, planned, spec

ACCOUNTS = [Account(each.number, each.user or name, each.password) for name, each in SUBSCRIBERS.items()]


@dataclass
class Stage:
    """A wire cast in front of the embedded softswitch."""

    cast: WireCast
    switch: EmbeddedSoftswitch
    ended: list[tuple[str, CallerSaw]] = field(default_factory=list)

    async def play(self, *calls: PlannedCall) -> None:
        """Place the calls and wait for their end."""
        for call in calls:
            self.cast.expect(call)
            self.cast.place(call, due=0.0)
        async with asyncio.timeout(10):
            await self.cast.idle()


@asynccontextmanager
async def stage(elsewhere: Collection[str] = ()) -> AsyncIterator[Stage]:
    ended: list[tuple[str, CallerSaw]] = []
    async with (
        WireCast(spec(), lambda call, saw: ended.append((call, saw))) as cast,
        EmbeddedSoftswitch(("127.0.0.1", 0), ACCOUNTS, outside=cast.outside) as switch,
    ):
        await cast.begin(switch.address, elsewhere)
        yield Stage(cast, switch, ended)


async def test_a_call_that_was_played_is_seen_on_both_sides_and_told_to_have_ended() -> None:
    call = planned()
    async with stage() as on:
        assert on.cast.saw(call) is None
        await on.play(call)
        evidence = on.cast.saw(call)
        assert evidence is not None
        caller, phone = evidence.caller_saw, evidence.phone_saw
        assert (evidence.call_id, caller.status, phone.status, phone.invites) == (call.id, 200, 200, 1)
        assert caller.sent is not None
        assert phone.first_invite is not None
        assert caller.sent < phone.first_invite
        assert (on.ended, on.cast.ended) == ([(call.id, caller)], 1)
    assert on.cast.problems == []


@pytest.mark.parametrize(
    ("call", "status", "answered"),
    [
        (planned(callee="+12025550143", callee_name=None), 200, 200),  # the numbers outside are played too
        (planned(callee="+12025550143", callee_name=None, behaviour="busy"), 486, 486),
        (planned(behaviour="reject"), 603, 603),
        (planned(behaviour="ring_only", cancel_after=0.05), 487, 487),
        (planned(method="MESSAGE", body="on my way"), 200, 200),
    ],
)
async def test_the_called_side_does_what_is_planned(call: PlannedCall, status: int, answered: int) -> None:
    async with stage() as on:
        await on.play(call)
        evidence = on.cast.saw(call)
    assert evidence is not None
    assert (evidence.caller_saw.status, evidence.phone_saw.status, evidence.phone_saw.invites) == (status, answered, 1)


async def test_header_lines_are_kept_where_the_scenario_asks_about_them() -> None:
    wants = Expect(caller_sees=("Call-ID: *",), phone_sees=("Max-Forwards: *",))
    asked, unasked = planned("asked", behaviour="busy", expect=wants), planned("unasked", behaviour="busy")
    async with stage() as on:
        await on.play(asked, unasked)
        seen, ignored = on.cast.saw(asked), on.cast.saw(unasked)
    assert seen is not None
    assert "Call-ID: asked" in seen.caller_saw.lines
    assert any(line.startswith("Max-Forwards: ") for line in seen.phone_saw.lines)
    assert ignored is not None
    assert (ignored.caller_saw.lines, ignored.phone_saw.lines) == ((), ())


async def test_of_calls_that_nobody_asks_about_the_phones_keep_no_text() -> None:
    asked = planned("asked", expect=Expect(phone_sees=("Max-Forwards: *",)))
    called = {"callee": "+12025550143", "callee_name": None}
    async with stage() as on:
        await on.play(asked, planned("unasked"), planned("outside", **called))
        phones, outside = on.cast.phones
        assert [phones.taken[call][0].head != "" for call in ("asked", "unasked")] == [True, False]
        assert outside.taken["outside"][0].body == b""


async def test_what_a_phone_sees_of_a_call_whose_call_id_nobody_knew_is_kept() -> None:
    call = planned(agent="pjsua", expect=Expect(phone_sees=("Max-Forwards: *",)))
    async with stage() as on, WireTrunk(("127.0.0.7", 0), on.switch.address) as stranger:
        on.cast.expect(call)
        stranger.place(Order("its-own-call-id", caller=call.caller, callee=call.callee, talk=0.0))
        await stranger.idle()
        lines = on.cast.phone_saw(call, "its-own-call-id").lines
    assert any(line.startswith("Max-Forwards: ") for line in lines)


async def test_what_was_seen_is_gone_once_it_is_to_be_forgotten() -> None:
    call = planned()
    async with stage() as on:
        await on.play(call)
        on.cast.forget()
        assert (on.cast.saw(call), on.cast.phone_saw(call, call.id)) == (None, PhoneSaw())


async def test_the_phone_of_a_subscriber_who_has_another_one_does_not_register() -> None:
    async with stage(elsewhere={"bob"}) as on:
        to_alice = planned("to-alice", callee="+8613800138001", callee_name="alice")
        await on.play(planned("to-bob"), to_alice)
        assert [(call, saw.status) for call, saw in on.ended] == [("to-bob", 480), ("to-alice", 200)]


async def test_phones_take_calls_of_agents_of_another_sort_and_find_the_plan_by_the_number() -> None:
    call = planned(agent="pjsua", behaviour="busy")
    async with stage() as on, WireTrunk(("127.0.0.7", 0), on.switch.address) as stranger:
        on.cast.expect(call)
        placed = stranger.place(Order("its-own-call-id", caller=call.caller, callee=call.callee))
        await stranger.idle()
        assert placed.status == 486
        assert on.cast.saw(call) is None
        assert on.cast.phone_saw(call, "its-own-call-id").status == 486
        assert on.cast.phone_saw(call, call.id) == PhoneSaw()


async def test_calls_end_early_once_their_setup_is_known() -> None:
    calls = [planned("rings", ring=60.0), planned("talks", ring=0.0, talk=60.0)]
    async with stage() as on:
        for call in calls:
            on.cast.expect(call)
            on.cast.place(call, due=0.0)
        async with asyncio.timeout(10):
            await on.cast.all_set_up()
            assert on.ended == []
            on.cast.hang_up()
            await on.cast.idle()
        assert {call for call, saw in on.ended if saw.ringing is not None} == {"rings", "talks"}


async def test_a_phone_that_cannot_register_is_told_by_its_name() -> None:
    async with (
        WireCast(spec(), lambda *_: None) as cast,
        EmbeddedSoftswitch(("127.0.0.1", 0), ACCOUNTS[:1], outside=cast.outside) as switch,
    ):
        with pytest.raises(LabError, match="1 of 2 phones could not register; the first is robert: 404"):
            await cast.begin(switch.address)


async def test_sockets_are_free_again_where_one_of_them_cannot_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[WireTrunk] = []
    make = WireTrunk.__init__

    def remember(self: WireTrunk, *details: object, **more: object) -> None:
        if len(opened) == 2:
            raise OSError("no socket left")
        make(self, *details, **more)  # type: ignore[arg-type]
        opened.append(self)

    monkeypatch.setattr(WireTrunk, "__init__", remember)
    with pytest.raises(OSError, match="no socket left"):
        async with WireCast(spec(), lambda *_: None):
            pass
    monkeypatch.undo()
    for each in opened:
        async with WireTrunk(each.address, each.address):  # the address can be had
            pass
