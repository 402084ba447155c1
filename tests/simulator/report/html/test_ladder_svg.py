"""The picture of a ladder."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from typing import Any

from simulator.report.html.ladder_svg import drawn
from simulator.report.ladder import build
from simulator.results.messages import Message

CALLER, PROXY, SWITCH = ("127.0.1.1", 5070), ("127.0.0.1", 5060), ("127.0.0.1", 5080)
KNOWN = {"127.0.0.1:5060": "proxy", "127.0.0.1:5080": "softswitch"}
RECORD = {
    "call_id": "c1",
    "method": "INVITE",
    "action": "reject",
    "status": 603,
    "rule": "barring.incoming_international",
    "detail": "overseas caller +23224141026 (SL) on trunk international",
    "elapsed_us": 171.4,
}
BEGIN = datetime(2026, 3, 2, 8, tzinfo=UTC)
SVG = "{http://www.w3.org/2000/svg}"


def message(at: float, sender: tuple[str, int], receiver: tuple[str, int], first: str) -> Message:
    data = f"{first}\r\nCall-ID: c1\r\nCSeq: 1 INVITE\r\n\r\n".encode()
    return Message(100.0 + at, BEGIN + timedelta(seconds=at), "udp", sender, receiver, "c1", True, data)


INVITE = message(0.0, CALLER, PROXY, "INVITE sip:a@b SIP/2.0")
DECLINE = message(0.002, PROXY, CALLER, "SIP/2.0 603 Decline")


def picture(*messages: Message, record: dict[str, Any] | None = None, counterfactual: str = "") -> ET.Element:
    return ET.fromstring(drawn(build("c1: <a> & b", messages, KNOWN, record or {}), counterfactual))  # noqa: S314


def words(element: ET.Element, kind: str) -> list[str]:
    return [each.text or "" for each in element.iter(f"{SVG}text") if each.get("class") == kind]


def test_the_policy_has_a_lane_beside_the_proxy_with_rule_evidence_and_counterfactual() -> None:
    svg = picture(INVITE, DECLINE, record=RECORD, counterfactual="Without it: would have rung")
    assert words(svg, "title") == ["policy", "caller", "proxy", "softswitch", "phone"]
    assert " ".join(words(svg, "verdict")) == "reject with 603 by barring.incoming_international"
    assert "overseas caller +23224141026" in " ".join(words(svg, "evidence"))
    assert words(svg, "counterfactual") == ["Without it: would have rung"]
    assert words(svg, "time") == ["ms", "since", "0.0", "2.0"]
    assert words(svg, "time since") == ["+2.0"]
    arrows = [each for each in svg.iter(f"{SVG}g") if each.get("data-message")]
    assert [arrow.get("class") for arrow in arrows] == ["arrow request", "arrow failure"]
    box = next(each for each in svg.iter(f"{SVG}rect") if each.get("class") == "box")
    bottom = float(box.get("y", 0)) + float(box.get("height", 0))
    second = next(each for each in arrows[1].iter(f"{SVG}line"))
    assert float(second.get("y1", 0)) > bottom


def test_without_a_record_there_is_no_lane() -> None:
    assert words(picture(INVITE), "title") == ["caller", "proxy", "softswitch", "phone"]


def test_many_phones_a_message_to_oneself_and_what_is_no_sip_are_drawn() -> None:
    phones = [
        message(0.1 * number, SWITCH, (f"127.0.3.{number}", 5060), "INVITE sip:x SIP/2.0") for number in range(1, 6)
    ]
    odd = [message(1.0, PROXY, PROXY, "OPTIONS sip:x SIP/2.0"), message(1.1, CALLER, PROXY, "\x00\x01<script>")]
    svg = picture(INVITE, INVITE, *phones, *odd)
    assert words(svg, "title")[-5:] == ["phone", "phone 2", "phone 3", "phone 4", "phone 5"]
    assert words(svg, "label")[:2] == ["INVITE", "INVITE again"]
    assert words(svg, "label")[-2:] == ["OPTIONS", "(not SIP)"]
    right = max(float(each.get("x", 0)) for each in svg.iter(f"{SVG}text"))
    assert right < float(svg.get("width", 0))


def test_long_reasons_are_cut_and_told_whole_in_a_title() -> None:
    reason = "Because " + "of this and that " * 6
    svg = picture(INVITE, message(0.1, PROXY, CALLER, f"SIP/2.0 500 {reason}"))
    assert words(svg, "label")[1].endswith("…")
    assert any(reason.strip() in (each.text or "") for each in svg.iter(f"{SVG}title"))
