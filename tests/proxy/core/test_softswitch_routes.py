"""Routes of a softswitch that stays on the path: they lead to it and nowhere else (RFC 3261 16.4, 16.12, RFC 3608)."""

from __future__ import annotations

import pytest

from proxy.core.softswitch_routes import SoftswitchRoutes, parse_alias
from proxy.sip.flow import Flow
from proxy.sip.uri import parse_uri
from tests.plays.dialogue import (
    ABROAD,
    ALICE,
    BARRED,
    CARRIER,
    DAUGHTER,
    PHONE,
    SHADY,
    SWITCH,
    TCP_PHONE,
    new_core,
    play,
    request,
)
from tests.plays.switch_dialog import BEYOND, IN_DIALOG, ONE, REMOTE, TCP_SWITCH, TWO, Dialog

route_sets = pytest.mark.parametrize("recorded", [ONE, TWO, BEYOND])


@route_sets
@pytest.mark.parametrize("method", IN_DIALOG)
@pytest.mark.parametrize("flow", [PHONE, TCP_PHONE])
def test_a_request_of_the_caller_goes_through_the_switch(recorded: list[str], method: str, flow: Flow) -> None:
    dialogue = Dialog.from_outside(recorded, flow).sends(method)
    if method == "INVITE":
        dialogue.sends(100, flow)
    assert dialogue.sends(method, SWITCH).forwarded.values("route") == recorded
    assert dialogue.forwarded.uri == REMOTE


@route_sets
@pytest.mark.parametrize("method", IN_DIALOG)
@pytest.mark.parametrize("flow", [PHONE, TCP_PHONE])
def test_a_request_of_the_callee_goes_through_the_switch(recorded: list[str], method: str, flow: Flow) -> None:
    dialogue = Dialog.from_the_switch(recorded, flow).sends(method)
    if method == "INVITE":
        dialogue.sends(100, flow)
    assert dialogue.sends(method, SWITCH).forwarded.values("route") == recorded


@route_sets
@pytest.mark.parametrize("flow", [ABROAD, PHONE, TCP_PHONE])
def test_the_ack_goes_through_the_switch(recorded: list[str], flow: Flow) -> None:
    dialogue = Dialog.from_outside(recorded, flow).sends("ACK").sends("ACK", SWITCH)
    assert dialogue.forwarded.values("route") == recorded


def test_it_goes_by_the_transport_of_the_config() -> None:
    core = new_core(switch=TCP_SWITCH)
    dialog = Dialog.from_outside(["<sip:127.0.0.9:5080;transport=tcp;lr>"], PHONE, core)
    assert dialog.sends("BYE").sends("BYE", TCP_SWITCH).forwarded.values("route") == dialog.route_set[2:]


def test_both_halves_of_a_call_between_phones_are_followed() -> None:
    """The switch sends the call back to us: our Record-Routes stand on either side of its own."""
    dialog = Dialog.from_outside(ONE, PHONE)
    far = Dialog.from_the_switch([*ONE, *dialog.route_set[:1]], TCP_PHONE)
    assert far.sends("BYE").sends("BYE", SWITCH).forwarded.values("route") == [*ONE, *dialog.route_set[:1]]
    returned = request("BYE", SWITCH, uri="sip:a@127.0.0.77:5071", to_tag="from", more=[("Route", dialog.route_set[0])])
    dialog.dialogue.receive(returned, SWITCH).sends("BYE", PHONE)


@pytest.mark.parametrize(
    "routes",
    [
        ["<sip:192.0.2.1;lr>"],
        ["<sip:192.0.2.1;lr>", *ONE],
        ["<sip:127.0.0.9:5081;lr>"],
        ["<sip:127.0.0.9;lr>"],
        ["<sip:127.0.0.90:5080;lr>"],
        ["<sip:127.0.0.9:5080@192.0.2.1;lr>"],
        ["<sip:127.0.0.9:5080;maddr=192.0.2.1;lr>"],
        ["<sip:127.0.0.9:5080;lr;received=sip:192.0.2.1:5060>"],
        ["<sip:127.0.0.9:5080;lr?Route=%3Csip:192.0.2.1%3E>"],
        ["<sip:127.0.0.9:5080>"],
        ["sip:127.0.0.9:5080;lr"],
        ['"<sip:127.0.0.9:5080;lr>" <sip:192.0.2.1;lr>'],
        ["<sip:core.example;lr>"],
        ["<tel:+6591234567>"],
    ],
)
@pytest.mark.parametrize("method", ["BYE", "INVITE", "MESSAGE"])
def test_a_route_in_a_dialog_leads_to_the_switch_first_or_nowhere(routes: list[str], method: str) -> None:
    dialog = Dialog.from_outside(ONE, PHONE)
    ours = dialog.route_set[:1]
    dialog.sends(method, [*ours, *routes]).sends(403, PHONE).sends_nothing()
    dialog.sends("ACK", [*ours, *routes]).sends_nothing()


@pytest.mark.parametrize("to_tag", ["", "made-up"])
def test_without_the_token_of_the_dialog_a_trunk_gets_nothing_through(to_tag: str) -> None:
    core = new_core()
    for number, token in enumerate(["x~y", "", Dialog.from_outside(ONE, PHONE).route_set[0][5:].partition("@")[0]]):
        ours = f"<sip:{token}@127.0.0.1:5060;lr>" if token else "<sip:127.0.0.1:5060;lr>"
        for method in ("BYE", "INVITE", "ACK"):
            data = request(
                method, ABROAD, branch=f"z9hG4bK-{method}{number}", to_tag=to_tag, call_id="other",
                more=[("Route", ours), ("Route", ONE[0])],
            )  # fmt: skip
            dialogue = play(core).receive(data)
            (dialogue if method == "ACK" else dialogue.sends(403, ABROAD)).sends_nothing()


def test_a_dialog_of_one_trunk_opens_no_way_for_another() -> None:
    dialog = Dialog.from_outside(ONE, PHONE)
    bye = request("BYE", SHADY, branch="z9hG4bK-9", to_tag="callee", more=[("Route", r) for r in dialog.route_set])
    dialog.dialogue.receive(bye, SHADY).sends(403, SHADY).sends_nothing()


def test_a_dialogs_token_begins_nothing_new_behind_the_switch() -> None:
    dialog = Dialog.from_outside(BEYOND, PHONE)
    dialog.sends("INVITE", to_tag="").sends(403, PHONE).sends_nothing()


@pytest.mark.parametrize(
    "uri",
    ["sip:127.0.0.9:5080", "sip:127.0.0.9:5080;lr", "sip:far.example;lr", "sip:x@lab.example", "sip:x@127.0.0.9:5090"],
)
@pytest.mark.parametrize("method", ["INVITE", "MESSAGE", "SUBSCRIBE"])
def test_the_last_route_is_no_way_to_reach_somebody_else(uri: str, method: str) -> None:
    """A switch that finds its Record-Route in the Request-URI takes the last Route for the one that is meant."""
    for flow, other in ((ABROAD, BARRED), (PHONE, BARRED), (PHONE, "+15125550123")):
        dialog = Dialog.from_outside(ONE, flow)
        hidden = [*dialog.route_set, f"<sip:{other}@127.0.0.9:5080;lr>"]
        dialog.sends(method, hidden, uri, to=ALICE).sends(403, flow).sends_nothing()


def test_a_switch_may_write_the_dialled_number_into_its_record_route() -> None:
    dialog = Dialog.from_the_switch([f"<sip:{ALICE}@127.0.0.9:5080;lr>"])
    dialog.sends("INVITE").sends(100, PHONE).sends("INVITE", SWITCH)


def test_two_tokens_of_one_call_id_do_not_make_one_that_nobody_gave() -> None:
    """A switch that keeps the Call-ID: the token of the callee's side is about whom the caller claimed to be."""
    claimed = request("INVITE", CARRIER, to=ALICE).replace(DAUGHTER.encode(), BARRED.encode())
    dialogue = play().receive(claimed, CARRIER).sends(100).sends("INVITE", SWITCH)
    callers = dialogue.forwarded.header("record-route") or ""
    more = [("Record-Route", callers)]
    leg = request("INVITE", SWITCH, uri="sip:a@127.0.0.77:5071", branch="z9hG4bK-2", more=more)
    dialogue.receive(leg.replace(DAUGHTER.encode(), BARRED.encode()), SWITCH).sends(100).sends("INVITE", PHONE)
    callees = dialogue.forwarded.header("record-route") or ""
    for number, routes in enumerate(([callers], [callees], [callers, callees], [callees, callers])):
        again = request(
            "INVITE", CARRIER, to=BARRED, branch=f"z9hG4bK-a{number}", cseq=2, to_tag="callee",
            more=[("Route", route) for route in routes],
        )  # fmt: skip
        dialogue.receive(again, CARRIER).sends(603, CARRIER).sends_nothing()


def test_a_text_through_the_switch_is_for_whom_its_request_uri_names() -> None:
    dialog = Dialog.from_outside(ONE)
    dialog.sends("MESSAGE", to=ALICE).sends("MESSAGE", SWITCH)
    dialog.sends("MESSAGE", uri=f"sip:{BARRED}@127.0.0.9", to=ALICE).sends(403, ABROAD).sends_nothing()


def test_more_routes_than_a_path_has_are_not_worked_through() -> None:
    dialog = Dialog.from_outside(ONE)
    dialog.sends("BYE", [dialog.route_set[0], ",".join(ONE * 2000)]).sends(400, ABROAD).sends_nothing()


@pytest.mark.parametrize(
    ("text", "alias"),
    [
        ("Core.example", ("core.example", None)),
        ("core.example:5090", ("core.example", 5090)),
        ("127.0.0.10:5090", ("127.0.0.10", 5090)),
        ("[2001:DB8::9]:5090", ("2001:db8::9", 5090)),
    ],
)
def test_an_alias_is_a_host_and_maybe_a_port(text: str, alias: tuple[str, None] | tuple[str, int]) -> None:
    assert parse_alias(text) == alias


@pytest.mark.parametrize("text", ["", "sip:core.example", "core.example:0", "core.example:70000", "a b", "::1", "h:"])
def test_nothing_else_is_an_alias(text: str) -> None:
    with pytest.raises(ValueError, match="a host or an address"):
        parse_alias(text)


@pytest.mark.parametrize(
    ("route", "leads"),
    [
        ("sip:core.example;lr", True),
        ("sip:core.example:5099;transport=tcp;lr", True),
        ("sip:10.0.0.9:5090;lr", True),
        ("sip:10.0.0.9;lr", False),
        ("sip:core.example.org;lr", False),
        ("sip:127.0.0.9:5080;lr=on", True),
    ],
)
def test_the_switch_goes_by_its_aliases_too(route: str, leads: bool) -> None:
    routes = SoftswitchRoutes(SWITCH, [parse_alias("core.example"), parse_alias("10.0.0.9:5090")])
    assert routes.leads_there(parse_uri(route)) is leads


@pytest.mark.parametrize(
    ("switch", "route", "leads"),
    [
        (Flow("udp", "127.0.0.9", 5060, 0), "sip:127.0.0.9;lr", True),
        (Flow("tls", "127.0.0.9", 5061, 2), "sip:127.0.0.9;transport=tls;lr", True),
        (Flow("tls", "127.0.0.9", 5061, 2), "sips:127.0.0.9;lr", True),
        (Flow("udp", "127.0.0.9", 5060, 0), "sips:127.0.0.9;lr", False),
        (Flow("udp", "::1", 5080, 0), "sip:[::1]:5080;lr", True),
        (Flow("udp", "2001:db8::9", 5080, 0), "sip:[2001:DB8:0:0::9]:5080;lr", True),
        (Flow("udp", "2001:db8::9", 5080, 0), "sip:[::::]:5080;lr", False),
    ],
)
def test_a_route_without_a_port_has_the_usual_one(switch: Flow, route: str, leads: bool) -> None:
    assert SoftswitchRoutes(switch).leads_there(parse_uri(route)) is leads


def test_a_switch_may_record_route_by_a_domain_that_is_served() -> None:
    core = new_core(domains=frozenset(("lab.example",)), softswitch_aliases=(("lab.example", 5080),))
    routes = ["<sip:lab.example;lr>", "<sip:lab.example:5080;lr>"]
    invite = request("INVITE", PHONE, uri=f"sip:{ALICE}@lab.example", more=[("Route", route) for route in routes])
    forwarded = play(core).receive(invite, PHONE).sends(100).sends("INVITE", SWITCH).forwarded
    assert forwarded.values("route") == routes[1:]
