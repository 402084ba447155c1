"""Phones on a trunk with `auth: digest` prove who they are to the running proxy: wire agents, PJSIP and SIPp."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from simulator.agents.orders import Credentials, Order, OutgoingCall
from simulator.agents.pjsua import phones as pjsua
from simulator.agents.pjsua.phones import PhonePool
from simulator.agents.wire import WirePhone, WirePhones
from simulator.softswitch.embedded.softswitch import Account, EmbeddedSoftswitch
from tests.plays.proxy_process import PHONES, SWITCH, TRUNKS, ProxyProcess
from tests.plays.sipp_peer import SippPeers, received

ALICE, BOB = "+8613800138001", "+8613800138002"
ABROAD = "+6591234567"
ALICE_ON_THE_LINE = Credentials("alice", "s3cret")
DOMAIN = "ringfence.example"
DIGEST = {"trunks": {**TRUNKS, "phones": {**TRUNKS["phones"], "auth": "digest"}}}
Start = Callable[..., ProxyProcess]


@pytest.fixture
def subscribers(tmp_path: Path) -> dict[str, object]:
    """Config keys: phones prove who they are; alice may not call abroad."""
    path = tmp_path / "subscribers.yaml"
    path.write_text(
        f"""subscribers:
  - {{number: "{ALICE}", user: alice, password: s3cret, barring: {{outgoing_international: on}}}}
  - {{number: "{BOB}", user: bob, password: b0b}}
"""
    )
    return {**DIGEST, "subscribers": str(path)}


@dataclass(frozen=True, slots=True)
class Chain:
    """A switch, a proxy that asks for digest before it, and phones."""

    proxy: ProxyProcess
    phones: WirePhones

    async def place(self, order: Order) -> OutgoingCall:
        """Place one call or text, and wait for its end."""
        placed = self.phones.place(order)
        await self.phones.idle()
        return placed

    def rule(self) -> tuple[str, str, int]:
        """The record of the only call so far: rule, caller and final status."""
        [record] = self.proxy.records(1)
        return record["rule"], record["caller"], record["final"]


@pytest.fixture
async def chain(running_proxy: Start, subscribers: dict[str, object]) -> AsyncIterator[Chain]:
    accounts = [Account(ALICE, "alice", "s3cret"), Account(BOB, "bob", "b0b")]
    async with EmbeddedSoftswitch((SWITCH, 0), accounts) as switch:
        proxy = running_proxy(switch.address[1], **subscribers)
        async with WirePhones((PHONES, 0), (proxy.host, proxy.port)) as phones:
            assert await phones.register([WirePhone(ALICE, "alice", "s3cret"), WirePhone(BOB, "bob", "b0b")]) == []
            yield Chain(proxy, phones)


async def test_a_wire_phone_registers_calls_and_talks(chain: Chain) -> None:
    order = Order("c1", ALICE, BOB, talk=0.05, credentials=ALICE_ON_THE_LINE)
    placed = await chain.place(order)
    assert (placed.status, placed.error) == (200, None)
    assert placed.bye_sent is not None  # within the dialog nothing is asked for again
    [taken] = chain.phones.taken["c1"]
    assert taken.headers["p-asserted-identity"] == f"<sip:{ALICE}@{DOMAIN};user=phone>"
    assert chain.rule() == ("default.allow", ALICE, 200)


@pytest.mark.parametrize("text", [None, "Your account is frozen."])
@pytest.mark.parametrize("claimed", [BOB, "bob", "95588"])
async def test_a_wire_phone_that_claims_to_be_somebody_else_is_refused(
    chain: Chain, claimed: str, text: str | None
) -> None:
    placed = await chain.place(Order("c1", claimed, BOB, text=text, credentials=ALICE_ON_THE_LINE))
    assert placed.status == 403
    assert "c1" not in chain.phones.taken
    assert chain.rule() == ("spoofed.subscriber_number", ALICE, 403)


async def test_the_policy_of_who_proved_to_call_is_applied_whatever_from_says(chain: Chain) -> None:
    placed = await chain.place(Order("c1", "anonymous", ABROAD, credentials=ALICE_ON_THE_LINE))
    assert placed.status == 603
    assert chain.rule() == ("barring.outgoing_international", ALICE, 603)


@pytest.mark.parametrize("credentials", [None, Credentials("alice", "guess"), Credentials("nobody", "s3cret")])
async def test_who_cannot_prove_it_calls_nobody(chain: Chain, credentials: Credentials | None) -> None:
    placed = await chain.place(Order("c1", ALICE, BOB, credentials=credentials))
    assert placed.status == 407
    assert chain.phones.taken == {}


async def test_a_guesser_is_locked_out_of_the_number_and_its_owner_elsewhere_is_not(chain: Chain) -> None:
    for attempt in range(5):
        guess = Credentials("alice", f"guess{attempt}")
        assert (await chain.place(Order(f"g{attempt}", ALICE, BOB, credentials=guess))).status == 407
    assert (await chain.place(Order("late", ALICE, BOB, credentials=ALICE_ON_THE_LINE))).status == 403
    home = PHONES.rpartition(".")[0] + ".32"
    async with WirePhones((home, 0), (chain.proxy.host, chain.proxy.port)) as phones:
        placed = phones.place(Order("owner", ALICE, BOB, talk=0.0, credentials=ALICE_ON_THE_LINE))
        await phones.idle()
    assert placed.status == 200


@pytest.mark.phones
async def test_pjsip_phones_register_answer_the_challenge_and_are_held_to_their_number(chain: Chain) -> None:
    server = (chain.proxy.host, chain.proxy.port)
    assert await chain.phones.register([WirePhone(BOB, "bob", "b0b")], expires=0) == []  # or it rings, and answers, too
    async with PhonePool() as pool:
        alice = await pool.phone("alice", "s3cret", server=server, domain=DOMAIN, bind=PHONES)
        bob = await pool.phone("bob", "b0b", server=server, domain=DOMAIN, bind=PHONES, behaviour=pjsua.Behaviour())
        await alice.register()
        await bob.register()
        await alice.register()  # again, and with the nonce that it has
        made = await alice.call(BOB)
        await made.wait("answered")
        taken = await bob.next_call()
        await taken.hang_up()
        await made.wait("ended")
        proofs = ["Proxy-Authorization: Digest" in event.message for event in made.all("sent", "INVITE")]
        assert (proofs[0], proofs[-1]) == (False, True)
        invite = taken.invite()
        assert invite
        assert f"P-Asserted-Identity: <sip:{ALICE}@{DOMAIN};user=phone>" in invite.message
        borrowed = await alice.call(BOB, caller=f"<sip:{BOB}@{DOMAIN}>")
        assert (await borrowed.wait("ended")).status == 403
        barred = await alice.call(ABROAD)
        assert (await barred.wait("ended")).status == 603
        assert len(bob.calls) == 1
    rules = [record["rule"] for record in chain.proxy.records(3)]
    assert rules == ["default.allow", "spoofed.subscriber_number", "barring.outgoing_international"]


@pytest.mark.peers
@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_sipp_answers_the_challenge_and_is_asked_once_a_call(
    running_proxy: Start, sipp: SippPeers, subscribers: dict[str, object], transport: str
) -> None:
    switch = sipp.switch("switch_answers", calls=5, transport=transport)
    # SIPp 3.6 reads the first challenge only, and knows no other algorithm than MD5.
    proxy = running_proxy(switch.port, transport=transport, authentication={"algorithms": ["MD5"]}, **subscribers)
    caller = sipp.caller(
        "caller_proves_itself", PHONES, proxy.address,
        calls=5, transport=transport, caller=ALICE, callee=BOB, USER="alice", PASSWORD="s3cret",
        flags=("-auth_uri", f"{BOB}@{proxy.address}"),
    )  # fmt: skip
    at_caller, at_switch = caller.finish(), switch.finish()
    assert received(at_caller, "SIP/2.0 407") == 5
    assert [received(at_switch, method) for method in ("INVITE", "ACK", "BYE")] == [5, 5, 5]
    assert [record["caller"] for record in proxy.records(5)] == [ALICE] * 5
