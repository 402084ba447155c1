"""Lessons in a real browser: each one is played to its end by clicking, and what is shown follows the picture."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Locator, Route, expect

from simulator.scenario.lesson import Lesson, load_lesson
from tests.plays import ROOT
from tests.plays.browser import Look, looking
from tests.plays.proxy_process import eventually
from tests.plays.stage import WITHIN, StagePlay

pytestmark = pytest.mark.browser
expect.set_options(timeout=WITHIN * 1000)

SHIPPED = [load_lesson(path) for path in sorted((ROOT / "scenarios" / "lessons").glob("*.yaml"))]
FIRST = SHIPPED[0]


class LessonPage:
    """The page of a stage, with its lessons in view."""

    def __init__(self, look: Look) -> None:
        self.look = look
        self.page = look.page
        self.panel = self.page.locator("#lesson")
        self.go = self.panel.locator("[data-key=go]")
        self.step = self.panel.locator("[aria-current=step]")

    def start(self, lesson: Lesson) -> None:
        """Choose a lesson."""
        self.panel.locator(f'[data-do=start][data-id="{lesson.name}"]').click()
        expect(self.panel.locator("h4").first).to_be_visible()

    def at(self, lesson: Lesson, place: int, language: str = "en") -> None:
        """See that it is at that step, and that there is something to go on with."""
        expect(self.panel.locator("h4")).to_have_text(getattr(lesson.steps[place].step, language))
        expect(self.go).to_be_enabled()

    def button(self, name: str) -> Locator:
        """A button of the lesson."""
        return self.panel.get_by_role("button", name=name, exact=True)


@contextmanager
def lesson_page(
    browser: Browser,
    stage: StagePlay,
    *,
    pace: str = "real",
    language: str = "en",
) -> Iterator[LessonPage]:
    """The page, in a language and at a pace, with the list of lessons in view and none under way."""
    if stage.get("/api/state")["lesson"] is not None:
        stage.post("/api/lesson", do="leave")
    with looking(browser, f"http://127.0.0.1:{stage.port}/", width=1440, motion="reduce") as look:
        look.page.evaluate(
            "([pace, language]) => { localStorage.setItem('ringfence.pace', pace); "
            "localStorage.setItem('ringfence.language', language); }",
            [pace, language],
        )
        look.page.reload()
        look.page.locator(".family").first.wait_for()
        look.page.locator("#tab-lesson").click()
        yield LessonPage(look)
        assert look.complaints == []


@pytest.mark.parametrize("lesson", SHIPPED, ids=lambda lesson: lesson.name)
def test_a_lesson_is_played_to_its_end_by_clicking_one_button_and_read_in_both_languages(
    browser: Browser, stage: StagePlay, lesson: Lesson
) -> None:
    with lesson_page(browser, stage) as page:
        page.start(lesson)
        for place, step in enumerate(lesson.steps):
            page.at(lesson, place)
            expect(page.panel.locator(".say").first).to_have_text(step.say.en)
            page.page.locator("#language").click()
            page.at(lesson, place, "zh")
            expect(page.panel.locator(".say").first).to_have_text(step.say.zh)
            page.page.locator("#language").click()
            page.at(lesson, place)
            if step.do is not None and page.go.inner_text() not in ("Next", "Finish"):
                page.go.click()
                expect(page.go).to_have_text("Finish" if place == len(lesson.steps) - 1 else "Next")
                if step.see is not None:
                    expect(page.panel.locator(".check.done")).to_be_visible()
                if step.then is not None:
                    expect(page.panel.locator(".then")).to_have_text(step.then.en)
            page.go.click()
        expect(page.panel.locator(".over li.done")).to_have_count(len(lesson.steps))
        expect(page.panel.locator(".over > .say")).to_have_text(lesson.remember.en)
        page.go.click()
        expect(page.panel.locator("[data-do=start]")).to_have_count(len(SHIPPED))


def test_a_lesson_is_played_in_chinese_and_the_language_can_be_changed_in_the_midst_of_it(
    browser: Browser, stage: StagePlay
) -> None:
    with lesson_page(browser, stage, language="zh") as page:
        page.start(FIRST)
        page.at(FIRST, 0, "zh")
        expect(page.panel.locator(".say")).to_have_text(FIRST.steps[0].say.zh)
        expect(page.go).to_have_text("拨打")
        page.go.click()
        expect(page.go).to_have_text("下一步")
        expect(page.panel.locator(".check.done")).to_contain_text("看到了：手机响铃")
        page.page.locator("#language").click()
        page.at(FIRST, 0)
        expect(page.panel.locator(".check.done")).to_contain_text("Seen: The phone rings")
        expect(page.go).to_have_text("Next")


def test_a_lesson_is_played_by_the_keyboard_alone(browser: Browser, stage: StagePlay) -> None:
    with lesson_page(browser, stage) as page:
        keys = page.page.keyboard
        keys.press("j")
        page.panel.locator("[data-do=start]").first.focus()
        keys.press("Enter")
        for place, step in enumerate(FIRST.steps):
            page.at(FIRST, place)
            if step.do is not None:
                keys.press("g" if place % 2 else "Enter")
                expect(page.go).to_have_text("Finish" if place == len(FIRST.steps) - 1 else "Next")
                expect(page.go).to_be_focused()
            keys.press("Enter")
        expect(page.panel.locator(".over")).to_be_visible()


def test_the_stages_own_controls_are_pointed_to_and_do_as_well(browser: Browser, stage: StagePlay) -> None:
    with lesson_page(browser, stage) as page:
        page.start(FIRST)
        page.at(FIRST, 0)
        page.go.click()
        expect(page.go).to_have_text("Next")
        page.go.click()
        page.at(FIRST, 1)
        pointed = page.page.locator(".pointed")
        expect(pointed).to_have_count(1)
        expect(pointed).to_have_attribute("data-setting", "incoming_international")
        pointed.click()
        expect(page.go).to_have_text("Next")
        expect(pointed).to_have_count(0)


def test_the_panel_with_a_steps_control_is_brought_into_view(browser: Browser, stage: StagePlay) -> None:
    spoofed = next(lesson for lesson in SHIPPED if lesson.name == "spoofed-home-number")
    with lesson_page(browser, stage) as page:
        page.start(spoofed)
        for _ in range(6):
            stage.post("/api/lesson", do="next")
        page.at(spoofed, 6)
        pointed = page.page.locator(".pointed")
        expect(pointed).to_be_visible()
        expect(pointed).to_have_attribute("data-mode", "shadow")
        pointed.click()
        expect(page.go).to_have_text("Next")


def test_what_was_seen_is_told_no_sooner_than_the_picture_shows_it(browser: Browser, stage: StagePlay) -> None:
    with lesson_page(browser, stage, pace="step") as page:
        page.start(FIRST)
        page.at(FIRST, 0)
        page.go.click()
        expect(page.go).to_have_text("Watch …")
        eventually(lambda: stage.get("/api/state")["lesson"]["steps"][0]["result"] == "done")
        done, device = page.panel.locator(".check.done"), page.page.locator(".device")
        expect(device).not_to_contain_text("Ringing")
        expect(done).to_have_count(0)
        rang = False
        for _ in range(40):
            page.page.keyboard.press("n")
            page.page.wait_for_timeout(300)
            rang = rang or "Ringing" in device.inner_text()
            if done.count():
                break
        assert rang, "the step is done, and the phone on the picture never rang"
        expect(page.go).to_have_text("Next")


def test_a_call_of_before_that_is_fetched_late_does_not_take_the_stage_from_a_lessons_call(
    browser: Browser, stage: StagePlay
) -> None:
    before = stage.post("/api/call", **{"from": "+8613900139004", "to": "bob", "trunk": "domestic", "ring": "60s"})[
        "id"
    ]
    with lesson_page(browser, stage) as page:
        held: list[Route] = []
        page.page.route(f"**/api/calls/{before}", lambda route: held.append(route))  # noqa: PLW0108
        with page.page.expect_request(f"**/api/calls/{before}"):
            page.page.reload()
        page.page.locator(".family").first.wait_for()
        page.page.locator("#tab-lesson").click()
        page.start(FIRST)
        page.at(FIRST, 0)
        page.go.click()
        expect(page.go).to_have_text("Next")
        with page.page.expect_response(f"**/api/calls/{before}"):
            held[0].continue_()
        expect(page.page.locator("#verdict")).to_contain_text("+61491570156")
        expect(page.page.locator(".device")).to_contain_text("alice")


def test_a_step_that_is_seen_otherwise_says_what_and_can_be_done_again(browser: Browser, stage: StagePlay) -> None:
    with lesson_page(browser, stage) as page:
        page.start(FIRST)
        stage.post("/api/lesson", do="next")
        stage.post("/api/lesson", do="next")  # past the switch, which stays off
        page.at(FIRST, 2)
        page.go.click()
        expect(page.panel.locator(".found").first).to_contain_text(
            "expected “refused”, seen “let through with a label”"
        )
        expect(page.panel.locator(".strip .skipped, .strip .failed")).to_have_count(2)
        stage.post("/api/settings", subscriber="alice", settings={"barring": {"incoming_international": True}})
        page.button("Do it again").click()
        expect(page.panel.locator(".check.done")).to_contain_text("The phone stays silent")
        page.button("Back").click()
        page.at(FIRST, 1)
        page.button("Leave").click()
        expect(page.panel.locator("[data-do=start]")).to_have_count(len(SHIPPED))


def test_another_page_that_comes_later_is_at_the_same_step(browser: Browser, stage: StagePlay) -> None:
    with lesson_page(browser, stage) as page:
        page.start(FIRST)
        page.at(FIRST, 0)
        page.go.click()
        expect(page.go).to_have_text("Next")
        page.page.reload()
        page.at(FIRST, 0)
        expect(page.panel.locator(".check.done")).to_be_visible()


def test_lessons_can_be_used_by_all(browser: Browser, stage: StagePlay) -> None:
    """The list, a step, one that was seen otherwise, and the end of a lesson have no serious fault of accessibility."""
    with lesson_page(browser, stage) as page:
        assert page.look.faults_in_both_schemes() == []
        page.start(FIRST)
        page.at(FIRST, 0)
        assert page.look.faults_in_both_schemes() == []
        for _ in range(2):
            stage.post("/api/lesson", do="next")
        page.at(FIRST, 2)
        page.go.click()
        expect(page.panel.locator(".found").first).to_be_visible()
        assert page.look.faults_in_both_schemes() == []
        for _ in range(6):
            stage.post("/api/lesson", do="next")
        expect(page.panel.locator(".over")).to_be_visible()
        assert page.look.faults_in_both_schemes() == []
