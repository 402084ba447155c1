"""SIP, SIPS and tel URIs (RFC 3261 19.1, RFC 3966)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.sip.errors import BadUri, SipError, UnsupportedUriScheme
from proxy.sip.uri import ServiceUrn, SipUri, TelUri, parse_uri, unescape


def sip(text: str) -> SipUri:
    uri = parse_uri(text)
    assert isinstance(uri, SipUri)
    return uri


def test_all_parts_of_a_sip_uri() -> None:
    uri = sip("sips:alice:pass%20word@EXAMPLE.com:5061;Transport=TCP;lr?subject=a&to=b")
    assert uri == SipUri(
        "sips", "alice", "pass word", "example.com", 5061, {"transport": "TCP", "lr": None}, "subject=a&to=b"
    )


@pytest.mark.parametrize(
    ("text", "user", "host", "port"),
    [
        ("sip:example.com", None, "example.com", None),
        ("SIP:+8613800138001@[2001:DB8::1]:5080", "+8613800138001", "[2001:db8::1]", 5080),
        ("sip:a;b=c;d@h", "a;b=c;d", "h", None),  # RFC 4475 3.1.1.10: semicolons in the user part
        ("sip:%2B8613800138001@h", "+8613800138001", "h", None),
        ("sip:sip%3Auser%40x@h", "sip:user@x", "h", None),
        ("sip:*21%23@h", "*21#", "h", None),
        ("sip:*21#@h", "*21#", "h", None),  # as some phones dial it
        ("sip:\u00fc@h", "\u00fc", "h", None),
        ("sip:a&=+$,;?/@h", "a&=+$,;?/", "h", None),
    ],
)
def test_user_host_and_port(text: str, user: str | None, host: str, port: int | None) -> None:
    uri = sip(text)
    assert (uri.user, uri.host, uri.port) == (user, host, port)


def test_the_first_of_a_repeated_parameter_counts() -> None:
    assert sip("sip:h;a=1;A=2;b").params == {"a": "1", "b": None}


def test_escapes_that_are_not_utf8_survive() -> None:
    user = sip("sip:%ff%fe@h").user
    assert user is not None
    assert user.encode("utf-8", "surrogateescape") == b"\xff\xfe"


def test_tel_uris_keep_their_separators_and_context() -> None:
    assert parse_uri("tel:+1-555-0100;phone-context=+1") == TelUri("+1-555-0100", {"phone-context": "+1"})
    assert parse_uri("TEL:110;Phone-Context=example.cn") == TelUri("110", {"phone-context": "example.cn"})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "alice",
        "@h",
        ":h",
        "sip:",
        "sip:@",
        "sip:a@",
        "sip:a b@h",
        "sip:h:port",
        "sip:h:65536",
        "sip:h:٣",
        "sip:h:123456",
        "sip:a@b@c",
        "sip:%zz@h",
        "sip:h;=x",
        "sip:h;;lr",
        "sip:[::1",
        "sip:::1",
        "sip:h<",
        "sip:h>",
        "tel:",
        "tel:+1 555",
        "tel:1@h",
        "sip:h\r\nTo: x",
    ],
)
def test_what_is_no_uri_is_refused(text: str) -> None:
    with pytest.raises(BadUri) as caught:
        parse_uri(text)
    assert caught.value.code == 400


def test_emergency_services_go_by_urn() -> None:
    assert parse_uri("urn:service:SOS.fire") == ServiceUrn("sos.fire")


@pytest.mark.parametrize(
    "text",
    [
        "urn:service:counseling",
        "urn:nena:service:sos",
        "urn:service:sos..x",
        "mailto:a@h",
        "http://h/",
        "nobodyKnowsThisScheme:totallyopaquecontent",
        "im:a@h",
    ],
)
def test_other_schemes_get_416(text: str) -> None:
    with pytest.raises(UnsupportedUriScheme) as caught:
        parse_uri(text)
    assert caught.value.code == 416


@given(st.text())
def test_no_text_raises_anything_but_a_sip_error(text: str) -> None:
    for whole in (text, f"sip:{text}", f"sip:a@h;{text}", f"tel:{text}"):
        try:
            parse_uri(whole)
        except SipError:
            continue


@given(st.binary(min_size=1, max_size=20))
def test_any_user_can_be_escaped_and_read_again(user: bytes) -> None:
    escaped = "".join(f"%{byte:02X}" for byte in user)
    assert (sip(f"sip:{escaped}@h").user or "").encode("utf-8", "surrogateescape") == user
    assert unescape(escaped).encode("utf-8", "surrogateescape") == user
