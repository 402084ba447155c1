"""PJSIP phones register with the switch through the running proxy and are called through it, over each transport."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from proxy.sip.message import parse
from simulator.agents.pjsua.phones import Behaviour, PhoneError, PhonePool, PjsuaPhone, TlsFiles, Transport
from simulator.media.recognition import heard, tone, write_wav
from simulator.softswitch.embedded.softswitch import Account, EmbeddedSoftswitch
from tests.plays.proxy_process import INTERNATIONAL, PHONES, PROXY_HOST, SWITCH, ProxyProcess

pytestmark = pytest.mark.phones

ALICE, BOB = "+8613800138001", "+8613800138002"
DAUGHTER, STRANGER = "+6591234567", "+23224555010"
DOMAIN = "ringfence.example"
ANSWER = Behaviour()
TRANSPORTS: list[Transport] = ["udp", "tcp", "tls"]


@dataclass(frozen=True, slots=True)
class Chain:
    """A proxy and a switch that run, and phones to call through them."""

    folder: Path
    proxy: ProxyProcess
    pool: PhonePool

    async def subscriber(self, user: str, transport: Transport, behaviour: Behaviour = ANSWER) -> PjsuaPhone:
        phone = await self.phone(user, "s3cret", transport, PHONES, behaviour)
        await phone.register()
        return phone

    async def foreigner(self, number: str, transport: Transport) -> PjsuaPhone:
        return await self.phone(number, "", transport, INTERNATIONAL, ANSWER)

    async def phone(
        self, user: str, password: str, transport: Transport, bind: str, behaviour: Behaviour
    ) -> PjsuaPhone:
        server = (self.proxy.host, self.proxy.tls_port if transport == "tls" else self.proxy.port)
        return await self.pool.phone(
            user, password, server=server, domain=DOMAIN, transport=transport, bind=bind, behaviour=behaviour,
            tls=TlsFiles(self.folder / "cert.pem", self.folder / "key.pem", ca=self.folder / "cert.pem"),
        )  # fmt: skip


@pytest.fixture
async def chain(tmp_path: Path, running_proxy: Callable[..., ProxyProcess]) -> AsyncIterator[Chain]:
    _write_certificate(tmp_path)
    subscribers = tmp_path / "subscribers.yaml"
    subscribers.write_text(
        f"""subscribers:
  - {{number: "{ALICE}", user: alice, password: s3cret, barring: {{incoming_international: on}}, allow: ["{DAUGHTER}"]}}
  - {{number: "{BOB}", user: bob, password: s3cret}}
"""
    )
    accounts = [Account(ALICE, "alice", "s3cret"), Account(BOB, "bob", "s3cret")]
    async with EmbeddedSoftswitch((SWITCH, 0), accounts) as switch, PhonePool() as pool:
        tls = {"certificate": str(tmp_path / "cert.pem"), "private_key": str(tmp_path / "key.pem")}
        yield Chain(tmp_path, running_proxy(switch.address[1], tls=tls, subscribers=str(subscribers)), pool)


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_an_allowed_caller_and_the_phone_hear_each_other(chain: Chain, transport: Transport) -> None:
    prompts = {name: chain.folder / f"{name}.wav" for name in ("daughter", "alice", "daughter heard", "alice heard")}
    write_wav(prompts["daughter"], tone(440, 1.0))
    write_wav(prompts["alice"], tone(1000, 1.0))
    behaviour = Behaviour(answer_after=0.1, play=prompts["alice"], record=prompts["alice heard"])
    alice = await chain.subscriber("alice", transport, behaviour)
    daughter = await chain.foreigner(DAUGHTER, transport)
    made = await daughter.call(ALICE, play=prompts["daughter"], record=prompts["daughter heard"])
    await made.wait("answered")
    taken = await alice.next_call()
    await asyncio.sleep(0.8)  # the time it takes to hear something
    await made.hang_up()
    assert (await taken.wait("ended")).status == (await made.wait("ended")).status == 200
    assert taken.first("received", "BYE")
    assert [event.status for event in made.responses()][-2:] == [180, 200]
    assert heard(prompts["alice heard"], 440) > 0.5
    assert heard(prompts["daughter heard"], 1000) > 0.5
    seen = taken.invite()
    assert seen
    vias = parse(seen.message.encode()).values("via")
    assert (
        f"SIP/2.0/{transport.upper()} {chain.proxy.host}" in vias[0]
    )  # the last hop, too, was the proxy's, by this transport
    [record] = chain.proxy.records(1)
    assert record["call_id"] == made.call_id
    assert (record["action"], record["rule"], record["final"]) == ("label", "subscriber.allow", 200)


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_barred_caller_is_declined_and_the_phone_does_not_ring(chain: Chain, transport: Transport) -> None:
    alice = await chain.subscriber("alice", transport)
    stranger = await chain.foreigner(STRANGER, transport)
    made = await stranger.call(ALICE)
    with pytest.raises(PhoneError, match="ended with 603"):
        await made.wait("answered")
    bob = await chain.subscriber("bob", transport)  # who is not barred: the way is open
    await (await stranger.call(BOB)).wait("answered")
    assert (await bob.next_call()).first("answered")
    assert alice.calls == []
    record, _ = chain.proxy.records(2)
    assert record["call_id"] == made.call_id
    assert (record["action"], record["rule"], record["final"]) == ("reject", "barring.incoming_international", 603)


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_subscribers_call_each_other_and_either_may_hang_up(chain: Chain, transport: Transport) -> None:
    alice, bob = await chain.subscriber("alice", transport), await chain.subscriber("bob", transport)
    for caller, called, number in ((alice, bob, BOB), (bob, alice, ALICE)):
        made = await caller.call(number)
        await made.wait("answered")
        taken = await called.next_call()
        await taken.wait("answered")
        await taken.hang_up()
        assert (await made.wait("ended")).status == 200
        assert made.first("received", "BYE")


async def test_a_phone_of_one_transport_reaches_a_phone_of_another(chain: Chain) -> None:
    alice, bob = await chain.subscriber("alice", "tls"), await chain.subscriber("bob", "udp")
    for caller, called, number in ((alice, bob, BOB), (bob, alice, ALICE)):
        made = await caller.call(number)
        await made.wait("answered")
        await (await called.next_call()).hang_up()
        await made.wait("ended")


async def test_a_caller_gives_up_and_the_phone_stops_ringing(chain: Chain) -> None:
    bob = await chain.subscriber("bob", "tcp", Behaviour(answer_after=None))
    stranger = await chain.foreigner(STRANGER, "udp")
    made = await stranger.call(BOB)
    await made.wait("ringing")
    await made.hang_up()
    assert (await made.wait("ended")).status == 487
    taken = await bob.next_call()
    await taken.wait("ended")
    assert taken.first("received", "CANCEL")


async def test_a_phone_that_left_is_not_rung(chain: Chain) -> None:
    bob = await chain.subscriber("bob", "udp")
    await bob.unregister()
    stranger = await chain.foreigner(STRANGER, "udp")
    assert (await (await stranger.call(BOB)).wait("ended")).status == 480
    assert bob.calls == []


async def test_a_wrong_password_registers_nobody(chain: Chain) -> None:
    phone = await chain.phone("bob", "wrong", "udp", PHONES, ANSWER)
    with pytest.raises(PhoneError, match=r"REGISTER of <sip:bob@ringfence\.example>: 40[13]"):
        await phone.register()


def _write_certificate(folder: Path) -> None:
    """A certificate that signs itself, for the proxy and the phones: cert.pem and key.pem."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, DOMAIN)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(PROXY_HOST))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
