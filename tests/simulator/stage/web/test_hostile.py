"""Hostile callers: names, numbers and texts that want to be more than text reach pages as text, and break nothing."""

from __future__ import annotations

import json
import socket

import pytest

from simulator.stage.events import Notice
from simulator.stage.hub import as_text
from simulator.stage.web.bodies import Json
from tests.plays.stage import JSON, StagePlay

NAMES = [
    '"><img src=x onerror=alert(1)>',
    "</script><script>alert(1)</script>",
    "{{7*7}}",
    "&lt;b&gt;",
    "data: x",
    "名" * 200,
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_reaches_the_page_as_it_is_in_json(stage: StagePlay, name: str) -> None:
    keys = {"from": "+8613900139001", "to": "bob", "trunk": "domestic", "ring": "20ms", "talk": "20ms"}
    with stage.events() as events:
        next(events)
        call = stage.post("/api/call", **keys, display_name=name)["id"]
        placed = next(fields for kind, fields in events if kind == "placed")
        shown = next(fields for kind, fields in events if kind == "phone" and fields["state"] == "ringing")

    assert placed["call"]["display_name"] == name
    assert shown["display_name"] == name
    assert stage.ended(call)["outcome"] == "passed"


@pytest.mark.parametrize(
    "caller", ["sip:%ff%fe@x.example", "sip:%3Cscript%3E@x.example", "tel:+1202;phone-context=x", "anonymous"]
)
def test_odd_callers_come_to_their_end_and_the_state_can_be_read(stage: StagePlay, caller: str) -> None:
    keys = {"from": caller, "to": "bob", "ring": "20ms", "talk": "20ms"}

    assert stage.ended(stage.post("/api/call", **keys)["id"])["outcome"] in ("passed", "blocked")


@pytest.mark.parametrize(
    "body", ["x\x00y", "a\r\n\r\nINVITE sip:x SIP/2.0", "event: state\ndata: {}\n\n", "名" * 300, "\u2028"]
)
def test_a_text_ends_no_event_and_begins_none(stage: StagePlay, body: str) -> None:
    keys = {"from": "+8613900139001", "to": "bob", "trunk": "domestic", "method": "MESSAGE", "body": body}
    with stage.events() as events:
        next(events)
        call = stage.post("/api/call", **keys)["id"]
        text = next(fields for kind, fields in events if kind == "text")

    assert (text["call"], text["body"]) == (call, body)


@pytest.mark.parametrize("half", ['"\\udcff"', '"\\ud83d"', '{"\\udcff": 1}', '["\\udcff"]'])
@pytest.mark.parametrize("path", ["/api/call", "/api/family", "/api/settings", "/api/rule", "/api/traffic"])
def test_half_a_character_is_no_text(stage: StagePlay, path: str, half: str) -> None:
    keys = ("from", "to", "id", "subscriber", "settings", "rule", "mode", "scenario", "rate")
    body = "{" + ", ".join(f'"{key}": {half}' for key in keys) + "}"

    assert stage.ask("POST", path, body.encode(), JSON)[0] == 400
    stage.get("/api/state")


def test_half_a_character_that_came_by_sip_reaches_pages(stage: StagePlay) -> None:
    assert json.loads(bytes(Json({"detail": "\udcff"}).body)) == {"detail": "\udcff"}
    assert as_text("notice", {"words": "\udcff\u2028\n"}).count(b"\n") == 3


def test_a_key_of_another_kind_is_refused(stage: StagePlay) -> None:
    for path, keys in (
        ("/api/family", {"id": {}, "to": "bob"}),
        ("/api/rule", {"rule": ["x"], "mode": "off"}),
        ("/api/settings", {"subscriber": 1, "settings": {}}),
        ("/api/traffic", {"rate": 10**400}),
    ):
        assert stage.ask("POST", path, json.dumps(keys).encode(), JSON)[0] == 422


def test_a_call_cannot_last_for_years(stage: StagePlay) -> None:
    keys = {"from": "+8613900139001", "to": "bob", "trunk": "domestic", "ring": "3650d"}

    status, _, body = stage.ask("POST", "/api/call", json.dumps(keys).encode(), JSON)

    assert status == 422
    assert b"at most 600 s" in body


def test_strangers_who_send_datagrams_to_the_lab_change_nothing_on_the_page(stage: StagePlay) -> None:
    before = stage.get("/api/state")["subscribers"][1:]
    lab = stage.stage.standing.lab
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for target in (lab.next_hop, lab.switch.address, *lab.wire.trunks.values()):
            stranger.sendto(b"INVITE sip:\xff SIP/2.0\r\nX-Ringfence-Call: call-1\r\nCall-ID: call-1\r\n\r\n", target)
            stranger.sendto(b"\xff" * 1000, target)

    call = stage.post("/api/family", id="cold-call", to="alice")["id"]

    assert stage.ended(call)["outcome"] == "blocked"
    assert stage.get("/api/state")["subscribers"][1:] == before  # alice got a notice


def test_a_page_that_reads_nothing_is_let_go_and_the_others_go_on(stage: StagePlay) -> None:
    hub = stage.stage.hub

    def much_happens() -> int:
        for _ in range(3000):
            hub.publish(Notice(0.0, "info", {"en": "x" * 2000, "zh": "x"}))
        return hub.followers

    with stage.events() as idle:
        next(idle)
        followers = hub.followers
        assert stage.within(much_happens) < followers
    with stage.events() as back:
        assert next(back)[0] == "state"
