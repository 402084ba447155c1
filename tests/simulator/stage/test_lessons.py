"""The progress of a lesson, by events of the stage as they come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from simulator.scenario.lesson import Lesson, SentText, Step, load_lesson
from simulator.stage import lessons
from simulator.stage.events import Ended, Event, Judged, Phone, Placed, Rule, Settings, Text
from simulator.stage.lesson_json import under_way
from simulator.stage.lessons import Progress, Reported
from simulator.stage.state import State
from simulator.stage.words import TITLES
from tests.plays import ROOT

SHIPPED = load_lesson(ROOT / "scenarios" / "lessons" / "01-barring-overseas-calls.yaml")
ALICE = "+8613800138001"
BARS = {"barring": {"incoming_international": True}, "allow": [], "block": [], "notify": True}
OPEN = {**BARS, "barring": {"incoming_international": False}}
STRANGER: Mapping[str, Any] = {"from": "+61491570156", "to": "alice", "trunk": "international", "truth": "scam"}


def state(settings: Mapping[str, Any] = OPEN) -> State:
    people = ({"name": "alice", "number": ALICE, "settings": settings, "phone": {}},)
    rules = ({"name": "scam_list.exact", "mode": "enforce", "enforced": 0, "shadowed": 0},)
    return State("stage", "CN", "cn", "embedded", subscribers=people, rules=rules)


def lesson_of(*steps: Mapping[str, Any]) -> Lesson:
    said = {"step": {"en": "A", "zh": "甲"}, "say": {"en": "B", "zh": "乙"}}
    return SHIPPED.model_copy(update={"steps": tuple(Step.model_validate({**said, **step}) for step in steps)})


def call_step(**see: Any) -> Progress:
    return lessons.begin(lesson_of({"do": {"call": STRANGER}, "see": see}, {}), state())


def placed(**other: Any) -> Placed:
    call = {"id": "c1", "from": STRANGER["from"], "to": ALICE, "subscriber": "alice", "trunk": "international"}
    return Placed(1.0, {**call, "method": "INVITE", "body": None, **other})


def judged(action: str = "reject", rule: str = "barring.incoming_international", label: str = "") -> Judged:
    both = {"en": "", "zh": ""}
    return Judged(1.1, "c1", action, 603, rule, both, "", label, "", 50, (), both, both, both)


def phone(what: Any = "ringing", subscriber: str = "alice", label: str = "") -> Phone:
    return Phone(1.2, subscriber, what, "c1", STRANGER["from"], "", label)


def ended(status: int | None = 603, at: float = 2.0) -> Ended:
    return Ended(at, "c1", "blocked", status, "proxy")


def play(progress: Progress, *events: Event | Reported) -> Progress:
    for event in events:
        progress = lessons.heard(progress, event)
    return progress


def test_a_refused_call_is_silent_once_it_is_over_and_no_sooner() -> None:
    progress = play(call_step(action="reject", phone="silent", status=603), placed(), judged())
    assert progress.outcome.state == "runs"
    progress = play(progress, ended())
    assert progress.outcome.state == "done"
    assert progress.outcome.seen.phone == "silent"


def test_a_call_that_shall_ring_is_done_while_it_rings() -> None:
    progress = call_step(action="label", phone="rings", label="境外来电*")
    progress = play(progress, placed(), judged("label", "default.allow", "境外来电：澳大利亚"), phone())
    assert progress.outcome.state == "done"


def test_a_call_that_rings_where_it_should_be_silent_fails_at_once_with_what_was_seen() -> None:
    progress = play(call_step(rule="default.allow", phone="silent"), placed(), judged("allow", "default.allow"))
    assert progress.outcome.state == "runs"
    progress = play(progress, phone())
    assert progress.outcome.state == "failed"
    assert [tuple(each) for each in progress.outcome.differing] == [("phone", "silent", "rings")]
    shown = under_way(progress, TITLES)["steps"][0]
    assert shown["state"] == "failed"
    assert shown["found"][0]["en"] == (
        "Seen otherwise. phone: expected “the phone stays silent”, seen “the phone rings”."
    )
    assert shown["found"][0]["zh"] == "与预期不同。手机：预期“手机不响”，实际“手机响铃”。"


def test_another_verdict_is_final() -> None:
    progress = play(call_step(action="reject", phone="silent"), placed(), judged("allow", "default.allow"))
    assert progress.outcome.state == "failed"
    assert ("action", "reject", "allow") in [tuple(each) for each in progress.outcome.differing]


def test_a_phone_that_is_busy_does_not_ring() -> None:
    progress = play(call_step(phone="rings"), placed(), judged("allow", "default.allow"), ended(486))
    assert [tuple(each) for each in progress.outcome.differing] == [("phone", "rings", "silent")]


def test_another_phone_that_rings_is_not_the_callees() -> None:
    progress = play(call_step(phone="rings"), placed(), phone(subscriber="bob"))
    assert progress.outcome.state == "runs"


def test_another_call_is_told_and_the_step_still_waits_for_its_own() -> None:
    progress = play(call_step(phone="silent"), placed(trunk="domestic"))
    assert progress.outcome.state == "waits"
    (found,) = under_way(progress, TITLES)["steps"][0]["found"]
    assert found["en"] == ("Another call was placed, +61491570156 to alice. This step asks for +61491570156 → alice.")
    progress = play(progress, placed(), judged(), ended())
    assert progress.outcome.state == "done"
    assert under_way(progress, TITLES)["steps"][0]["found"] == []


def test_the_calls_of_others_say_nothing_of_the_step() -> None:
    waiting = call_step(phone="silent")
    assert play(waiting, judged(), phone(), ended(), Text(1.0, "alice", "c9", "10086", "hi")) is waiting


def test_a_verdict_that_is_told_late_is_waited_for() -> None:
    progress = play(call_step(action="reject", phone="silent"), placed(), ended())
    assert progress.outcome.state == "runs"
    assert play(progress, judged()).outcome.state == "done"
    assert lessons.waited(progress, 4.9) is progress
    late = lessons.waited(progress, 5.0)
    assert late.outcome.state == "failed"
    assert [each.what for each in late.outcome.differing] == ["action"]


SWITCH = {"do": {"set": {"subscriber": "alice", "settings": {"incoming_international": "on"}}}}


def test_a_setting_that_is_switched_anyhow_is_seen() -> None:
    progress = lessons.begin(lesson_of(SWITCH, {}), state())
    assert progress.outcome.state == "waits"
    assert play(progress, Settings(1.0, "bob", BARS)) is progress
    assert play(progress, Settings(1.0, "alice", OPEN)).outcome.state == "waits"
    assert play(progress, Settings(1.0, "alice", BARS)).outcome.state == "done"


def test_a_setting_that_is_so_already_needs_nothing_to_be_done() -> None:
    assert lessons.begin(lesson_of(SWITCH, {}), state(BARS)).outcome.state == "done"


def test_a_rules_mode_is_seen() -> None:
    step = {"do": {"rule": {"name": "scam_list.exact", "mode": "shadow"}}}
    progress = lessons.begin(lesson_of(step, {}), state())
    assert play(progress, Rule(1.0, "scam_list.prefix", "shadow", 0, 0)) is progress
    assert play(progress, Rule(1.0, "scam_list.exact", "shadow", 0, 0)).outcome.state == "done"


ORDER = {"from": "alice", "to": "10086", "trunk": "phones", "body": "QXGJLH", "truth": "legit"}


def order_step() -> Progress:
    see = {"rule": "self_service", "settings": {"incoming_international": "on"}, "reply": "*办理成功*"}
    return lessons.begin(lesson_of({"do": {"text": ORDER}, "see": see}, {}), state())


def sent(body: str = "qxgjlh ") -> Placed:
    call = {"id": "c1", "from": ALICE, "to": "10086", "subscriber": None, "trunk": "phones", "method": "MESSAGE"}
    return Placed(1.0, {**call, "body": body})


def test_an_order_is_done_once_it_is_answered_and_carried_out_whatever_comes_first() -> None:
    served, reply = judged("allow", "self_service"), Text(2.1, "alice", "r1", "10086", "办理成功。\n…")
    for events in ((served, Settings(2.0, "alice", BARS), reply, ended(200)), (served, ended(200), reply)):
        progress = play(order_step(), sent(), *events)
        assert progress.outcome.state == ("done" if len(events) == 4 else "runs")
    assert play(progress, Settings(2.2, "alice", BARS)).outcome.state == "done"


def test_an_order_that_is_not_carried_out_fails_after_a_while() -> None:
    progress = play(order_step(), sent(), judged("allow", "self_service"), ended(200))
    late = lessons.waited(progress, 5.0)
    assert [each.what for each in late.outcome.differing] == ["reply", "incoming_international"]
    assert play(order_step(), sent("KTGJLH")).outcome.state == "waits"


APPS = {"apps": {"subscriber": "alice", "installed": ["Photos", "SafeDesk Remote"]}}


def test_apps_that_a_phone_reports_are_seen_and_those_that_are_warned_of() -> None:
    progress = lessons.begin(lesson_of({"do": APPS, "see": {"warned": ["SafeDesk Remote"]}}, {}), state())
    assert play(progress, Reported(1.0, "bob", ("Photos", "SafeDesk Remote"), ("SafeDesk Remote",))) is progress
    unwarned = play(progress, Reported(1.0, "alice", ("Photos", "SafeDesk Remote"), ()))
    assert unwarned.outcome.state == "waits"
    warned = play(unwarned, Reported(2.0, "alice", ("Weather", "Photos", "SafeDesk Remote"), ("SafeDesk Remote",)))
    assert warned.outcome.state == "done"


def test_a_phone_that_reports_nothing_any_more_is_seen() -> None:
    off = {"do": {"apps": {"subscriber": "alice", "reports": "off"}}}
    progress = lessons.begin(lesson_of(off, {}), state())
    assert progress.outcome.state == "waits"
    assert play(progress, Reported(1.0, "alice", ("Photos",), ())).outcome.state == "waits"
    assert play(progress, Reported(1.0, "alice", None, ())).outcome.state == "done"


def test_a_text_with_a_star_code_is_the_one_that_was_asked_for_though_its_pin_is_hidden() -> None:
    request = SentText.model_validate(ORDER | {"body": "Dial *354*2468#"})
    placed = {**ORDER, "to": "10086", "method": "MESSAGE", "body": "dial *354*••••#"}
    assert lessons.fits(request, placed, SHIPPED)
    assert not lessons.fits(request, {**placed, "body": "dial *331*••••#"}, SHIPPED)


def test_a_text_arrives() -> None:
    text = {"from": "+8613900139556", "to": "alice", "trunk": "domestic", "body": "Parcel", "truth": "scam"}
    step = {"do": {"text": text}, "see": {"action": "allow", "phone": "receives"}}
    progress = lessons.begin(lesson_of(step, {}), state())
    came = placed(**{"from": "+8613900139556", "trunk": "domestic", "method": "MESSAGE", "body": "Parcel"})
    progress = play(progress, came, judged("allow", "default.allow"), Text(1.2, "alice", "c1", "", "Parcel"))
    assert progress.outcome.state == "done"


def test_one_goes_on_back_and_does_a_step_again() -> None:
    progress = play(call_step(phone="silent"), placed(), judged(), ended())
    there = lessons.go(progress, 1, state())
    assert there.outcome.state == "said"
    assert [step["state"] for step in under_way(there, TITLES)["steps"]] == ["done", "now"]
    back = lessons.go(there, 0, state())
    assert back.outcome.state == "done"
    once_more = lessons.again(back, state())
    assert (once_more.outcome.state, once_more.outcome.call) == ("waits", "")
    finished = lessons.go(there, 2, state())
    assert finished.finished
    assert lessons.heard(finished, placed()) is finished
    assert {step["state"] for step in under_way(finished, TITLES)["steps"]} == {"done"}


def test_a_step_that_was_passed_over_is_no_step_that_was_done() -> None:
    passed = lessons.go(call_step(phone="silent"), 1, state())
    assert under_way(passed, TITLES)["steps"][0]["state"] == "skipped"


@pytest.mark.parametrize("path", sorted((ROOT / "scenarios" / "lessons").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_step_of_a_shipped_lesson_says_what_to_do_in_both_languages(path: Any) -> None:
    lesson = load_lesson(path)
    blank = lessons.begin(lesson, state())
    for place, step in enumerate(lesson.steps):
        shown = under_way(lessons.go(blank, place, state()), TITLES)["steps"][place]
        for part in ("title", "say", "do", "check", "then", "button"):
            words = shown[part]
            if words is None:
                assert part != "do" or step.do is None
                continue
            assert words["en"]
            assert "{" not in words["en"] + words["zh"]
            if part in ("do", "check", "button"):
                assert any("\u4e00" <= character <= "\u9fff" for character in words["zh"])
