"""Self-service over real sockets: wire phones, the proxy as a process that starts anew, and the embedded switch."""

from __future__ import annotations

import asyncio
import itertools
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from simulator.__main__ import main
from simulator.agents.orders import Order
from simulator.agents.registration import WirePhone
from simulator.agents.wire import WirePhones, WireTrunk
from simulator.lab.proxy_forks import ProxyForks
from simulator.lab.proxy_process import ProxyProcess
from simulator.loopback import free_port
from simulator.softswitch.embedded.softswitch import Account, EmbeddedSoftswitch
from tests.plays.proxy_templates import forked_proxies

ALICE = WirePhone("+8613800138001", "alice", "s3cret")
STRANGER = "+23224000001"
CONFIG = """\
listen: [udp:127.0.0.1:{port}]
softswitch: udp:127.0.0.1:{switch}
home: CN
preset: cn
trunks:
  international: {{match: ["{trunk}"], kind: international, trust_identity: true}}
  phones: {{match: ["{phones}"], kind: access}}
subscribers: {subscribers}
self_service: {{lock_hours: 0}}
call_log: calls.jsonl
"""
SUBSCRIBERS = 'subscribers: [{number: "+8613800138001", user: alice, pin: "2580", notify: yes}]\n'


class Line:
    """Alice's phone, and a trunk from abroad, before a proxy that can be started again."""

    def __init__(self, folder: Path, phones: WirePhones, trunk: WireTrunk, forks: ProxyForks | None) -> None:
        self.config = folder / "proxy.yaml"
        self.phones, self.trunk = phones, trunk
        self.proxy: ProxyProcess | None = None
        self._forks = forks
        self._names = map("call-{}".format, itertools.count())

    async def start(self) -> None:
        """Start the proxy, again where it ran before; phones register anew, as they do when a proxy lost them."""
        if self.proxy is not None:
            await self.proxy.stop()
        self.proxy = await ProxyProcess.start(self.config, self.config.with_suffix(".log"), self._forks)
        assert await asyncio.wait_for(self.phones.register([ALICE]), 10) == []

    async def reload(self) -> None:
        """SIGHUP, and wait until the files are read."""
        assert self.proxy is not None
        log = self.config.with_suffix(".log")
        before = log.read_text().count('"reloaded"')
        self.proxy._process.send_signal(signal.SIGHUP)
        await until(lambda: log.read_text().count('"reloaded"') > before)

    async def dials(self, number: str, text: str | None = None) -> str:
        """Alice dials a number, or texts to it; the text that she gets for it."""
        heard = len(self.texts())
        placed = self.phones.place(Order(next(self._names), ALICE.number, number, text=text, talk=0.0))
        await until(lambda: len(self.texts()) > heard)
        await asyncio.wait_for(self.phones.idle(), 10)
        assert placed.status == 200
        return self.texts()[-1]

    async def rings(self) -> bool:
        """True if a call from abroad comes to her phone."""
        placed = self.trunk.place(Order(next(self._names), STRANGER, ALICE.number, talk=0.0))
        await asyncio.wait_for(self.trunk.idle(), 10)
        assert placed.status in (200, 603)
        return placed.status == 200

    def texts(self) -> list[str]:
        """The texts to her, in the order in which they came."""
        taken = [one for each in self.phones.taken.values() for one in each if one.method == "MESSAGE"]
        return [one.body.decode() for one in sorted(taken, key=lambda one: one.received)]


async def until(happened: Callable[[], bool]) -> None:
    """Wait for what comes a moment later on the other side."""
    for _ in range(1000):
        if happened():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it never happened")


@asynccontextmanager
async def line(folder: Path, subscribers: str = "subscribers.yaml") -> AsyncIterator[Line]:
    proxy = "127.0.0.1", free_port()
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        switch = await enter(EmbeddedSoftswitch(("127.0.0.1", 0), [Account(ALICE.number, ALICE.user, ALICE.password)]))
        trunk = await enter(WireTrunk(("127.0.0.1", 0), proxy))
        phones = await enter(WirePhones(("127.0.0.1", 0), proxy))
        addresses = {"trunk": "{}:{}".format(*trunk.address), "phones": "{}:{}".format(*phones.address)}
        on = Line(folder, phones, trunk, stack.enter_context(forked_proxies()))
        on.config.write_text(
            CONFIG.format(port=proxy[1], switch=switch.address[1], subscribers=subscribers, **addresses)
        )
        (folder / "subscribers.yaml").write_text(SUBSCRIBERS)
        await on.start()
        try:
            yield on
        finally:
            assert on.proxy is not None
            await on.proxy.stop()


async def test_a_keyword_bars_the_very_next_call_and_still_does_after_a_restart(tmp_path: Path) -> None:
    async with line(tmp_path) as on:
        assert await on.rings()
        told = await on.dials("10086", "QXGJLH")
        assert "Calls and texts from abroad: blocked" in told
        assert not await on.rings()
        await until(lambda: "was refused" in on.texts()[-1])
        assert f"A call from {STRANGER} was refused" in on.texts()[-1]
        await on.start()
        assert not await on.rings()
        await on.dials("10086", "KTGJLH")
        assert await on.rings()


async def test_three_wrong_pins_lock_star_codes_until_the_operator_unlocks_them(tmp_path: Path) -> None:
    async with line(tmp_path) as on:
        for left in (2, 1):
            assert f"Tries left: {left}." in await on.dials("*354*1111%23")
        assert "Star codes are locked" in await on.dials("*354*1111%23")
        await on.start()
        assert "Star codes are locked" in await on.dials("*354*2580%23")
        assert await on.rings()
        assert main(["subscribers", "unlock", "--config", str(on.config), ALICE.number]) == 0
        await on.reload()
        assert "Calls and texts from abroad: blocked" in await on.dials("*354*2580%23")
        await on.reload()
        assert not await on.rings()
