"""The proxy's UDP sockets, and the timers that it looks at in the wake of datagrams."""

from __future__ import annotations

from collections import Counter

import pytest

from proxy.sip.flow import Flow
from proxy.transport import datagrams
from tests.plays.dialogue import request
from tests.plays.socket_lab import HOST, SWITCH_HOST, TRUNK_HOST, Peer, running


async def test_timers_of_calls_that_come_together_all_run() -> None:
    """Only the first of them has the timers looked at."""
    calls = {f"call-{number}" for number in range(20)}
    async with running() as lab, Peer.at(TRUNK_HOST) as trunk:
        for call_id in calls:
            trunk.send(request("INVITE", trunk.flow, branch=f"z9hG4bK-{call_id}", call_id=call_id), lab.udp)
        heard = Counter([(await lab.switch.hears("INVITE")).call_id for _ in range(40)])
        assert heard == dict.fromkeys(calls, 2)


async def test_more_peers_than_are_remembered_are_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datagrams, "_MOST_FLOWS", 2)
    async with running() as lab:
        for _ in range(5):  # each from a port of its own
            assert await lab.is_alive()


async def test_a_datagram_over_the_limit_is_let_go() -> None:
    async with running(message_bytes=2000) as lab, Peer.at(TRUNK_HOST) as trunk:
        trunk.send(request("OPTIONS", trunk.flow, uri=f"sip:{HOST}:{lab.udp}", body=b"x" * 2000), lab.udp)
        assert await lab.is_alive()
        assert trunk.mail.empty()


async def test_what_the_kernel_does_not_take_is_counted_as_lost_on_the_way() -> None:
    async with running() as lab:
        nowhere = Flow("udp", SWITCH_HOST, lab.switch.flow.port, 0)
        lab.core.outbox += [(nowhere, b"x" * 70_000), (nowhere, request("OPTIONS"))]
        lab.server.flush()
        await lab.switch.hears("OPTIONS")
        assert lab.core.counters["socket_error"] == 1
