"""Messages as they pass become events: whose call, between which lifelines, and what the phone does."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.stage.events import Event, Lifeline, Message, Phone, Text
from simulator.stage.watching import Watching

CALLER, PROXY, SWITCH, PHONE = (("127.0.0.1", port) for port in (5061, 5060, 5080, 5062))
ELEMENTS: dict[tuple[str, int], Lifeline] = {PROXY: "proxy", SWITCH: "softswitch"}
ENDS = {"caller": CALLER, "proxy": PROXY, "softswitch": SWITCH, "phone": PHONE}


class Watched:
    """A call c that was begun at 100 s of a clock that is 1,000 s behind, and what is heard of it."""

    def __init__(self) -> None:
        self.watching = Watching(ELEMENTS, {"alice": "alice", "+8613800138001": "alice"}, lambda: 1000.0)
        self.watching.begin("c")
        self.at = 100.0

    def hear(self, way: str, first: str, call_id: str, **headers: str) -> list[Event]:
        sender, _, receiver = way.partition(" ")
        method = headers.pop("method", first.partition(" ")[0])
        body = headers.pop("body", "")
        lines = {"Call-ID": call_id, "From": '"x" <sip:+12025550101@h>;tag=1', "To": "<sip:a@h>", **headers}
        lines["CSeq"] = f"1 {method}"
        head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items())
        data = f"{first}\r\n{head}\r\n{body}".encode()
        self.at += 0.001
        return list(self.watching.seen(self.at, data, "udp", ENDS[sender], ENDS[receiver]))

    def rings(self) -> None:
        self.hear("caller proxy", "INVITE sip:alice@h SIP/2.0", "c")
        self.hear("proxy softswitch", "INVITE sip:alice@h SIP/2.0", "c")
        self.hear("softswitch proxy", "INVITE sip:alice@h SIP/2.0", "leg", X_Ringfence_Call="c")
        self.hear("proxy phone", "INVITE sip:alice@h SIP/2.0", "leg", X_Ringfence_Call="c")


@pytest.fixture
def call() -> Watched:
    return Watched()


def test_a_message_has_its_time_and_its_lifelines(call: Watched) -> None:
    [message] = call.hear("caller proxy", "INVITE sip:alice@h SIP/2.0", "c")

    assert isinstance(message, Message)
    assert (message.at, message.call, message.from_, message.to) == (1100.001, "c", "caller", "proxy")
    assert message.first_line == "INVITE sip:alice@h SIP/2.0"
    assert message.text.startswith("INVITE sip:alice@h SIP/2.0\r\nCall-ID: c\r\n")


def test_messages_of_nobody_are_nobodys(call: Watched) -> None:
    assert call.hear("phone proxy", "REGISTER sip:h SIP/2.0", "registration") == []
    assert call.hear("softswitch proxy", "INVITE sip:alice@h SIP/2.0", "leg", X_Ringfence_Call="other") == []


def test_the_legs_of_the_softswitch_are_of_its_call_and_so_are_theirs(call: Watched) -> None:
    call.rings()
    [message] = call.hear("softswitch proxy", "INVITE sip:b@h SIP/2.0", "leg of leg", X_Ringfence_Call="leg")

    assert isinstance(message, Message)
    assert message.call == "c"


def test_a_phone_rings_talks_and_is_idle_again(call: Watched) -> None:
    call.rings()

    states: list[Any] = []
    for way, first, method in (
        ("phone proxy", "SIP/2.0 180 Ringing", "INVITE"),
        ("phone proxy", "SIP/2.0 180 Ringing", "INVITE"),
        ("phone proxy", "SIP/2.0 200 OK", "INVITE"),
        ("proxy phone", "BYE sip:alice@h SIP/2.0", "BYE"),
        ("phone proxy", "SIP/2.0 200 OK", "BYE"),
    ):
        events = call.hear(way, first, "leg", method=method)
        states += [(each.state, each.caller, each.display_name) for each in events if isinstance(each, Phone)]

    assert states == [("ringing", "+12025550101", "x"), ("talking", "+12025550101", "x"), ("idle", "", "")]


@pytest.mark.parametrize("first", ["SIP/2.0 486 Busy Here", "SIP/2.0 603 Decline"])
def test_a_phone_that_refuses_is_idle(call: Watched, first: str) -> None:
    call.rings()
    call.hear("phone proxy", "SIP/2.0 180 Ringing", "leg", method="INVITE")

    events = call.hear("phone proxy", first, "leg", method="INVITE")

    assert [each.state for each in events if isinstance(each, Phone)] == ["idle"]


def test_a_cancelled_call_stops_ringing(call: Watched) -> None:
    call.rings()
    call.hear("phone proxy", "SIP/2.0 180 Ringing", "leg", method="INVITE")

    events = call.hear("proxy phone", "CANCEL sip:alice@h SIP/2.0", "leg")

    assert [each.state for each in events if isinstance(each, Phone)] == ["idle"]


def test_a_label_that_is_known_late_is_told_where_the_phone_rings(call: Watched) -> None:
    assert list(call.watching.labelled("c", "from afar")) == []
    call.rings()
    [_, rings] = call.hear("phone proxy", "SIP/2.0 180 Ringing", "leg", method="INVITE")
    assert isinstance(rings, Phone)
    assert rings.label == "from afar"

    [again] = call.watching.labelled("c", "from farther")
    assert isinstance(again, Phone)
    assert (again.state, again.label) == ("ringing", "from farther")
    assert list(call.watching.labelled("other", "x")) == []


def test_a_text_and_one_of_the_operators_own(call: Watched) -> None:
    own = call.hear("proxy phone", "MESSAGE sip:alice@h SIP/2.0", "leg", X_Ringfence_Call="c", body="hello")
    operators = call.hear("proxy phone", "MESSAGE sip:alice@h SIP/2.0", "notice", body="refused")
    nobodys = call.hear("proxy phone", "MESSAGE sip:nobody@h SIP/2.0", "notice", body="refused")

    assert [(each.call, each.body) for each in own if isinstance(each, Text)] == [("c", "hello")]
    assert [(each.call, each.body) for each in operators if isinstance(each, Text)] == [("", "refused")]
    assert nobodys == []


def test_the_delay_is_what_all_four_ways_through_the_proxy_took(call: Watched) -> None:
    call.rings()
    assert call.watching.delay("c") is None
    for way, call_id in (
        ("phone proxy", "leg"), ("proxy softswitch", "leg"), ("softswitch proxy", "c"), ("proxy caller", "c"),
    ):  # fmt: skip
        call.hear(way, "SIP/2.0 180 Ringing", call_id, method="INVITE")

    assert call.watching.delay("c") == pytest.approx(0.004)
    call.hear("proxy softswitch", "INVITE sip:alice@h SIP/2.0", "c")  # sent again
    assert call.watching.delay("c") == pytest.approx(0.004)


def test_the_requests_with_which_it_came_are_kept_for_who_decides_again(call: Watched) -> None:
    call.rings()
    call.hear("caller proxy", "INVITE sip:alice@h SIP/2.0", "c", Authorization="x")

    first, second = call.watching.openings("c")
    assert b"Authorization" not in first
    assert b"Authorization" in second
    assert call.watching.openings("other") == ()


def test_what_is_over_is_forgotten_with_its_legs(call: Watched) -> None:
    call.rings()
    call.watching.end("c")

    assert call.hear("proxy phone", "BYE sip:alice@h SIP/2.0", "leg") == []
    assert call.hear("caller proxy", "BYE sip:alice@h SIP/2.0", "c") == []


@pytest.mark.parametrize("data", [b"", b"\xff" * 100, b"INVITE", b"MESSAGE sip:\xff SIP/2.0\r\nCall-ID: x\r\n\r\n"])
def test_what_is_no_sip_is_nobodys(call: Watched, data: bytes) -> None:
    assert list(call.watching.seen(1.0, data, "udp", CALLER, PHONE)) == []
