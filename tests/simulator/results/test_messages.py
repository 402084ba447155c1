"""Reading the messages of a run: all of them, and those of one call with all its legs."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from simulator.addresses import Address
from simulator.results.message_file import MessageFile, Record
from simulator.results.messages import MESSAGES, Calls, json_lines, messages_of, read_messages

CALLER, PROXY, SWITCH, PHONE = (("127.0.0.1", port) for port in (5061, 5060, 5080, 5062))


def sip(call_id: str, more: str = "") -> bytes:
    return f"INVITE sip:h SIP/2.0\r\nCall-ID: {call_id}\r\n{more}CSeq: 1 INVITE\r\n\r\n".encode()


def written(folder: Path, *passed: tuple[float, bytes, Address, Address]) -> Path:
    (folder / MESSAGES).unlink(missing_ok=True)
    file = MessageFile(folder / MESSAGES)
    for at, data, sender, receiver in passed:
        file.add(Record(at, 1e9 + at, True, "udp", sender, receiver, data))
    file.close()
    return folder


def test_a_message_is_read_as_it_was_written(tmp_path: Path) -> None:
    for data in (sip("1"), sip("1") + "Grüße".encode(), sip("1") + b"\xff\x00"):
        (message,) = read_messages(written(tmp_path, (12.5, data, CALLER, ("::1", 5060))) / MESSAGES)
        assert message.data == data
        assert (message.at, message.transport, message.call_id, message.proxied) == (12.5, "udp", "1", True)
        assert (message.sender, message.receiver) == (CALLER, ("::1", 5060))
        assert message.time < datetime.now(UTC)


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_whatever_bytes_pass_are_read_as_they_were(before: bytes, after: bytes) -> None:
    data = before + b"\r\nCall-ID: " + after
    with TemporaryDirectory() as folder:
        (message,) = read_messages(written(Path(folder), (12.5, data, CALLER, PROXY)) / MESSAGES)
    assert message.data == data


def test_the_messages_of_a_call_are_those_of_all_its_legs_in_order_of_time(tmp_path: Path) -> None:
    run = written(
        tmp_path,
        (1.0, sip("near"), CALLER, PROXY),
        (2.0, sip("near"), PROXY, SWITCH),
        (3.0, sip("far", "X-Ringfence-Call: near\r\n"), SWITCH, PROXY),
        (4.0, sip("far"), PROXY, PHONE),
        (5.0, sip("nearer"), CALLER, PROXY),
        (6.0, sip("other", "X-Ringfence-Call: nearer\r\n"), CALLER, PROXY),
        (7.0, sip("noted"), SWITCH, PROXY),
    )
    assert [(each.at, each.call_id) for each in messages_of(run, "near")] == [
        (1.0, "near"),
        (2.0, "near"),
        (3.0, "far"),
        (4.0, "far"),
    ]
    assert [each.at for each in messages_of(run, "near", legs=["noted"])] == [1.0, 2.0, 3.0, 4.0, 7.0]
    assert [each.at for each in messages_of(run, "far")] == [3.0, 4.0]
    assert messages_of(run, "none") == []


def test_a_call_id_is_not_found_in_what_others_say(tmp_path: Path) -> None:
    body = '"call_id":"a",'
    run = written(tmp_path, (1.0, sip("b") + body.encode(), CALLER, PROXY), (2.0, sip('c"x\\'), CALLER, PROXY))
    assert messages_of(run, "a") == []
    assert [each.at for each in messages_of(run, 'c"x\\')] == [2.0]


def test_messages_are_printed_as_json(tmp_path: Path) -> None:
    run = written(tmp_path, (1.0, sip("near"), CALLER, PROXY), (2.0, sip("other"), CALLER, PROXY))
    (line,) = json_lines(run / MESSAGES, Calls(["near"]))
    assert json.loads(line) == {
        "timestamp": "2001-09-09T01:46:41.000000Z",
        "call_id": "near",
        "at": 1.0,
        "transport": "udp",
        "from": "127.0.0.1:5061",
        "to": "127.0.0.1:5060",
        "message": sip("near").decode(),
    }


def test_where_nothing_was_recorded_nothing_is_read(tmp_path: Path) -> None:
    assert list(read_messages(tmp_path / MESSAGES)) == messages_of(tmp_path, "1") == []
    (tmp_path / MESSAGES).touch()
    assert list(read_messages(tmp_path / MESSAGES)) == messages_of(tmp_path, "1") == []
