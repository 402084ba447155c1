"""Star codes on the stage: they are orders, and nobody sees their PINs."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.plays.stage import StagePlay
from tests.plays.stage_page import stage_page

pytestmark = pytest.mark.browser


def test_a_pin_is_seen_by_nobody_who_looks_at_the_stage(browser: Browser, stage: StagePlay) -> None:
    with stage_page(browser, stage) as page:
        bob = page.page.get_by_role("article", name="bob")
        way = bob.get_by_label("Text a keyword, or dial a star code")
        for code in ("*354*1357#", "#354*1357#"):
            way.fill(code[:5])
            expect(way).not_to_have_class("secret")
            way.fill(code)
            expect(way).to_have_class("secret")
            bob.get_by_role("button", name="Send").click()
            expect(way).not_to_have_class("secret")
            expect(page.verdict).to_contain_text(f"{code[:5]}••••#")
            expect(page.verdict.locator("h2")).to_have_text("An order to the operator")
            expect(page.device.locator(".owner")).to_have_text("bob")
            state = str(code.startswith("*")).lower()
            expect(page.switch("bob", "Bar calls and texts from abroad")).to_have_attribute("aria-checked", state)
            expect(page.device).to_contain_text("Call over")
        page.ladder.get_by_role("button").first.click()
        expect(page.ladder.locator("pre")).to_contain_text("INVITE sip:%23354*••••%23@")
        assert not re.search(r"\*1357|1357(#|%23)", page.evaluate("document.body.innerText"))
    for call in stage.get("/api/state")["calls"]:
        told = stage.ask("GET", f"/api/calls/{call['id']}")[2].decode()
        assert not re.search(r"\*1357|1357(#|%23)", told), call["id"]


def test_a_pin_is_not_seen_however_the_code_is_written(browser: Browser, stage: StagePlay) -> None:
    with stage_page(browser, stage) as page:
        carol = page.page.get_by_role("article", name="carol")
        way = carol.get_by_label("Text a keyword, or dial a star code")
        for number in ("10086", "*100#", "+8613800138001", "QXGJLH"):
            way.fill(number)
            expect(way).not_to_have_class("secret")
        for written in ("*3541357#", "#354#1357#", "354*1357#", "＊354＊1357＃", "( * 354 * 1357 # )"):
            way.fill(written)
            expect(way).to_have_class("secret")
        carol.get_by_role("button", name="Send").click()
        expect(page.verdict).to_contain_text("calls *354*••••#")
        expect(page.device.locator(".owner")).to_have_text("carol")
        page.ladder.get_by_role("button").first.click()
        expect(page.ladder.locator("pre")).to_contain_text("INVITE sip:*354*••••%23@")
        assert not re.search(r"[*#4 ]1357", page.evaluate("document.documentElement.outerHTML"))
