"""No long line stops the proxy: whatever stands in a header, a message costs about as much as its length.

Patterns that try again at every blank would need 0.1 to 1 s for one of these datagrams, and 3 to 20 s for the
largest that UDP carries. The budget here is no measure of speed: it lies far above what the slowest machine needs for
one pass, and far below what a square of 10,000 needs.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from proxy.sip.flow import Flow
from proxy.sip.message import Message, parse
from tests.plays import digest_phone
from tests.plays.dialogue import ABROAD, BARRED, DAUGHTER, PHONE, SHADY, SWITCH, Play, play, request
from tests.plays.treated import BARRING, treating

_LONG = 10_000  # characters; a datagram holds six times as many, of which each more costs as much as these
_BUDGET = 0.05  # seconds of the processor for one message
_UNITS = (
    " ", "\r\n ", "a \r\n\t", "\r", '"', '\\"', ";", "; ", ";a=", ';a="";', ", ", "<", "<a:b>,",
    "sip:", "%3b", "=", "*;", "O", "1 ", "é", ";verstat", ",stale",
)  # fmt: skip
_PILES = (
    *(unit * ((_LONG - 500) // len(unit.encode())) for unit in _UNITS),
    " " * (_LONG - 500) + "y\r\n ",
    "\n" + " \t" * (_LONG // 2 - 500) + "y\r\n\t",
)
_ADDRESS = "sip:+6591234567@127.0.1.1"
_DIGEST = 'Digest username="alice", realm="ringfence.example", nonce="n", uri="sip:a", response="r"'
_VALUES = {
    "Via": "SIP/2.0/UDP 127.0.1.1:5070;branch=z9hG4bK-1",
    "From": f"<{_ADDRESS}>;tag=from",
    "To": "<sip:+8613800138001@127.0.0.1>",
    "Call-ID": "call-1",
    "CSeq": "1 INVITE",
    "Route": "<sip:127.0.0.1:5060;lr>",
    "P-Asserted-Identity": f"<{_ADDRESS}>",
    "P-Preferred-Identity": f"<{_ADDRESS}>",
    "Remote-Party-ID": f"<{_ADDRESS}>",
    "Diversion": f"<{_ADDRESS}>",
    "History-Info": f"<{_ADDRESS}>;index=1",
    "Privacy": "id",
    "Proxy-Authorization": _DIGEST,
    "Authorization": _DIGEST,
    "Supported": "path",
    "Require": "100rel",
    "Proxy-Require": "x",
    "Feature-Caps": "*;+sip.608",
    "Max-Forwards": "70",
    "Max-Breadth": "60",
    "Content-Length": "0",
    "Refer-To": "<sip:+8613800138001@127.0.0.1>",
    "Contact": f"<{_ADDRESS}>",
    "WWW-Authenticate": _DIGEST,
    "Call-Info": "<https://a.example/>;purpose=info",
}


def long_values(name: str) -> Iterator[str]:
    """Values of a header with a pile of something before, after or within what should stand there."""
    value = _VALUES[name]
    bare = value.replace("<", "").replace(">", "")
    for pile in _PILES:
        yield f"{pile}{value}"
        yield f"{value}{pile};x=1"
        yield f"{bare}{pile};x=1"
        yield f'"{pile}" {value}'


def long_lines(message: Message, name: str) -> Iterator[bytes]:
    """The message again and again, with a header written longer than anybody would. Each is a transaction and a call
    of its own."""
    for count, value in enumerate(long_values(name)):
        changed = message.copy()
        changed.replace(name, value)
        yield bytes(changed).replace(b"z9hG4bK-1", b"z9hG4bK-%d" % count).replace(b"call-1", b"call-%d" % count)


def hear(dialogue: Play, data: bytes, flow: Flow) -> None:
    before = time.process_time()
    dialogue.core.receive(data, flow, dialogue.now)
    took = time.process_time() - before
    dialogue.core.outbox.clear()
    assert took < _BUDGET, f"{took:.1f} s for {data[:300]!r}..."


@pytest.mark.parametrize("name", _VALUES)
def test_in_calls_from_trunks(name: str) -> None:
    dialogue = play()
    for data in long_lines(parse(request("INVITE")), name):
        hear(dialogue, data, ABROAD)


@pytest.mark.parametrize("name", ["From", "Call-Info", "Via"])
def test_in_calls_from_trunks_whose_identities_are_not_trusted(name: str) -> None:
    dialogue = play()
    for data in long_lines(parse(request("INVITE", SHADY)), name):
        hear(dialogue, data, SHADY)


@pytest.mark.parametrize("name", ["Route", "P-Asserted-Identity", "Privacy", "Remote-Party-ID", "Supported"])
def test_in_calls_from_the_softswitch(name: str) -> None:
    dialogue = play()
    asserted = [("P-Asserted-Identity", f"<{_ADDRESS}>")]
    for data in long_lines(parse(request("INVITE", SWITCH, uri="sip:a@127.0.0.77:5071", more=asserted)), name):
        hear(dialogue, data, SWITCH)


@pytest.mark.parametrize("name", ["Refer-To", "From", "To"])
def test_in_requests_to_call_somebody(name: str) -> None:
    dialogue = play()
    for data in long_lines(parse(request("REFER", PHONE)), name):
        hear(dialogue, data, PHONE)


@pytest.mark.parametrize("name", ["From", "P-Preferred-Identity", "Proxy-Authorization"])
def test_from_a_phone_that_proves_who_it_is(name: str) -> None:
    phone = digest_phone.start(nonce_seconds=1e9)
    for data in long_lines(parse(request("INVITE", PHONE, to=digest_phone.BOB)), name):
        given = phone.challenged("INVITE").answer_to("INVITE")
        phone.forget_sent()
        own = data.replace(DAUGHTER.encode(), digest_phone.ALICE.encode())  # or their names would not be looked at
        hear(phone, own.replace(b"\r\n", b"\r\nProxy-Authorization: %s\r\n" % given.encode(), 1), PHONE)


@pytest.mark.parametrize("name", ["To", "Authorization", "Contact", "Supported"])
def test_in_registrations(name: str) -> None:
    phone = digest_phone.start()
    for data in long_lines(parse(request("REGISTER", PHONE)), name):
        hear(phone, data, PHONE)


@pytest.mark.parametrize("name", ["From", "P-Asserted-Identity", "Diversion", "History-Info"])
def test_in_calls_that_get_a_label(name: str) -> None:
    dialogue = treating({BARRING: {"label": "Overseas", "verstat": "TN-Validation-Failed"}})
    for data in long_lines(parse(request("INVITE", to=BARRED)), name):
        hear(dialogue, data, ABROAD)


@pytest.mark.parametrize("name", ["Feature-Caps", "Require"])
def test_in_calls_that_an_announcement_refuses(name: str) -> None:
    answer = {"reject": "608", "url": "https://cards.example/card.jws", "announce": "listed"}
    dialogue = treating({BARRING: answer})
    for data in long_lines(parse(request("INVITE", to=BARRED)), name):
        hear(dialogue, data, ABROAD)


@pytest.mark.parametrize("name", ["Via", "To", "CSeq", "P-Asserted-Identity", "Content-Length"])
def test_in_responses(name: str) -> None:
    dialogue = play()
    for count, value in enumerate(long_values(name)):
        call = request("INVITE", branch=f"z9hG4bK-{count}", call_id=f"call-{count}")
        response = dialogue.receive(call).sends(100).sends("INVITE").forwarded.reply(200, to_tag="callee")
        kept = response.header("via") if name == "Via" else ""  # or it would find no transaction
        response.replace(name, f"{kept}{value}")
        hear(dialogue, bytes(response), SWITCH)


def test_in_challenges_of_the_registrar() -> None:
    phone = digest_phone.start()
    for value in long_values("WWW-Authenticate"):
        challenge = phone.asks("REGISTER", to="alice").sends("REGISTER").forwarded.reply(401)
        challenge.replace("WWW-Authenticate", value)
        hear(phone, bytes(challenge), SWITCH)


def test_in_a_request_line() -> None:
    dialogue = play()
    for unfolded in _PILES:
        pile = unfolded.replace("\r\n", "")
        for uri in (f"sip:{pile}", f"sip:a@h{pile}x", f"sip:a@h;{pile}<", f"tel:{pile}", f"tel:1;{pile}>", pile):
            hear(dialogue, request("INVITE", uri=uri), ABROAD)


def test_in_many_lines_of_a_header() -> None:
    dialogue = play()
    for count, name in enumerate(_VALUES):
        long = request("INVITE", branch=f"z9hG4bK-{count}", more=[(name, (_VALUES[name] + ",") * 3)] * 240)
        hear(dialogue, long, ABROAD)
        hear(dialogue, long.replace(b": ", b":  \r\n  "), ABROAD)
