"""The same tests against every softswitch: what the proxy and the lab may expect of one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from simulator.agents.registration import WirePhone
from simulator.agents.wire import WirePhones, WireTrunk
from simulator.softswitch.kinds import softswitch
from tests.plays.contract_lab import ACCOUNTS, NUMBERING, RING_TIME, ContractLab, MakeTalker, brief_services
from tests.plays.docker_engine import need_an_engine
from tests.plays.talker import Talker

SWITCHES = ("embedded", pytest.param("docker", marks=pytest.mark.docker))


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=SWITCHES)
async def lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ContractLab]:
    """One switch for all tests of a module, with an outside where the module says OUTSIDE."""
    if request.param == "docker":
        need_an_engine()
    folder = tmp_path_factory.mktemp(request.param)
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        stack.enter_context(brief_services())
        far = await enter(WirePhones(("127.0.0.1", 0), ("127.0.0.1", 9), any_number=True))
        switch = await enter(
            softswitch(request.param)(
                ("127.0.0.1", 0),
                ACCOUNTS,
                resolve=lambda dialled: NUMBERING.understand(dialled).e164,
                outside=far.address if getattr(request.module, "OUTSIDE", False) else None,
                ring_time=RING_TIME,
                folder=folder,
            )
        )
        trunk = await enter(WireTrunk(("127.0.0.1", 0), switch.address))
        phones = await enter(WirePhones(("127.0.0.1", 0), switch.address))
        yield ContractLab(request.param, switch.address, folder, trunk, phones, far)
    assert not switch.problems


@pytest_asyncio.fixture(loop_scope="module")
async def talker(lab: ContractLab, tmp_path: Path) -> AsyncIterator[MakeTalker]:
    """Makes telephones that talk: `await talker("caller", 440)`."""
    async with AsyncExitStack() as stack:

        async def make(name: str, hz: float, *, registers: WirePhone | None = None, answers: bool = True) -> Talker:
            made = await stack.enter_async_context(Talker(lab.address, tmp_path, name, hz, answers=answers))
            if registers is not None:
                assert await made.register(registers) == []
                stack.push_async_callback(made.register, registers, expires=0)
            return made

        yield make
