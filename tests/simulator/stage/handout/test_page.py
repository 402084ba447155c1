"""The hand-out: what happened in a session, in words and figures, on paper."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Browser

from simulator.scenario.lesson import load_lesson
from simulator.stage import lessons
from simulator.stage.handout.page import Happened, document, write
from simulator.stage.state import State
from simulator.stage.teaching import Taught
from tests.plays import ROOT
from tests.plays.browser import looking
from tests.plays.stage import StagePlay, soon_over, standing_stage

LESSON = load_lesson(ROOT / "scenarios" / "lessons" / "01-barring-overseas-calls.yaml")
BEGUN = 1_780_000_000.0
WORDS = {"en": "Refused with 603.", "zh": "已拒接（603）。"}
CALL: Mapping[str, Any] = {
    "id": "call-1", "at": BEGUN, "from": "+61491570156", "to": "+8613800138001", "subscriber": "alice",
    "display_name": "", "method": "INVITE", "truth": "scam", "outcome": "blocked", "words": WORDS,
}  # fmt: skip
RATE = {"value": 0.75, "hits": 3, "of": 4, "lower95": 0.3, "upper95": 0.954}
COUNTS = {"scam_blocked": 3, "scam_passed": 1, "legit_passed": 2, "legit_blocked": 0}
LET = {"legit_passed": 1}
KINDS = {"cold-call": {"en": "Cold call", "zh": "推销"}}
SCORE = {
    "calls": 6, **COUNTS, "scam_recall": RATE, "false_block_rate": {**RATE, "value": 0.0, "hits": 0, "of": 2},
    "families": {"cold-call": {"scam_blocked": 3, "scam_passed": 1}, "call-7": LET, "call-9": LET},
    "delay": {"count": 6, "p50": 0.0011, "p95": 0.0042, "p99": 0.005, "max": 0.006},
}  # fmt: skip


def happened(*calls: Mapping[str, Any], taught: int = 0, score: Mapping[str, Any] = SCORE) -> Happened:
    """A session with these calls, and the lesson up to that step."""
    state = State("stage", "CN", "cn", "embedded")
    progress = lessons.go(lessons.begin(LESSON, state), taught, state)
    lesson = [Taught(BEGUN, progress)] if taught else []
    return Happened(lesson, calls, score, KINDS, "CN", "cn", BEGUN, BEGUN + 600)


def text_of(page: str) -> str:
    """All that can be read on a page."""
    return " ".join("".join(_read(page).itertext()).split())


def _read(page: str) -> ElementTree.Element:
    body = page[page.index("<body>") : page.index("</body>") + len("</body>")]
    return ElementTree.fromstring(body)  # noqa: S314 - written by us, and well-formed XML as well


def test_it_tells_what_to_remember_what_was_done_and_the_figures_in_each_language() -> None:
    english, chinese = (document(happened(CALL, taught=2), language) for language in ("en", "zh"))
    for said in (
        LESSON.remember.en,
        LESSON.title.en,
        "3 of 4",
        "75 %",
        "95 % interval: 30 % to 95 %",
        "Refused with 603.",
        "Cold call",
    ):
        assert said in text_of(english)
    for said in (LESSON.remember.zh, LESSON.title.zh, "4 个中的 3 个", "95% 区间：30 % 至 95 %", "已拒接（603）。"):
        assert said in text_of(chinese)
    assert 'lang="zh-Hans"' in chinese
    assert "rightly" in text_of(english)


def test_steps_that_were_not_done_are_told_as_such() -> None:
    root = _read(document(happened(taught=2), "en"))
    signs = [item.get("class") for item in root.iterfind(".//ol[@class='steps']/li")]
    assert signs == ["skipped"] * len(LESSON.steps)


def test_calls_of_the_trainers_own_choice_are_one_kind() -> None:
    shown = text_of(document(happened(CALL), "en"))
    assert "Chosen by the trainer" in shown
    assert "2 wanted let through" in shown
    assert "call-7" not in shown


def test_a_session_in_which_nothing_happened_says_so() -> None:
    shown = text_of(document(happened(score={"calls": 0}), "en"))
    assert "No lesson was played." in shown
    assert "No call was placed." in shown


def test_more_calls_than_are_shown_are_counted() -> None:
    assert "The latest 1 of 6." in text_of(document(happened(CALL), "en"))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_nothing_that_a_caller_sent_is_read_as_markup(language: str) -> None:
    evil = {"from": "<script>alert(1)</script>", "display_name": '"><img src=x onerror=alert(2)>\u202e'}
    page = document(happened({**CALL, **evil}, score={**SCORE, "families": {"<b>": COUNTS}}), language)
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "\u202e" not in page
    assert "<script>alert(1)</script>" in text_of(page)


def test_the_pages_in_a_folder_need_nothing_else(tmp_path: Path) -> None:
    write(happened(CALL, taught=1), tmp_path)
    for name in ("handout.en.html", "handout.zh.html"):
        page = (tmp_path / name).read_text(encoding="utf-8")
        assert "@page" in page
        assert not any(word in page for word in ("<script", "<link", "href=", "src="))


def _is_done(place: int, state: State) -> bool:
    return state.lesson is not None and bool(state.lesson["steps"][place]["result"] == "done")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StagePlay]:
    with soon_over(), standing_stage(tmp_path_factory.mktemp("stage")) as play:
        play.post("/api/lesson", id=LESSON.name, do="start")
        for place in range(3):
            play.post("/api/lesson", do="step")
            play.until(partial(_is_done, place))
            play.post("/api/lesson", do="step")
        play.post("/api/lesson", do="leave")
        play.until(lambda state: state.score.get("calls") == 2)
        yield play


@pytest.mark.browser
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_of_a_session_is_printed_with_its_figures(
    browser: Browser, stage: StagePlay, language: str, tmp_path: Path
) -> None:
    with looking(browser, f"http://127.0.0.1:{stage.port}/handout?language={language}") as look:
        assert look.page.locator("svg.interval").count() == 1
        assert look.page.locator("svg.parts").count() == 1
        assert look.page.locator("table.calls tbody tr").count() == 2
        assert look.page.locator("ol.steps li.done").count() == 3
        assert look.faults() == []
        look.page.pdf(path=tmp_path / "handout.pdf", prefer_css_page_size=True)
        assert (tmp_path / "handout.pdf").read_bytes().startswith(b"%PDF")
        look.page.emulate_media(media="print")
        assert not look.page.locator("#print").is_visible()
        look.page.emulate_media(media="screen")
        other = look.page.locator(".tools a")
        other.click()
        assert look.page.locator("html").get_attribute("lang") == ("zh-Hans" if language == "en" else "en")
        assert look.complaints == []
        assert all(f":{stage.port}/" in address for address in look.asked)


@pytest.mark.browser
def test_the_button_prints(browser: Browser, stage: StagePlay) -> None:
    with looking(browser, f"http://127.0.0.1:{stage.port}/handout") as look:
        look.page.evaluate("window.print = () => { window.printed = true; }")
        look.page.locator("#print").click()
        assert look.page.evaluate("window.printed") is True


def test_a_saved_session_has_it_in_both_languages(stage: StagePlay) -> None:
    folder = Path(stage.post("/api/save")["folder"])
    for name in ("handout.en.html", "handout.zh.html"):
        assert "+61491570156" in (folder / name).read_text(encoding="utf-8")
