"""Routes by which a phone begins something: the switch's own, and its Service-Route (RFC 3608)."""

from __future__ import annotations

import pytest

from proxy.core.softswitch_routes import SoftswitchRoutes
from proxy.sip.flow import Flow
from proxy.sip.message import Response
from proxy.sip.shape import shape_of
from proxy.sip.uri import parse_uri
from tests.plays.dialogue import ABROAD, ALICE, BARRED, PHONE, SHADY, SWITCH, TCP_PHONE, new_core, play, request
from tests.plays.switch_dialog import ONE, TWO, registered


@pytest.mark.parametrize("flow", [PHONE, TCP_PHONE])
@pytest.mark.parametrize("ours", [[], ["<sip:127.0.0.1:5060;lr>"]])
@pytest.mark.parametrize("service_route", [["<sip:orig@127.0.0.9:5080;lr>"], ONE, TWO])
@pytest.mark.parametrize("method", ["INVITE", "MESSAGE", "SUBSCRIBE", "OPTIONS", "REGISTER"])
def test_a_phone_may_begin_by_the_switchs_own_route(
    flow: Flow, ours: list[str], service_route: list[str], method: str
) -> None:
    data = request(method, flow, more=[("Route", route) for route in [*ours, *service_route]])
    dialogue = play().receive(data, flow)
    if method == "INVITE":
        dialogue.sends(100, flow)
    assert dialogue.sends(method, SWITCH).forwarded.values("route") == service_route


@pytest.mark.parametrize("flow", [ABROAD, SHADY])
@pytest.mark.parametrize("method", ["INVITE", "MESSAGE", "OPTIONS", "SUBSCRIBE"])
def test_a_trunk_may_not(flow: Flow, method: str) -> None:
    play().receive(request(method, flow, more=[("Route", ONE[0])]), flow).sends(403, flow).sends_nothing()


def test_such_a_call_is_judged_like_any_other() -> None:
    more = [("Route", "<sip:orig@127.0.0.9:5080;lr>")]
    dialogue = play(new_core()).receive(request("INVITE", PHONE, to=BARRED, more=more), PHONE)
    dialogue.sends(603, PHONE).sends_nothing()
    assert [record["rule"] for record in dialogue.records()] == ["barring.incoming_international"]


@pytest.mark.parametrize(
    ("uri", "routes"),
    [
        (f"sip:{ALICE}@127.0.0.1", [*ONE, "<sip:192.0.2.1;lr>"]),
        (f"sip:{ALICE}@127.0.0.1", [*ONE, "<sip:127.0.0.1:5060;lr>"]),
        (f"sip:{ALICE}@127.0.0.1", [f"<sip:{BARRED}@127.0.0.9:5080>"]),
        ("sip:127.0.0.9:5080;lr", [f"<sip:{BARRED}@127.0.0.9:5080;lr>"]),
        ("sip:127.0.0.9:5080", [f"<sip:{BARRED}@127.0.0.9:5080;lr>"]),
        ("sip:x@127.0.0.9:5080;lr;ftag=1", [f"<sip:{BARRED}@127.0.0.9:5080;lr>"]),
    ],
)
def test_nothing_hides_behind_a_preloaded_route(uri: str, routes: list[str]) -> None:
    data = request("INVITE", PHONE, uri=uri, more=[("Route", route) for route in routes])
    play().receive(data, PHONE).sends(403, PHONE).sends_nothing()


def test_what_a_strict_router_hid_is_judged_before_it_goes_through_the_switch() -> None:
    more = [("Route", ONE[0]), ("Route", f"<sip:{BARRED}@127.0.0.1>")]
    data = request("INVITE", PHONE, uri="sip:x~y@127.0.0.1:5060", more=more)
    play().receive(data, PHONE).sends(603, PHONE).sends_nothing()


IMS = ["<sip:orig@127.0.0.9:5080;lr>", "<sip:scscf.ims.example:6060;lr;x=1>"]


@pytest.mark.parametrize("service_route", [IMS, IMS[1:]])
def test_a_phone_may_use_the_service_route_that_it_was_given(service_route: list[str]) -> None:
    core = new_core()
    registered(core, PHONE, service_route)
    again = [route.replace("sip:scscf.ims", "sip:SCSCF.ims").replace("lr;x=1", "x=1;lr") for route in service_route]
    for number, routes in enumerate((service_route, again)):
        data = request(
            "INVITE", PHONE._replace(port=6000 + number), branch=f"z9hG4bK-s{number}", call_id=str(number),
            more=[("Route", route) for route in ["<sip:127.0.0.1;lr>", *routes]],
        )  # fmt: skip
        dialogue = play(core).receive(data, PHONE).sends(100).sends("INVITE", SWITCH)
        assert dialogue.forwarded.values("route") == routes


@pytest.mark.parametrize("routes", [IMS[1:], [*IMS, "<sip:192.0.2.1;lr>"], IMS[::-1], ["<sip:192.0.2.1;lr>"]])
@pytest.mark.parametrize("flow", [PHONE, TCP_PHONE])
def test_and_no_other(routes: list[str], flow: Flow) -> None:
    core = new_core()
    registered(core, PHONE, IMS)
    data = request("INVITE", flow, more=[("Route", route) for route in routes])
    play(core).receive(data, flow).sends(403, flow).sends_nothing()


def test_a_service_route_is_the_phones_that_it_was_given_to() -> None:
    core = new_core()
    registered(core, PHONE, IMS)
    for flow in (TCP_PHONE, ABROAD):
        data = request("INVITE", flow, more=[("Route", route) for route in IMS])
        play(core).receive(data, flow).sends(403, flow).sends_nothing()


def test_only_the_switch_hands_out_service_routes() -> None:
    core = new_core()
    upstream = request("REGISTER", SWITCH, uri=f"sip:{PHONE.host}:{PHONE.port}")
    dialogue = play(core).receive(upstream, SWITCH).sends("REGISTER", PHONE)
    dialogue.answer(200, PHONE, [("Service-Route", IMS[1])]).sends(200, SWITCH)
    for source in (SWITCH.host, PHONE.host):
        assert not core._router.softswitch_routes._was_handed_out(source, [parse_uri(IMS[1][1:-1])])


def test_service_routes_fill_no_memory() -> None:
    routes = SoftswitchRoutes(SWITCH)

    def learns(phone: str, given: list[str], status: int = 200) -> None:
        lines = [f"Service-Route: {route}" for route in given]
        routes.learn(phone, Response(status, "", lines, shape_of(("service-route",) * len(lines)), b""))

    for number in range(6000):
        learns(f"192.0.2.{number}", [IMS[1]])
    for bad in (["<sip:" + "x" * 600 + ";lr>"], ["nothing"], ["<tel:1>"], ["<sip:scscf.ims.example>"], [], ONE):
        learns("192.0.2.1", bad)
    learns("192.0.2.1", IMS, 401)
    assert len(routes._handed_out) == 4096
