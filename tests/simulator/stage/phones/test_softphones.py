"""Phones stay registered as long as the stage stands, and step aside for softphones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from simulator.agents.registration import WirePhone
from simulator.agents.wire import WirePhones
from simulator.lab.lab_spec import LabSpec
from simulator.lab.wire_cast import WireCast
from simulator.scenario.model import load_scenarios
from simulator.softswitch.embedded.softswitch import Account, EmbeddedSoftswitch
from simulator.stage.chosen import DEFAULT
from simulator.stage.phones.handset import Handset
from simulator.stage.phones.softphones import Softphones
from tests.plays.handset_lab import HandsetLab

BOB = WirePhone("+8613800138002", "bob", "s3cret-too")


class Registered:
    """A softswitch, the phones of the stage's subscribers on it, and bob's softphone beside them."""

    def __init__(self, switch: EmbeddedSoftswitch, wire: WireCast, softphone: WirePhones) -> None:
        self.switch = switch
        self.softphone = softphone
        lab: Any = SimpleNamespace(switch=switch, wire=wire)
        self.handset = Handset("bob", BOB.number, HandsetLab())
        self.found: list[bool] = []
        self.softphones = Softphones(lab, self._found)

    def _found(self, handset: Handset, aside: bool) -> None:
        handset.aside = aside
        self.found.append(aside)

    async def look(self, now: float = 0.0) -> None:
        await self.softphones.look([self.handset], now)

    @property
    def registered(self) -> int:
        return len(self.switch.contacts(BOB.number))


@pytest.fixture
async def lab() -> AsyncIterator[Registered]:
    [(scenario, _)] = load_scenarios([DEFAULT])
    spec = LabSpec.of(scenario)
    accounts = [Account(each.number, name, each.password) for name, each in spec.subscribers.items()]
    async with (
        EmbeddedSoftswitch(("127.0.0.1", 0), accounts) as switch,
        WireCast(spec, lambda *_: None) as wire,
        WirePhones(("127.0.0.1", 0), switch.address) as softphone,
    ):
        await wire.begin(switch.address)
        yield Registered(switch, wire, softphone)


async def test_the_phone_steps_aside_for_a_softphone_and_is_back_when_that_has_gone(lab: Registered) -> None:
    await lab.look()
    assert lab.found == []
    assert await lab.softphone.register([BOB]) == []
    assert lab.registered == 2
    await lab.look()
    assert (lab.found, lab.registered) == ([True], 1)
    await lab.look()
    assert await lab.softphone.register([BOB], expires=0) == []
    await lab.look()
    assert (lab.found, lab.registered) == ([True, False], 1)


async def test_it_does_not_step_aside_in_the_middle_of_a_call(lab: Registered) -> None:
    lab.handset.dials("call", "+8613800138001")
    await lab.softphone.register([BOB])
    await lab.look()
    assert (lab.found, lab.registered) == ([], 2)


async def test_registrations_are_renewed_before_they_end(lab: Registered, monkeypatch: pytest.MonkeyPatch) -> None:
    await lab.look(100.0)
    renewed: list[str] = []
    wire = lab.softphones._lab.wire

    async def enrol(names: list[str], *, expires: int = 3600) -> None:
        renewed.extend(names)

    monkeypatch.setattr(wire, "enrol", enrol)
    await lab.look(1000.0)
    assert renewed == []
    await lab.look(1400.0)
    await lab.look(1500.0)
    assert renewed == ["bob"]


async def test_asterisk_says_nothing_of_who_is_registered(lab: Registered, tmp_path: Path) -> None:
    lab.softphones._lab.switch = SimpleNamespace()
    await lab.softphone.register([BOB])
    await lab.look()
    assert lab.found == []
