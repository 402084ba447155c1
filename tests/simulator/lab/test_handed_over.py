"""The moments at which INVITEs left for a softswitch whose socket is not ours."""

from __future__ import annotations

from pathlib import Path

from proxy.observability.message_log import message_line
from simulator.lab.handed_over import handed_over

SWITCH, PROXY, CALLER = ("127.0.0.1", 5080), ("127.0.0.1", 5060), ("127.0.1.1", 40001)


def said(first: str, call: str, cseq: str = "1 INVITE") -> bytes:
    return f"{first} SIP/2.0\r\nCall-ID: {call}\r\nCSeq: {cseq}\r\nSubject: INVITE 1\r\n\r\n".encode()


def test_it_is_the_first_invite_of_a_call_that_counts_and_only_one_that_goes_there(tmp_path: Path) -> None:
    log = tmp_path / "proxy-messages.jsonl"
    lines = [
        message_line(1.0, 0.0, said("INVITE sip:a@b", "in"), "udp", CALLER, PROXY),
        message_line(1.5, 0.0, said("INVITE sip:a@b", "one"), "udp", PROXY, SWITCH),
        message_line(2.0, 0.0, said("INVITE sip:a@b", "one"), "udp", PROXY, SWITCH),  # sent again
        message_line(2.5, 0.0, said("INVITE sip:a@b", "proven", "2 INVITE"), "udp", PROXY, SWITCH),
        message_line(3.0, 0.0, said("ACK sip:a@b", "acked", "1 ACK"), "udp", PROXY, SWITCH),
        message_line(3.5, 0.0, said("INVITE sip:a@b", "two"), "udp", PROXY, SWITCH),
    ]
    half = message_line(4.0, 0.0, said("INVITE sip:a@b", "half"), "udp", PROXY, SWITCH)[:200]
    log.write_text("\n".join([*lines, half]))
    assert handed_over(log, SWITCH) == {"one": 1.5, "two": 3.5}
    assert handed_over(tmp_path / "none.jsonl", SWITCH) == {}
