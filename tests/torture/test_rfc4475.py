"""RFC 4475: what a proxy has to do with each torture message.

Where the RFC leaves a choice, the table says which one this proxy made and why; the tests accept exactly that one.
A proxy forwards what is none of its business: unknown methods and bodies, and faults in headers that it never reads.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from _pytest.mark import ParameterSet

from proxy.sip.errors import SipError, Unanswerable
from proxy.sip.headers import parse_name_addr, parse_via
from proxy.sip.message import Message, Request, Response, parse
from proxy.sip.stream import Framer
from proxy.sip.uri import SipUri, parse_uri
from tests.plays.torture_lab import MESSAGES, SWITCH, TortureLab, torture_message

FORWARD, DISCARD = "forward", "discard"


@dataclass(frozen=True)
class Case:
    """One message: section, name, what the proxy does (a status is what it answers), and why."""

    section: str
    name: str
    outcome: str | int
    why: str


CASES = (
    Case("3.1.1.1", "wsinv", FORWARD, "well-formed, folded all over; its Route is ours"),
    Case("3.1.1.2", "intmeth", FORWARD, "well-formed; proxies forward methods that they do not know"),
    Case("3.1.1.3", "esc01", FORWARD, "well-formed; the escapes must not be undone on the way"),
    Case("3.1.1.4", "escnull", FORWARD, "well-formed"),
    Case("3.1.1.5", "esc02", FORWARD, "well-formed; neither the method nor a header name is escaped"),
    Case("3.1.1.6", "lwsdisp", FORWARD, "well-formed"),
    Case("3.1.1.7", "longreq", FORWARD, "well-formed"),
    Case("3.1.1.8", "dblreq", FORWARD, "well-formed REGISTER; the octets after it are ignored"),
    Case("3.1.1.9", "semiuri", FORWARD, "well-formed; semicolon and escaped @ are in the user part"),
    Case("3.1.1.10", "transports", FORWARD, "well-formed; only the topmost Via matters"),
    Case("3.1.1.11", "mpart01", FORWARD, "well-formed; the binary body passes untouched; its Route is ours"),
    Case("3.1.1.12", "unreason", DISCARD, "well-formed response, but to no request of ours"),
    Case("3.1.1.13", "noreason", DISCARD, "well-formed response, but to no request of ours"),
    Case("3.1.2.1", "badinv01", 400, "malformed Via; answered to the address it came from"),
    Case("3.1.2.2", "clerr", 400, "body shorter than Content-Length in a datagram"),
    Case("3.1.2.3", "ncl", 400, "negative Content-Length"),
    Case("3.1.2.4", "scalar02", 400, "CSeq number over 2**31 (its Max-Forwards over 255 alone would do)"),
    Case("3.1.2.5", "scalarlg", DISCARD, "response with a CSeq that nobody can have sent"),
    Case("3.1.2.6", "quotbal", 400, "unterminated quote in To; we do not guess where it was meant to end"),
    Case("3.1.2.7", "ltgtruri", 400, "angle brackets around the Request-URI"),
    Case("3.1.2.8", "lwsruri", 400, "white space in the Request-URI; choice: reject"),
    Case("3.1.2.9", "lwsstart", 400, "several spaces in the Request-Line; choice: reject"),
    Case("3.1.2.10", "trws", 400, "spaces at the end of the Request-Line; choice: reject"),
    Case("3.1.2.11", "escruri", 400, "headers in the Request-URI; choice: reject, so that none can be smuggled in"),
    Case("3.1.2.12", "baddate", FORWARD, "time zone in Date; choice: a proxy does not read Date"),
    Case("3.1.2.13", "regbadct", FORWARD, "Contact without brackets; choice: left to the registrar, who reads it"),
    Case("3.1.2.14", "badaspec", FORWARD, "spaces around the URI in To; choice: tolerated and left as they are"),
    Case("3.1.2.15", "baddn", FORWARD, "comma in a bare display name; choice: From and To hold one value anyway"),
    Case("3.1.2.16", "badvers", 505, "SIP/7.0"),
    Case("3.1.2.17", "mismatch01", 400, "method OPTIONS, CSeq INVITE"),
    Case("3.1.2.18", "mismatch02", 501, "unknown method and a CSeq of another: 501 is what the RFC prefers"),
    Case("3.1.2.19", "bigcode", DISCARD, "status code over 699"),
    Case("3.2.1", "badbranch", FORWARD, "empty branch; choice: matched the way of RFC 2543"),
    Case("3.3.1", "insuf", 400, "Call-ID, From and To are missing"),
    Case("3.3.2", "unkscm", 416, "unknown scheme in the Request-URI"),
    Case("3.3.3", "novelsc", 416, "known, but not one that SIP can be sent to"),
    Case("3.3.4", "unksm2", FORWARD, "schemes in From, To and Contact are the registrar's business"),
    Case("3.3.5", "bext01", 420, "Proxy-Require names what we do not support; Require is for the UAS"),
    Case("3.3.6", "invut", FORWARD, "the body is the UAS's business"),
    Case("3.3.7", "regaut01", FORWARD, "the credentials are the registrar's business"),
    Case("3.3.8", "multi01", 400, "several values where one is allowed"),
    Case("3.3.9", "mcl01", 400, "two Content-Lengths that differ"),
    Case(
        "3.3.10", "bcast", DISCARD, "response with a Via of another element on top; never sent to its broadcast address"
    ),
    Case("3.3.11", "zeromf", 483, "Max-Forwards 0"),
    Case("3.3.12", "cparam01", FORWARD, "a header parameter, not one of the URI: the registrar's business"),
    Case("3.3.13", "cparam02", FORWARD, "a URI parameter: the registrar's business"),
    Case("3.3.14", "regescrt", FORWARD, "an escaped Route in a Contact: the registrar's business"),
    Case("3.3.15", "sdp01", FORWARD, "what the caller accepts is the UAS's business"),
    Case("3.4.1", "inv2543", FORWARD, "RFC 2543: no branch, no From tag, no Max-Forwards"),
)
_OUR_HEADERS = {"via", "max-forwards", "max-breadth", "route", "record-route", "path", "supported"}


def by_outcome(outcome: str | type[int]) -> list[ParameterSet]:
    wanted = [case for case in CASES if outcome in (case.outcome, type(case.outcome))]
    return [pytest.param(case, id=case.name) for case in wanted]


def lines_not_ours(message: Message) -> list[str]:
    return [line for line, name in zip(message.lines, message.names, strict=True) if name not in _OUR_HEADERS]


def test_every_message_of_the_rfc_is_here() -> None:
    on_disk = {path.stem for path in MESSAGES.glob("*.dat")}
    assert {case.name for case in CASES} == on_disk
    assert len(CASES) == 49


# --- through a proxy


@pytest.mark.parametrize("case", by_outcome(FORWARD))
def test_a_proxy_forwards(case: Case) -> None:
    lab = TortureLab()
    lab.hear(torture_message(case.name))
    original = parse(torture_message(case.name))
    assert isinstance(original, Request)
    assert lab.final_statuses == []
    (forwarded,) = lab.forwarded
    assert (forwarded.method, forwarded.uri, forwarded.body) == (original.method, original.uri, original.body)
    assert lines_not_ours(forwarded) == lines_not_ours(original)
    assert len(forwarded.values("via")) == len(original.values("via")) + 1
    hops = original.header("max-forwards")
    assert forwarded.header("max-forwards") == ("70" if hops is None else str(int(hops) - 1))
    assert lab.strayed == []
    assert lab.still_answers()


@pytest.mark.parametrize("case", by_outcome(int))
def test_a_proxy_refuses(case: Case) -> None:
    lab = TortureLab()
    lab.hear(torture_message(case.name))
    assert lab.final_statuses == [case.outcome]
    assert lab.forwarded == []
    assert lab.strayed == []
    assert lab.still_answers()


@pytest.mark.parametrize("case", by_outcome(DISCARD))
def test_a_proxy_discards(case: Case) -> None:
    lab = TortureLab()
    lab.hear(torture_message(case.name))
    assert (lab.answers, lab.forwarded, lab.strayed) == ([], [], [])
    assert lab.still_answers()


def test_all_of_them_one_after_the_other_leave_a_proxy_that_answers() -> None:
    lab = TortureLab()
    for case in CASES:
        lab.hear(torture_message(case.name))
    lab.wait(400)
    assert lab.still_answers()
    lab.wait(400)
    assert lab.core.transactions == 0


def test_the_refusal_names_the_extensions_that_are_not_supported() -> None:
    lab = TortureLab()
    lab.hear(torture_message("bext01"))
    assert lab.answers[0].values("unsupported") == ["noProxiesSupportThis", "norDoAnyProxiesSupportThis"]


def test_the_register_before_trailing_octets_comes_back_by_a_path() -> None:
    lab = TortureLab()
    lab.hear(torture_message("dblreq"))
    (forwarded,) = lab.forwarded
    assert forwarded.method == "REGISTER"
    assert "path" in forwarded.names
    assert forwarded.body == b""


def test_escaped_letters_do_not_make_a_register() -> None:
    lab = TortureLab()
    lab.hear(torture_message("esc02"))
    assert "path" not in lab.forwarded[0].names


def test_an_rfc_2543_retransmission_is_recognised() -> None:
    lab = TortureLab()
    for name in ("inv2543", "badbranch"):
        lab.hear(torture_message(name))
        lab.hear(torture_message(name))
    assert [request.method for request in lab.forwarded] == ["INVITE", "OPTIONS"]


def test_an_unusual_reason_phrase_passes_byte_for_byte() -> None:
    lab = TortureLab()
    lab.hear(torture_message("sdp01"))
    status_line = torture_message("unreason").partition(b"\r\n")[0]
    lab.hear(answer_with(status_line, lab.forwarded[0]), SWITCH)
    assert bytes(lab.answers[-1]).startswith(status_line + b"\r\n")


def test_a_response_with_an_overlarge_status_is_no_answer_to_a_call() -> None:
    lab = TortureLab()
    lab.hear(torture_message("sdp01"))
    lab.hear(answer_with(torture_message("bigcode").partition(b"\r\n")[0], lab.forwarded[0]), SWITCH)
    assert lab.final_statuses == []
    lab.wait(32.1)
    assert lab.final_statuses == [408]


def answer_with(status_line: bytes, request: Request) -> bytes:
    """A response to `request` under the status line of a torture message."""
    response = bytes(request.reply(200, to_tag="switch"))
    return status_line + response[response.index(b"\r\n") :]


# --- the codec


@pytest.mark.parametrize("case", by_outcome(FORWARD))
def test_what_is_well_formed_survives_the_codec_byte_for_byte(case: Case) -> None:
    data = torture_message(case.name)
    copy = bytes(parse(data))
    assert data.startswith(copy)
    assert len(data) - len(copy) == (450 if case.name == "dblreq" else 0)


@pytest.mark.parametrize("case", by_outcome(DISCARD))
def test_responses_are_read_or_refused_as_unanswerable(case: Case) -> None:
    data = torture_message(case.name)
    if case.name == "bigcode":
        with pytest.raises(Unanswerable):
            parse(data)
        return
    message = parse(data)
    assert isinstance(message, Response)
    assert bytes(message) == data
    if case.name == "scalarlg":
        with pytest.raises(SipError):
            _ = message.cseq


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("badinv01", 400),
        ("clerr", 400),
        ("ncl", 400),
        ("scalar02", 400),
        ("quotbal", 400),
        ("ltgtruri", 400),
        ("lwsruri", 400),
        ("lwsstart", 400),
        ("trws", 400),
        ("badvers", 505),
        ("insuf", 400),
        ("unkscm", 416),
        ("novelsc", 416),
    ],
)
def test_the_codec_refuses_with_the_status_to_answer(name: str, status: int) -> None:
    with pytest.raises(SipError) as caught:
        read_everything(torture_message(name))
    assert caught.value.code == status


def read_everything(data: bytes) -> None:
    message = parse(data)
    assert isinstance(message, Request)
    _ = parse_uri(message.uri), message.via, message.cseq, message.from_, message.to, message.call_id


def request(name: str) -> Request:
    message = parse(torture_message(name))
    assert isinstance(message, Request)
    return message


def test_wsinv_is_read_through_all_its_folding() -> None:
    invite = request("wsinv")
    uri = parse_uri(invite.uri)
    assert isinstance(uri, SipUri)
    assert uri.params == {"unknownparam": None}
    assert (invite.to.uri, invite.to.tag) == ("sip:vivekg@chair-dnrc.example.com", "1918181833n")
    assert (invite.from_.display_name, invite.from_.tag) == ('J Rosenberg \\"', "98asjd8")
    assert (invite.cseq.number, invite.cseq.method) == (9, "INVITE")
    assert int(invite.header("max-forwards") or "") == 68
    assert invite.header("subject") == ""
    assert invite.header("newfangledheader") == "newfangled value continued newfangled value"
    assert invite.header("unknownheaderwithunusualvalue") == ";;,,;;,;"
    assert (invite.via.transport, invite.via.host, invite.via.branch) == ("UDP", "192.0.2.2", "390skdjuw")
    vias = [parse_via(value) for value in invite.values("via")]
    assert [(via.transport, via.host, via.branch) for via in vias[1:]] == [
        ("TCP", "spindle.example.com", "z9hG4bK9ikj8"),
        ("UDP", "192.168.255.111", "z9hG4bK30239"),
    ]
    contact = parse_name_addr(invite.header("contact") or "")
    assert contact.display_name == 'Quoted string ""'
    assert contact.params == {"newparam": "newvalue", "secondparam": None, "q": "0.33"}
    assert len(invite.body) == 150


def test_intmeth_is_read_with_every_character_that_is_allowed() -> None:
    odd = request("intmeth")
    assert odd.method == odd.cseq.method == "!interesting-Method0123456789_*+`.%indeed'~"
    uri = parse_uri(odd.uri)
    assert isinstance(uri, SipUri)
    assert uri.user == "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"
    assert uri.password == "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"
    assert uri.host == "example.com"
    assert odd.to.display_name == "BEL:\x07 NUL:\x00 DEL:\x7f"
    assert odd.from_.display_name == "token1~` token2'+_ token3*%!.-"
    assert odd.from_.params["fromparam''~+*_!.-%"] == "работающий"
    assert odd.from_.tag == "_token~1'+`*%!-."
    assert odd.via.branch == "z9hG4bK-.!%66*_+`'~"
    assert odd.call_id == "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{"
    assert odd.header("extensionheader-!.%*+_`'~") == "\ufeff大停電"


def test_escapes_are_undone_once_and_only_in_values() -> None:
    invite = request("esc01")
    uri = parse_uri(invite.uri)
    assert isinstance(uri, SipUri)
    assert (uri.user, uri.host) == ("sips:user@example.com", "example.net")
    to, from_ = parse_uri(invite.to.uri), parse_uri(invite.from_.uri)
    assert isinstance(to, SipUri)
    assert isinstance(from_, SipUri)
    assert (to.user, from_.user) == ("user", "I have spaces")
    contact = parse_uri(parse_name_addr(invite.header("contact") or "").uri)
    assert isinstance(contact, SipUri)
    assert contact.user == "caller"
    assert "v%61lue%25%34%31" in (invite.header("contact") or "")


def test_escaped_nulls_are_a_user_like_any_other() -> None:
    register = request("escnull")
    users = [parse_uri(parse_name_addr(value).uri) for value in register.values("contact")]
    assert [uri.user for uri in users if isinstance(uri, SipUri)] == ["\x00", "\x00\x00"]


def test_what_only_looks_escaped_is_left_alone() -> None:
    odd = request("esc02")
    assert odd.method == "RE%47IST%45R"
    assert odd.to.display_name == "%Z%45"
    assert len(odd.values("contact")) == 2
    assert odd.header("c%6fntact") == "<sip:alias2@host2.example.com>"


def test_no_space_is_needed_before_the_bracket() -> None:
    assert request("lwsdisp").from_.display_name == "caller"


def test_long_values_are_read_whole() -> None:
    long = request("longreq")
    assert long.to.display_name == f"I have a user name of {'extreme' * 10} proportion"
    assert long.from_.tag == f"12{'982' * 50}424"
    assert len(long.values("via")) == 34
    assert parse_via(long.values("via")[-1]).branch == f"very{'long' * 50}branchvalue"
    assert long.call_id == f"longreq.one{'really' * 20}longcallid"


def test_a_semicolon_may_stand_in_a_user_part() -> None:
    uri = parse_uri(request("semiuri").uri)
    assert isinstance(uri, SipUri)
    assert (uri.user, uri.host, uri.params) == ("user;par=u@example.net", "example.com", {})


def test_transports_need_not_be_known() -> None:
    vias = [parse_via(value) for value in request("transports").values("via")]
    assert [via.transport for via in vias] == ["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"]


def test_a_binary_body_is_kept_to_the_octet() -> None:
    message = request("mpart01")
    assert len(message.body) == 553
    assert message.body.endswith(b"\x99\xd0\x05\r\n--7a9cbec02ceef655--\r\n")


def test_reason_phrases_may_be_unusual_or_empty() -> None:
    unusual, empty = parse(torture_message("unreason")), parse(torture_message("noreason"))
    assert isinstance(unusual, Response)
    assert isinstance(empty, Response)
    assert (unusual.status, unusual.reason) == (200, "= 2**3 * 5**2 но сто девяносто девять - простое")
    assert (empty.status, empty.reason) == (100, "")


def test_header_and_uri_parameters_are_told_apart() -> None:
    header = parse_name_addr(request("cparam01").header("contact") or "")
    assert (header.uri, header.params) == ("sip:+19725552222@gw1.example.net", {"unknownparam": None})
    uri = parse_name_addr(request("cparam02").header("contact") or "")
    assert (uri.uri, uri.params) == ("sip:+19725552222@gw1.example.net;unknownparam", {})


def test_an_escaped_route_stays_inside_its_contact() -> None:
    register = request("regescrt")
    assert "route" not in register.names
    contact = parse_uri(parse_name_addr(register.header("contact") or "").uri)
    assert isinstance(contact, SipUri)
    assert contact.headers == "Route=%3Csip:sip.example.com%3E"


def test_a_stream_cuts_all_of_them_apart_whatever_the_segments() -> None:
    whole = [
        torture_message(case.name)
        for case in CASES
        if case.name not in ("dblreq", "clerr", "ncl", "mcl01", "inv2543")  # no telling where these end
    ]
    for size in (1, 7, 1460):
        stream, framer = b"".join(whole), Framer()
        out = [message for at in range(0, len(stream), size) for message in framer.feed(stream[at : at + size])]
        assert out == whole
