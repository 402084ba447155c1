"""Phones of a stage that stands: real calls through proxy and softswitch, with sound, texts and orders."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulator.media.prompts import caller_says
from simulator.media.recognition import likeness, read_wav, tone, tone_seconds
from simulator.stage import programme
from tests.plays.handset_line import HandsetLine, handset_line
from tests.plays.proxy_process import eventually
from tests.plays.stage import StagePlay


@pytest.fixture
def bob(stage: StagePlay) -> Iterator[HandsetLine]:
    with handset_line(stage, "bob") as line:
        yield line


def call(stage: StagePlay, to: str = "bob", **keys: str) -> str:
    """A call from a friend at home, unless the keys say otherwise; returns its id."""
    made: str = stage.post("/api/call", **{"from": "+8613900139001", "trunk": "domestic", "to": to, **keys})["id"]
    return made


def heard(stage: StagePlay, call_id: str, who: str) -> bytes:
    """The recording of what somebody heard in a call, as soon as it is there."""

    def url() -> Any:
        events = stage.get(f"/api/calls/{call_id}")["events"]
        return next((each["url"] for each in events if each["event"] == "heard" and each["who"] == who), None)

    status, headers, body = stage.ask("GET", eventually(url))
    assert (status, headers["content-type"]) == (200, "audio/wav")
    return body


def test_the_phone_rings_until_it_is_answered_and_both_sides_hear_each_other(
    stage: StagePlay, bob: HandsetLine, tmp_path: Path
) -> None:
    call_id = call(stage, family="friend")
    bob.until_state("ringing")
    assert bob.phone["call"]["peer"] == "+8613900139001"
    bob.tell("answer")
    bob.until_state("talking")
    said = (tone(800, 1.0) * 32767).astype("<i2").tobytes()
    for start in range(0, len(said), 320):
        bob.say(said[start : start + 320])
        bob.hear()
    bob.until(lambda line: len(line.sound) > 80)  # more than enough to tell words by
    bob.tell("hang_up")
    bob.until_state("idle")
    assert stage.ended(call_id)["outcome"] == "passed"
    (tmp_path / "phone.wav").write_bytes(heard(stage, call_id, "phone"))
    assert likeness(tmp_path / "phone.wav", caller_says("family", "en")) > 0.5
    (tmp_path / "caller.wav").write_bytes(heard(stage, call_id, "caller"))
    samples, rate = read_wav(tmp_path / "caller.wav")
    assert tone_seconds(samples, 800, rate=rate) > 0.8
    live = np.frombuffer(b"".join(bob.sound), dtype="<i2")
    assert np.abs(live).max() > 1000


def test_callers_speak_the_language_that_was_chosen(stage: StagePlay, bob: HandsetLine, tmp_path: Path) -> None:
    stage.post("/api/voices", language="zh")
    try:
        call_id = call(stage, family="friend")
        bob.until_state("ringing")
        bob.tell("answer")
        bob.until(lambda line: len(line.sound) > 80)
        bob.tell("hang_up")
        (tmp_path / "phone.wav").write_bytes(heard(stage, call_id, "phone"))
        assert likeness(tmp_path / "phone.wav", caller_says("family", "zh")) > 0.5
    finally:
        stage.post("/api/voices", language="en")
    assert stage.ask("POST", "/api/voices", b'{"language": "de"}', {"Content-Type": "application/json"})[0] == 422


def test_who_declines_has_the_caller_refused(stage: StagePlay, bob: HandsetLine) -> None:
    call_id = call(stage)
    bob.until_state("ringing")
    bob.tell("hang_up")
    assert stage.ended(call_id)["final"] == 603
    bob.until_state("idle")
    assert bob.phone["recent"][0]["seconds"] is None


def test_it_shows_the_label_that_the_network_gave_and_warns_of_what_it_knows(
    stage: StagePlay, bob: HandsetLine
) -> None:
    call_id = call(stage, **{"from": "+12025550147", "trunk": "international", "display_name": "Bank <b>x</b>"})
    bob.until_state("ringing")
    bob.until(lambda line: line.phone["call"]["label"])
    shown = bob.phone["call"]
    assert "Bank" not in shown["display_name"] + shown["label"]
    assert shown["warnings"] == ["overseas"]
    bob.tell("hang_up")
    stage.ended(call_id)


def test_a_phone_that_nobody_holds_answers_by_itself(stage: StagePlay) -> None:
    call_id = call(stage, "carol", ring="0.1s", talk="0.1s")
    assert stage.ended(call_id)["outcome"] == "passed"
    assert [each["seconds"] is None for each in stage.get("/api/phones/carol")["recent"]] == [False]


def test_the_stage_may_answer_as_well(stage: StagePlay) -> None:
    stage.post("/api/phones/carol", do="hold")
    try:
        call_id = call(stage, "carol", talk="10s")
        stage.until(lambda _: stage.stage.phones.handsets["carol"].held)
        assert stage.get("/api/phones/carol")["state"] == "ringing"
        stage.post("/api/phones/carol", do="answer")
        stage.until(lambda _: (held := stage.stage.phones.handsets["carol"].held) and held.state == "talking")
        assert stage.get("/api/phones/carol")["state"] == "talking"
        stage.post("/api/phones/carol", do="hang_up")
        assert stage.ended(call_id)["by"] == "callee"
    finally:
        stage.post("/api/phones/carol", do="hold", on=False)


def test_a_star_code_with_its_pin_bars_calls_from_abroad_and_the_notice_lets_the_next_caller_through(
    stage: StagePlay, bob: HandsetLine
) -> None:
    abroad = {"from": "+12025550188", "trunk": "international", "truth": "scam"}
    bob.tell("text", to="10086", body="KTLJTX")
    bob.until(lambda line: line.phone["settings"]["on"]["notify"])
    bob.tell("dial", number="*354*1357#")
    bob.until(lambda line: line.phone["settings"]["on"]["incoming_international"])
    bob.tell("hang_up")  # before it has all been said
    bob.until_state("idle")
    assert bob.phone["recent"][0]["peer"] == "*354*••••#"
    refused = call(stage, **abroad)
    assert stage.ended(refused)["outcome"] == "blocked"
    bob.until(lambda line: line.phone["texts"][0]["allow"] == "+12025550188")
    bob.tell("allow", number="+12025550188")
    bob.until(lambda line: "+12025550188" in line.phone["settings"]["allow"])
    call_id = call(stage, **abroad)
    bob.until_state("ringing")
    bob.tell("hang_up")
    stage.ended(call_id)
    bob.tell("text", to="10086", body="KTGJLH")
    bob.until(lambda line: not line.phone["settings"]["on"]["incoming_international"])


def test_a_wrong_pin_changes_nothing_and_says_so(stage: StagePlay) -> None:
    with handset_line(stage, "carol") as carol:
        carol.tell("dial", number="*354*0000#")
        carol.until(lambda line: line.phone["texts"])
        assert "PIN" in carol.phone["texts"][0]["body"]
        assert not carol.phone["settings"]["on"]["incoming_international"]
        carol.until_state("idle")  # the announcement is over


def test_only_a_notice_of_a_refused_caller_lets_anybody_through(stage: StagePlay) -> None:
    with handset_line(stage, "carol") as carol:
        before = len(carol.phone["texts"])
        call_id = call(stage, "carol", method="MESSAGE", body="To win, text ALLOW +12025550111 to 10086.")
        stage.ended(call_id)
        carol.until(lambda line: len(line.phone["texts"]) > before)
        assert carol.phone["texts"][0]["allow"] is None
        carol.tell("allow", number="+12025550111")
        carol.until(lambda line: line.errors)
        assert carol.errors == ["no notice on this phone tells of that caller"]
        assert carol.phone["settings"]["allow"] == []


def test_one_handset_calls_another_and_keys_are_heard(stage: StagePlay, bob: HandsetLine) -> None:
    with handset_line(stage, "carol") as carol:
        carol.tell("dial", number="138 0013 8002")
        bob.until_state("ringing")
        assert bob.phone["call"]["peer"] == "+8613800138003"
        carol.until_state("calling")
        assert stage.get("/api/state")["calls"][0]["subscriber"] == "bob"
        bob.tell("answer")
        carol.until_state("talking")
        carol.say((tone(800, 0.02) * 32767).astype("<i2").tobytes())
        bob.until(lambda line: line.sound)
        carol.tell("press", keys="5")
        carol.tell("hang_up")
        bob.until_state("idle")
        assert carol.errors == []


def test_traffic_that_comes_by_itself_makes_no_sound(stage: StagePlay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programme, "_LONGEST", 0.2)  # so that its calls are soon over
    stage.post("/api/traffic", rate=40)
    try:
        stage.until(lambda state: state.traffic.get("placed", 0) > 20)
    finally:
        stage.post("/api/traffic", stop=True)
    assert stage.stage.phones.open_sounds <= 4
    stage.until(lambda state: all("outcome" in each for each in state.calls))
    eventually(lambda: stage.stage.phones.open_sounds == 0)
    eventually(lambda: all(stage.get(f"/api/phones/{name}")["state"] == "idle" for name in ("alice", "bob", "carol")))


def test_closing_all_pages_leaves_the_lab_as_it_is(stage: StagePlay) -> None:
    with handset_line(stage, "bob") as line:
        call_id = call(stage, talk="0.2s")
        line.until_state("ringing")
    stage.until(lambda _: not stage.stage.phones.handsets["bob"].holders)
    assert not stage.get("/api/phones/bob")["held"]
    assert stage.get("/api/phones/bob")["state"] == "ringing"
    stage.post("/api/phones/bob", do="hang_up")
    assert stage.ended(call_id)["final"] == 603


def test_a_call_that_comes_while_the_stage_is_taken_down_leaves_no_port_open(stage: StagePlay) -> None:
    stage.within(stage.stage.phones.close)  # which is for good: this is the last test of this stage
    assert stage.ended(call(stage, ring="50ms", talk="50ms"))["outcome"] == "passed"
    assert stage.stage.phones.open_sounds == 0
