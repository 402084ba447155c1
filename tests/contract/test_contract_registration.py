"""Every softswitch registers phones that prove who they are to the proxy, and nobody with what they overheard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from itertools import count

import pytest
import pytest_asyncio

from simulator.addresses import Address
from simulator.agents.orders import Order
from simulator.agents.wire import WirePhones, WireTrunk
from tests.plays.contract_lab import ALICE, BOB, MOTHER, ContractLab, until
from tests.plays.proxied import DOMESTIC, ELSEWHERE, PHONES, proxy_before
from tests.plays.stranger import Stranger, credentials, used_again
from tests.plays.talker import PATIENCE

pytestmark = pytest.mark.asyncio(loop_scope="module")
AWAY = "sip:thief@127.0.0.99:5999"
MakeStranger = Callable[[str], Stranger]
_numbers = count()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def proxy(lab: ContractLab, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Address]:
    async with proxy_before(lab.address, tmp_path_factory.mktemp("proxy")) as address:
        yield address


@pytest_asyncio.fixture(loop_scope="module")
async def phones(proxy: Address) -> AsyncIterator[WirePhones]:
    async with WirePhones((PHONES, 0), proxy) as phones:
        yield phones
        await asyncio.wait_for(phones.register([ALICE, BOB], expires=0), PATIENCE)  # or they are rung where they were


@pytest.fixture
def stranger(proxy: Address) -> Iterator[MakeStranger]:
    with ExitStack() as stack:

        def make(host: str) -> Stranger:
            made = Stranger(proxy, host)
            stack.callback(made.close)
            return made

        yield make


async def rings(proxy: Address, phones: WirePhones, number: str) -> bool:
    """True if a call to that number comes to these phones."""
    call = f"ring-{next(_numbers)}"
    async with WireTrunk((DOMESTIC, 0), proxy) as trunk:
        trunk.place(Order(call, MOTHER, number, talk=0.0))
        await asyncio.wait_for(trunk.idle(), PATIENCE)
    if call not in phones.taken:
        return False
    await until(lambda: phones.taken[call][0].bye_received is not None)  # or the proxy waits for the phone's answer
    return True


async def test_phones_register_and_leave_through_the_proxy(proxy: Address, phones: WirePhones) -> None:
    assert await asyncio.wait_for(phones.register([ALICE, BOB]), PATIENCE) == []
    assert await rings(proxy, phones, ALICE.number)
    assert await asyncio.wait_for(phones.register([ALICE], expires=0), PATIENCE) == []
    assert not await rings(proxy, phones, ALICE.number)


async def test_what_was_overheard_binds_no_other_phone(phones: WirePhones, stranger: MakeStranger) -> None:
    hers, thief = stranger(PHONES), stranger(ELSEWHERE)
    contact = f"sip:alice@{hers.host}:{hers.port}"
    proof = credentials(await hers.registers("alice", contact), "alice", ALICE.password)
    assert (await hers.registers("alice", contact, proof)).status == 200
    for again in (thief, hers):
        refused = await again.registers("alice", AWAY, proof)
        assert refused.status == 401
        assert "stale=true" in refused.headers("www-authenticate")[0]
    refreshed = await hers.registers("alice", contact, used_again(proof, ALICE.password))
    assert refreshed.status == 200
    assert [each.partition(";")[0] for each in refreshed.headers("contact")] == [f"<{contact}>"]


async def test_nobody_registers_the_address_of_somebody_else(
    proxy: Address, phones: WirePhones, stranger: MakeStranger
) -> None:
    assert await asyncio.wait_for(phones.register([BOB]), PATIENCE) == []
    alice = stranger(ELSEWHERE)
    for of_bob in (BOB.user, BOB.number, BOB.number.removeprefix("+")):
        asked = await alice.registers(of_bob, AWAY)
        assert asked.status in (401, 404)
        asked = await alice.registers("alice", AWAY)
        proof = credentials(asked, "alice", ALICE.password)
        assert (await alice.registers(of_bob, AWAY, proof)).status == 403
    assert await rings(proxy, phones, BOB.number)


async def test_who_guesses_is_locked_out_and_the_subscriber_elsewhere_is_not(stranger: MakeStranger) -> None:
    guesser, bob = stranger(PHONES), stranger(ELSEWHERE)
    for attempt in range(5):
        assert await guesser.register(BOB, f"guess{attempt}", AWAY) == 401
    assert await guesser.register(BOB, BOB.password, AWAY) == 403
    assert await bob.register(BOB, BOB.password, f"sip:bob@{bob.host}:{bob.port}") == 200
