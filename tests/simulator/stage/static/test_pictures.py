"""The pictures of the stage in the documentation are what it looks like. RINGFENCE_PICTURES=1 takes them anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.plays import ROOT
from tests.plays.pictures import png_size, take
from tests.plays.stage import StagePlay
from tests.plays.stage_page import StagePage, stage_page

pytestmark = pytest.mark.browser
LARGEST = 150_000  # bytes


def compare(page: StagePage, name: str, folder: Path) -> None:
    """Take the picture of that name, and hold it against the kept one."""
    page.evaluate("document.activeElement.blur()")
    page.page.mouse.move(5, 5)
    kept = ROOT / "scenarios" / name
    taken = kept if os.environ.get("RINGFENCE_PICTURES") else folder / name
    take(page.page, taken)
    assert png_size(taken) == png_size(kept)
    assert kept.stat().st_size < LARGEST
    assert f"({kept.relative_to(ROOT)})" in (ROOT / "README.md").read_text()


def test_a_refused_call_at_1440_pixels(browser: Browser, stage: StagePlay, tmp_path: Path) -> None:
    with stage_page(browser, stage, pace="slow") as page:
        page.call("cold-call", "alice")
        expect(page.verdict).to_contain_text("The phone did not ring.")
        compare(page, "stage.png", tmp_path)


def test_a_ringing_phone_on_a_projector(browser: Browser, stage: StagePlay, tmp_path: Path) -> None:
    with stage_page(browser, stage, width=1920, height=1080, pace="slow") as page:
        page.call("cold-call", "bob")
        expect(page.device).to_contain_text("Ringing")
        page.button("Pause").click()
        page.page.keyboard.press("b")
        compare(page, "stage-projector.png", tmp_path)


def test_a_lesson_in_the_dark(browser: Browser, stage: StagePlay, tmp_path: Path) -> None:
    with stage_page(browser, stage, scheme="dark", pace="slow") as page:
        page.page.get_by_role("tab", name="Lesson").click()
        page.page.locator(".lessons button").first.click()
        page.page.locator("#lesson [data-key=go]").click()
        expect(page.device).to_contain_text("Ringing")
        page.button("Pause").click()
        compare(page, "stage-dark.png", tmp_path)
        page.button("Leave").click()
