"""The common part of the tests of every softswitch: its subscribers, and the agents around it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proxy.numbers.numbering import Numbering
from simulator.agents.orders import Order, OutgoingCall
from simulator.agents.registration import WirePhone
from simulator.agents.wire import WirePhones, WireTrunk
from simulator.softswitch.embedded.registrar import Account
from tests.plays.talker import PATIENCE, Talker

ALICE, BOB = WirePhone("+8613800138001", "alice", "s3cret"), WirePhone("+8613800138002", "bob", "pass")
CAROL = WirePhone("+8613800138003", "carol", "never registers")
ACCOUNTS = [Account(phone.number, phone.user, phone.password) for phone in (ALICE, BOB, CAROL)]
NUMBERING = Numbering("CN")  # understands what is dialled otherwise
RING_TIME = 2.0
MOTHER = "+6591234567"

MakeTalker = Callable[..., Coroutine[Any, Any, Talker]]


async def until(happened: Callable[[], bool]) -> None:
    """Wait for what comes a moment later on the other side."""
    deadline = time.monotonic() + PATIENCE
    for _ in iter(happened, True):
        assert time.monotonic() < deadline, "it never happened"
        await asyncio.sleep(0.02)


@dataclass
class ContractLab:
    """A switch, a trunk that calls, phones, and a far end for numbers of nobody."""

    kind: str
    address: tuple[str, int]
    folder: Path
    trunk: WireTrunk
    phones: WirePhones
    far: WirePhones

    async def place(self, order: Order) -> OutgoingCall:
        """Call or text from the trunk, and wait until it is over."""
        placed = self.trunk.place(order)
        await asyncio.wait_for(self.trunk.idle(), PATIENCE)
        return placed
