"""The proxy as a capture agent: what reaches a collector of the messages and calls that pass."""

from __future__ import annotations

import errno
import socket
from collections import Counter
from typing import Any

import pytest
from structlog.testing import capture_logs

from proxy.observability.capture_agent import CaptureAgent
from proxy.observability.hep import Node
from proxy.sip.flow import Flow
from tests.plays.hep_collector import HOST, Collector, collecting

ALICE, PHONE, PROXY, SWITCH = ("127.0.1.7", 5062), ("127.0.0.7", 5064), ("127.0.0.1", 5060), ("127.0.0.9", 5080)
MESSAGE = "{line}\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nCall-ID: {call_id}\r\n{more}\r\n"


def message(line: str, call_id: str, more: str = "") -> bytes:
    return MESSAGE.format(line=line, call_id=call_id, more=more).encode()


def agent_for(collector: tuple[str, int], counters: Counter[str] | None = None) -> CaptureAgent:
    counters = Counter() if counters is None else counters
    return CaptureAgent(collector, Node(), [PROXY], SWITCH[0], counters)


def flow(address: tuple[str, int], transport: str = "udp") -> Flow:
    return Flow(transport, *address, 0)


@pytest.fixture
def collector() -> Any:
    with collecting() as found:
        yield found


def test_both_legs_of_a_call_have_the_call_id_of_the_callers(collector: Collector) -> None:
    agent = agent_for(collector.address)
    agent.received(message("INVITE sip:b SIP/2.0", "near"), flow(ALICE))
    agent.sent(message("INVITE sip:b SIP/2.0", "near"), flow(SWITCH))
    agent.received(message("INVITE sip:b SIP/2.0", "far", "X-Ringfence-Call: near\r\n"), flow(SWITCH))
    agent.sent(message("INVITE sip:b SIP/2.0", "far"), flow(PHONE, "tcp"))
    agent.received(message("SIP/2.0 200 OK", "far"), flow(PHONE, "tcp"))
    agent.received(b"\r\n\r\n", flow(PHONE, "tcp"))
    packets = collector.packets(5)
    assert [packet.ends for packet in packets] == [
        (ALICE, PROXY),
        (PROXY, SWITCH),
        (SWITCH, PROXY),
        (PROXY, PHONE),
        (PHONE, PROXY),
    ]
    assert {packet.text("correlation") for packet in packets} == {"near"}
    assert [packet.number("protocol") for packet in packets] == [17, 17, 17, 6, 6]
    assert collector.has_no_more()
    agent.close()


def test_only_the_softswitch_may_tie_a_leg_to_a_call(collector: Collector) -> None:
    agent = agent_for(collector.address)
    agent.received(message("INVITE sip:b SIP/2.0", "mine", "X-Ringfence-Call: another's\r\n"), flow(ALICE))
    assert collector.packets(1)[0].text("correlation") == "mine"
    agent.close()


def test_a_message_that_is_too_long_is_counted_and_the_next_one_goes(collector: Collector) -> None:
    counters = Counter[str]()
    agent = agent_for(collector.address, counters)
    with capture_logs() as logs:
        for line in ("x" * 65_500, "y" * 65_500, "OPTIONS sip:h SIP/2.0"):
            agent.received(message(line, "a"), flow(ALICE))
    assert (collector.packets(1)[0].text("payload") or "").startswith("OPTIONS")
    assert counters == {"hep_lost": 2}
    assert [(each["event"], each["lost"]) for each in logs] == [("hep_lost", 1)]
    agent.close()


def test_packets_go_once_there_is_a_way_to_the_collector(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    counters = Counter[str]()

    def no_way(*_: object) -> None:
        raise OSError(errno.ENETUNREACH, "Network is unreachable")

    agent = agent_for(collector.address, counters)
    with monkeypatch.context() as patch:
        patch.setattr(socket.socket, "connect", no_way)
        agent.received(message("OPTIONS sip:h SIP/2.0", "a"), flow(ALICE))
    assert counters["hep_lost"] == 1
    agent.received(message("OPTIONS sip:h SIP/2.0", "b"), flow(ALICE))
    assert collector.packets(1)[0].text("correlation") == "b"
    agent.close()


def test_nobody_listens_and_calls_go_on(collector: Collector) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((HOST, 0))
        nowhere = taken.getsockname()
    counters = Counter[str]()
    agent = agent_for(nowhere, counters)
    with capture_logs() as logs:
        for _ in range(10):
            agent.received(message("OPTIONS sip:h SIP/2.0", "a"), flow(ALICE))
    assert counters["hep_lost"] >= 9
    assert [(each["event"], each["detail"]) for each in logs] == [("hep_lost", "Connection refused")]
    agent.close()
