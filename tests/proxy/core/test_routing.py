"""The way of requests: always to the switch from outside, and outward only along our own tokens or to a trunk.

RFC 3261 16.4 and 16.6, RFC 3327 (Path), RFC 5626 (flow tokens)."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.core.flow_tokens import FlowTokens
from proxy.core.proxy_core import ProxyCore
from proxy.sip.flow import Flow
from tests.plays.dialogue import (
    ABROAD,
    ALICE,
    INVITE,
    PHONE,
    SHADY,
    STRANGER,
    SWITCH,
    TCP_PHONE,
    TLS_PHONE,
    new_core,
    play,
    request,
)
from tests.plays.established import established, routes

OTHER_TRUNK_HOST = Flow("udp", "127.0.1.200", 5090, 0)


def test_a_request_in_the_dialog_goes_to_the_switch_and_loses_our_route() -> None:
    dialogue = established()
    route = routes(dialogue)[0]
    bye = request("BYE", branch="z9hG4bK-2", to_tag="callee", uri="sip:callee@127.0.0.9:5080", more=[("Route", route)])
    dialogue.receive(bye).sends("BYE", SWITCH)
    assert dialogue.forwarded.uri == "sip:callee@127.0.0.9:5080"
    assert dialogue.forwarded.headers("route") == []


@pytest.mark.parametrize("flow", [ABROAD, TCP_PHONE])
def test_both_our_routes_are_taken_in_one_line_or_in_two(flow: Flow) -> None:
    core = new_core()
    route = routes(established(core, flow))[::-1]
    for number, lines in enumerate((route, [", ".join(route)])):
        bye = request(
            "BYE", flow, branch=f"z9hG4bK-b{number}", to_tag="callee", more=[("Route", line) for line in lines]
        )
        assert play(core).receive(bye, flow).sends("BYE", SWITCH).forwarded.headers("route") == []


def test_an_ack_in_the_dialog_is_sent_on_without_state() -> None:
    dialogue = established()
    ack = request("ACK", branch="z9hG4bK-2", to_tag="callee", more=[("Route", routes(dialogue)[0])])
    before = dialogue.core.transactions
    first = dialogue.receive(ack).sends("ACK", SWITCH).forwarded
    again = dialogue.receive(ack).sends("ACK", SWITCH).forwarded
    assert first.via.branch == again.via.branch  # so that the switch knows it again (16.11)
    assert dialogue.core.transactions == before


def test_a_request_from_the_switch_goes_back_along_the_token() -> None:
    dialogue = established(flow=TCP_PHONE)
    bye = request(
        "BYE", SWITCH, uri="sip:daughter@10.1.1.1:5060", to_tag="from", more=[("Route", r) for r in routes(dialogue)]
    )
    dialogue.receive(bye, SWITCH).sends("BYE", TCP_PHONE)
    assert dialogue.forwarded.headers("route") == []
    assert dialogue.forwarded.uri == "sip:daughter@10.1.1.1:5060"


@pytest.mark.parametrize(
    ("contact", "target"),
    [
        ("sip:daughter@127.0.1.200:5090", OTHER_TRUNK_HOST),  # the trunk's media gateway, say
        ("sip:daughter@127.0.1.200:5090;transport=UDP", OTHER_TRUNK_HOST),
        ("sip:daughter@192.0.2.1", ABROAD),  # behind a NAT, or an attempt to aim us
        ("sip:daughter@999.1.2.3", ABROAD),
        ("sip:daughter@[::ffff]", ABROAD),
        ("sip:daughter@[:::]", ABROAD),
        ("sip:daughter@gateway.example", ABROAD),
        ("sip:daughter@127.0.1.200;transport=sctp", ABROAD),
        ("tel:+6591234567", ABROAD),
    ],
)
def test_over_udp_the_contact_counts_where_it_is_a_trunks(contact: str, target: Flow) -> None:
    dialogue = established()
    bye = request("BYE", SWITCH, uri=contact, to_tag="from", more=[("Route", routes(dialogue)[0])])
    dialogue.receive(bye, SWITCH).sends("BYE", target)


def test_the_switch_may_call_a_trunk_without_a_route() -> None:
    play().receive(request("INVITE", SWITCH, uri="sip:+6591234567@127.0.1.1:5070"), SWITCH).sends(100, SWITCH).sends(
        "INVITE", ABROAD
    )


@pytest.mark.parametrize(
    ("route", "status"),
    [("<sip:127.0.1.1:5070;lr>", "INVITE"), ("<sip:192.0.2.1;lr>", 403), ("<sip:edge.example;lr>", 403), (",", 400)],
)
def test_a_route_of_the_switchs_own_is_followed_to_a_trunk_and_nowhere_else(route: str, status: int | str) -> None:
    outward = request("INVITE", SWITCH, uri="sip:+6591234567@far.example", more=[("Route", route)])
    dialogue = play().receive(outward, SWITCH)
    if status == "INVITE":
        dialogue.sends(100, SWITCH)
    dialogue.sends(status, ABROAD if status == "INVITE" else SWITCH).sends_nothing()


@pytest.mark.parametrize(
    "host", ["192.0.2.1", "example.com", "999.1.1.1", "127.0.0.9:5080", "[::1]", "[::::]", "192.0.2.1;maddr=127.0.1.1"]
)
def test_nobody_is_called_who_is_on_no_trunk(host: str) -> None:
    play().receive(request("INVITE", SWITCH, uri=f"sip:a@{host}"), SWITCH).sends(403, SWITCH).sends_nothing()


def test_a_strict_routers_work_is_undone() -> None:
    dialogue = established()
    ours = routes(dialogue)[0].strip("<>")
    info = request(
        "INFO", branch="z9hG4bK-2", uri=ours, to_tag="callee", more=[("Route", "<sip:callee@127.0.0.9:5080>")]
    )
    dialogue.receive(info).sends("INFO", SWITCH)
    assert dialogue.forwarded.uri == "sip:callee@127.0.0.9:5080"
    assert dialogue.forwarded.headers("route") == []


def test_the_uri_that_a_strict_router_hid_is_checked_as_well() -> None:
    core = new_core(domains=frozenset(("127.0.0.1",)))
    for target, status in (
        ("<sip:a@elsewhere.example>", 403),
        ("<sip:>", 400),
        ("<mailto:a@h>", 416),
        ("nothing", 400),
    ):
        hidden = request(
            "INFO", branch=f"z9hG4bK-{status}{len(target)}", uri="sip:x~y@127.0.0.1:5060", more=[("Route", target)]
        )
        play(core).receive(hidden).sends(status, ABROAD).sends_nothing()


@pytest.mark.parametrize("flow", [ABROAD, SHADY, PHONE, TCP_PHONE])
@pytest.mark.parametrize("route", ["<sip:192.0.2.1;lr>", "<sip:127.0.0.1:5060;lr>,<sip:192.0.2.1;lr>"])
@pytest.mark.parametrize("method", ["INVITE", "MESSAGE", "OPTIONS", "REGISTER", "NEWFANGLED"])
def test_a_route_past_us_is_refused(flow: Flow, route: str, method: str) -> None:
    play().receive(request(method, flow, more=[("Route", route)]), flow).sends(403, flow).sends_nothing()


def test_a_route_past_us_is_refused_in_a_dialog_too() -> None:
    dialogue = established()
    more = [("Route", routes(dialogue)[0]), ("Route", "<sip:192.0.2.1;lr>")]
    dialogue.receive(request("BYE", branch="z9hG4bK-2", to_tag="callee", more=more)).sends(403, ABROAD)
    dialogue.receive(request("ACK", branch="z9hG4bK-3", to_tag="callee", more=more)).sends_nothing()


@pytest.mark.parametrize(
    "uri", ["sip:a@192.0.2.1", "sip:a@192.0.2.1;maddr=192.0.2.2", "sip:a@127.0.1.200:5090", "tel:+15550100"]
)
@pytest.mark.parametrize("flow", [ABROAD, PHONE])
def test_whatever_is_dialled_from_outside_goes_to_the_switch(uri: str, flow: Flow) -> None:
    play().receive(request("INVITE", flow, uri=uri), flow).sends(100).sends("INVITE", SWITCH).sends_nothing()


def test_a_domain_not_served_is_refused_even_with_a_to_tag() -> None:
    core = new_core(domains=frozenset(("example.com",)))
    foreign: dict[str, Any] = {"uri": "sip:+8613800138001@elsewhere.example"}
    play(core).receive(request("INVITE", branch="z9hG4bK-1", **foreign)).sends(403, ABROAD)
    play(core).receive(request("INVITE", branch="z9hG4bK-2", to_tag="made-up", **foreign)).sends(403, ABROAD)
    play(core).receive(request("INVITE", branch="z9hG4bK-3", uri="sip:+8613800138001@example.com")).sends(100).sends(
        "INVITE"
    )


@pytest.mark.parametrize("uri", ["sip:+8613800138001@lab.example", "tel:+8613800138001"])
@pytest.mark.parametrize("flow", [ABROAD, PHONE, TCP_PHONE])
def test_where_all_domains_are_served_a_preloaded_route_may_name_the_one_at_hand(flow: Flow, uri: str) -> None:
    data = request("INVITE", flow, uri=uri, more=[("Route", "<sip:Lab.example;transport=tcp;lr>")])
    data = data.replace(b"sip:+8613800138001@127.0.0.1>", b"sip:+8613800138001@lab.example>")  # To
    forwarded = play().receive(data, flow).sends(100).sends("INVITE", SWITCH).forwarded
    assert forwarded.headers("route") == []


@pytest.mark.parametrize(
    "route", ["<sip:other.example;lr>", "<sip:lab.example;lr>,<sip:other.example;lr>", "<sip:192.0.2.1;lr>"]
)
def test_no_other_domain_is_ours_where_all_are_served(route: str) -> None:
    data = request("INVITE", uri=f"sip:{ALICE}@lab.example", more=[("Route", route)])
    play().receive(data).sends(403, ABROAD).sends_nothing()


def test_many_own_routes_are_not_worked_through() -> None:
    many = request("INVITE", more=[("Route", ",".join(["<sip:127.0.0.1:5060;lr>"] * 2000))])
    play().receive(many).sends(400, ABROAD).sends_nothing()


@pytest.mark.parametrize(
    "uri", ["sip:127.0.0.1;transport=TCP", "sip:127.0.0.1;transport=sctp", "sip:127.0.0.1:5060;x", "sips:127.0.0.1"]
)
def test_our_address_is_known_however_it_is_written(uri: str) -> None:
    play().receive(request("INVITE", more=[("Route", f"<{uri};lr>")])).sends(100).sends("INVITE", SWITCH)


@pytest.mark.parametrize("flow", [ABROAD, TCP_PHONE])
def test_sips_comes_over_tls_only(flow: Flow) -> None:
    play().receive(request("INVITE", flow, uri=f"SIPS:{ALICE}@127.0.0.1"), flow).sends(416, flow).sends_nothing()


def test_a_dialog_that_begins_with_sips_stays_on_tls() -> None:
    dialogue = play().receive(request("INVITE", TLS_PHONE, uri=f"sips:{ALICE}@127.0.0.1"), TLS_PHONE).sends(100)
    towards_switch, towards_phone = dialogue.sends("INVITE", SWITCH).forwarded.headers("record-route")
    assert (towards_switch[:5], towards_phone[:6]) == ("<sip:", "<sips:")
    assert "@127.0.0.1:5061;" in towards_phone
    dialogue.answer(200).sends(200, TLS_PHONE)
    routes = [("Route", towards_phone), ("Route", towards_switch)]
    bye = request("BYE", TLS_PHONE, uri="sip:a@127.0.0.9:5080", branch="z9hG4bK-2", cseq=2, to_tag="t", more=routes)
    assert "route" not in dialogue.receive(bye, TLS_PHONE).sends("BYE", SWITCH).forwarded.names


def test_a_phone_that_registered_with_sips_is_called_over_its_connection() -> None:
    core = new_core()
    path = registered(core, TLS_PHONE)
    call = request("INVITE", SWITCH, uri="sips:alice@127.0.0.79:5061", more=[("Route", path)])
    outward = play(core).receive(call, SWITCH).sends(100).sends("INVITE", TLS_PHONE)
    assert [value[:5] for value in outward.forwarded.headers("record-route")] == ["<sips", "<sip:"]
    over_udp = [("Route", registered(new_core(), PHONE))]
    call = request("INVITE", SWITCH, uri="sips:alice@127.0.0.77", branch="z9hG4bK-2", call_id="2", more=over_udp)
    play(core).receive(call, SWITCH).sends(416, SWITCH)


def registered(core: ProxyCore, flow: Flow) -> str:
    return (
        play(core)
        .receive(request("REGISTER", flow, uri="sip:127.0.0.1"), flow)
        .sends("REGISTER", SWITCH)
        .forwarded.headers("path")[0]
    )


def test_a_registration_carries_a_path_and_says_so() -> None:
    forwarded = play().receive(request("REGISTER", PHONE), PHONE).sends("REGISTER", SWITCH).forwarded
    assert forwarded.headers("path")[0].endswith("@127.0.0.1:5060;lr>")
    assert "path" in forwarded.values("supported")


def test_path_is_announced_once() -> None:
    data = request("REGISTER", PHONE, more=[("k", "gruu, Path"), ("Path", "<sip:edge;lr>")])
    forwarded = play().receive(data, PHONE).sends("REGISTER").forwarded
    assert forwarded.headers("supported") == ["gruu, Path"]
    assert forwarded.headers("path")[1:] == ["<sip:edge;lr>"]


@pytest.mark.parametrize("flow", [ABROAD, SHADY])
def test_a_trunk_cannot_register(flow: Flow) -> None:
    play().receive(request("REGISTER", flow), flow).sends(403, flow).sends_nothing()


@pytest.mark.parametrize(("supported", "sent"), [
    ([], ["path"]), (["x-pathology, outbound"], ["path", "x-pathology, outbound"]), (["gruu, Path"], ["gruu, Path"]),
])  # fmt: skip
def test_the_registrar_is_told_that_the_path_will_be_kept_to(supported: list[str], sent: list[str]) -> None:
    data = request("REGISTER", PHONE, more=[("Supported", value) for value in supported])
    assert play().receive(data, PHONE).sends("REGISTER").forwarded.headers("supported") == sent


@pytest.mark.parametrize("flow", [PHONE, TCP_PHONE])
def test_a_call_comes_back_over_the_flow_of_the_registration(flow: Flow) -> None:
    core = new_core()
    call = request("INVITE", SWITCH, uri="sip:alice@10.0.0.1:5060", more=[("Route", registered(core, flow))])
    back = play(core).receive(call, SWITCH).sends(100, SWITCH).sends("INVITE", flow)
    assert back.forwarded.headers("route") == []
    back.answer(180, flow).sends(180, SWITCH).answer(200, flow).sends(200, SWITCH)


def test_a_registered_flow_goes_before_the_address_in_the_uri() -> None:
    core = new_core()
    call = request("INVITE", SWITCH, uri="sip:alice@127.0.0.100:5060", more=[("Route", registered(new_core(), PHONE))])
    play(core).receive(call, SWITCH).sends(100, SWITCH).sends("INVITE", PHONE)


@pytest.mark.parametrize(
    "change", [("udp.0", "tcp.1"), ("5071", "5072"), ("127.0.0.77", "127.0.0.78"), ("~", "~0"), ("~", "")]
)
def test_a_forged_token_leads_nowhere(change: tuple[str, str]) -> None:
    core = new_core()
    route = registered(core, PHONE)
    assert change[0] in route
    forged = request("INVITE", SWITCH, uri="sip:alice@192.0.2.1", more=[("Route", route.replace(*change))])
    play(core).receive(forged, SWITCH).sends(403, SWITCH).sends_nothing()


def test_a_token_of_another_proxy_leads_nowhere() -> None:
    foreign = FlowTokens(b"another secret..").make(Flow("udp", STRANGER.host, 5060, 0))
    call = request("INVITE", SWITCH, uri="sip:alice@192.0.2.1", more=[("Route", f"<sip:{foreign}@127.0.0.1:5060;lr>")])
    play().receive(call, SWITCH).sends(403, SWITCH).sends_nothing()


@pytest.mark.parametrize("flow", [PHONE, ABROAD, TCP_PHONE, Flow("tls", "2001:db8::7", 5061, 2)])
def test_a_token_names_its_flow_and_only_for_its_call(flow: Flow) -> None:
    tokens = FlowTokens(b"0123456789abcdef")
    assert tokens.read(tokens.make(flow)) == flow
    assert tokens.read(tokens.make(flow, "call"), "call") == flow
    assert tokens.read(tokens.make(flow, "call"), "other") is None
    assert tokens.read(tokens.make(flow, "call")) is None
    assert tokens.read(tokens.make(flow), "call") is None


@pytest.mark.parametrize("text", ["", "~", "a~b", "udp.0~", "~" * 50, "udp.0.1.h~\xff", "udp.0.1.h~\udcff", "alice"])
def test_other_texts_are_no_token(text: str) -> None:
    assert FlowTokens(b"0123456789abcdef").read(text, "call") is None


def test_long_call_ids_and_tokens_fill_no_memory() -> None:
    tokens = FlowTokens(b"0123456789abcdef")
    call_id = "c" * 30_000
    token = tokens.make(PHONE, call_id, "n" * 30_000)
    assert tokens.read(token, call_id) == PHONE
    assert tokens.is_about(token, "n" * 30_000)
    assert tokens.read("t" * 30_000 + "~0", "call") is None
    assert len(tokens._genuine) == 0
    assert tokens.read(tokens.make(PHONE, "call"), "call") == PHONE
    assert len(tokens._genuine) == 1


def test_outside_callers_gain_nothing_from_a_phones_token() -> None:
    core = new_core()
    call = request("INVITE", ABROAD, more=[("Route", registered(new_core(), PHONE))])
    play(core).receive(call).sends(100, ABROAD).sends("INVITE", SWITCH)


def test_the_switch_over_tcp_is_known_from_any_port() -> None:
    connection = Flow("tcp", SWITCH.host, 43210, 1)
    call = request("INVITE", connection, uri=f"sip:{ALICE}@127.0.1.1:5070")
    play().receive(call, connection).sends(100, connection).sends("INVITE", ABROAD)


def test_the_same_address_from_another_udp_port_is_a_stranger() -> None:
    imposter = SWITCH._replace(port=5999)
    play().receive(request("INVITE", imposter), imposter).sends(403, imposter)


def test_a_route_that_names_a_domain_of_ours_is_taken_off() -> None:
    core = new_core(domains=frozenset(("lab.example",)))
    invite = request("INVITE", uri=f"sip:{ALICE}@lab.example", more=[("Route", "<sip:Lab.example;lr>")])
    forwarded = play(core).receive(invite).sends(100).sends("INVITE", SWITCH).forwarded
    assert forwarded.headers("route") == []
    foreign = request("INVITE", branch="z9hG4bK-2", call_id="2", more=[("Route", "<sip:other.example;lr>")])
    play(core).receive(foreign).sends(403)


def test_a_strict_router_finds_itself_in_the_request_uri() -> None:
    dialogue = play().receive(INVITE).sends(100).sends("INVITE")
    ours = routes(dialogue)[0]
    more = [("Route", ours), ("Route", "<sip:127.0.1.1:5070>"), ("Route", "<sip:far.example;lr>")]
    bye = request("BYE", SWITCH, uri="sip:daughter@10.1.1.1:5060", to_tag="from", more=more)
    forwarded = dialogue.receive(bye, SWITCH).sends("BYE", ABROAD).forwarded
    assert forwarded.uri == "sip:127.0.1.1:5070"
    assert forwarded.values("route") == ["<sip:far.example;lr>", "<sip:daughter@10.1.1.1:5060>"]
