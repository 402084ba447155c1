"""Calls of finished runs on the stage, as `ringfence run` left them: with their messages, and without."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.plays.left_run import leave_run
from tests.plays.stage import StagePlay
from tests.plays.stage_page import StagePage, stage_page

pytestmark = pytest.mark.browser

SCENARIO = """\
scenario: yesterday
home: CN
preset: cn
subscribers:
  dora: {number: "+8613800138011", barring: {incoming_international: on}}
  emil: {number: "+8613800138012", pin: "2468"}
calls:
  - {call: stranger, trunk: international, from: "+12025550143", to: dora, truth: scam}
  - {call: friend, trunk: domestic, from: "+8613900139001", to: emil, truth: legit, talk: 0.1s}
  - {call: order, trunk: phones, from: emil, to: "*354*2468#", truth: legit}
"""


@pytest.fixture(scope="module")
def page(browser: Browser, stage: StagePlay) -> Iterator[StagePage]:
    folder = stage.stage.chosen.runs.parent
    leave_run(folder, SCENARIO)
    leave_run(folder, SCENARIO.replace("yesterday", "today"), messages="never")
    with stage_page(browser, stage) as page:
        page.page.get_by_role("tab", name="Calls").click()
        yield page


def replay(page: StagePage, run: str, call: str) -> None:
    """Choose a run by its scenario, and a call of it."""
    source = page.page.get_by_label("Calls of")
    source.focus()
    option = source.locator("option").filter(has_text=run)
    expect(option).to_have_count(1)
    source.select_option(option.inner_text())
    page.page.locator(f'.calls [data-id="{call}"]').click()
    expect(page.page.locator(".note")).to_have_text("Replay")


@pytest.mark.parametrize("run", ["yesterday", "today"])
def test_a_refused_call_is_shown_with_its_verdict(page: StagePage, run: str) -> None:
    replay(page, run, "stranger")
    expect(page.verdict).to_contain_text("+12025550143 calls dora")
    expect(page.verdict.locator("h2")).to_have_text("Refused")
    expect(page.verdict).to_contain_text("dora bars calls from abroad")
    expect(page.device).to_contain_text("Stays silent")
    kept = {"yesterday": ["INVITE", "Refused", "603 Decline", "ACK"], "today": ["Refused"]}
    expect(page.ladder.locator(".name, .judgement b")).to_have_text(kept[run])
    expect(page.ladder.get_by_text("kept no messages")).to_have_count(int(run == "today"))


@pytest.mark.parametrize("run", ["yesterday", "today"])
def test_a_call_that_passed_rings(page: StagePage, run: str) -> None:
    replay(page, run, "friend")
    expect(page.ladder).to_contain_text("180 Ringing" if run == "yesterday" else "kept no messages")
    expect(page.verdict).to_contain_text("+8613900139001 calls emil")
    expect(page.device).to_contain_text("Call over")
    expect(page.verdict).to_contain_text("rightly let through")


def test_a_pin_is_not_shown_afterwards_either(page: StagePage) -> None:
    replay(page, "yesterday", "order")
    expect(page.verdict).to_contain_text("calls *354*••••#")
    expect(page.verdict.locator("h2")).to_have_text("An order to the operator")
    expect(page.verdict.locator(".truth")).to_contain_text("rightly let through")
    expect(page.device).not_to_contain_text("Stays silent")
    expect(page.ladder).to_contain_text("ACK")
    page.ladder.get_by_role("button").first.click()
    expect(page.ladder.locator("pre")).to_contain_text("INVITE sip:*354*••••%23@")
    assert "2468" not in page.evaluate("document.body.innerText")
    assert page.look.complaints == []
