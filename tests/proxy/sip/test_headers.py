"""Header values: addresses, Via, CSeq, lists, quoting, and how long the worst of them take."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from math import inf
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.sip.errors import BadRequest, SipError
from proxy.sip.headers import (
    NameAddr,
    Via,
    canonical_name,
    is_token,
    parse_cseq,
    parse_header_params,
    parse_name_addr,
    parse_via,
    quote,
    split_values,
    unquote,
)
from proxy.sip.message import parse
from proxy.sip.uri import parse_uri

# --- addresses


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<sip:a@h>", NameAddr("", "sip:a@h", {})),
        ("sip:a@h", NameAddr("", "sip:a@h", {})),
        ("sip:a@h;tag=1", NameAddr("", "sip:a@h", {"tag": "1"})),  # 20.10: the parameter is the header's
        ("<sip:a@h;user=phone>;tag=1", NameAddr("", "sip:a@h;user=phone", {"tag": "1"})),
        ('"A. G. Bell" <sip:a@h> ; Tag = 1', NameAddr("A. G. Bell", "sip:a@h", {"tag": "1"})),
        ("Bell Telephone   <sip:a@h>", NameAddr("Bell Telephone", "sip:a@h", {})),
        ('"say \\"hi\\" \\\\ <sip:b@h>"<sip:a@h>', NameAddr('say "hi" \\ <sip:b@h>', "sip:a@h", {})),
        ('""<sip:a@h>', NameAddr("", "sip:a@h", {})),
        ("\u5f20\u4e09 <tel:110;phone-context=+86>", NameAddr("\u5f20\u4e09", "tel:110;phone-context=+86", {})),
        ("<sip:a,b;x@h?y=z>", NameAddr("", "sip:a,b;x@h?y=z", {})),
        ('<sip:a@h>;x="a;b,\\"";y;z=[::1]', NameAddr("", "sip:a@h", {"x": 'a;b,"', "y": None, "z": "[::1]"})),
    ],
)
def test_addresses(text: str, expected: NameAddr) -> None:
    assert parse_name_addr(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<",
        "<sip:a@h",
        "sip:a@h>",
        '"open <sip:a@h>',
        '"a"b" <sip:a@h>',
        "<sip:a@h> junk",
        "<sip:a@h>;=1",
        "<sip:a@h>;;",
        "nobody",
        "<sip:a@h><sip:b@h>",
        "sip:a@h,sip:b@h",
        '"name" sip:a@h',
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        parse_name_addr(text)


# --- Via


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SIP/2.0/UDP h:5070;branch=z9hG4bK1", Via("UDP", "h", 5070, {"branch": "z9hG4bK1"})),
        (
            " sip / 2.0 / tcp  [2001:db8::1] : 5061 ;rport;Branch=x",
            Via("TCP", "[2001:db8::1]", 5061, {"rport": None, "branch": "x"}),
        ),
        ("SIP/2.0/SCTP 192.0.2.1;received=192.0.2.2", Via("SCTP", "192.0.2.1", None, {"received": "192.0.2.2"})),
        ("SIP/2.0/UDP first;branch=1, SIP/2.0/UDP second", Via("UDP", "first", None, {"branch": "1"})),
        ("SIP/2.0/TLS h;received=[::1];ttl=16", Via("TLS", "h", None, {"received": "[::1]", "ttl": "16"})),
    ],
)
def test_vias(text: str, expected: Via) -> None:
    assert parse_via(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SIP/2.0/UDP",
        "SIP/2.0 UDP h",
        "SIP/3.0/UDP h",
        "SIP/2.0/UDP h:99999",
        "SIP/2.0/UDP h:x",
        "SIP/2.0/UDP h junk",
        "SIP/2.0/UDPh",
        "SIP/2.0/UDP h;;",
        "SIP/2.0/UDP <h>",
        "SIP/2.0/UDP [::1",
    ],
)
def test_what_is_no_via_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        parse_via(text)


# --- CSeq, names, parameters, lists


def test_cseq() -> None:
    assert (parse_cseq("0009 \t INVITE").number, parse_cseq("1 invite").method) == (9, "invite")
    assert parse_cseq("2147483647 BYE").number == 2**31 - 1


@pytest.mark.parametrize(
    "text",
    ["", "1", "INVITE", "INVITE 1", "-1 BYE", "2147483648 BYE", "99999999999 BYE", "1 BYE x", "1.0 BYE", "٣ BYE"],
)
def test_what_is_no_cseq_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        parse_cseq(text)


@pytest.mark.parametrize(
    ("line", "name"), [("X-My: 1", "x-my"), ("v : 1", "via"), ("CSEQ:1", "cseq"), ("cseQ: 1", "cseq")]
)
def test_names_have_one_form(line: str, name: str) -> None:
    assert canonical_name(line) == name


@pytest.mark.parametrize("line", ["", ":", "a b: c", "a", " a: b", "a\x0b: b"])
def test_a_line_without_a_name_is_refused(line: str) -> None:
    with pytest.raises(BadRequest):
        canonical_name(line)


def test_parameters_keep_the_first_of_a_name_and_lose_their_quotes() -> None:
    assert parse_header_params(';A=1;a=2;b="x\\";";c') == {"a": "1", "b": 'x";', "c": None}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a", ["a"]),
        ("a , b,c", ["a", "b", "c"]),
        (",a,,b,", ["a", "b"]),
        ('"a,b" <sip:c,d@h>;x="," , e', ['"a,b" <sip:c,d@h>;x=","', "e"]),
        ('"\\",", b', ['"\\","', "b"]),
        ('<sip:a"b@h>,"c<d",e', ['<sip:a"b@h>', '"c<d"', "e"]),
        ('"open, b', ['"open, b']),
    ],
)
def test_lists_are_split_at_their_own_commas(text: str, values: list[str]) -> None:
    assert split_values(text) == values


def test_tokens() -> None:
    assert is_token("INVITE-x.!%*_+`'~9")
    assert not any(map(is_token, ("", "a b", "a@b", "ü", "a\r\n")))


# --- properties


@given(st.text(st.characters(min_codepoint=32, exclude_characters="\x7f", exclude_categories=["Cs"])))
def test_any_text_can_be_quoted_and_read_again(text: str) -> None:
    assert unquote(quote(text)) == text
    assert parse_name_addr(f"{quote(text)} <sip:a@h>").display_name == text
    assert split_values(f"{quote(text)} <sip:a@h>, <sip:b@h>") == [f"{quote(text)} <sip:a@h>", "<sip:b@h>"]


@given(st.text())
def test_a_quoted_text_never_breaks_the_line(text: str) -> None:
    assert not set("\r\n\x00") & set(quote(text))


@given(st.text())
def test_no_text_raises_anything_but_a_sip_error(text: str) -> None:
    for read in (parse_name_addr, parse_via, parse_cseq, parse_header_params, canonical_name, split_values):
        for whole in (text, f"<sip:a@h>;{text}", f"SIP/2.0/UDP h;{text}", f'"{text}'):
            try:
                read(whole)
            except SipError:
                continue


# --- no pile costs more than its length

# Signs that grammars turn on, one pile a word (blanks are spelt _ and tabs |).
PILES = [
    sign.replace("_", " ").replace("|", "\t")
    for sign in r'" < , ; \ "\ <> "< ;a ;a= ;a=" > a a, ", %41 [ ;a="b" @ : _ _; :_ | '.split(" ")[:-1]  # noqa: SIM905
]
READERS: dict[str, Callable[[str], object]] = {
    "name-addr": parse_name_addr,
    "address in brackets": lambda pile: parse_name_addr(f"<sip:a@h>{pile}"),
    "display name": lambda pile: parse_name_addr(f"{pile}<sip:a@h>"),
    "Via": lambda pile: parse_via(f"SIP/2.0/UDP h{pile}"),
    "Via from the start": lambda pile: parse_via(f"SIP{pile}"),
    "CSeq": lambda pile: parse_cseq(f"1{pile}"),
    "list": split_values,
    "parameters": lambda pile: parse_header_params(f";a=1{pile}"),
    "quoted string": lambda pile: unquote(f'"{pile}"'),
    "sip URI": lambda pile: parse_uri(f"sip:{pile}"),
    "sip URI with a host": lambda pile: parse_uri(f"sip:a@h{pile}"),
    "tel URI": lambda pile: parse_uri(f"tel:1{pile}"),
    "header value": lambda pile: parse(f"OPTIONS sip:h SIP/2.0\r\nA: {pile}\r\n\r\n".encode()).header("a"),
    "header name": lambda pile: parse(f"OPTIONS sip:h SIP/2.0\r\n{pile}: a\r\n\r\n".encode()),
    "request line": lambda pile: parse(f"OPTIONS {pile} SIP/2.0\r\n\r\n".encode()),
}


QUICK = 0.03  # CPU seconds


def cost(read: Callable[[str], object], text: str, enough: float = 0.0) -> float:
    """The least CPU seconds of three, or those of the first that takes no more than enough."""
    least = inf
    for _ in range(3):
        started = process_time()
        with suppress(SipError):
            read(text)
        least = min(least, process_time() - started)
        if least <= enough:
            break
    return least


@pytest.mark.parametrize("reader", READERS)
def test_no_pile_of_signs_costs_more_than_its_length(reader: str) -> None:
    """Four times the length may take up to ten times as long, not sixteen; what is quick anyhow is not measured."""
    read = READERS[reader]
    slow = []
    for sign in PILES:
        long = cost(read, sign * (65536 // len(sign)), QUICK)
        if long > QUICK and long > 10 * cost(read, sign * (16384 // len(sign))):
            slow.append((sign, long))
    assert slow == []
