"""Lessons on a stage that stands: real calls, real settings, and what a page is told of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.plays.stage import JSON, StagePlay, soon_over, standing_stage
from tests.plays.taught import LESSONS, lesson_of, play_to_the_end, settled


@pytest.fixture(scope="module", autouse=True)
def brief() -> Iterator[None]:
    with soon_over():
        yield


def people(stage: StagePlay, name: str = "alice") -> dict[str, Any]:
    return next(each for each in stage.get("/api/state")["subscribers"] if each["name"] == name)


@pytest.mark.parametrize("name", LESSONS)
def test_each_step_of_a_shipped_lesson_is_seen_as_it_should_be(stage: StagePlay, name: str) -> None:
    play_to_the_end(stage, name)


def test_a_lesson_begins_with_its_own_settings_whatever_was_switched_before(stage: StagePlay) -> None:
    stage.post(
        "/api/settings", subscriber="bob", settings={"barring": {"all_incoming": True}, "block": ["+6591234567"]}
    )
    stage.post("/api/rule", rule="scam_list.prefix", mode="off")
    stage.post("/api/lesson", id=LESSONS[0], do="start")
    assert not people(stage, "bob")["settings"]["barring"]["all_incoming"]
    assert people(stage, "bob")["settings"]["block"] == []
    assert not people(stage)["settings"]["barring"]["incoming_international"]
    assert people(stage)["settings"]["allow"] == []
    rules = stage.get("/api/state")["rules"]
    assert {rule["name"]: rule["mode"] for rule in rules}["scam_list.prefix"] == "enforce"
    stage.post("/api/lesson", do="leave")


def test_a_button_that_is_pressed_twice_does_one_step(stage: StagePlay) -> None:
    stage.post("/api/lesson", id=LESSONS[0], do="start")
    stage.post("/api/lesson", do="next")
    for _ in range(2):
        stage.post("/api/lesson", do="step", at=1, result="waits")
    assert settled(stage, 1)["result"] == "done"
    assert lesson_of(stage)["step"] == 1
    for _ in range(2):
        stage.post("/api/lesson", do="step", at=1, result="done")
    assert lesson_of(stage)["step"] == 2
    stage.post("/api/lesson", do="leave")


@pytest.mark.parametrize(
    "seen", [{"at": 0}, {"result": "said"}, {"at": True, "result": "said"}, {"at": 0, "result": 7}]
)
def test_a_step_that_is_named_in_half_is_refused_rather_than_not_done(stage: StagePlay, seen: dict[str, Any]) -> None:
    stage.post("/api/lesson", id=LESSONS[0], do="start")
    status, _, body = stage.ask("POST", "/api/lesson", json.dumps({"do": "step", **seen}).encode(), JSON)
    assert (status, json.loads(body)["error"]) == (422, "at: expected the number of a step, with its result")
    stage.post("/api/lesson", do="leave")


def test_what_is_done_with_the_stages_own_controls_counts_as_well(stage: StagePlay) -> None:
    stage.post("/api/lesson", id=LESSONS[0], do="start")
    stranger = {"from": "+61491570156", "to": "alice", "trunk": "international", "truth": "scam"}
    stage.post("/api/call", **stranger)
    assert settled(stage, 0)["result"] == "done"
    stage.post("/api/lesson", do="next")
    assert lesson_of(stage)["steps"][1]["control"] == {
        "kind": "setting",
        "subscriber": "alice",
        "setting": "incoming_international",
    }
    stage.post("/api/settings", subscriber="alice", settings={"barring": {"incoming_international": True}})
    assert settled(stage, 1)["result"] == "done"
    stage.post("/api/lesson", do="leave")


def test_a_call_that_rings_although_it_should_be_silent_is_told(stage: StagePlay) -> None:
    stage.post("/api/lesson", id=LESSONS[0], do="start")
    for _ in range(2):
        stage.post("/api/lesson", do="next")  # without switching anything on
    stage.post("/api/lesson", do="perform")
    step = settled(stage, 2)
    assert (step["state"], step["result"]) == ("failed", "failed")
    assert step["found"][0]["en"].startswith(
        "Seen otherwise. verdict: expected “refused”, seen “let through with a label”"
    )
    stage.post("/api/settings", subscriber="alice", settings={"barring": {"incoming_international": True}})
    stage.post("/api/lesson", do="perform")  # once more
    assert settled(stage, 2)["result"] == "done"
    stage.post("/api/lesson", do="back")
    assert lesson_of(stage)["step"] == 1
    stage.post("/api/lesson", do="leave")


def test_a_phone_that_somebody_holds_is_free_for_the_next_step(stage: StagePlay) -> None:
    stage.post("/api/phones/alice", do="hold", on=True)
    stage.post("/api/lesson", id=LESSONS[1], do="start")
    stage.post("/api/lesson", do="next")
    for place in (1, 2, 3, 4):  # the second and the fourth of them ring, until somebody answers
        stage.post("/api/lesson", do="step")
        assert settled(stage, place)["result"] == "done"
        if place == 2:
            stage.post("/api/phones/alice", do="answer")
        stage.post("/api/lesson", do="next")
    stage.post("/api/lesson", do="leave")
    stage.post("/api/phones/alice", do="hang_up")
    stage.post("/api/phones/alice", do="hold", on=False)


def test_calls_that_come_by_themselves_disturb_no_lesson(stage: StagePlay) -> None:
    stage.post("/api/lesson", id=LESSONS[0], do="start")
    before = lesson_of(stage)
    stage.post("/api/traffic", scenario=None, rate=20)
    stage.until(lambda state: state.traffic.get("placed", 0) > 10)
    assert lesson_of(stage) == before
    stage.post("/api/lesson", do="step")
    assert settled(stage, 0)["result"] == "done"
    stage.post("/api/traffic", stop=True)
    stage.post("/api/lesson", do="leave")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"do": "start", "id": "no-such"}, "found no lesson 'no-such', expected one of barring-overseas-calls, "),
        ({"do": "next"}, "no lesson is under way"),
        ({"do": "dance"}, "no lesson is under way"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_reason(stage: StagePlay, asked: dict[str, str], said: str) -> None:
    status, _, body = stage.ask("POST", "/api/lesson", json.dumps(asked).encode(), JSON)
    assert status == 422
    assert json.loads(body)["error"].startswith(said)


OWN_STAGE = """\
scenario: at-home
home: GB
preset: gb
subscribers:
  olivia: {number: "+447700900101", barring: {incoming_international: on}, notify: on}
calls:
  - {call: one, trunk: domestic, from: "+442079460123", to: olivia, truth: legit}
"""
OWN_LESSON = """\
lesson: mine
stage: ../own.yaml
title: {en: Mine, zh: 我的}
about: {en: About, zh: 关于}
remember: {en: Remember, zh: 记住}
steps:
  - step: {en: Her aunt, zh: 姨妈}
    say: {en: She calls., zh: 她打来。}
    do: {call: {from: "+61491570156", to: olivia, trunk: international, truth: legit}}
    see: {action: reject, phone: silent}
  - step: {en: She may, zh: 放行}
    say: {en: One tap., zh: 点一下。}
    do: {allow: {subscriber: olivia}}
    see: {allow: ["+61491570156"]}
  - step: {en: By text, zh: 短信}
    say: {en: Let all through., zh: 全部放行。}
    do: {text: {from: olivia, to: "7000", trunk: phones, body: allow overseas, truth: legit}}
    see: {rule: self_service, settings: {incoming_international: off}}
  - step: {en: Take it back, zh: 恢复}
    say: {en: On again., zh: 再开启。}
    do: {set: {subscriber: olivia, settings: {incoming_international: on, notify: off}}}
"""


def test_a_lesson_of_ones_own_is_played_on_a_stage_of_ones_own_where_nobody_was_refused_yet(tmp_path: Path) -> None:
    (tmp_path / "lessons").mkdir()
    (tmp_path / "own.yaml").write_text(OWN_STAGE)
    (tmp_path / "lessons" / "mine.yaml").write_text(OWN_LESSON, encoding="utf-8")
    with standing_stage(tmp_path, tmp_path / "own.yaml") as own:
        assert [each["id"] for each in own.get("/api/state")["lessons"]] == ["mine"]
        own.post("/api/lesson", id="mine", do="start")
        own.post("/api/lesson", do="next")  # without the call
        status, _, body = own.ask("POST", "/api/lesson", b'{"do": "perform"}', JSON)
        assert status == 422
        assert b"nobody who called olivia was refused yet" in body
        status, _, _ = own.ask("POST", "/api/lesson", b'{"do": "dance"}', JSON)
        assert status == 422
        own.post("/api/lesson", id="mine", do="start")
        for place in range(4):
            own.post("/api/lesson", do="step")
            assert settled(own, place)["result"] == "done"
            own.post("/api/lesson", do="step")
        assert lesson_of(own)["finished"]
        assert not people(own, "olivia")["settings"]["notify"]
