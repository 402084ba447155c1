"""Offers and answers of one G.711 stream with digits."""

from __future__ import annotations

import pytest

from simulator.media.sdp import Negotiation, NotAcceptable, Stream

HERE = ("127.0.0.1", 20000)
SESSION = "v=0\r\no=- 1 1 IN IP4 127.0.0.9\r\ns=-\r\nc=IN IP4 127.0.0.9\r\nt=0 0\r\n"
AUDIO = "m=audio 4000 RTP/AVP 8 0\r\n"
DIGITS = "m=audio 4000 RTP/AVP 96 0 120\r\na=rtpmap:96 opus/48000/2\r\na=rtpmap:120 telephone-event/8000\r\n"


def answer(body: str, session: Negotiation | None = None) -> list[str]:
    """The lines of the answer, those of the session left out."""
    lines = (session or Negotiation(HERE)).answer((SESSION + body).encode()).decode().split("\r\n")
    assert lines[:2] + lines[2:5] == ["v=0", lines[1], "s=-", "c=IN IP4 127.0.0.1", "t=0 0"]
    return lines[5:-1]


def stream(body: str) -> Stream | None:
    session = Negotiation(HERE)
    session.answer((SESSION + body).encode())
    return session.stream


def test_the_first_law_that_is_offered_is_taken() -> None:
    assert answer(AUDIO) == [
        "m=audio 20000 RTP/AVP 8",
        "a=rtpmap:8 PCMA/8000",
        "a=ptime:20",
        "a=sendrecv",
    ]
    assert stream(AUDIO) == Stream(("127.0.0.9", 4000), 8, "PCMA", None)


def test_digits_keep_the_number_that_the_offer_gave_them() -> None:
    assert answer(DIGITS)[:4] == [
        "m=audio 20000 RTP/AVP 0 120",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:120 telephone-event/8000",
        "a=fmtp:120 0-15",
    ]
    assert stream(DIGITS) == Stream(("127.0.0.9", 4000), 0, "PCMU", 120)


def test_a_law_may_have_a_number_of_its_own() -> None:
    taken = stream("m=audio 4000 RTP/AVP 97\r\na=rtpmap:97 pcma/8000/1\r\n")
    assert taken is not None
    assert (taken.payload_type, taken.law, taken.law_of(97), taken.law_of(0)) == (97, "PCMA", "PCMA", "PCMU")
    assert taken.law_of(18) is None


def test_every_other_stream_is_refused_in_its_place() -> None:
    lines = answer("m=video 5000 RTP/AVP 99\r\n" + AUDIO + "m=audio 6000 RTP/AVP 0\r\nm=image 7000 udptl t38\r\n")
    assert [line for line in lines if line.startswith("m=")] == [
        "m=video 0 RTP/AVP 99",
        "m=audio 20000 RTP/AVP 8",
        "m=audio 0 RTP/AVP 0",
        "m=image 0 udptl t38",
    ]


@pytest.mark.parametrize(
    ("theirs", "ours", "heard"),
    [
        ("sendrecv", "sendrecv", True),
        ("sendonly", "recvonly", False),
        ("recvonly", "sendonly", True),
        ("inactive", "inactive", False),
    ],
)
@pytest.mark.parametrize("of_session", [True, False])
def test_hold_is_mirrored(theirs: str, ours: str, heard: bool, of_session: bool) -> None:
    direction = f"a={theirs}\r\n"
    body = direction + AUDIO if of_session else AUDIO + direction
    assert answer(body)[-1] == f"a={ours}"
    taken = stream(body)
    assert taken is not None
    assert taken.heard == heard


def test_the_old_way_to_hold_is_understood_too() -> None:
    held = stream(AUDIO + "c=IN IP4 0.0.0.0\r\n")
    assert held is not None
    assert not held.heard


def test_a_stream_has_the_address_nearest_to_it() -> None:
    taken = stream(AUDIO + "c=IN IP4 127.0.0.8\r\nm=audio 0 RTP/AVP 0\r\nc=IN IP4 127.0.0.7\r\n")
    assert taken is not None
    assert taken.address == ("127.0.0.8", 4000)


def test_a_stream_that_ends_is_agreed_to_and_may_come_back() -> None:
    session = Negotiation(HERE)
    answer(AUDIO, session)
    assert answer("m=audio 0 RTP/AVP 8\r\n", session) == ["m=audio 0 RTP/AVP 8"]
    assert session.stream is not None
    assert not session.stream.heard
    assert answer(AUDIO, session)[0] == "m=audio 20000 RTP/AVP 8"
    assert session.stream.heard


def test_each_description_of_a_session_is_a_version_of_it() -> None:
    session = Negotiation(HERE)
    first, second = session.offer(), session.offer()
    assert b"\r\no=- 20000 1 IN IP4 127.0.0.1\r\n" in first
    assert b"\r\no=- 20000 2 IN IP4 127.0.0.1\r\n" in second


def test_an_offer_has_both_laws_and_digits_and_its_answer_says_where_to_send() -> None:
    session = Negotiation(("::1", 20000))
    offered = session.offer().decode()
    assert "c=IN IP6 ::1" in offered
    assert "m=audio 20000 RTP/AVP 0 8 101\r\n" in offered
    body = SESSION + "m=audio 4000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n"
    session.take_answer(body.encode())
    assert session.stream == Stream(("127.0.0.9", 4000), 8, "PCMA", 101)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "m=audio 0 RTP/AVP 0\r\n",
        "m=video 4000 RTP/AVP 99\r\n",
        "m=audio 4000 RTP/SAVP 0\r\n",
        "m=audio 4000 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\n",
        "m=audio 4000 RTP/AVP 300\r\na=rtpmap:300 PCMU/8000\r\n",
        "m=audio 4000\r\n",
        "m=audio x RTP/AVP 0\r\n",
        "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 phone.example\r\n",
        "\xff\r\n=\r\n",
    ],
)
def test_a_description_without_a_stream_for_us_is_not_acceptable(body: str) -> None:
    offerer = Negotiation(HERE)
    offerer.offer()
    for take in (Negotiation(HERE).answer, offerer.take_answer):
        with pytest.raises(NotAcceptable):
            take((SESSION + body).encode("latin-1"))
    with pytest.raises(NotAcceptable):  # nobody says where
        Negotiation(HERE).answer(AUDIO.encode())
    assert offerer.stream is None
