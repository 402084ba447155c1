"""Knocking at UDP ports that are closed or open: on real sockets, for only the kernel can tell."""

from __future__ import annotations

import asyncio
import socket

import pytest

from proxy.transport.knocking import KNOCK, Knocker
from simulator.loopback import free_port
from tests.plays.socket_lab import HOST, SWITCH_HOST, soon


@pytest.fixture
def refused() -> asyncio.Event:
    return asyncio.Event()


async def test_a_closed_port_is_told_of_each_time(refused: asyncio.Event) -> None:
    knocker = Knocker(HOST, (HOST, free_port(HOST)), refused.set)
    for _ in range(3):
        refused.clear()
        knocker.knock()
        await soon(refused.wait())
    knocker.close()


async def test_an_open_port_gets_two_line_ends_and_an_answer_of_any_kind_is_nothing(refused: asyncio.Event) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as switch:
        switch.bind((SWITCH_HOST, 0))
        knocker = Knocker(HOST, switch.getsockname(), refused.set)
        knocker.knock()
        data, where = switch.recvfrom(100)
        assert data == KNOCK
        switch.sendto(b"what?", where)
        await asyncio.sleep(0.01)
        assert not refused.is_set()
    knocker.knock()
    await soon(refused.wait())
    knocker.close()


async def test_a_refusal_of_before_does_not_count_once_the_port_is_open(refused: asyncio.Event) -> None:
    port = free_port(HOST)
    knocker = Knocker(HOST, (HOST, port), refused.set)
    knocker.knock()  # refused, though nobody has looked yet
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as switch:
        switch.bind((HOST, port))
        knocker.knock()
        await asyncio.sleep(0.06)
        assert not refused.is_set()
        knocker.close()


async def test_nobody_else_can_refuse_for_it(refused: asyncio.Event) -> None:
    """Another closed port is another socket's affair."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as switch:
        switch.bind((SWITCH_HOST, 0))
        knocker = Knocker(HOST, switch.getsockname(), refused.set)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.sendto(KNOCK, (SWITCH_HOST, free_port(HOST)))
        knocker.knock()
        await asyncio.sleep(0.05)
        assert not refused.is_set()
        knocker.close()
