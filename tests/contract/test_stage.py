"""The stage on every softswitch: the same calls look the same on the page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from simulator.softswitch.kinds import prepare
from tests.contract.conftest import SWITCHES
from tests.plays.docker_engine import need_an_engine
from tests.plays.handset_line import handset_line
from tests.plays.proxy_process import eventually
from tests.plays.stage import StagePlay, standing_stage


@pytest.fixture(scope="module", params=SWITCHES)
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StagePlay]:
    if request.param == "docker":
        need_an_engine()
    prepare(request.param, lambda _: None)
    with standing_stage(tmp_path_factory.mktemp("stage"), switch=request.param) as play:
        yield play


def hops(stage: StagePlay, call: str) -> set[tuple[str, str]]:
    events = stage.get(f"/api/calls/{call}")["events"]
    return {(each["from"], each["to"]) for each in events if each["event"] == "message"}


def test_a_refused_call_gets_no_farther_than_the_proxy(stage: StagePlay) -> None:
    ended = stage.ended(stage.post("/api/family", id="cold-call", to="alice")["id"])

    assert (ended["rule"], ended["outcome"]) == ("barring.incoming_international", "blocked")
    assert hops(stage, ended["id"]) == {("caller", "proxy"), ("proxy", "caller")}
    assert "the phone would have rung" in ended["otherwise"]["en"]


def test_a_call_that_is_let_through_passes_all_lifelines_and_rings(stage: StagePlay) -> None:
    keys = {"from": "+8613900139001", "to": "bob", "trunk": "domestic", "ring": "500ms", "talk": "500ms"}
    ended = stage.ended(stage.post("/api/call", **keys)["id"])

    assert (ended["outcome"], ended["final"]) == ("passed", 200)
    assert hops(stage, ended["id"]) == {
        *(("caller", "proxy"), ("proxy", "caller"), ("proxy", "softswitch"), ("softswitch", "proxy")),
        *(("proxy", "phone"), ("phone", "proxy")),
    }
    events = stage.get(f"/api/calls/{ended['id']}")["events"]
    assert [each["state"] for each in events if each["event"] == "phone"][:1] == ["ringing"]
    kinds = [each["event"] for each in events]
    assert kinds.index("judged") < kinds.index("phone") < kinds.index("ended")


def test_a_text_arrives(stage: StagePlay) -> None:
    keys = {"from": "+8613900139001", "to": "bob", "trunk": "domestic", "method": "MESSAGE", "body": "晚上见"}
    ended = stage.ended(stage.post("/api/call", **keys)["id"])

    assert ended["outcome"] == "passed"
    bob = next(each for each in stage.get("/api/state")["subscribers"] if each["name"] == "bob")
    assert bob["phone"]["texts"][0]["body"] == "晚上见"


def test_a_subscribers_order_changes_the_next_call(stage: StagePlay) -> None:
    order = {"from": "bob", "to": "10086", "trunk": "phones", "method": "MESSAGE", "body": "QXGJLH"}
    stage.ended(stage.post("/api/call", **order)["id"])

    ended = stage.ended(stage.post("/api/family", id="cold-call", to="bob")["id"])

    assert ended["rule"] == "barring.incoming_international"


def test_the_session_can_be_saved(stage: StagePlay) -> None:
    run = stage.post("/api/save")["run"]

    calls = stage.get(f"/api/runs/{run}/calls")["calls"]
    assert len(calls) >= 4
    assert {each["outcome"] for each in calls} == {"blocked", "passed"}
    events = stage.get(f"/api/runs/{run}/calls/{calls[1]['id']}")["events"]
    assert ("proxy", "phone") in {(each.get("from"), each.get("to")) for each in events}


def test_a_handset_rings_talks_and_presses_keys(stage: StagePlay) -> None:
    with handset_line(stage, "carol") as carol:
        keys = {"from": "+8613900139001", "to": "carol", "trunk": "domestic", "family": "friend"}
        call = stage.post("/api/call", **keys)["id"]
        carol.until_state("ringing")
        assert carol.phone["call"]["peer"] == "+8613900139001"
        carol.tell("answer")
        carol.until_state("talking")
        for _ in range(50):
            carol.say(b"\x00\x20" * 160)
            carol.hear()
        carol.tell("press", keys="15#")
        carol.until(lambda line: len(line.sound) > 100)
        carol.tell("hang_up")
        carol.until_state("idle")
        assert stage.ended(call)["outcome"] == "passed"
        assert carol.errors == []

    def heard() -> set[str]:
        return {each["who"] for each in stage.get(f"/api/calls/{call}")["events"] if each["event"] == "heard"}

    eventually(lambda: heard() == {"caller", "phone"})


def test_a_star_code_with_its_pin_is_an_order_from_a_handset(stage: StagePlay) -> None:
    with handset_line(stage, "carol") as carol:
        carol.tell("dial", number="*331*9753#")
        carol.until(lambda line: line.phone["settings"]["on"]["outgoing_international"])
        carol.until_state("idle")
        assert carol.phone["texts"][0]["from"] == "10086"
