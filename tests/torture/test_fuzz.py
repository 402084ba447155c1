"""Any bytes may arrive: the core neither raises nor grows without bound, and what it says is SIP."""

from __future__ import annotations

import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy.sip.flow import Flow
from tests.plays.torture_lab import MESSAGES, SOURCE, SWITCH, TortureLab

SEEDS = [path.read_bytes() for path in sorted(MESSAGES.rglob("*.dat"))]
_TOKENS = [
    b"\r\n", b"\n", b"\r", b"\x00", b" ", b"\t", b",", b";", b":", b"<", b">", b'"', b"\\", b"@", b"%", b"%00", b"[",
    b"]", b"?", b"=", b"\xff", b"\xc3\x28", b"sip:", b"tel:", b"SIP/2.0", b";branch=z9hG4bK", b";rport", b";tag=",
    b"Via: SIP/2.0/UDP x\r\n", b"Route: <sip:127.0.0.1:5080;lr>\r\n", b"Max-Forwards: 0\r\n", b"l: 1\r\n", b"0" * 40,
    b"-1", b"99999999999", b"CANCEL", b"ACK", b"INVITE", b"BYE", b"a" * 300, b"," * 50, b'"' * 51, b"<" * 52,
]  # fmt: skip
_MUTATIONS = st.lists(
    st.tuples(st.integers(0, 2000), st.integers(0, 60), st.one_of(st.sampled_from(_TOKENS), st.binary(max_size=8))),
    min_size=1,
    max_size=6,
)
_SOURCES = (SOURCE, SWITCH, Flow("tcp", "192.0.2.9", 40000, 0), Flow("udp", "2001:db8::9", 5060, 2))


def mutated(seed: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
    """`seed` with some spans replaced."""
    for start, length, new in changes:
        start %= len(seed) + 1
        seed = seed[:start] + new + seed[start + length :]
    return seed


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(st.sampled_from(SEEDS), _MUTATIONS, st.sampled_from(_SOURCES))
def test_no_mutation_of_a_message_breaks_the_core(
    seed: bytes, changes: list[tuple[int, int, bytes]], source: Flow
) -> None:
    lab = TortureLab()
    lab.hear(mutated(seed, changes), source)
    lab.wait(300)
    assert lab.still_answers()


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(st.binary(max_size=400), min_size=1, max_size=10))
def test_no_garbage_breaks_the_core(datagrams: list[bytes]) -> None:
    lab = TortureLab()
    for data in datagrams:
        lab.hear(data)
        lab.hear(b"INVITE sip:a@b SIP/2.0\r\n" + data)
        lab.hear(b"SIP/2.0 200 OK\r\n" + data)
    assert lab.still_answers()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(st.lists(st.tuples(st.integers(100, 699), _MUTATIONS), min_size=1, max_size=4))
def test_no_mutated_answer_of_the_switch_breaks_the_core(
    answers: list[tuple[int, list[tuple[int, int, bytes]]]],
) -> None:
    lab = TortureLab()
    lab.hear((MESSAGES / "sdp01.dat").read_bytes())
    invite = lab.forwarded[0]
    for status, changes in answers:
        lab.hear(mutated(bytes(invite.reply(status, to_tag="s")), changes), SWITCH)
    lab.wait(400)
    assert [status for status in lab.final_statuses if status >= 200], "every INVITE gets a final response"
    assert lab.still_answers()


def test_a_flood_of_requests_is_capped_and_the_memory_comes_back() -> None:
    lab = TortureLab(max_transactions=200)
    chance = random.Random(3261)
    methods = ["INVITE", "OPTIONS", "MESSAGE", "REGISTER", "CANCEL", "BYE", "ACK", "NEW"]
    most = 0
    for number in range(5000):
        method = methods[number % len(methods)]
        lab.hear(
            f"{method} sip:+8613800138001@example.com SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP 192.0.2.200:5062;branch=z9hG4bK{number}\r\n"
            f"From: <sip:x@example.net>;tag={chance.random()}\r\nTo: <sip:y@example.com>\r\n"
            f"Call-ID: {number}\r\nCSeq: 1 {method}\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n".encode()
        )
        most = max(most, lab.core.transactions)
    assert most <= 202  # a request that is let in may take two: one on either side
    assert 503 in lab.final_statuses
    lab.wait(400)
    assert lab.core.transactions == 0
    assert lab.core.pending == 0
    assert lab.still_answers()


def test_a_flood_of_retransmissions_costs_one_transaction() -> None:
    lab = TortureLab()
    invite = (MESSAGES / "sdp01.dat").read_bytes()
    for _ in range(1000):
        lab.hear(invite)
    assert len(lab.forwarded) == 1
    assert lab.core.transactions == 2


def test_stray_responses_leave_no_trace() -> None:
    lab = TortureLab()
    lab.hear((MESSAGES / "sdp01.dat").read_bytes())
    response = bytes(lab.forwarded[0].reply(200, to_tag="s"))
    for number in range(1000):
        lab.hear(response.replace(b";branch=z9hG4bK", b";branch=z9hG4bK%d" % number), SWITCH)
    assert lab.core.transactions == 2
    assert lab.answers[-1].status == 100
