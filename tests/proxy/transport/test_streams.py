"""Connections are counted: nobody can use up those of phones and trunks."""

from __future__ import annotations

import asyncio
import errno
import socket
from contextlib import AsyncExitStack

import pytest
from structlog.testing import capture_logs

from proxy.sip.flow import Flow
from proxy.transport import streams
from tests.plays.dialogue import request
from tests.plays.socket_lab import HOST, PHONE_HOST, TRUNK_HOST, Contexts, Peer, SocketLab, Stream, running, soon

STRANGER_HOST, OTHER_PHONE = "127.0.9.1", "127.0.0.78"


async def turned_away(opened: AsyncExitStack, lab: SocketLab, host: str, count: int) -> list[bool]:
    """Of `count` connections from `host`, one after the other and all kept: which were."""
    away = []
    for _ in range(count):
        stream = await opened.enter_async_context(Stream.to(lab.tcp, host=host))
        try:
            away.append(not await stream.is_served())
        except (ConnectionError, asyncio.IncompleteReadError):
            away.append(True)
    return away


async def test_connections_are_limited_in_number_and_those_that_end_make_room() -> None:
    async with running(max_connections=4) as lab, AsyncExitStack() as kept:
        hosts = [f"127.0.0.{70 + number}" for number in range(5)]
        async with AsyncExitStack() as opened:
            away = [(await turned_away(opened, lab, host, 1))[0] for host in hosts]
            assert away == [False] * 4 + [True]
            assert lab.core.counters["too_many_connections"] == 1
        assert await turned_away(kept, lab, hosts[4], 1) == [False]


async def test_strangers_get_a_small_share() -> None:
    async with running(max_connections=32) as lab, AsyncExitStack() as opened:
        assert await turned_away(opened, lab, STRANGER_HOST, 4) == [False, False, True, True]
        assert await turned_away(opened, lab, "127.0.9.2", 1) == [True]
        assert await turned_away(opened, lab, PHONE_HOST, 4) == [False] * 4


async def test_one_address_gets_a_share_and_others_are_served() -> None:
    async with running(max_connections=8) as lab, AsyncExitStack() as opened:
        assert await turned_away(opened, lab, PHONE_HOST, 4) == [False, False, True, True]
        assert await turned_away(opened, lab, OTHER_PHONE, 1) == [False]


async def test_the_softswitch_may_have_all_of_them() -> None:
    async with running(max_connections=4) as lab, AsyncExitStack() as opened:
        assert await turned_away(opened, lab, lab.switch.flow.host, 5) == [False] * 4 + [True]


async def test_handshakes_under_way_count(contexts: Contexts) -> None:
    server, client = contexts
    async with running(server, max_connections=8) as lab, AsyncExitStack() as opened:
        for _ in range(2):  # which never say anything
            await opened.enter_async_context(Stream.to(lab.tls))
        one_more = await opened.enter_async_context(Stream.to(lab.tls))
        assert await one_more.is_closed()
        other = await opened.enter_async_context(Stream.to(lab.tls, client, OTHER_PHONE))
        assert await other.is_served()


async def test_a_handshake_that_does_not_come_is_given_up_and_makes_room(
    contexts: Contexts, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, client = contexts
    monkeypatch.setitem(streams._STANDS, "tls", 0.05)
    async with running(server, max_connections=4) as lab, Stream.to(lab.tls) as mute:
        assert await mute.is_closed()
        monkeypatch.setitem(streams._STANDS, "tls", 10.0)
        async with Stream.to(lab.tls, client) as phone:
            assert await phone.is_served()


async def test_a_call_to_a_phone_fails_at_once_where_no_connection_may_be_made() -> None:
    async with running(max_connections=1) as lab:
        async with Stream.to(lab.tcp) as phone:
            phone.send(request("REGISTER", phone.flow))
            register = await lab.switch.hears("REGISTER")
            lab.switch.send(bytes(register.reply(200)), lab.udp)
            await phone.hears(200)
        async with Stream.to(lab.tcp, host=OTHER_PHONE) as other:
            assert await other.is_served()  # so the only connection is taken
            route = [("Route", register.headers("path")[0])]
            lab.switch.send(request("INVITE", lab.switch.flow, uri="sip:alice@h", more=route), lab.udp)
            await lab.switch.hears(100)
            await lab.switch.hears(500)  # and not after 32 seconds
        assert lab.core.counters["too_many_connections"] == 1


async def test_an_answer_finds_a_caller_whose_connection_has_ended() -> None:
    answered: asyncio.Queue[Stream] = asyncio.Queue()
    listening = await asyncio.start_server(lambda *ends: answered.put_nowait(Stream(*ends)), PHONE_HOST, 0)
    port = listening.sockets[0].getsockname()[1]
    async with listening, running() as lab:
        async with Stream.to(lab.tcp) as caller:
            caller.send(request("INVITE", caller.flow, via=f"SIP/2.0/TCP {PHONE_HOST}:{port};branch=z9hG4bK-1"))
            await caller.hears(100)
            invite = await lab.switch.hears("INVITE")
        while lab.server._streams._connections:  # noqa: ASYNC110  # until the proxy has heard of it
            await asyncio.sleep(0.01)
        lab.switch.send(bytes(invite.reply(200, to_tag="callee")), lab.udp)
        again = await soon(answered.get())
        await again.hears(200)
        again.writer.close()
        assert lab.records[0]["final"] == 200


async def test_a_process_without_file_descriptors_left_accepts_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    class Exhausted:
        """A listening socket that cannot accept at first."""

        def __init__(self, sock: socket.socket) -> None:
            self.sock, self.failures = sock, 2

        def accept(self) -> object:
            self.failures -= 1
            if self.failures >= 0:
                raise OSError(errno.EMFILE, "too many open files")
            return self.sock.accept()

        def fileno(self) -> int:
            return self.sock.fileno()

        def close(self) -> None:
            self.sock.close()

    monkeypatch.setattr(streams, "_NO_FILES", 0.01)
    async with running() as lab:
        streams_ = lab.server._streams
        real = streams_._listening[0]
        asyncio.get_running_loop().remove_reader(real)
        streams_._listening[0] = Exhausted(real)  # type: ignore[call-overload]
        streams_._resume(streams_._listening[0], 1)
        async with Stream.to(lab.tcp) as phone:
            assert await phone.is_served()
        lab.server.flush()
        assert lab.server._event_log._noticed["accept_failed"] == (2, Flow("tcp", HOST, lab.tcp, 1))


async def test_operators_hear_of_strangers_and_of_refused_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(max_connections=4) as lab, AsyncExitStack() as opened, Peer.at(STRANGER_HOST) as stranger:
        for _ in range(3):
            stranger.send(request("OPTIONS", stranger.flow), lab.udp)
            await stranger.hears(403)
        await turned_away(opened, lab, PHONE_HOST, 2)
        with capture_logs() as logs:
            lab.server.flush()
            lab.server._event_log.write_due(lab.server.now())
        told = {entry["event"]: (entry["count"], entry["peer"].rpartition(":")[0]) for entry in logs}
        assert told == {"unknown_source": (3, f"udp:{STRANGER_HOST}"), "too_many_connections": (1, f"tcp:{PHONE_HOST}")}


async def test_operators_hear_of_it_without_being_asked() -> None:
    async with running() as lab, Peer.at(STRANGER_HOST) as stranger:
        with capture_logs() as logs:
            stranger.send(request("OPTIONS", stranger.flow), lab.udp)
            await soon(until(lambda: logs))
        assert logs[0]["event"] == "unknown_source"


async def until(look: object) -> None:
    while not look():  # type: ignore[operator]  # noqa: ASYNC110  # whatever it is, nobody signals it
        await asyncio.sleep(0.01)


async def test_a_trunk_is_no_stranger() -> None:
    async with running(max_connections=32) as lab, AsyncExitStack() as opened:
        assert await turned_away(opened, lab, TRUNK_HOST, 4) == [False] * 4
