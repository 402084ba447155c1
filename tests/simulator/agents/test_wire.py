"""Wire agents and the embedded switch on real sockets, without a proxy."""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from simulator.agents import udp
from simulator.agents.orders import BUSY, REJECT, RING_ONLY, Behaviour, Order
from simulator.agents.registration import Failure, WirePhone
from simulator.agents.wire import WirePhones, WireTrunk
from simulator.softswitch.embedded.softswitch import Account, EmbeddedSoftswitch

ALICE = WirePhone("+8613800138001", "alice", "s3cret")
BOB = WirePhone("+8613800138002", "bob", "pass")
CAROL = WirePhone("+8613800138003", "carol", "never registers")
MOTHER = "+6591234567"


@dataclass
class WireLab:
    switch: EmbeddedSoftswitch
    trunk: WireTrunk
    phones: WirePhones
    far: WirePhones

    async def idle(self) -> None:
        await asyncio.wait_for(asyncio.gather(self.trunk.idle(), self.phones.idle()), 5)


@asynccontextmanager
async def lab() -> AsyncIterator[WireLab]:
    """A switch, a trunk, alice and bob registered, and a far end for numbers of others."""
    far = WirePhones(("127.0.0.1", 0), ("127.0.0.1", 9), any_number=True)
    accounts = [Account(phone.number, phone.user, phone.password) for phone in (ALICE, BOB, CAROL)]
    async with (
        far,
        EmbeddedSoftswitch(("127.0.0.1", 0), accounts, outside=far.address) as switch,
        WireTrunk(("127.0.0.1", 0), switch.address) as trunk,
        WirePhones(("127.0.0.1", 0), switch.address) as phones,
    ):
        assert await asyncio.wait_for(phones.register([ALICE, BOB]), 5) == []
        yield WireLab(switch, trunk, phones, far)


async def test_calls_end_as_the_phones_behave() -> None:
    async with lab() as on:
        on.phones.for_call |= {"busy": BUSY, "reject": REJECT, "late": Behaviour(after=0.05), "rings": RING_ONLY}
        placed = {
            name: on.trunk.place(Order(name, MOTHER, callee, talk=0.02, cancel_after=0.05 if name == "rings" else None))
            for name, callee in {
                "answered": ALICE.number,
                "busy": ALICE.number,
                "reject": BOB.number,
                "late": BOB.number,
                "rings": BOB.number,
                "unknown": "",
                "unregistered": CAROL.number,
                "outside": "+88216550100",
            }.items()
        }
        await on.idle()
        assert {name: seen.status for name, seen in placed.items()} == {
            "answered": 200,
            "busy": 486,
            "reject": 603,
            "late": 200,
            "rings": 487,
            "unknown": 404,
            "unregistered": 480,
            "outside": 200,
        }
        assert all(seen.error is None and seen.retransmissions == 0 for seen in placed.values())
        assert set(on.phones.taken) == {"answered", "busy", "reject", "late", "rings"}
        assert set(on.far.taken) == {"outside"}
        assert on.trunk.unsent == on.phones.unsent == 0


async def test_times_are_in_the_order_in_which_things_happened() -> None:
    async with lab() as on:
        on.phones.otherwise = Behaviour(after=0.03)
        before = time.monotonic()
        seen = on.trunk.place(Order("c", MOTHER, ALICE.number, talk=0.03))
        await on.idle()
        took = on.phones.taken["c"][0]
        until_answer = [before, seen.sent, took.received, seen.ringing, took.final_sent, seen.final, seen.ack_sent]
        until_end = [seen.final, seen.ack_sent, took.acknowledged, seen.bye_sent, took.bye_received, time.monotonic()]
        for times in (until_answer, until_end):
            assert None not in times
            assert times == sorted(moment for moment in times if moment is not None)
        assert seen.final is not None
        assert seen.final - before >= 0.03
        assert seen.bye_sent is not None
        assert seen.bye_sent - seen.final >= 0.03


async def stamping() -> None:
    """Wait until the kernel stamps datagrams as they come; it begins a while after the first socket asked for it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        udp.ask_for_timestamps(probe)
        probe.bind(("127.0.0.1", 0))
        looked = came = 0.0
        while came >= looked:
            probe.sendto(b"", probe.getsockname())
            await asyncio.sleep(0.01)
            looked = time.monotonic()
            came = udp.arrival(probe.recvmsg(1, 64)[1])


async def test_arrival_times_do_not_depend_on_when_the_process_looks() -> None:
    async with (
        WirePhones(("127.0.0.1", 0), ("127.0.0.1", 9), any_number=True) as phones,
        WireTrunk(("127.0.0.1", 0), phones.address) as trunk,
    ):
        if sys.platform == "linux":
            await stamping()
        seen = trunk.place(Order("c", MOTHER, ALICE.number, talk=0.0))
        busy_until = time.monotonic() + 0.2
        while time.monotonic() < busy_until:
            pass
        await asyncio.wait_for(trunk.idle(), 5)
        assert seen.sent is not None
        took = phones.taken["c"][0].received - seen.sent
        assert 0.0 <= took < (0.1 if sys.platform == "linux" else 1.0)
        assert seen.ringing is not None
        assert seen.ringing >= busy_until


async def test_the_phone_hangs_up_and_the_caller_hears_it() -> None:
    async with lab() as on:
        on.phones.for_number[ALICE.number] = Behaviour(talk=0.02)
        seen = on.trunk.place(Order("c", MOTHER, ALICE.number))
        await on.idle()
        took = on.phones.taken["c"][0]
        assert seen.bye_sent is None
        assert seen.bye_received is not None
        assert took.bye_sent is not None
        assert took.bye_sent <= seen.bye_received


async def test_a_call_can_be_hung_up_from_outside() -> None:
    async with lab() as on:
        seen = on.phones.place(Order("c", ALICE.number, BOB.number))
        on.phones.hang_up("c")  # before anybody answered: the CANCEL waits for the first response
        on.phones.hang_up("no such call")
        await on.idle()
        assert seen.cancel_sent is not None
        assert seen.status in (200, 487)  # an answer may cross the CANCEL
        assert seen.ended is not None


async def test_phones_call_each_other_and_send_texts() -> None:
    async with lab() as on:
        call = on.phones.place(Order("c", ALICE.number, BOB.number, talk=0.0))
        text = on.phones.place(Order("t", ALICE.number, BOB.number, text="hello"))
        await on.idle()
        assert (call.status, text.status) == (200, 200)
        assert (on.phones.taken["c"][0].number, on.phones.taken["t"][0].body) == (BOB.number, b"hello")


async def test_phones_that_deregister_are_not_called_any_more() -> None:
    async with lab() as on:
        assert await asyncio.wait_for(on.phones.register([ALICE], expires=0), 5) == []
        seen = on.trunk.place(Order("c", MOTHER, ALICE.number))
        await on.idle()
        assert seen.status == 480


async def test_a_wrong_password_is_a_failure_of_that_phone_alone() -> None:
    async with lab() as on:
        wrong = WirePhone(CAROL.number, CAROL.user, "guess")
        assert await asyncio.wait_for(on.phones.register([wrong, ALICE]), 5) == [Failure(wrong, 403)]


async def test_who_asked_to_be_told_hears_of_each_end() -> None:
    ended: list[str] = []
    async with lab() as on:
        order = Order("c", MOTHER, ALICE.number, talk=0.0)
        async with WireTrunk(
            ("127.0.0.1", 0), on.switch.address, on_ended=lambda placed: ended.append(placed.order.call_id)
        ) as trunk:
            trunk.place(order)
            with pytest.raises(ValueError, match="under way"):
                trunk.place(order)
            await asyncio.wait_for(trunk.idle(), 5)
    assert ended == ["c"]


async def test_a_taken_port_is_an_error_at_once() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        with pytest.raises(OSError, match="in use"):
            EmbeddedSoftswitch(other.getsockname(), [])


async def test_the_lab_speaks_ipv6() -> None:
    async with (
        EmbeddedSoftswitch(("::1", 0), [Account(ALICE.number, ALICE.user, ALICE.password)]) as switch,
        WirePhones(("::1", 0), switch.address) as phones,
    ):
        assert await asyncio.wait_for(phones.register([ALICE]), 5) == []
        seen = phones.place(Order("c", ALICE.number, ALICE.number, talk=0.0))
        await asyncio.wait_for(phones.idle(), 5)
        assert (seen.status, phones.taken["c"][0].bye_received is not None) == (200, True)


async def test_thousands_of_subscribers_are_served_at_once() -> None:
    start = time.monotonic()
    phones = [WirePhone(f"+86138001{i:05}", f"user{i}", f"secret{i}") for i in range(5000)]
    accounts = [Account(phone.number, phone.user, phone.password) for phone in phones]
    async with (
        EmbeddedSoftswitch(("127.0.0.1", 0), accounts) as switch,
        WireTrunk(("127.0.0.1", 0), switch.address) as trunk,
        WirePhones(("127.0.0.1", 0), switch.address) as handsets,
    ):
        assert time.monotonic() - start < 1.0
        assert await asyncio.wait_for(handsets.register(phones[::10]), 30) == []
        seen = [trunk.place(Order(f"c{i}", MOTHER, phone.number, talk=0.0)) for i, phone in enumerate(phones[::50])]
        await asyncio.wait_for(trunk.idle(), 30)
        assert {placed.status for placed in seen} == {200}
        assert len(handsets.taken) == 100
