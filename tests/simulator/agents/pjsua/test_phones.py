"""Real phones call each other without any server between them."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import socket
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from proxy.sip.message import Request, parse
from simulator.agents.pjsua import phones as pjsua
from simulator.agents.pjsua.phones import BUSY, RING_ONLY, Behaviour, PhoneError, PhonePool, TlsFiles, Transport
from simulator.media.recognition import heard, tone, write_wav
from simulator.softswitch.embedded.softswitch import Account, EmbeddedSoftswitch
from tests.plays.self_signed import self_signed

pytestmark = pytest.mark.phones


CALLER, CALLEE = "127.0.0.51", "127.0.0.52"


@pytest.fixture(scope="module")
def tls_files(tmp_path_factory: pytest.TempPathFactory) -> TlsFiles:
    """A certificate that signs itself, for both phones."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "phones.example")])
    addresses = [x509.IPAddress(ipaddress.ip_address(address)) for address in (CALLER, CALLEE)]
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(addresses), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = TlsFiles(folder / "cert.pem", folder / "key.pem", ca=folder / "cert.pem")
    assert files.certificate
    assert files.private_key
    files.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files.private_key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
async def test_two_phones_hear_each_other(
    pool: PhonePool, tls_files: TlsFiles, tmp_path: Path, transport: Transport
) -> None:
    write_wav(tmp_path / "caller.wav", tone(440, 1.0))
    write_wav(tmp_path / "callee.wav", tone(1000, 1.0))
    callee = await pool.phone(
        "+447700900001",
        bind=CALLEE,
        transport=transport,
        tls=tls_files,
        behaviour=Behaviour(play=tmp_path / "callee.wav", record=tmp_path / "callee heard.wav"),
    )
    caller = await pool.phone("+15550100", bind=CALLER, transport=transport, tls=tls_files)
    made = await caller.call(callee.uri, play=tmp_path / "caller.wav", record=tmp_path / "caller heard.wav")
    await made.wait("answered")
    taken = await callee.next_call()
    await asyncio.sleep(1.0)  # the time it takes to hear something
    await made.hang_up()
    for call in (made, taken):
        await call.wait("ended")
        assert call.status == 200
    assert heard(tmp_path / "callee heard.wav", 440) > 0.6
    assert heard(tmp_path / "caller heard.wav", 1000) > 0.6
    assert heard(tmp_path / "callee heard.wav", 1000) == heard(tmp_path / "caller heard.wav", 440) == 0


async def test_wideband_is_spoken_where_it_is_built_and_wanted(tmp_path: Path) -> None:
    built = pjsua.built_codecs()
    assert {"PCMU", "PCMA", "G722"} <= set(built)
    assert len(built) == len(set(built))
    write_wav(tmp_path / "played.wav", tone(1000, 1.0))
    async with PhonePool(codecs=("G722",)) as pool:
        callee = await pool.phone("callee", bind=CALLEE, behaviour=Behaviour(record=tmp_path / "heard.wav"))
        made = await (await pool.phone("caller", bind=CALLER)).call(callee.uri, play=tmp_path / "played.wav")
        await made.wait("answered")
        invite = made.invite()
        assert invite is not None
        offer = parse(invite.message.encode()).body.decode()
        assert "G722/8000" in offer  # its clock in RTP, whatever it samples at (RFC 3551 4.5.2)
        assert "PCM" not in offer
        await asyncio.sleep(1.0)  # the time it takes to hear something
        await made.hang_up()
        await made.wait("ended")
    assert heard(tmp_path / "heard.wav", 1000) > 0.6


async def test_the_called_phone_shows_the_invite_as_it_came(pool: PhonePool) -> None:
    callee = await pool.phone("bob", bind=CALLEE)
    caller = await pool.phone("alice", bind=CALLER, display_name="Alice A")
    made = await caller.call(callee.uri, headers=[("X-Purpose", "test"), ("Subject", "first")])
    taken = await callee.next_call()
    seen = taken.invite()
    assert seen
    invite = parse(seen.message.encode())
    assert isinstance(invite, Request)
    assert (invite.uri, invite.call_id) == (callee.uri, made.call_id)
    assert taken.call_id == made.call_id
    assert (invite.from_.display_name, invite.from_.uri) == ("Alice A", f"sip:alice@{CALLER}")
    assert (invite.header("x-purpose"), invite.header("subject")) == ("test", "first")
    spoofed = await caller.call(callee.uri, caller="<sip:+442079460000@elsewhere.example>")
    taken = await callee.next_call()
    assert taken.call_id == spoofed.call_id
    assert "From: <sip:+442079460000@elsewhere.example>" in getattr(taken.invite(), "message", "")


async def test_what_both_phones_saw_is_in_order_on_one_clock(pool: PhonePool) -> None:
    callee = await pool.phone("bob", bind=CALLEE, behaviour=Behaviour(answer_after=0.3, talk=0.2))
    caller = await pool.phone("alice", bind=CALLER)
    start = time.monotonic()
    made = await caller.call(callee.uri)
    taken = await callee.next_call()
    await made.wait("ended")
    await taken.wait("ended")
    assert [event.status for event in made.responses()] == [100, 180, 200]
    assert [event.status for event in taken.responses()] == [100, 180, 200]
    sent, seen = made.invite(), taken.invite()
    ringing, answered = await made.wait("ringing"), await made.wait("answered")
    assert sent
    assert seen
    assert start < sent.at < seen.at < ringing.at < answered.at < time.monotonic()
    assert 0.3 <= answered.at - seen.at < 0.6
    assert made.over
    assert 0.2 <= made.over.at - answered.at < 0.5
    assert made.first("received", "BYE")
    assert taken.status == made.status == 200


@pytest.mark.parametrize(
    ("behaviour", "status"), [(BUSY, 486), (Behaviour(answer=603), 603), (Behaviour(answer_after=0.1, answer=480), 480)]
)
async def test_a_refusal_reaches_the_caller(pool: PhonePool, behaviour: Behaviour, status: int) -> None:
    callee = await pool.phone("bob", bind=CALLEE, behaviour=behaviour)
    caller = await pool.phone("alice", bind=CALLER)
    made = await caller.call(callee.uri)
    with pytest.raises(PhoneError, match=f"ended with {status}"):
        await made.wait("answered")
    assert made.status == status
    assert (await callee.next_call()).call_id == made.call_id


async def test_a_caller_gives_up_while_it_rings(pool: PhonePool) -> None:
    callee = await pool.phone("bob", bind=CALLEE, behaviour=RING_ONLY)
    caller = await pool.phone("alice", bind=CALLER)
    made = await caller.call(callee.uri)
    await made.wait("ringing")
    await made.hang_up()
    await made.wait("ended")
    assert made.status == 487
    taken = await callee.next_call()
    await taken.wait("ended")
    assert taken.first("received", "CANCEL")
    assert not taken.first("answered")


async def test_a_behaviour_holds_from_the_next_call_on(pool: PhonePool) -> None:
    callee = await pool.phone("bob", bind=CALLEE, behaviour=BUSY)
    caller = await pool.phone("alice", bind=CALLER)
    assert (await (await caller.call(callee.uri)).wait("ended")).status == 486
    await callee.behave(Behaviour())
    made = await caller.call(callee.uri)
    await made.wait("answered")
    await made.hang_up()


async def test_texts_arrive_word_for_word_and_are_answered(pool: PhonePool) -> None:
    callee = await pool.phone("bob", bind=CALLEE)
    caller = await pool.phone("alice", bind=CALLER)
    words = [f"十分钟 {number}\nOn my way" for number in range(3)]
    sent = await asyncio.gather(
        *(
            caller.text(callee.uri, text, caller="<sip:+6591234567@a.example>", headers=[("Privacy", "id")])
            for text in words
        )
    )
    texts = [parse(event.message.encode()) for event in callee.all("text")]
    assert [text.body.decode() for text in texts] == words
    assert {(text.header("from") or "").partition(";")[0] for text in texts} == {"<sip:+6591234567@a.example>"}
    assert {text.header("privacy") for text in texts} == {"id"}
    assert [each.answer.status for each in sent] == [200, 200, 200]
    assert [parse(each.answer.message.encode()).call_id for each in sent] == [text.call_id for text in texts]
    assert all(each.sent <= each.answer.at for each in sent)


async def test_digits_arrive_as_they_were_pressed(pool: PhonePool) -> None:
    callee = await pool.phone("bob", bind=CALLEE)
    caller = await pool.phone("alice", bind=CALLER)
    made = await caller.call(callee.uri)
    await made.wait("media")
    await made.wait("answered")
    taken = await callee.next_call()
    await made.dtmf("17#")
    async with asyncio.timeout(5):
        while len(list(taken.all("dtmf"))) < 3:
            await taken.grows()
    assert "".join(event.text for event in taken.all("dtmf")) == "17#"


async def test_a_call_outlives_the_end_of_one_whose_place_it_took(pool: PhonePool, tmp_path: Path) -> None:
    """PJSIP numbers its four calls round and round; a call stays until its recording is whole, here for two seconds."""
    callee, caller = await pool.phone("bob", bind=CALLEE), await pool.phone("alice", bind=CALLER)
    first = await caller.call(callee.uri, record=tmp_path / "heard.wav")
    await first.wait("media")
    (tmp_path / "no head").write_bytes(bytes(8))
    (tmp_path / "no head").replace(tmp_path / "heard.wav")
    await (await callee.next_call()).hang_up()
    second = await caller.call(callee.uri)
    await second.wait("answered")
    await (await callee.next_call()).hang_up()
    await callee.behave(RING_ONLY)
    third = await caller.call(callee.uri)
    await third.wait("ringing")
    assert first.over is None
    await first.wait("ended")
    await (await callee.next_call()).answer()
    await third.wait("answered")


async def test_an_announcement_is_heard_before_the_answer(pool: PhonePool, tmp_path: Path) -> None:
    write_wav(tmp_path / "prompt.wav", tone(700, 1.0))
    behaviour = Behaviour(ring=183, answer_after=0.8, answer=603, play=tmp_path / "prompt.wav")
    callee = await pool.phone("announcer", bind=CALLEE, behaviour=behaviour)
    caller = await pool.phone("alice", bind=CALLER)
    made = await caller.call(callee.uri, record=tmp_path / "heard.wav")
    assert (await made.wait("ended")).status == 603
    assert not made.first("answered")
    assert heard(tmp_path / "heard.wav", 700) > 0.4


async def test_a_hand_on_the_phone_answers_and_changes_what_is_played(pool: PhonePool, tmp_path: Path) -> None:
    write_wav(tmp_path / "first.wav", tone(600, 1.0))
    write_wav(tmp_path / "second.wav", tone(900, 1.0))
    callee = await pool.phone("bob", bind=CALLEE, behaviour=Behaviour(answer_after=None, play=tmp_path / "first.wav"))
    caller = await pool.phone("alice", bind=CALLER)
    made = await caller.call(callee.uri, record=tmp_path / "heard.wav")
    taken = await callee.next_call()
    await taken.answer()
    await made.wait("answered")
    await asyncio.sleep(0.5)
    await taken.play(tmp_path / "second.wav")
    await asyncio.sleep(0.5)
    await taken.play(None)
    await asyncio.sleep(0.3)
    await taken.hang_up()
    await made.wait("ended")
    first, second = heard(tmp_path / "heard.wav", 600), heard(tmp_path / "heard.wav", 900)
    assert 0.3 < first < 0.7
    assert 0.3 < second < 0.7


async def test_tls_checks_the_server_if_told_to(pool: PhonePool, tls_files: TlsFiles, tmp_path: Path) -> None:
    callee = await pool.phone("bob", bind=CALLEE, transport="tls", tls=TlsFiles(*self_signed(tmp_path)))
    trusting = await pool.phone("alice", bind=CALLER, transport="tls")
    await (await trusting.call(callee.uri)).wait("answered")
    careful = await pool.phone("carol", bind=CALLER, transport="tls", tls=TlsFiles(ca=tls_files.certificate))
    with pytest.raises(PhoneError, match="ended with 503"):
        await (await careful.call(callee.uri)).wait("answered")


async def test_a_taken_port_is_said_and_hurts_nobody_else(pool: PhonePool) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((CALLEE, 0))
        with pytest.raises(PhoneError, match="in use"):
            await pool.phone("bob", bind=CALLEE, port=taken.getsockname()[1])
    bob = await pool.phone("bob", bind=CALLEE)
    alice = await pool.phone("alice", bind=CALLER)
    await (await alice.call(bob.uri)).wait("answered")


async def test_a_call_to_nobody_is_not_answered_by_somebody(pool: PhonePool) -> None:
    alice = await pool.phone("alice", bind=CALLER)
    with pytest.raises(TimeoutError):
        await alice.next_call(within=0.01)
    with pytest.raises(PhoneError):
        await alice.call("not a uri: at all")
    assert alice.calls == []


async def test_phones_register_with_the_switch_and_call_by_number(pool: PhonePool) -> None:
    accounts = [Account("+447700900001", "bob", "s3cret"), Account("+15550100", "alice", "s3cret")]
    async with EmbeddedSoftswitch(("127.0.0.54", 0), accounts) as switch:
        bob = await pool.phone("bob", "s3cret", server=switch.address, bind=CALLEE, behaviour=Behaviour(talk=0.1))
        alice = await pool.phone("alice", "s3cret", server=switch.address, bind=CALLER)
        made = await alice.call("+447700900001")
        assert (await made.wait("ended")).status == 480  # bob is not there yet
        await bob.register()
        made = await alice.call("+447700900001")
        await made.wait("answered")
        assert (await bob.next_call()).first("answered")
        assert (await made.wait("ended")).status == 200
        await bob.close()  # takes the registration back
        made = await alice.call("+447700900001")
        assert (await made.wait("ended")).status == 480
        intruder = await pool.phone("alice", "wrong", server=switch.address, bind=CALLEE)
        with pytest.raises(PhoneError, match="REGISTER of <sip:alice@"):
            await intruder.register()


async def test_a_call_finds_its_phone_among_others_at_the_same_address(pool: PhonePool) -> None:
    async with EmbeddedSoftswitch(("127.0.0.54", 0), [Account("+15550100", "alice", "s3cret")]) as switch:
        neighbour = await pool.phone("bob", bind=CALLEE)
        twin = await pool.phone("alice", bind=CALLEE)
        alice = await pool.phone("alice", "s3cret", server=switch.address, bind=CALLEE)
        await alice.register()
        caller = await pool.phone("carol", server=switch.address, bind=CALLER)
        await (await caller.call("+15550100")).wait("answered")
        assert (len(alice.calls), neighbour.calls, twin.calls) == (1, [], [])
        await alice.unregister()
