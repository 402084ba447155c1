"""Numbers with more behind or in them give no softswitch ideas: they are nobody's, and no phone rings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from proxy.sip.headers import parse_name_addr
from simulator.addresses import Address
from simulator.agents.conversation import describe_audio
from simulator.agents.orders import IncomingCall
from tests.plays.contract_lab import ALICE, BOB, ContractLab, until
from tests.plays.proxied import DOMESTIC, proxy_before
from tests.plays.stranger import SENDER, Stranger
from tests.plays.talker import PATIENCE

pytestmark = pytest.mark.asyncio(loop_scope="module")
OUTSIDE = True  # see `lab`: an odd number is not to go there either

ODD = [
    ",x",
    "%2cx",
    "%2cU(x)",
    ",S(1)",
    ",G(a)",
    ",60,S(1)",
    "(",
    ")",
    "%29%3a0%3a1",
    "&PJSIP",
    "%26x",
    "%22",
    "%22%20%7c%20%221",
    "%5c",
    "%5c%2c",
    "%00",
    "%00x",
    "%20",
    "%09",
    "%0a",
    "%0d%0a",
    "%0ax",
    "%C2%A0",
    "%EF%BC%91",
    "%ff",
    "%40x",
    "/x",
    "?x",
    "$%7bEXTEN%7d",
    "%7c",
]
SPELT = [
    *(f"{ALICE.number}{odd}" for odd in ODD),
    *(f"%22{ALICE.number}%22", f"%20{ALICE.number}", "alice,x", "alice%00"),
]
SERVICES = ["rf*warn*{}", "rf*challenge*5*{}", "rf*play*{}", "rf*{}*changed", "rf*challenge*{}*" + ALICE.number]


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def registered(lab: ContractLab) -> None:
    """Alice's and bob's phones are where the wire agents are."""
    assert await asyncio.wait_for(lab.phones.register([ALICE, BOB]), PATIENCE) == []


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def proxy(lab: ContractLab, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Address]:
    async with proxy_before(lab.address, tmp_path_factory.mktemp("proxy")) as address:
        yield address


async def outcome(lab: ContractLab, target: Address, host: str, method: str, user: str) -> tuple[int, int]:
    """The final status, and how often a phone or the outside was reached."""
    before = reached(lab)
    stranger = Stranger(target, host)
    try:
        body = describe_audio(lab.trunk.endpoint) if method == "INVITE" else b"hello"
        answer = await stranger.asks(method, user, body)
    finally:
        stranger.close()
    return answer.status, reached(lab) - before


def reached(lab: ContractLab) -> int:
    return sum(len(calls) for agent in (lab.phones, lab.far) for calls in agent.taken.values())


@pytest.mark.parametrize("method", ["INVITE", "MESSAGE"])
async def test_an_odd_number_is_nobodys(lab: ContractLab, method: str) -> None:
    found = {spelt: await outcome(lab, lab.address, "127.0.0.1", method, spelt) for spelt in SPELT}
    assert {spelt: each for spelt, each in found.items() if each != (404, 0)} == {}


@pytest.mark.parametrize("method", ["INVITE", "MESSAGE"])
async def test_an_odd_number_is_nobodys_behind_the_proxy(lab: ContractLab, proxy: Address, method: str) -> None:
    found = {spelt: await outcome(lab, proxy, DOMESTIC, method, spelt) for spelt in SPELT}
    assert {spelt: each for spelt, each in found.items() if not (400 <= each[0] < 500 and each[1] == 0)} == {}


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_takes_no_odd_argument(lab: ContractLab, service: str) -> None:
    plain = {"rf*play*{}": "changed", "rf*{}*changed": "play"}.get(service, ALICE.number)
    found = {odd: await outcome(lab, lab.address, "127.0.0.1", "INVITE", service.format(plain + odd)) for odd in ODD}
    assert {odd: each for odd, each in found.items() if each != (404, 0)} == {}


@pytest.mark.parametrize(
    "name",
    [
        "",
        '"Mum" ',
        "Mum ",
        '"+861012345678@y<" ',
        '"a\\" <sip:110@y>" ',
        '"<sip:110@y>" ',
        '"sip:110@y>, <" ',
        '"a,b" ',
        '"${EXTEN}" ',
        '"\u5305\u88f9" ',
    ],
)
async def test_a_text_is_from_whom_its_uri_says(lab: ContractLab, proxy: Address, name: str) -> None:
    for target, host in ((lab.address, "127.0.0.1"), (proxy, DOMESTIC)):
        before = len(texts(lab))
        stranger = Stranger(target, host)
        try:
            answer = await stranger.asks("MESSAGE", ALICE.number, b"hello", name + SENDER)
        finally:
            stranger.close()
        assert answer.status in (200, 202)
        await until(lambda before=before: len(texts(lab)) > before)  # type: ignore[misc]
        assert parse_name_addr(texts(lab)[-1].from_).uri.partition("@")[0] == "sip:+6591234567"


def texts(lab: ContractLab) -> list[IncomingCall]:
    """The texts to the phones, in their order."""
    taken = [each for calls in lab.phones.taken.values() for each in calls if each.method == "MESSAGE"]
    return sorted(taken, key=lambda each: each.received)
