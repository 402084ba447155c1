"""HEPv3 packets, read by a decoder that shares nothing with what makes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.observability.hep import LOG, SIP, Correlations, Node, Packets, TooLong
from tests.plays.hep_collector import read_packet

ALICE, PROXY = ("127.0.0.7", 5062), ("127.0.0.1", 5060)
INVITE = b"INVITE sip:h SIP/2.0\r\nCall-ID: %s\r\n%s\r\n"


def test_a_packet_tells_when_from_where_and_of_which_call() -> None:
    made = Packets(Node(7, "edge", "s3cret")).packet(SIP, 1_764_000_000.25, "udp", ALICE, PROXY, b"OPTIONS", "a@b")
    packet = read_packet(made)
    assert packet.ends == (ALICE, PROXY)
    assert packet.time == 1_764_000_000.25
    assert {name: packet.number(name) for name in ("family", "protocol", "type", "node")} == {
        "family": 2,
        "protocol": 17,
        "type": 1,
        "node": 7,
    }
    assert [packet.text(name) for name in ("payload", "correlation", "name", "key")] == [
        "OPTIONS",
        "a@b",
        "edge",
        "s3cret",
    ]


def test_chunks_stand_where_sngrep_looks_for_them() -> None:
    names = [name for name, _ in read_packet(Packets(Node()).packet(SIP, 1.0, "udp", ALICE, PROXY, b"x", "a")).chunks]
    first = ["family", "protocol", "from_port", "to_port", "seconds", "microseconds", "type", "node", "from", "to"]
    assert names == [*first, "payload", "correlation"]


@pytest.mark.parametrize(("transport", "protocol"), [("udp", 17), ("tcp", 6), ("tls", 6)])
def test_what_went_over_tls_is_told_over_tcp(transport: str, protocol: int) -> None:
    made = Packets(Node()).packet(LOG, 1.0, transport, ("::7", 5062), ("fd00::1%lo", 5060), b"{}", None)
    packet = read_packet(made)
    assert (packet.number("protocol"), packet.number("family"), packet.number("type")) == (protocol, 10, 100)
    assert packet.ends == (("::7", 5062), ("fd00::1", 5060))
    assert packet.text("correlation") is None


@given(st.binary(max_size=2000), st.text(max_size=40), st.integers(0, 4_000_000_000_000_000))
def test_any_bytes_call_id_and_moment_come_through(payload: bytes, call_id: str, microseconds: int) -> None:
    packet = read_packet(Packets(Node()).packet(SIP, microseconds / 1e6, "udp", ALICE, PROXY, payload, call_id))
    assert packet.raw("payload") == payload
    assert packet.text("correlation") == (call_id or None)
    assert packet.number("seconds") * 1_000_000 + packet.number("microseconds") == pytest.approx(microseconds, abs=1)


def test_what_has_no_room_in_a_datagram_is_refused() -> None:
    packets = Packets(Node())
    room = 65_507 - len(packets.packet(SIP, 1.0, "udp", ALICE, PROXY, b"", "a"))
    assert len(packets.packet(SIP, 1.0, "udp", ALICE, PROXY, b"x" * room, "a")) == 65_507
    with pytest.raises(TooLong, match=f"{room + 1} bytes"):
        packets.packet(SIP, 1.0, "udp", ALICE, PROXY, b"x" * (room + 1), "a")


def test_a_leg_has_the_id_of_the_call_that_it_names_and_others_their_own() -> None:
    correlations = Correlations([("known", "call-0")])
    correlations.learn("far", INVITE % (b"far", b"x-ringfence-call : call-1 \r\n"))
    correlations.learn("far", INVITE % (b"far", b"X-Ringfence-Call: call-2\r\n"))
    correlations.learn("other", INVITE % (b"other", b""))
    ids = [correlations.of(call_id) for call_id in ("known", "far", "other", "call-1", None)]
    assert ids == ["call-0", "call-1", "other", "call-1", None]


def test_a_call_that_comes_back_from_the_softswitch_keeps_its_id_on_the_next_leg() -> None:
    correlations = Correlations()
    correlations.learn("second", INVITE % (b"second", b"X-Ringfence-Call: first\r\n"))
    correlations.learn("third", INVITE % (b"third", b"X-Ringfence-Call: second\r\n"))
    assert correlations.of("third") == "first"


def test_call_ids_of_any_length_fill_no_memory() -> None:
    correlations = Correlations()
    correlations.learn("far", INVITE % (b"far", b"X-Ringfence-Call: " + b"x" * 1000 + b"\r\n"))
    assert correlations.of("far") == "far"


def test_the_oldest_of_many_legs_are_forgotten() -> None:
    correlations = Correlations()
    for number in range(100_001):
        correlations.learn(f"far-{number}", b"INVITE\r\nX-Ringfence-Call: near\r\n")
    assert [correlations.of(f"far-{number}") for number in (0, 1, 100_000)] == ["far-0", "near", "near"]
