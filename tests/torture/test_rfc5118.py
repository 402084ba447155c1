"""RFC 5118: the torture messages of IPv6, and what a proxy has to do with them."""

from __future__ import annotations

import pytest

from proxy.sip.errors import BadRequest
from proxy.sip.flow import Flow
from proxy.sip.headers import parse_via
from proxy.sip.message import Request, parse
from proxy.sip.uri import SipUri, parse_uri
from tests.plays.torture_lab import MESSAGES, TortureLab, torture_message

SIX = Flow("udp", "2001:db8::9:255", 5060, 2)
WELL_FORMED = (
    "ipv6-good",  # 4.1
    "port-ambiguous",  # 4.3: the port got inside the brackets, which nobody can tell from an address
    "port-unambiguous",  # 4.4
    "via-received-param-with-delim",  # 4.5: brackets around received, against the grammar, must be taken
    "ipv6-in-sdp",  # 4.6
    "mult-ip-in-header",  # 4.7
    "mult-ip-in-sdp",  # 4.8
    "ipv4-mapped-ipv6",  # 4.9
    "ipv6-bug-abnf-3-colons",  # 4.10: what an error in the grammar of RFC 3261 led to must be taken
    "ipv6-correct-abnf-2-colons",  # 4.10
)


def uri_of(name: str) -> SipUri:
    request = parse(torture_message(f"ipv6/{name}"))
    assert isinstance(request, Request)
    uri = parse_uri(request.uri)
    assert isinstance(uri, SipUri)
    return uri


def test_every_message_of_the_rfc_is_here() -> None:
    on_disk = {path.stem for path in (MESSAGES / "ipv6").glob("*.dat")}
    assert on_disk == {*WELL_FORMED, "ipv6-bad", "via-received-param-no-delim"}


@pytest.mark.parametrize("name", WELL_FORMED)
def test_a_proxy_forwards(name: str) -> None:
    lab = TortureLab()
    data = torture_message(f"ipv6/{name}")
    lab.hear(data, SIX)
    assert lab.final_statuses == []
    (forwarded,) = lab.forwarded
    original = parse(data)
    assert isinstance(original, Request)
    assert (forwarded.uri, forwarded.body) == (original.uri, original.body)
    assert lab.still_answers()


def test_an_options_for_the_proxy_itself_is_answered_although_received_has_no_brackets() -> None:
    lab = TortureLab()
    lab.hear(torture_message("ipv6/via-received-param-no-delim"), SIX)
    assert lab.final_statuses == [200]


def test_an_address_without_brackets_is_refused() -> None:
    lab = TortureLab()
    lab.hear(torture_message("ipv6/ipv6-bad"), SIX)
    assert lab.final_statuses == [400]
    with pytest.raises(BadRequest):
        uri_of("ipv6-bad")


def test_a_port_stands_outside_the_brackets_or_is_none() -> None:
    assert (uri_of("ipv6-good").host, uri_of("ipv6-good").port) == ("[2001:db8::10]", None)
    assert (uri_of("port-ambiguous").host, uri_of("port-ambiguous").port) == ("[2001:db8::10:5070]", None)
    assert (uri_of("port-unambiguous").host, uri_of("port-unambiguous").port) == ("[2001:db8::10]", 5070)


@pytest.mark.parametrize(
    ("name", "received"),
    [
        ("via-received-param-with-delim", "[2001:db8::9:255]"),
        ("via-received-param-no-delim", "2001:db8::9:255"),
    ],
)
def test_received_is_read_with_and_without_brackets(name: str, received: str) -> None:
    via = parse(torture_message(f"ipv6/{name}")).via
    assert (via.host, via.params["received"]) == ("[2001:db8::9:1]", received)


def test_vias_may_mix_address_families() -> None:
    vias = [parse_via(value) for value in parse(torture_message("ipv6/mult-ip-in-header")).values("via")]
    assert [(via.host, via.port) for via in vias] == [
        ("[2001:db8::9:1]", 6050),
        ("192.0.2.1", None),
        ("[2001:db8::9:255]", None),
    ]
