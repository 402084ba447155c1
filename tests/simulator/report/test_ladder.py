"""Ladders of calls, drawn from their messages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from simulator.report.ladder import Arrow, Judgement, build, label, spelled_out, text
from simulator.results.messages import Message

CALLER, PROXY, PROXYS_PORT = ("127.0.1.1", 5070), ("127.0.0.1", 5060), ("127.0.0.1", 40_000)
SWITCH, PHONE, OTHER_PHONE = ("127.0.0.1", 5080), ("127.0.3.1", 5090), ("127.0.3.1", 5091)
KNOWN = {"127.0.0.1:5060": "proxy", "127.0.0.1:5080": "softswitch"}
RECORD = {
    "event": "call",
    "call_id": "c1",
    "method": "INVITE",
    "action": "reject",
    "status": 603,
    "rule": "barring.incoming_international",
    "detail": "overseas caller +23224141026 (SL) on trunk international",
    "trace": [["never_block", "enforce", "no_match", "no emergency call"]],
    "elapsed_us": 171.4,
}
BEGIN = datetime(2026, 3, 2, 8, tzinfo=UTC)
INVITE = b"INVITE sip:alice@ringfence.example SIP/2.0\r\nCall-ID: c1\r\nCSeq: 1 INVITE\r\n\r\n"
RINGING = b"SIP/2.0 180 Ringing\r\nCall-ID: c1\r\nCSeq: 1 INVITE\r\n\r\n"
DECLINE = b"SIP/2.0 603 Decline\r\nCall-ID: c1\r\nCSeq: 1 INVITE\r\n\r\n"
ACK = b"ACK sip:alice@ringfence.example SIP/2.0\r\nCall-ID: c1\r\nCSeq: 1 ACK\r\n\r\n"


def message(at: float, sender: tuple[str, int], receiver: tuple[str, int], data: bytes, call_id: str = "c1") -> Message:
    return Message(100.0 + at, BEGIN + timedelta(seconds=at), "udp", sender, receiver, call_id, True, data)


def drawn(*messages: Message, record: dict[str, Any] | None = None) -> list[str]:
    return list(text(build("c1: a call", messages, KNOWN, record or {})))


REFUSED = (
    message(0.0, CALLER, PROXY, INVITE),
    message(0.002, PROXY, CALLER, DECLINE),
    message(0.0021, CALLER, PROXY, ACK),
)


def test_a_refused_call_shows_the_verdict_at_the_proxy_and_the_silence_behind_it() -> None:
    lines = drawn(*REFUSED, record=RECORD)
    assert lines == [
        "c1: a call",
        "from 2026-03-02 08:00:00.000000 UTC; ms since then and since the line before",
        "",
        "              caller              proxy           softswitch            phone",
        "             127.0.1.1          127.0.0.1          127.0.0.1",
        "               :5070              :5060              :5080",
        "     0.0         |------INVITE----->|                  |                  |",
        "                 |                  # reject with 603 by                  |",
        "                 |                  # barring.incoming_international (171 us)",
        "                 |                  # overseas caller +23224141026 (SL) on trunk",
        "                 |                  # international    |                  |",
        "     2.0   +2.0  |<---603 Decline---|                  |                  |",
        "     2.1   +0.1  |-------ACK------->|                  |                  |",
    ]
    assert max(map(len, lines)) <= 80


def test_both_legs_of_a_b2bua_are_one_ladder_and_phones_stand_behind_the_switch() -> None:
    ladder = build(
        "c1",
        (
            message(0.000, CALLER, PROXY, INVITE),
            message(0.001, PROXY, SWITCH, INVITE),
            message(0.002, SWITCH, PROXY, INVITE, "c2"),
            message(0.003, PROXY, PHONE, INVITE, "c2"),
            message(0.004, PROXY, OTHER_PHONE, INVITE, "c2"),
        ),
        KNOWN,
        {},
    )
    assert [line.title for line in ladder.lifelines] == ["caller", "proxy", "softswitch", "phone", "phone 2"]
    assert [(step.source, step.target) for step in ladder.steps if isinstance(step, Arrow)] == [
        (0, 1),
        (1, 2),
        (2, 1),
        (1, 3),
        (1, 4),
    ]
    assert max(map(len, text(ladder))) <= 80


def test_a_port_of_a_connection_that_the_proxy_made_is_the_proxys() -> None:
    ladder = build("c1", (*REFUSED[:1], message(0.001, PROXYS_PORT, SWITCH, INVITE)), KNOWN, {})
    assert [line.addresses for line in ladder.lifelines if line.title == "proxy"] == [
        ("127.0.0.1:5060", "127.0.0.1:40000")
    ]


def test_a_message_sent_again_is_marked() -> None:
    again = (message(0.0, CALLER, PROXY, INVITE), message(0.5, CALLER, PROXY, INVITE))
    assert [step.again for step in build("c1", again, KNOWN, {}).steps if isinstance(step, Arrow)] == [False, True]
    assert "INVITE again" in drawn(*again)[-1]


def test_the_verdict_falls_at_the_first_message_of_the_leg_that_was_judged() -> None:
    other = b"INVITE sip:alice@ringfence.example SIP/2.0\r\nCall-ID: c0\r\n\r\n"
    steps = build("c1", (message(0.0, SWITCH, PROXY, other, "c0"), *REFUSED), KNOWN, RECORD).steps
    assert [type(step) for step in steps[:3]] == [Arrow, Arrow, Judgement]
    assert [type(step) for step in steps].count(Judgement) == 1


def test_labels_say_what_a_response_answers_where_that_is_not_plain() -> None:
    assert label(INVITE) == "INVITE"
    assert label(RINGING) == "180 Ringing"
    assert label(b"SIP/2.0 200 OK\r\nCSeq: 2 BYE\r\n\r\n") == "200 OK (BYE)"
    assert label(b"\x00\x01") == "(not SIP)"


def test_many_lifelines_are_drawn_wider_rather_than_unreadable() -> None:
    phones = [message(place / 1000, PROXY, ("127.0.3.1", 6000 + place), INVITE) for place in range(6)]
    lines = drawn(REFUSED[0], *phones)
    assert "phone 6" in lines[3]
    assert max(map(len, lines)) > 80


def test_a_long_title_is_folded_not_cut() -> None:
    title = "daughter-in-singapore: INVITE from +6591234567 to +447700900123 on trunk international"
    lines = list(text(build(title, REFUSED, KNOWN, RECORD)))
    assert lines[0] == "daughter-in-singapore: INVITE from +6591234567 to +447700900123 on trunk"
    assert lines[1] == "international"


def test_a_call_of_which_nothing_was_recorded_says_how_to_record_it() -> None:
    assert drawn() == [
        "c1: a call",
        "no message of it was recorded: `ringfence run --messages all` records those of every call",
    ]


def test_messages_are_spelled_out_as_they_were_sent() -> None:
    lines = list(spelled_out(build("c1", REFUSED, KNOWN, RECORD)))
    assert lines[:3] == [
        "",
        "--- 0.0 ms, caller to proxy, udp 127.0.1.1:5070 to 127.0.0.1:5060",
        "INVITE sip:alice@ringfence.example SIP/2.0",
    ]
    assert sum(line.startswith("---") for line in lines) == 3


def test_what_a_peer_says_commands_no_terminal() -> None:
    shout = (
        b"SIP/2.0 486 \x1b[2J\xc2\x9b1m\xe2\x80\xae\r\nCall-ID: c1\r\nCSeq: 1 INVITE\r\nX: a\x0bb\x1b]0;me\x07\r\n\r\n"
    )
    record = {**RECORD, "detail": "from\x1b[1mhere\n"}
    ladder = build(
        "c1\x1b[5m\n: a call", (message(0.0, CALLER, PROXY, INVITE), message(0.1, PHONE, PROXY, shout)), KNOWN, record
    )
    lines = [*text(ladder), *spelled_out(ladder)]
    assert "".join(lines).isprintable()
    assert lines[0] == "c1␛[5m : a call"
    assert any("486 ␛[2J\ufffd1m\ufffd" in line for line in lines)
    assert "X: a␋b␛]0;me␇" in lines
