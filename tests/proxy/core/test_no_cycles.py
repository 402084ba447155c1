"""The proxy runs without the garbage collector: whatever comes in, nothing may be left that only it could free."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from proxy.core.proxy_core import ProxyCore
from proxy.core.questions import Ask
from tests.plays import ROOT
from tests.plays.consulted import BAD, BROKEN, DESK, GOOD, policy
from tests.plays.dialogue import ABROAD, BARRED, DAUGHTER, INVITE, SHADY, STRANGER, SWITCH, new_core, request, taken

TORTURE = sorted((ROOT / "tests" / "torture" / "messages").glob("*.dat"))


@pytest.fixture
def core() -> Iterator[ProxyCore]:
    core = new_core()
    gc.collect()
    gc.disable()
    yield core
    gc.enable()


def left_behind(core: ProxyCore) -> int:
    core.outbox.clear()
    core.outputs.clear()
    return gc.collect()


def test_broken_messages_leave_no_cycles(core: ProxyCore) -> None:
    for flow in (ABROAD, SHADY, STRANGER, SWITCH):
        for message in TORTURE:
            core.receive(message.read_bytes(), flow, 1.0)
        core.receive(b"INVITE sip:x SIP/2.0\r\nno colon\r\n\r\n", flow, 1.0)
        core.receive(INVITE.replace(b"\r\nMax", b"\nMax"), flow, 1.0)
    assert left_behind(core) == 0


def test_calls_leave_no_cycles(core: ProxyCore) -> None:
    for number in range(50):
        to = BARRED if number % 2 else "+8613800138001"
        core.receive(request("INVITE", branch=f"z9hG4bK{number}", call_id=f"{number}", to=to), ABROAD, number)
        core.receive(request("CANCEL", branch=f"z9hG4bK{number}", call_id=f"{number}", to=to), ABROAD, number)
    core.run_timers(100.0)
    core.run_timers(500.0)
    assert core.transactions == 0
    assert left_behind(core) == 0


def test_calls_that_wait_leave_no_cycles(core: ProxyCore) -> None:
    core.policy = policy(DESK)
    gc.collect()  # what making that left
    for number in range(50):
        caller = f"+6591{number // 2:06}".encode()  # two calls each
        invite = request("INVITE", branch=f"z9hG4bK{number}", call_id=f"{number}").replace(DAUGHTER.encode(), caller)
        core.receive(invite, ABROAD, number / 1000)
    asks = taken(core, Ask)
    assert len(asks) == 25
    core.receive(request("CANCEL", branch="z9hG4bK7", call_id="7"), ABROAD, 0.1)
    for ask, opinion in zip(asks, [BAD, GOOD, BROKEN] * 7, strict=False):
        core.resolved(ask, opinion, 0.2)
    core.run_timers(1.0)
    for ask in asks[-3:]:
        core.resolved(ask, BAD, 1.0)
    core.run_timers(100.0)
    core.run_timers(500.0)
    assert core.transactions == 0
    del asks, ask
    assert left_behind(core) == 0
