"""The lines that tell of SIP messages, and the proxy's log of them on real sockets."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from proxy.observability.message_log import MessageLog, message_line
from proxy.sip.flow import Flow
from tests.plays.dialogue import request
from tests.plays.socket_lab import HOST, TRUNK_HOST, Contexts, Peer, Stream, running

ALICE, PROXY = ("127.0.0.7", 5062), ("127.0.0.1", 5060)
OPTIONS = b"OPTIONS sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n%s\r\nCSeq: 1 OPTIONS\r\n\r\n"


def line(data: bytes, at: float = 12.5) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(message_line(at, 1_764_000_000.0 + at, data, "udp", ALICE, PROXY))
    return read


def test_a_line_tells_when_from_where_and_the_bytes() -> None:
    data = OPTIONS % b"Call-ID: a@b"
    told = json.loads(message_line(12.5, 1_764_000_000.25, data, "tls", ALICE, ("::1", 5061), '"proxied":false,'))
    assert told == {
        "timestamp": "2025-11-24T16:00:00.250000Z",
        "call_id": "a@b",
        "at": 12.5,
        "transport": "tls",
        "from": "127.0.0.7:5062",
        "to": "[::1]:5061",
        "proxied": False,
        "message": (OPTIONS % b"Call-ID: a@b").decode(),
    }


def test_moments_are_told_to_the_microsecond() -> None:
    told = [line(b"OPTIONS", at) for at in (7.0, 7.000001, 8.25)]
    assert [each["at"] for each in told] == [7.0, 7.000001, 8.25]
    stamps = [datetime.fromisoformat(each["timestamp"]) for each in told]
    assert [round((stamp - stamps[0]).total_seconds(), 6) for stamp in stamps] == [0.0, 1e-06, 1.25]


@pytest.mark.parametrize(
    ("header", "call_id"),
    [
        (b"Call-ID: 1", "1"),
        (b"call-id :  2 ", "2"),
        (b"i:3", "3"),
        (b'Call-ID: a"b\\c', 'a"b\\c'),
        ("Call-ID: ü".encode(), "ü"),
        (b"X: 1", None),
    ],
)
def test_the_call_id_is_found_however_it_is_written(header: bytes, call_id: str | None) -> None:
    assert line(OPTIONS % header)["call_id"] == call_id


def test_a_call_id_in_a_body_is_none() -> None:
    assert line(OPTIONS % b"X: 1" + b"SIP/2.0 200 OK\r\ncall-id: other\r\n")["call_id"] is None


def test_what_is_no_text_is_told_in_base64() -> None:
    told = line(OPTIONS % b"Call-ID: 1" + b"\xff\x00")
    assert "message" not in told
    assert told["base64"].endswith("/wA=")


async def test_a_proxy_tells_of_both_ways_and_every_transport(contexts: Contexts) -> None:
    server, client = contexts
    told: list[str] = []
    async with running(tls=server) as lab:
        at = [(one.host, one.port) for one in lab.server.listeners]
        lab.server.messages = MessageLog(told.append, at)
        async with (
            Peer.at(TRUNK_HOST) as udp,
            Stream.to(lab.tcp, host=TRUNK_HOST) as tcp,
            Stream.to(lab.tls, client, host=TRUNK_HOST) as tls,
        ):
            asking: list[tuple[Peer | Stream, int]] = [(udp, lab.udp), (tcp, lab.tcp), (tls, lab.tls)]
            for number, (peer, port) in enumerate(asking):
                options = request("OPTIONS", peer.flow, uri=f"sip:{HOST}:{port}", call_id=f"c{number}")
                peer.send(options, port) if isinstance(peer, Peer) else peer.send(b"\r\n\r\n" + options)
                await peer.hears(200)
            peers = [f"{peer.flow.host}:{peer.flow.port}" for peer, _ in asking]
    read = [json.loads(each) for each in told]
    assert [(each["transport"], each["call_id"], each["message"].split()[0]) for each in read] == [
        (transport, f"c{number}", word)
        for number, transport in enumerate(("udp", "tcp", "tls"))
        for word in ("OPTIONS", "SIP/2.0")
    ]
    for (asked, answered), there, own in zip(zip(read[::2], read[1::2], strict=True), peers, at, strict=True):
        assert (asked["from"], asked["to"]) == (answered["to"], answered["from"]) == (there, f"{own[0]}:{own[1]}")
        assert asked["at"] < answered["at"]


def test_peers_whose_messages_are_not_wanted_are_left_out_and_so_are_keep_alives() -> None:
    told: list[str] = []
    log = MessageLog(told.append, [PROXY], [("udp", *ALICE)])
    for flow in (Flow("udp", *ALICE, 0), Flow("tcp", *ALICE, 0), Flow("udp", "127.0.0.7", 5063, 0)):
        log.received(b"OPTIONS sip:h SIP/2.0\r\n\r\n", flow)
        log.sent(b"\r\n\r\n", flow)
    assert [(json.loads(each)["transport"], json.loads(each)["from"]) for each in told] == [
        ("tcp", "127.0.0.7:5062"),
        ("udp", "127.0.0.7:5063"),
    ]
