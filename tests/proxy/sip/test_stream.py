"""Framing over streams by Content-Length (RFC 3261 18.3, RFC 5626 4.4.1)."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.sip.errors import MessageTooLarge, SipError, Unanswerable
from proxy.sip.stream import KEEPALIVE, Framer

ONE = b"OPTIONS sip:h SIP/2.0\r\nCall-ID: 1\r\nContent-Length: 0\r\n\r\n"
BODY = b"MESSAGE sip:h SIP/2.0\r\nl : 10\r\nCall-ID: 2\r\n\r\nab\r\n\r\nefgh"


def test_whole_messages_come_out_as_they_came_in():
    assert list(Framer().feed(ONE + BODY + ONE)) == [ONE, BODY, ONE]


def test_a_message_may_come_byte_by_byte():
    framer = Framer()
    got = [message for byte in ONE + BODY + ONE for message in framer.feed(bytes([byte]))]
    assert got == [ONE, BODY, ONE]


def test_a_double_line_break_is_a_keepalive_and_a_single_one_is_nothing():
    framer = Framer()
    assert list(framer.feed(b"\r\n")) == []
    assert list(framer.feed(ONE)) == [ONE]
    assert list(framer.feed(KEEPALIVE + ONE)) == [KEEPALIVE, ONE]
    assert list(framer.feed(b"\r\n\r")) == []
    assert list(framer.feed(b"\n")) == [KEEPALIVE]
    assert list(framer.feed(b"\n\n\r\n" + ONE)) == [ONE]


@pytest.mark.parametrize(
    "head",
    [
        b"OPTIONS sip:h SIP/2.0\r\nCall-ID: 1\r\n\r\n",
        b"\x16\x03\x01\r\n\r\n",
        b"X\r\nContent-Length: -1\r\n\r\n",
        b"X\r\nContent-Length: many\r\n\r\n",
        b"X\r\nX-Content-Length: 1\r\n\r\n",
    ],
)
def test_without_a_content_length_the_stream_is_of_no_use(head):
    with pytest.raises(Unanswerable):
        list(Framer().feed(head))


@pytest.mark.parametrize("name", [b"Content-Length", b"CONTENT-LENGTH", b"content-length", b"l", b"L", b"l \t"])
def test_content_length_is_found_however_it_is_spelt(name):
    message = b"OPTIONS sip:h SIP/2.0\r\n" + name + b": \t 3 \r\nA: b\r\n\r\nabc"
    assert list(Framer().feed(message + b"\r\n")) == [message]


def test_a_content_length_in_the_body_is_not_the_messages():
    message = b"MESSAGE sip:h SIP/2.0\r\nl: 23\r\n\r\n\r\nContent-Length: 999\r\n"
    assert list(Framer().feed(message)) == [message]


def test_headers_without_end_are_cut_off():
    framer = Framer(limit=1000)
    for _ in range(100):
        assert list(framer.feed(b"A: 12345\r\n")) == []
    with pytest.raises(MessageTooLarge):
        list(framer.feed(b"A"))


def test_a_message_over_the_limit_is_refused_before_it_is_taken_in():
    framer = Framer(limit=1000)
    with pytest.raises(MessageTooLarge):
        list(framer.feed(b"OPTIONS sip:h SIP/2.0\r\nContent-Length: 999999999\r\n\r\n"))


@pytest.mark.parametrize("broken", [b"X\r\n\r\n", b"X\r\nContent-Length: 999999999\r\n\r\n", b"A" * 70_000])
def test_what_came_whole_before_a_broken_message_is_not_lost(broken):
    got: list[bytes] = []
    with pytest.raises(SipError):
        got.extend(Framer().feed(ONE + BODY + KEEPALIVE + broken + ONE))
    assert got == [ONE, BODY, KEEPALIVE]


def test_a_message_of_just_the_limit_is_taken():
    assert list(Framer(limit=len(BODY)).feed(BODY)) == [BODY]
    with pytest.raises(MessageTooLarge):
        list(Framer(limit=len(BODY) - 1).feed(BODY))


@given(st.lists(st.sampled_from([ONE, BODY, KEEPALIVE]), max_size=6), st.lists(st.integers(0, 400), max_size=8))
def test_where_the_stream_is_cut_makes_no_difference(messages, cuts):
    data = b"".join(messages)
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    framer = Framer()
    got = [message for start, end in pairwise(edges) for message in framer.feed(data[start:end])]
    assert got == messages
