"""The whole chain on real sockets: wire agents, the proxy as a process of its own, and the embedded switch."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from simulator.agents.leg import Leg
from simulator.agents.orders import BUSY, RING_ONLY, Behaviour, Order
from simulator.agents.registration import WirePhone
from simulator.agents.wire import WirePhones, WireTrunk
from simulator.lab.proxy_process import ProxyProcess
from simulator.loopback import free_port
from simulator.softswitch.embedded.softswitch import Account, EmbeddedSoftswitch
from tests.plays.proxy_templates import forked_proxies

ALICE = WirePhone("+8613800138001", "alice", "s3cret")  # bars incoming calls from abroad
BOB = WirePhone("+8613800138002", "bob", "pass")
MOTHER, STRANGER = "+6591234567", "+23224000001"
CONFIG = """\
listen: [udp:127.0.0.1:{port}]
softswitch: udp:127.0.0.1:{switch}
home: CN
preset: cn
trunks:
  international: {{match: ["{trunk}"], kind: international, trust_identity: true}}
  phones: {{match: ["{phones}"], kind: access}}
subscribers: subscribers.yaml
call_log: calls.jsonl
"""
SUBSCRIBERS = """\
subscribers:
  - {number: "+8613800138001", user: alice, barring: {incoming_international: on}, allow: ["+6591234567"]}
  - {number: "+8613800138002", user: bob}
"""


@dataclass
class Chain:
    proxy: str
    trunk: WireTrunk
    phones: WirePhones
    far: WirePhones
    switch: EmbeddedSoftswitch
    log: Path

    async def idle(self) -> None:
        await asyncio.wait_for(asyncio.gather(self.trunk.idle(), self.phones.idle()), 10)


@asynccontextmanager
async def chain(folder: Path) -> AsyncIterator[Chain]:
    """Everything up, alice and bob registered through the proxy."""
    proxy = "127.0.0.1", free_port()
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        far = await enter(WirePhones(("127.0.0.1", 0), proxy, any_number=True))
        accounts = [Account(phone.number, phone.user, phone.password) for phone in (ALICE, BOB)]
        switch = await enter(EmbeddedSoftswitch(("127.0.0.1", 0), accounts, outside=far.address))
        trunk = await enter(WireTrunk(("127.0.0.1", 0), proxy))
        phones = await enter(WirePhones(("127.0.0.1", 0), proxy))
        config = folder / "proxy.yaml"
        addresses = {"trunk": "{}:{}".format(*trunk.address), "phones": "{}:{}".format(*phones.address)}
        config.write_text(CONFIG.format(port=proxy[1], switch=switch.address[1], **addresses))
        (folder / "subscribers.yaml").write_text(SUBSCRIBERS)
        forks = stack.enter_context(forked_proxies())
        process = await ProxyProcess.start(config, folder / "proxy.log", forks)
        stack.push_async_callback(process.stop)
        assert await asyncio.wait_for(phones.register([ALICE, BOB]), 10) == []
        yield Chain("{}:{}".format(*proxy), trunk, phones, far, switch, folder / "calls.jsonl")


async def until(happened: Callable[[], bool]) -> None:
    """Wait for what comes a moment later on the other side."""
    for _ in range(500):
        if happened():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it never happened")


async def test_calls_through_the_proxy_are_judged_and_carried(tmp_path: Path) -> None:
    async with chain(tmp_path) as on:
        on.phones.for_call |= {"busy": BUSY, "rings": RING_ONLY, "phone ends": Behaviour(talk=0.05)}
        place = on.trunk.place
        placed = {
            "allowed": place(Order("allowed", MOTHER, ALICE.number, talk=0.05)),
            "barred": place(Order("barred", STRANGER, ALICE.number)),
            "busy": place(Order("busy", STRANGER, BOB.number)),
            "rings": place(Order("rings", STRANGER, BOB.number, cancel_after=0.05)),
            "phone ends": place(Order("phone ends", STRANGER, BOB.number)),
            "nobody": place(Order("nobody", STRANGER, "+8613800138009", talk=0.0)),
            "text": place(Order("text", STRANGER, BOB.number, text="hello")),
            "home": on.phones.place(Order("home", ALICE.number, BOB.number, talk=0.0)),
            "outside": on.phones.place(Order("outside", ALICE.number, "+442079460123", talk=0.0)),
        }
        await on.idle()
        assert {name: seen.status for name, seen in placed.items()} == {
            "allowed": 200,
            "barred": 603,
            "busy": 486,
            "rings": 487,
            "phone ends": 200,
            "nobody": 200,  # a number of no subscriber: the far end takes it
            "text": 200,
            "home": 200,
            "outside": 200,
        }
        assert [seen.error for seen in placed.values()] == [None] * len(placed)
        assert set(on.phones.taken) == {"allowed", "busy", "rings", "phone ends", "text", "home"}
        assert set(on.far.taken) == {"nobody", "outside"}
        assert placed["phone ends"].bye_received is not None
        assert on.phones.taken["text"][0].body == b"hello"
    lines = [json.loads(line) for line in on.log.read_text().splitlines()]
    written = {line["call_id"]: line["rule"] for line in lines if line["event"] == "call"}
    assert (written["barred"], written["allowed"]) == ("barring.incoming_international", "subscriber.allow")


async def test_both_sides_of_a_call_stay_behind_the_proxy(tmp_path: Path) -> None:
    async with chain(tmp_path) as on:
        placed = on.trunk.place(Order("c", MOTHER, ALICE.number, talk=60.0))
        await until(lambda: "c" in on.phones.taken and on.phones.taken["c"][0].acknowledged is not None)
        seen = on.phones.taken["c"][0]
        assert f"SIP/2.0/UDP {on.proxy}" in seen.headers["via"]  # calls come to phones by their Path
        sides = [*on.trunk.endpoint.legs.values(), *on.phones.endpoint.legs.values()]
        routes = [side.dialog.routes for side in sides if isinstance(side, Leg) and side.dialog]
        assert len(routes) == 2
        assert all(on.proxy in side[0] for side in routes)
        on.trunk.hang_up("c")
        await on.idle()
        assert placed.error is None
        await until(lambda: seen.bye_received is not None and on.switch.legs == 0)
