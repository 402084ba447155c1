"""Any messages in any order: nothing escapes, nothing is left behind, no call is written down twice."""

from __future__ import annotations

import gc
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.core.questions import Ask
from proxy.policy.remote import Opinion, RemoteSource
from proxy.sip.flow import Flow
from proxy.sip.message import Request, parse
from tests.plays.consulted import BAD, DESK, GOOD, policy
from tests.plays.dialogue import (
    ABROAD,
    BARRED,
    PHONE,
    SHADY,
    STRANGER,
    SWITCH,
    TCP_PHONE,
    new_core,
    play,
    request,
    taken,
)

METHODS = ["INVITE", "ACK", "BYE", "CANCEL", "REGISTER", "OPTIONS", "MESSAGE", "SUBSCRIBE", "REFER", "invite", "X"]
PEERS = [ABROAD, SHADY, PHONE, TCP_PHONE, SWITCH, STRANGER]
URIS = [
    "",
    "sip:a@127.0.0.77:5071",
    "sip:127.0.0.1",
    "tel:110",
    "sip:a@999.9.9.9",
    "sip:x~y@127.0.0.1:5060",
    "mailto:a@h",
    f"sip:{BARRED}@h",
]
LINES = [
    ("Route", "<sip:127.0.0.1;transport=TCP;lr>"),
    ("Route", "<sip:udp.0.1.127.0.1.1~00@127.0.0.1:5060;lr>"),
    ("Route", "<sip:192.0.2.1>"),
    ("Route", "<sip:a b>"),
    ("Route", ","),
    ("Via", 'SIP/2.0/UDP h;x="a,b"'),
    ("Via", "SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKrf0"),
    ("P-Asserted-Identity", '"\xff <sip:,>'),
    ("Privacy", "id"),
    ("Diversion", "<sip:a@h>;reason=x,<"),
    ("Max-Breadth", "0"),
    ("Proxy-Require", "x"),
    ("Contact", "*"),
    ("Content-Length", "3"),
    ("Timestamp", ""),
    ("To", "<sip:b@h>;tag="),
]
WORDS = [b" ", b"\r\n", b"\r\n ", b"\r", b"\x00", b"\xff", b"\xd9\xa3", b"9" * 20]
WORDS += rb'; , < > " = : @ sip: [::1] %zz \ ~ ?'.split()
VIAS = [
    "",
    "SIP/2.0/UDP h;rport;branch=z9hG4bK-1",
    "SIP/2.0/TCP 127.0.1.1;branch=1",
    "SIP/2.0/UDP h:0;rport=1;maddr=h;received=x",
]

requests = st.tuples(
    st.sampled_from(METHODS),
    st.sampled_from(PEERS),
    st.fixed_dictionaries(
        {
            "uri": st.sampled_from(URIS),
            "via": st.sampled_from(VIAS),
            "branch": st.sampled_from(["z9hG4bK-1", "z9hG4bK-2", "3"]),
            "call_id": st.sampled_from(["call-1", "call-2"]),
            "to_tag": st.sampled_from(["", "callee", "rf0-"]),
            "more": st.lists(st.sampled_from(LINES), max_size=2),
        }
    ),
)
damage = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 12), st.sampled_from(WORDS)), max_size=2)
answers = st.tuples(
    st.sampled_from([100, 180, 200, 302, 408, 486, 503, 603]), st.sampled_from(["", "via", "to", "cseq"])
)
steps: st.SearchStrategy[list[Any]] = st.lists(
    st.one_of(
        st.tuples(st.just("request"), requests, damage),
        st.tuples(st.just("answer"), answers, damage),
        st.tuples(st.just("wait"), st.sampled_from([0.1, 1.0, 33.0, 200.0]), st.just([])),
        st.tuples(st.just("hear"), st.sampled_from([GOOD, BAD, Opinion(failure="HTTP 500")]), st.just([])),
    ),
    max_size=8,
)  # fmt: skip


def damaged(data: bytes, hits: list[tuple[int, int, bytes]]) -> bytes:
    for start, length, word in hits:
        data = data[:start] + word + data[start + length :]
    return data


@settings(max_examples=300, deadline=None)
@given(steps, st.sampled_from([None, DESK, replace(DESK, on_failure="block", breaker_failures=1)]))
def test_nothing_escapes_and_nothing_is_left_behind(script: list[Any], source: RemoteSource | None) -> None:
    core = new_core(max_transactions=10)
    if source is not None:
        core.policy = policy(source, mode="enforce" if len(script) % 3 else "shadow")
    dialogue, asks = play(core), []
    for what, details, hits in script:
        if what == "request":
            method, peer, parts = details
            core.receive(damaged(request(method, peer, **parts), hits), peer, dialogue.now)
        elif what == "answer":
            status, lost = details
            for flow, data in core.outbox[-2:]:
                sent = parse(data)
                if isinstance(sent, Request):
                    response = sent.reply(status, to_tag="t")
                    response.remove(lost)
                    core.receive(damaged(bytes(response), hits), flow, dialogue.now)
        elif what == "hear":
            asks += taken(core, Ask)
            if asks:
                core.resolved(asks.pop(), details, dialogue.now)
        else:
            dialogue.wait(details)
        assert core.transactions <= 2 * 10
    dialogue.wait(600)
    assert core.transactions == 0
    assert core.pending == 0
    assert not core._layer._requests
    assert core.next_timer() == float("inf")
    assert core.counters["allow"] + core.counters["label"] + core.counters["reject"] == len(dialogue.records())


BROKEN = {
    "header without colon": request("OPTIONS", more=[("no colon", "")]).replace(b"no colon: ", b"no colon"),
    "version": request("OPTIONS").replace(b"SIP/2.0\r\n", b"SIP/3.0\r\n", 1),
    "no SIP": b"hello" * 20,
    "CSeq": request("OPTIONS").replace(b"1 OPTIONS", b"x"),
    "From": request("OPTIONS").replace(b"<sip:+65", b"<si<p:+65"),
    "Via": request("OPTIONS").replace(b"SIP/2.0/UDP", b"SIP/2.0/<UDP"),
    "Request-URI": request("OPTIONS", uri="sip:"),
    "Route": request("OPTIONS", more=[("Route", "<sip:x>")]),
    "hops": request("OPTIONS", hops=0),
    "response": b"SIP/2.0 200 OK\r\nbroken\r\n\r\n",
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("peer", [ABROAD, STRANGER])
def test_a_broken_message_leaves_nothing_to_the_garbage_collector(data: bytes, peer: Flow) -> None:
    """It is off while the proxy runs: an error that kept its own traceback alive would be a leak."""
    dialogue = play()
    gc.collect()
    gc.disable()
    try:
        for number in range(10):
            dialogue.receive(data.replace(b"z9hG4bK-1", b"z9hG4bK-%d" % number), peer).forget_sent()
        dialogue.wait(100).forget_sent()
        assert gc.collect() == 0
    finally:
        gc.enable()
