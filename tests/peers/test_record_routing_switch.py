"""A softswitch that stays on the path of its dialogs: Kamailio with record_route() between the proxy and SIPp.

Every call brings PRACK, ACK and UPDATE one way along the route set, and a re-INVITE with its ACK and a BYE the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from simulator.loopback import free_port
from tests.plays.kamailio_switch import KamailioSwitch
from tests.plays.proxy_process import INTERNATIONAL, PHONES, SWITCH, ProxyProcess
from tests.plays.sipp_peer import Sipp, SippPeers, received

pytestmark = pytest.mark.peers
Start = Callable[..., ProxyProcess]
StartKamailio = Callable[..., KamailioSwitch]
BEHIND = "127.0.6.31"
ALICE, BOB, ABROAD = "+8613800138001", "+8613800138002", "+6591234567"
both_transports = pytest.mark.parametrize("transport", ["udp", "tcp"])
one_and_two = pytest.mark.parametrize("record_routes", [1, 2])


@pytest.fixture
def kamailio(tmp_path: Path) -> Iterator[StartKamailio]:
    """Starts Kamailio; stops it in the end."""
    started: list[KamailioSwitch] = []

    def start(*args: object, **options: object) -> KamailioSwitch:
        started.append(KamailioSwitch(tmp_path / f"kamailio{len(started)}", *args, **options))  # type: ignore[arg-type]
        return started[-1]

    yield start
    for switch in started:
        switch.stop()


def follow_the_route_set(caller: Sipp, callee: Sipp, record_routes: int) -> None:
    """The call went as both scenarios say, and the callee saw so many Record-Routes of the switch."""
    at_caller, at_callee = caller.finish(), callee.finish()
    assert [received(at_callee, method) for method in ("PRACK", "ACK", "UPDATE")] == [1, 1, 1]
    assert [received(at_caller, method) for method in ("INVITE", "ACK", "BYE")] == [1, 1, 1]
    first_invite = callee.messages().partition("INVITE sip:")[2].partition("\n\n")[0]
    lines = [line for line in first_invite.splitlines() if line.startswith("Record-Route:")]
    assert sum(line.count(f"{SWITCH}:") for line in lines) == record_routes


@both_transports
@one_and_two
@pytest.mark.parametrize("kind", ["international", "phones"])
def test_a_call_from_outside_follows_its_route_set(
    running_proxy: Start, sipp: SippPeers, kamailio: StartKamailio, transport: str, record_routes: int, kind: str
) -> None:
    outer = ("udp", free_port(SWITCH)) if record_routes == 2 else None
    behind = sipp.switch("route_set_callee", host=BEHIND, transport=outer[0] if outer else transport)
    proxy = running_proxy(port := free_port(SWITCH), transport=transport)
    kamailio(port, transport, proxy.address, f"{BEHIND}:{behind.port}", outer=outer)
    caller = sipp.caller(
        "route_set_caller", INTERNATIONAL if kind == "international" else PHONES, proxy.address, transport=transport,
        URI=f"sip:{ALICE}@[remote_ip]:[remote_port]", ROUTE="X-Test: 1",
    )  # fmt: skip
    follow_the_route_set(caller, behind, record_routes)
    assert [record["final"] for record in proxy.records(1)] == [200]


@both_transports
@one_and_two
@pytest.mark.parametrize("host", [INTERNATIONAL, PHONES])
def test_a_call_from_behind_the_switch_follows_its_route_set(
    running_proxy: Start, sipp: SippPeers, kamailio: StartKamailio, transport: str, record_routes: int, host: str
) -> None:
    outer = ("udp", free_port(SWITCH)) if record_routes == 2 else None
    proxy = running_proxy(port := free_port(SWITCH), transport=transport)
    outside = sipp.switch("route_set_callee", host=host, transport=transport)
    mine = free_port(BEHIND)
    kamailio(port, transport, proxy.address, f"{BEHIND}:{mine}", outer=outer)
    caller = sipp.caller(
        "route_set_caller", BEHIND, f"{SWITCH}:{outer[1] if outer else port}", port=mine,
        transport=outer[0] if outer else transport, caller=ALICE, callee=ABROAD,
        URI=f"sip:{ABROAD}@{host}:{outside.port};transport={transport}", ROUTE="X-Test: 1",
    )  # fmt: skip
    follow_the_route_set(caller, outside, record_routes)


@both_transports
@one_and_two
@pytest.mark.parametrize("by_proxy", [True, False])
def test_phones_that_registered_use_the_service_route_and_call_each_other(
    running_proxy: Start, sipp: SippPeers, kamailio: StartKamailio, transport: str, record_routes: int, by_proxy: bool
) -> None:
    proxy = running_proxy(port := free_port(SWITCH), transport=transport)
    kamailio(port, transport, proxy.address, f"{BEHIND}:{free_port(BEHIND)}", double_rr=record_routes)
    phone_port = free_port(PHONES)
    registering = sipp.caller(
        "caller_sends", PHONES, proxy.address, port=phone_port, transport=transport, callee=ALICE, caller=ALICE,
        METHOD="REGISTER", URI="sip:[remote_ip]:[remote_port]", HEADER="Expires: 600", HOPS="70", STATUS="200",
    )  # fmt: skip
    registering.finish()
    [service_route] = [
        line.partition(":")[2].strip()
        for line in registering.messages().splitlines()
        if line.startswith("Service-Route:")
    ]
    phone = sipp.switch("route_set_callee", host=PHONES, port=phone_port, transport=transport)
    route = (
        f"Route: <sip:{proxy.address};transport={transport};lr>, {service_route}"
        if by_proxy
        else f"Route: {service_route}"
    )
    caller = sipp.caller(
        "route_set_caller", "127.0.3.32", proxy.address, transport=transport, caller=BOB, callee=ALICE,
        URI=f"sip:{ALICE}@[remote_ip]:[remote_port]", ROUTE=route,
    )  # fmt: skip
    follow_the_route_set(caller, phone, record_routes)
    assert f"X-Preloaded: {service_route}" in phone.messages()
    assert [(record["rule"], record["final"]) for record in proxy.records(1)] == [("default.allow", 200)]
