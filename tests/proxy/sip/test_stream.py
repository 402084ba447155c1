"""Framing over streams by Content-Length (RFC 3261 18.3, RFC 5626 4.4.1)."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.sip.errors import MessageTooLarge, SipError
from proxy.sip.message import Broken, Request, broken_request, parse
from proxy.sip.stream import KEEPALIVE, Framer

ONE = b"OPTIONS sip:h SIP/2.0\r\nCall-ID: 1\r\nContent-Length: 0\r\n\r\n"
BODY = b"MESSAGE sip:h SIP/2.0\r\nl : 10\r\nCall-ID: 2\r\n\r\nab\r\n\r\nefgh"


def test_whole_messages_come_out_as_they_came_in() -> None:
    assert list(Framer().feed(ONE + BODY + ONE)) == [ONE, BODY, ONE]


def test_a_message_may_come_byte_by_byte() -> None:
    framer = Framer()
    got = [message for byte in ONE + BODY + ONE for message in framer.feed(bytes([byte]))]
    assert got == [ONE, BODY, ONE]


def test_a_double_line_break_is_a_keepalive_and_a_single_one_is_nothing() -> None:
    framer = Framer()
    assert list(framer.feed(b"\r\n")) == []
    assert list(framer.feed(ONE)) == [ONE]
    assert list(framer.feed(KEEPALIVE + ONE)) == [KEEPALIVE, ONE]
    assert list(framer.feed(b"\r\n\r")) == []
    assert list(framer.feed(b"\n")) == [KEEPALIVE]
    assert list(framer.feed(b"\n\n\r\n" + ONE)) == [ONE]


@pytest.mark.parametrize(
    ("padding", "keepalives"),
    [(b"\r\n\0", 0), (b"\r\n\r\n\0", 1), (b"\0", 0), (b"\0\r\n\r\n", 1), (b"\r\n\0" * 3, 0), (b"\r\n\r\n\0" * 3, 3)],
)
def test_zero_bytes_among_keepalives_spoil_no_message(padding: bytes, keepalives: int) -> None:
    whole, bytewise = Framer(), Framer()
    data = padding + ONE + padding + BODY + padding
    expected = [KEEPALIVE] * keepalives + [ONE] + [KEEPALIVE] * keepalives + [BODY] + [KEEPALIVE] * keepalives
    assert list(whole.feed(data)) == expected
    assert [message for byte in data for message in bytewise.feed(bytes([byte]))] == expected
    assert whole.between_messages
    assert not list(whole.feed(ONE[:20]))
    assert not whole.between_messages


def test_a_megabyte_of_padding_is_worked_through_without_copying_it_each_time() -> None:
    assert list(Framer().feed(b"\r\n\0" * 350_000 + ONE)) == [ONE]  # copied, it would be a hundred gigabytes


@pytest.mark.parametrize(
    "head",
    [
        b"\x16\x03\x01\r\n\r\n",
        b"X\r\nContent-Length: -1\r\n\r\n",
        b"SIP/2.0 200 OK\r\nCall-ID: 1\r\n\r\n",
    ],
)
def test_what_is_no_request_gets_no_answer(head: bytes) -> None:
    with pytest.raises(SipError) as caught:
        list(Framer().feed(head))
    assert broken_request(caught.value) is None


@pytest.mark.parametrize(
    "lines",
    [
        "",
        "Content-Length: -1",
        "Content-Length: many",
        "Content-Length: \r\n ",
        "Content-Length: 1\r\n 2",
        "Content-Length: 1\rX",
        "X-Content-Length: 1",
        "X: a\r\n Content-Length: 1",
        "Content-Length: 0\r\nContent-Length: 200",
        "l: 200\r\nContent-Length:\r\n 0",
        "Content-Length: 0\r\nl: many",
    ],
)
def test_where_nobody_can_tell_the_length_the_request_is_answered_and_nothing_more_is_read(lines: str) -> None:
    head = f"OPTIONS sip:h SIP/2.0\r\nCall-ID: 1\r\n{lines}".removesuffix("\r\n").encode() + b"\r\n\r\n"
    got: list[bytes] = []
    with pytest.raises(Broken) as caught:
        got.extend(Framer().feed(head + ONE))
    assert got == []
    assert caught.value.code == 400
    assert caught.value.request.call_id == "1"


@pytest.mark.parametrize(
    "line",
    [
        b"Content-Length:\r\n 3",
        b"Content-Length: \r\n\t 3",
        b"l: 3\r\n ",
        b"Content-Length: 0000000003",
        b"l: " + b"0" * 20_000 + b"3",
        b"l: 3\r\nContent-Length: 03",
    ],
)
def test_a_content_length_may_be_folded_have_zeros_in_front_and_be_said_twice(line: bytes) -> None:
    message = b"OPTIONS sip:h SIP/2.0\r\n" + line + b"\r\nA: b\r\n\r\nabc"
    got = list(Framer().feed(message + ONE))
    assert got == [message, ONE]
    request = parse(message)
    assert isinstance(request, Request)
    assert request.body == b"abc"


def test_nothing_is_counted_as_nothing_however_many_zeros() -> None:
    message = b"OPTIONS sip:h SIP/2.0\r\nContent-Length: 0000000000\r\n\r\n"
    assert list(Framer().feed(message + ONE)) == [message, ONE]
    assert parse(message).body == b""


@pytest.mark.parametrize("blanks", [b" ", b"\r\n ", b" \r\n\t", b"\r\nl ", b"\r\nl:"])
def test_piles_of_blanks_and_lines_are_read_once(blanks: bytes) -> None:
    head = b"OPTIONS sip:h SIP/2.0\r\nl" + blanks * (60_000 // len(blanks)) + b"x\r\n\r\n"
    with pytest.raises(Broken, match="Content-Length"):
        list(Framer().feed(head))


@pytest.mark.parametrize("name", [b"Content-Length", b"CONTENT-LENGTH", b"content-length", b"l", b"L", b"l \t"])
def test_content_length_is_found_however_it_is_spelt(name: bytes) -> None:
    message = b"OPTIONS sip:h SIP/2.0\r\n" + name + b": \t 3 \r\nA: b\r\n\r\nabc"
    assert list(Framer().feed(message + b"\r\n")) == [message]


def test_a_content_length_in_the_body_is_not_the_messages() -> None:
    message = b"MESSAGE sip:h SIP/2.0\r\nl: 23\r\n\r\n\r\nContent-Length: 999\r\n"
    assert list(Framer().feed(message)) == [message]


def test_headers_without_end_are_cut_off() -> None:
    framer = Framer(limit=1000)
    for _ in range(100):
        assert list(framer.feed(b"A: 12345\r\n")) == []
    with pytest.raises(MessageTooLarge) as caught:
        list(framer.feed(b"A"))
    assert broken_request(caught.value) is None  # it has no first line


def test_a_request_with_too_many_headers_is_answered_by_those_that_came() -> None:
    with pytest.raises(Broken) as caught:
        list(Framer(limit=1000).feed(ONE[:-2] + b"A: 12345\r\n" * 100))
    assert caught.value.code == 513
    assert caught.value.request.call_id == "1"


def test_a_message_over_the_limit_is_refused_before_it_is_taken_in() -> None:
    for length in (b"999999999", b"9" * 60):
        with pytest.raises(Broken) as caught:
            list(Framer(limit=1000).feed(b"OPTIONS sip:h SIP/2.0\r\nContent-Length: " + length + b"\r\n\r\n"))
        assert caught.value.code == 513


@pytest.mark.parametrize("broken", [b"X\r\n\r\n", b"X\r\nContent-Length: 999999999\r\n\r\n", b"A" * 70_000])
def test_what_came_whole_before_a_broken_message_is_not_lost(broken: bytes) -> None:
    got: list[bytes] = []
    with pytest.raises(SipError):
        got.extend(Framer().feed(ONE + BODY + KEEPALIVE + broken + ONE))
    assert got == [ONE, BODY, KEEPALIVE]


def test_a_message_of_just_the_limit_is_taken() -> None:
    assert list(Framer(limit=len(BODY)).feed(BODY)) == [BODY]
    with pytest.raises(Broken, match="bytes"):
        list(Framer(limit=len(BODY) - 1).feed(BODY))


@given(st.lists(st.sampled_from([ONE, BODY, KEEPALIVE]), max_size=6), st.lists(st.integers(0, 400), max_size=8))
def test_where_the_stream_is_cut_makes_no_difference(messages: list[bytes], cuts: list[int]) -> None:
    data = b"".join(messages)
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    framer = Framer()
    got = [message for start, end in pairwise(edges) for message in framer.feed(data[start:end])]
    assert got == messages
