"""The proxy runs without the garbage collector: whatever comes in, nothing may be left that only it could free."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from proxy.core.proxy_core import ProxyCore
from tests.plays import ROOT
from tests.plays.dialogue import ABROAD, BARRED, INVITE, SHADY, STRANGER, SWITCH, new_core, request

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
