"""Names of header lines are worked out once for messages that look alike, and yet are those of each message."""

from __future__ import annotations

import gc

import pytest

from proxy.sip import shape
from proxy.sip.message import Request, parse
from proxy.sip.shape import shape_of

LINES = ("Via: SIP/2.0/UDP 127.0.1.1;branch=z9hG4bK1", "From: <sip:a@b>;tag=1", "To: <sip:c@d>", "CSeq: 1 INVITE")


def request(*lines: str, method: str = "INVITE") -> Request:
    message = parse("\r\n".join((f"{method} sip:c@d SIP/2.0", *lines, "", "")).encode())
    assert isinstance(message, Request)
    return message


def test_messages_that_look_alike_share_their_shape() -> None:
    first, second = request(*LINES, "i: one"), request(*LINES, "i: another")
    assert first.shape is second.shape
    assert (first.header("call-id"), second.header("call-id")) == ("one", "another")


@pytest.mark.parametrize(
    ("line", "name"),
    [("t: <sip:e@f>", "to"), ("T : <sip:e@f>", "to"), ("X-Other: 1", "x-other"), ("Via : x", "via"), ("viA: x", "via")],
)
def test_a_line_of_another_name_in_the_same_place_has_that_name(line: str, name: str) -> None:
    request(*LINES, "Contact: <sip:a@b>")
    assert request(*LINES, line).names == ("via", "from", "to", "cseq", name)
    assert request(*LINES, line).names == ("via", "from", "to", "cseq", name)
    assert request(*LINES, "Contact: <sip:a@b>").names[-1] == "contact"


def test_a_folded_line_is_no_line_of_its_own() -> None:
    plain = request(*LINES, "Subject: a", "Priority: urgent")
    folded = request(*LINES, "Subject: a", " Priority: urgent")
    assert plain.names[-2:] == ("subject", "priority")
    assert folded.names[-1] == "subject"
    assert folded.header("subject") == "a Priority: urgent"


def test_a_line_that_comes_or_goes_changes_one_message_only() -> None:
    first, second = request(*LINES), request(*LINES)
    first.insert(0, "Via", "top")
    first.insert(1, "Record-Route", "<sip:r;lr>")
    first.insert(4, "Subject", "s")
    assert first.names == ("via", "record-route", "via", "from", "subject", "to", "cseq")
    first.remove_first_value("via")
    first.remove("subject")
    assert first.names == ("record-route", "via", "from", "to", "cseq")
    assert second.names == ("via", "from", "to", "cseq")
    assert [line.partition(":")[0].lower() for line in first.lines] == list(first.names)


def test_all_lines_of_a_name_go_at_once() -> None:
    many = request(*LINES, *["Route: <sip:r;lr>"] * 200, "Subject: s")
    assert "route" in many.shape.repeated
    many.remove("route")
    assert many.names == ("via", "from", "to", "cseq", "subject")
    many.insert_all(1, "Route", ["<sip:a;lr>", "<sip:b;lr>"])
    assert many.values("route") == ["<sip:a;lr>", "<sip:b;lr>"]
    assert many.names[:3] == ("via", "route", "route")


def test_names_that_nobody_uses_twice_are_forgotten() -> None:
    gc.collect()
    gc.disable()
    try:
        for number in range(3000):
            strange = request(*LINES, f"X-{number}: 1")
            strange.insert(0, "Via", "x")
            strange.remove_first_value("via")  # which leads back: shapes must not hold each other for ever
            assert strange.names[-1] == f"x-{number}"
        assert sum(isinstance(each, shape.Shape) for each in gc.get_objects()) <= 2 * shape._MOST
    finally:
        gc.enable()


def test_strange_methods_are_not_remembered() -> None:
    for number in range(200):
        request(*LINES, method=f"M{number}")
        request(*LINES, method="M" * 5000 + str(number))
    assert all(len(each) <= shape._MOST_KINDS and max(map(len, each), default=0) <= 16 for each in shape._LATEST)


def test_long_names_are_not_remembered() -> None:
    long = shape_of(("via", "x" * 2000))
    assert not long.kept
    assert shape_of(("via", "x" * 2000)) is not long
