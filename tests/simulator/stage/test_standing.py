"""A lab that stands: what becomes of a call is told as it happens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.plays.pin import PIN, shows_pin
from tests.plays.proxy_process import eventually
from tests.plays.stage import StagePlay, soon_over


@pytest.fixture(scope="module", autouse=True)
def brief() -> Iterator[None]:
    with soon_over():
        yield


def test_a_call_from_abroad_is_refused_and_the_phone_stays_silent(stage: StagePlay) -> None:
    call = stage.post("/api/family", id="cold-call", to="alice")["id"]

    ended = stage.ended(call)

    assert (ended["action"], ended["rule"]) == ("reject", "barring.incoming_international")
    assert (ended["outcome"], ended["final"]) == ("blocked", 603)
    events = [each["event"] for each in stage.get(f"/api/calls/{call}")["events"]]
    assert events[0] == "placed"
    assert "judged" in events
    assert "phone" not in events
    assert events[-1] == "ended"


def test_the_phone_rings_talks_and_is_idle_again(stage: StagePlay) -> None:
    call = stage.post("/api/call", **{"from": "+6591234567", "to": "bob", "ring": "100ms", "talk": "100ms"})["id"]

    stage.ended(call)

    events = stage.get(f"/api/calls/{call}")["events"]
    assert [each["state"] for each in events if each["event"] == "phone"][-2:] == ["talking", "idle"]
    hops = [(each["from"], each["to"]) for each in events if each["event"] == "message"]
    assert hops[0] == ("caller", "proxy")
    assert {("proxy", "softswitch"), ("proxy", "phone"), ("phone", "proxy")} <= set(hops)


def test_the_verdict_is_told_while_the_phone_still_rings(stage: StagePlay) -> None:
    call = stage.post("/api/call", **{"from": "+8613900139001", "to": "bob", "trunk": "domestic", "ring": "60s"})["id"]

    judged = stage.call_where(call, lambda each: "rule" in each)

    assert judged["rule"] == "default.allow"
    assert "outcome" not in judged
    stage.until(lambda _: stage.stage.phones.handsets["bob"].held)
    stage.post("/api/phones/bob", do="hang_up")
    assert stage.ended(call)["final"] == 603


def test_a_text_arrives(stage: StagePlay) -> None:
    keys = {"from": "+8613900139001", "to": "bob", "trunk": "domestic", "method": "MESSAGE", "body": "晚上见"}
    call = stage.post("/api/call", **keys)["id"]

    assert stage.ended(call)["outcome"] == "passed"

    bob = next(each for each in stage.get("/api/state")["subscribers"] if each["name"] == "bob")
    assert bob["phone"]["texts"][0]["body"] == "晚上见"


@pytest.mark.parametrize("to", ["bob", "10086"])
def test_a_star_code_that_is_texted_shows_no_pin(stage: StagePlay, to: str) -> None:
    keys = {"from": "alice", "to": to, "trunk": "phones", "method": "MESSAGE", "body": f"请拨*354*{PIN}#"}
    with stage.events() as events:
        call = stage.post("/api/call", **keys)["id"]
        stage.ended(call)
        told = [next(events)]
        while told[-1][1].get("call") != call or told[-1][0] != "ended":
            told.append(next(events))

    shown = [told, stage.get("/api/state"), stage.get(f"/api/calls/{call}")]
    assert all("*354*••••#" in json.dumps(each, ensure_ascii=False) for each in shown)
    assert not any(shows_pin(json.dumps(each, ensure_ascii=False)) for each in shown)


def test_a_page_gets_the_state_first_and_then_what_happens(stage: StagePlay) -> None:
    with stage.events() as events:
        name, state = next(events)
        assert (name, state["scenario"]) == ("state", "stage")
        call = stage.post("/api/family", id="friend", to="carol")["id"]
        placed = next(fields for name, fields in events if name == "placed")

    assert placed["call"]["id"] == call


def test_a_call_that_cannot_be_placed_is_refused_with_the_reason(stage: StagePlay, tmp_path: Path) -> None:
    status, _, body = stage.ask(
        "POST", "/api/call", b'{"from": "+1", "to": "nobody"}', {"Content-Type": "application/json"}
    )

    assert status == 422
    assert b"to: expected a number to dial, or a subscriber" in body


def test_closing_all_pages_leaves_the_lab_as_it_is_and_who_comes_back_gets_the_state_as_it_is(stage: StagePlay) -> None:
    def carol(do: str, **more: bool) -> None:
        stage.post("/api/phones/carol", do=do, **more)

    with ExitStack() as at_the_end:
        at_the_end.callback(carol, "hold", on=False)
        eventually(lambda: stage.get("/api/phones/carol")["state"] == "idle")  # else it is busy
        carol("hold")
        with stage.events() as events:
            next(events)
            call = stage.post("/api/call", **{"from": "+8613900139002", "to": "carol", "trunk": "domestic"})["id"]
            phone = next(fields for name, fields in events if name == "phone" and fields["call"] == call)
            assert phone["state"] == "ringing"
        eventually(lambda: stage.stage.hub.followers == 0)
        stage.call_where(call, lambda each: "rule" in each)

        with stage.events() as events:
            name, state = next(events)
            told = {each["id"]: each for each in state["calls"]}
            assert (name, told[call]["rule"]) == ("state", "default.allow")
            carol("answer")
            eventually(lambda: stage.get("/api/phones/carol")["state"] == "talking")
            carol("hang_up")
            ended = next(fields for name, fields in events if name == "ended" and fields["call"] == call)

    assert (ended["outcome"], ended["status"]) == ("passed", 200)
