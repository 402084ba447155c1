"""The proxy on real sockets: UDP, TCP and TLS on loopback."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from typing import Any, NoReturn

import pytest
from structlog.testing import capture_logs

from proxy.core.proxy_core import ProxyCore
from proxy.core.routing import Listener
from proxy.core.settings import CoreSettings
from proxy.policy.engine import Policy
from proxy.policy.remote import Lookup, Opinion
from proxy.sip.flow import Flow
from proxy.transport import streams
from proxy.transport.server import Server
from simulator.loopback import free_port
from tests.plays.consulted import DESK, policy
from tests.plays.dialogue import BARRED, TRUNKS, Household, new_policy, request
from tests.plays.socket_lab import (
    HOST,
    PHONE_HOST,
    SWITCH_HOST,
    TRUNK_HOST,
    Contexts,
    Peer,
    SocketLab,
    Stream,
    running,
    soon,
)


def options(flow: Flow, branch: str = "z9hG4bK-1") -> bytes:
    return request("OPTIONS", flow, uri="sip:alice@h", branch=branch)


# --- UDP


async def test_a_call_passes_and_its_record_is_written() -> None:
    async with running() as lab, Peer.at(TRUNK_HOST) as trunk:
        trunk.send(request("INVITE", trunk.flow), lab.udp)
        await trunk.hears(100)
        invite = await lab.switch.hears("INVITE")
        lab.switch.send(bytes(invite.reply(180, to_tag="t")), lab.udp)
        await trunk.hears(180)
        lab.switch.send(bytes(invite.reply(200, to_tag="t")), lab.udp)
        await trunk.hears(200)
        assert [record["final"] for record in lab.records] == [200]


async def test_a_barred_call_is_refused_and_reaches_nobody() -> None:
    async with running() as lab, Peer.at(TRUNK_HOST) as trunk:
        trunk.send(request("INVITE", trunk.flow, to=BARRED), lab.udp)
        await trunk.hears(603)
        assert lab.switch.mail.empty()
        assert [record["rule"] for record in lab.records] == ["barring.incoming_international"]


async def test_timers_run_by_the_clock() -> None:
    async with running() as lab, Peer.at(TRUNK_HOST) as trunk:
        trunk.send(request("INVITE", trunk.flow), lab.udp)
        first, again = await lab.switch.hears("INVITE"), await lab.switch.hears("INVITE")
        assert bytes(first) == bytes(again)


@pytest.mark.parametrize(
    "garbage", [b"", b"\x00", b"\r\n\r\n", b"\xff" * 65000, b"INVITE sip:x SIP/2.0\r\n", b"SIP/2.0 200 OK\r\n\r\n"]
)
async def test_datagrams_that_are_no_sip_do_no_harm(garbage: bytes) -> None:
    async with running() as lab, Peer.at(TRUNK_HOST) as trunk:
        for _ in range(20):
            trunk.send(garbage, lab.udp)
        assert await lab.is_alive()
        assert trunk.mail.empty()


@pytest.mark.parametrize("padding", [b"\r\n", b"\r\n\r\n", b"\r\n\0"])
async def test_line_breaks_before_a_message_are_no_part_of_it(padding: bytes) -> None:
    async with running() as lab, Peer.at(TRUNK_HOST) as trunk:
        trunk.send(padding, lab.udp)
        trunk.send(padding + request("INVITE", trunk.flow), lab.udp)
        await trunk.hears(100)
        invite = await lab.switch.hears("INVITE")
        lab.switch.send(padding + bytes(invite.reply(180, to_tag="t")), lab.udp)
        await trunk.hears(180)
        assert lab.core.counters["keepalives"] == 1
        assert lab.core.counters["malformed"] == 0


async def test_a_peer_that_went_away_does_no_harm() -> None:
    """Its ICMP errors come up in the socket that everybody's datagrams go through."""
    async with running() as lab:
        for _ in range(20):
            async with Peer.at(TRUNK_HOST) as gone:
                gone.send(request("OPTIONS", gone.flow, uri=f"sip:{HOST}:{lab.udp}"), lab.udp)
        for _ in range(5):
            assert await lab.is_alive()


class Unreadable(Household):
    def find(self, number: str, /) -> NoReturn:
        raise RuntimeError(number)


async def test_a_fault_of_our_own_is_logged_and_the_next_call_served() -> None:
    async with running() as lab, Peer.at(TRUNK_HOST) as trunk:
        sound = lab.core.policy
        lab.core.policy = Policy(replace(sound.snapshot, subscribers=Unreadable()))  # any call now fails inside
        with capture_logs() as logs:
            trunk.send(request("INVITE", trunk.flow, branch="z9hG4bK-1"), lab.udp)
            assert await lab.is_alive()
        assert [(entry["event"], entry["log_level"], entry["exc_info"]) for entry in logs] == [
            ("internal_error", "error", True)
        ]
        assert lab.core.counters["internal_error"] == 1
        assert lab.core.transactions == 1  # that of the OPTIONS
        lab.core.policy = sound
        trunk.send(request("INVITE", trunk.flow, branch="z9hG4bK-2"), lab.udp)
        await trunk.hears(100)


# --- TCP


async def test_requests_over_one_connection_are_answered_over_it() -> None:
    async with running() as lab, Stream.to(lab.tcp) as phone:
        for number in range(3):
            phone.send(options(phone.flow, f"z9hG4bK-{number}"))
            asked = await lab.switch.hears("OPTIONS")
            lab.switch.send(bytes(asked.reply(200)), lab.udp)
            answer = await phone.hears(200)
            assert answer.via.branch == f"z9hG4bK-{number}"


async def test_a_message_may_come_in_pieces_and_two_in_one() -> None:
    async with running() as lab, Stream.to(lab.tcp) as phone:
        phone.writer.transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        both = options(phone.flow, "z9hG4bK-1") + options(phone.flow, "z9hG4bK-2").replace(b"CSeq: 1", b"CSeq: 2")
        for start in range(0, len(both), 60):
            phone.send(both[start : start + 60])
            await asyncio.sleep(0)
        assert [(await lab.switch.hears("OPTIONS")).cseq.number for _ in range(2)] == [1, 2]


async def test_a_keepalive_is_answered() -> None:
    async with running() as lab, Stream.to(lab.tcp) as phone:
        phone.send(b"\r\n\r\n")
        assert await soon(phone.reader.readexactly(2)) == b"\r\n"


@pytest.mark.parametrize("keepalive", [b"\r\n\0", b"\r\n\r\n\0", b"\0"])
async def test_a_keepalive_with_a_zero_byte_spoils_no_message(keepalive: bytes) -> None:
    async with running() as lab, Stream.to(lab.tcp) as phone:
        for number in range(3):
            phone.send(keepalive + options(phone.flow, f"z9hG4bK-{number}") + keepalive)
            lab.switch.send(bytes((await lab.switch.hears("OPTIONS")).reply(200)), lab.udp)
            await phone.hears(200)


@pytest.mark.parametrize(
    "garbage", [b"\x16\x03\x01\x00\xff\r\n\r\n", b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", b"A" * 70000]
)
async def test_garbage_closes_its_own_connection_only(garbage: bytes) -> None:
    async with running() as lab, Stream.to(lab.tcp) as phone, Stream.to(lab.tcp) as vandal:
        vandal.send(garbage)
        assert await vandal.is_closed()
        phone.send(b"\r\n\r\n")
        assert await soon(phone.reader.readexactly(2)) == b"\r\n"


async def test_a_message_before_garbage_in_one_segment_is_served() -> None:
    async with running() as lab, Stream.to(lab.tcp) as phone:
        phone.send(options(phone.flow) + b"GET / HTTP/1.1\r\n\r\n")
        await lab.switch.hears("OPTIONS")
        assert await phone.is_closed()


async def test_a_broken_message_is_answered_and_the_connection_kept() -> None:
    async with running() as lab, Stream.to(lab.tcp) as phone:
        phone.send(options(phone.flow).replace(b"CSeq: 1 OPTIONS", b"CSeq: 1 BYE"))
        await phone.hears(400)
        phone.send(options(phone.flow, "z9hG4bK-2"))
        await lab.switch.hears("OPTIONS")


@pytest.mark.parametrize("length", [b"", b"\r\nContent-Length: -1", b"\r\nContent-Length: 0\r\nContent-Length: 9"])
async def test_a_request_whose_end_nobody_knows_is_answered_before_the_connection_closes(length: bytes) -> None:
    async with running() as lab, Stream.to(lab.tcp) as phone:
        phone.send(options(phone.flow).replace(b"\r\nContent-Length: 0", length))
        await phone.hears(400)
        assert await phone.is_closed()
        assert lab.switch.mail.empty()


async def test_a_message_over_the_limit_closes_the_connection() -> None:
    async with running(message_bytes=2000) as lab, Stream.to(lab.tcp) as phone:
        phone.send(request("MESSAGE", phone.flow, body=b"x" * 2000))
        await phone.hears(513)
        assert await phone.is_closed()
        assert lab.switch.mail.empty()


async def registered(lab: SocketLab, phone: Stream) -> str:
    phone.send(request("REGISTER", phone.flow))
    register = await lab.switch.hears("REGISTER")
    lab.switch.send(bytes(register.reply(200)), lab.udp)
    await phone.hears(200)
    path: str = register.headers("path")[0]
    return path


def call_back(lab: SocketLab, path: str) -> bytes:
    return request("INVITE", lab.switch.flow, uri="sip:alice@h", more=[("Route", path)])


async def test_a_call_to_a_phone_uses_the_connection_of_its_registration() -> None:
    async with running() as lab, Stream.to(lab.tcp) as phone:
        lab.switch.send(call_back(lab, await registered(lab, phone)), lab.udp)
        invite = await phone.hears("INVITE")
        await lab.switch.hears(100)
        phone.send(bytes(invite.reply(486, to_tag="t")))
        await lab.switch.hears(486)


async def test_a_call_to_a_phone_that_hung_up_its_connection_fails_at_once() -> None:
    async with running() as lab:
        async with Stream.to(lab.tcp) as phone:
            path = await registered(lab, phone)
        lab.switch.send(call_back(lab, path), lab.udp)
        await lab.switch.hears(100)
        await lab.switch.hears(500)


class Unread(asyncio.Transport):
    """A connection whose peer reads nothing."""

    def __init__(self) -> None:
        super().__init__({"peername": (PHONE_HOST, 40000)})
        self.unread = 0
        self.aborted = False

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return self.unread

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.unread += len(data)

    def abort(self) -> None:
        self.aborted = True


async def test_a_peer_that_reads_nothing_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "_WRITE_BUFFER", 1000)
    async with running() as lab:
        connection = streams.Connection(lab.server._streams, lab.server, Flow("tcp", PHONE_HOST, 40000, 1))
        transport = Unread()
        connection.connection_made(transport)
        connection.data_received(b"\r\n\r\n" * 400)
        assert not transport.aborted
        connection.data_received(b"\r\n\r\n" * 4000)
        assert transport.aborted
        assert transport.unread < 1100
        connection.connection_lost(None)


# --- TLS


async def test_requests_over_tls_are_answered_over_it(contexts: Contexts) -> None:
    server, client = contexts
    async with running(server) as lab, Stream.to(lab.tls, client) as phone:
        lab.switch.send(call_back(lab, await registered(lab, phone)), lab.udp)
        invite = await phone.hears("INVITE")
        assert invite.via.transport == "TLS"
        phone.send(bytes(invite.reply(486, to_tag="t")))
        await lab.switch.hears(100)
        await lab.switch.hears(486)


async def test_plain_text_at_the_tls_port_does_no_harm(contexts: Contexts) -> None:
    server, _ = contexts
    async with running(server) as lab, Stream.to(lab.tls) as vandal:
        vandal.send(b"OPTIONS sip:h SIP/2.0\r\n\r\n")
        await soon(vandal.reader.read())  # to the end
        assert await lab.is_alive()


# --- start and stop


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_port_in_use_names_the_listener_and_leaves_no_socket(transport: str) -> None:
    kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
    free, taken = free_port(), free_port()
    listeners = (Listener("udp", HOST, free), Listener(transport, HOST, taken))
    core = ProxyCore(CoreSettings(listeners, Flow("udp", SWITCH_HOST, 5080, 0), TRUNKS.find), new_policy())
    with socket.socket(socket.AF_INET, kind) as holder:
        holder.bind((HOST, taken))
        if transport == "tcp":
            holder.listen()
        with pytest.raises(OSError, match=f"{transport}:{HOST}:{taken}") as caught:
            await Server(core).start()
        assert caught.value.filename == f"{transport}:{HOST}:{taken}"
    await asyncio.sleep(0)
    again = Server(core)
    await again.start()
    again.close()
    await asyncio.sleep(0)


async def test_a_tls_listener_without_certificate_is_an_error_and_no_plain_tcp() -> None:
    listeners = (Listener("udp", HOST, 5060), Listener("tls", HOST, 5061))
    core = ProxyCore(CoreSettings(listeners, Flow("udp", SWITCH_HOST, 5080, 0), TRUNKS.find), new_policy())
    with pytest.raises(ValueError, match=r"tls:127\.0\.0\.1:5061 has no certificate"):
        Server(core)


async def test_an_address_that_is_not_ours_names_the_listener() -> None:
    listeners = (Listener("udp", "192.0.2.1", 5060),)
    core = ProxyCore(CoreSettings(listeners, Flow("udp", SWITCH_HOST, 5080, 0), TRUNKS.find), new_policy())
    with pytest.raises(OSError, match=r"udp:192\.0\.2\.1:5060"):
        await Server(core).start()


async def test_draining_waits_for_calls_being_set_up() -> None:
    async with running() as lab, Peer.at(TRUNK_HOST) as trunk:
        assert await soon(lab.server.drain(1))
        lab.core.draining = False
        trunk.send(request("INVITE", trunk.flow), lab.udp)
        invite = await lab.switch.hears("INVITE")
        assert not await soon(lab.server.drain(0.05))
        draining = asyncio.create_task(lab.server.drain(2))
        lab.switch.send(bytes(invite.reply(486, to_tag="t")), lab.udp)
        assert await soon(draining)


@pytest.mark.parametrize("fault", [None, RuntimeError("no idea")])
async def test_a_question_that_nobody_can_put_is_a_failure_of_the_source(fault: Exception | None) -> None:
    async def broken(lookup: Lookup) -> Opinion:
        raise fault or AssertionError

    limits: Any = {} if fault is None else {"look_up": broken}
    async with running(**limits) as lab, Peer.at(TRUNK_HOST) as trunk:
        lab.core.policy = policy(DESK)
        trunk.send(request("INVITE", trunk.flow), lab.udp)
        await trunk.hears(100)
        invite = await lab.switch.hears("INVITE")
        lab.switch.send(bytes(invite.reply(486, to_tag="callee")), lab.udp)
        await trunk.hears(486)
        (record,) = lab.records
        assert "desk: it could not be asked" in str(record["trace"])
        assert lab.core.counters["internal_error"] == (fault is not None)


# --- the clock


async def test_the_core_follows_the_time_of_day() -> None:
    apart = [5.0]
    with capture_logs() as logs:
        async with running(clocks_apart=lambda: apart[0]) as lab:
            assert lab.core.settings.clock.epoch == 5.0  # what a proxy is started with may be some seconds old
            for moved in (1.7e9, 1.7e9 + 0.01, 1.7e9 + 0.3, 1.7e9 - 3600):
                apart[0] = moved
                lab.server.keep_time()
                assert lab.core.settings.clock.epoch == (moved if moved != 1.7e9 + 0.01 else 1.7e9)
    assert [entry["seconds"] for entry in logs if entry["event"] == "time_of_day_set"] == [5.0, 1.7e9 - 5, -3600.3]
