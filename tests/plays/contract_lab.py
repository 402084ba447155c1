"""The common part of the tests of every softswitch: its subscribers, and the agents around it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from proxy.numbers.numbering import Numbering
from simulator.agents.orders import Order, OutgoingCall
from simulator.agents.registration import WirePhone
from simulator.agents.wire import WirePhones, WireTrunk
from simulator.media.prompts import prompt
from simulator.media.recognition import read_wav, write_wav
from simulator.softswitch.embedded.registrar import Account
from tests.plays.talker import PATIENCE, Talker

ALICE, BOB = WirePhone("+8613800138001", "alice", "s3cret"), WirePhone("+8613800138002", "bob", "pass")
CAROL = WirePhone("+8613800138003", "carol", "never registers")
ACCOUNTS = [Account(phone.number, phone.user, phone.password) for phone in (ALICE, BOB, CAROL)]
NUMBERING = Numbering("CN")  # understands what is dialled otherwise
RING_TIME = 2.0
MOTHER = "+6591234567"

_BRIEFLY = 1.5  # seconds of a prompt, which are enough to tell it from all others

MakeTalker = Callable[..., Coroutine[Any, Any, Talker]]


async def until(happened: Callable[[], bool]) -> None:
    """Wait for what comes a moment later on the other side."""
    deadline = time.monotonic() + PATIENCE
    for _ in iter(happened, True):
        assert time.monotonic() < deadline, "it never happened"
        await asyncio.sleep(0.02)


@contextmanager
def brief_services() -> Iterator[None]:
    """Have the embedded switch say no more of a prompt than it takes to know it, and wait less long for a key."""
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:

        def beginning(name: str) -> Path:
            path = Path(folder, f"{name}.wav")
            samples, rate = read_wav(prompt(name))
            write_wav(path, samples[: round(_BRIEFLY * rate)], rate=rate)
            return path

        patch.setattr("simulator.softswitch.embedded.softswitch.prompt", beginning)
        patch.setattr("simulator.softswitch.embedded.put_through.ANSWER_TIME", _BRIEFLY)
        yield


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
