"""The switches of the stage's page: settings, lists and rules, and the notices of refused calls."""

from __future__ import annotations

import re
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.plays.stage import StagePlay, stranger
from tests.plays.stage_page import stage_page

pytestmark = pytest.mark.browser


def test_a_refused_caller_is_let_through_with_one_tap_on_the_notice(browser: Browser, stage: StagePlay) -> None:
    caller = stranger()
    with ExitStack() as at_the_end, stage_page(browser, stage) as page:
        stage.set("carol", barring={"incoming_international": True}, notify=True)  # who is told of few: six an hour
        at_the_end.callback(stage.set, "carol", barring={"incoming_international": False}, notify=False, allow=[])
        stage.ended(stage.post("/api/call", **{"from": caller, "to": "carol", "truth": "legit"})["id"])
        carol = page.page.get_by_role("article", name="carol")
        carol.get_by_role("button", name=f"Allow {caller}").click()
        expect(carol.locator(".numbers").first).to_contain_text(caller)
        stage.ended(stage.post("/api/call", **{"from": caller, "to": "carol", "ring": "100ms", "talk": "100ms"})["id"])
        expect(page.verdict).to_contain_text("Own allow list")
        carol.get_by_role("button", name=f"Take off: {caller}").click()
        expect(carol.locator(".numbers").first).not_to_contain_text(caller)


def test_a_notice_that_comes_before_the_verdict_has_its_button_and_keeps_it(browser: Browser, stage: StagePlay) -> None:
    with stage_page(browser, stage) as page:
        shown = page.evaluate(
            """async () => {
                const { Switches } = await import("/static/switches.js");
                const answers = [];
                window.fetch = () => new Promise((answer) => answers.push(answer));
                const notice = { at: 5, caller: "10086", body: "ALLOW +12025550188" };
                const seen = async (place, allow) => {
                    answers[place]({ ok: true, json: async () => ({ texts: [{ body: notice.body, allow }] }) });
                    await new Promise((done) => setTimeout(done));
                    return root.querySelectorAll("[data-do=allow]").length;
                };
                const root = document.createElement("div");
                const switches = new Switches(root, {});
                const call = { id: "one", subscriber: "alice", at: 4 };
                const subscribers = [{ name: "alice", phone: { texts: [notice] } }];
                for (const more of [{}, { action: "reject" }, { action: "reject", by: "proxy" }])
                    switches.draw({ subscribers, calls: [{ ...call, ...more }] });
                return [answers.length, await seen(1, "+12025550188"), await seen(0, null)];
            }"""
        )
        assert shown == [2, 1, 1]


def test_numbers_that_are_added_one_right_after_the_other_are_both_on_the_list(
    browser: Browser, stage: StagePlay
) -> None:
    with ExitStack() as at_the_end, stage_page(browser, stage) as page:
        at_the_end.callback(stage.set, "bob", block=[])
        held: list[Route] = []
        page.page.route("**/api/settings", lambda route: held.append(route))  # noqa: PLW0108 - playwright marks it
        bob = page.page.get_by_role("article", name="bob")
        number = bob.locator("[data-list=block] input")
        for each in ("+12025550171", "+12025550172"):
            number.fill(each)
            number.press("Enter")
            expect(number).to_have_value("")
        for route in held:
            route.continue_()
        expect(bob.locator("[data-key=block] .chip")).to_have_text([re.compile("550171"), re.compile("550172")])
        for each in ("+12025550171", "+12025550172"):
            bob.get_by_role("button", name=f"Take off: {each}").click()
        expect(bob.locator("[data-key=block] .chip")).to_have_count(2)
        for route in held[2:]:
            route.continue_()
        expect(bob.locator("[data-key=block] .chip")).to_have_count(0)


def test_a_number_that_was_not_taken_can_be_mended(browser: Browser, stage: StagePlay) -> None:
    with ExitStack() as at_the_end, stage_page(browser, stage) as page:
        at_the_end.callback(stage.set, "bob", block=[])
        bob = page.page.get_by_role("article", name="bob")
        number = bob.locator("[data-list=block] input")
        number.fill("+1 202 555 0171 x")
        number.press("Enter")
        expect(page.page.locator("#notices .warning")).to_be_visible()
        expect(number).to_have_value("+1 202 555 0171 x")
        number.press("Backspace")
        number.press("Enter")
        expect(bob.locator("[data-key=block] .chip")).to_have_text(re.compile("550171"))
        expect(number).to_have_value("")


def test_settings_change_by_a_texted_word_as_subscribers_do_it(browser: Browser, stage: StagePlay) -> None:
    with ExitStack() as at_the_end, stage_page(browser, stage) as page:
        at_the_end.callback(stage.set, "bob", barring={"incoming_international": False})
        bob = page.page.get_by_role("article", name="bob")
        for word, state in (("QXGJLH", "true"), ("KTGJLH", "false")):
            bob.get_by_label("Text a keyword, or dial a star code").fill(word)
            bob.get_by_role("button", name="Send").click()
            expect(page.switch("bob", "Bar calls and texts from abroad")).to_have_attribute("aria-checked", state)


def test_what_was_heard_can_be_heard(browser: Browser, stage: StagePlay) -> None:
    with stage_page(browser, stage) as page:
        page.call("friend", "bob")
        with page.page.expect_response(lambda response: "/api/sound/" in response.url) as sound:
            page.button("▶ What the phone heard").click()
        assert sound.value.ok
        assert page.look.complaints == []


def test_the_next_call_is_judged_by_the_switches(browser: Browser, stage: StagePlay) -> None:
    with ExitStack() as at_the_end, stage_page(browser, stage) as page:
        at_the_end.callback(stage.set, "carol", barring={"incoming_international": False})
        at_the_end.callback(stage.post, "/api/rule", rule="barring.incoming_international", mode="enforce")
        switch = page.switch("carol", "Bar calls and texts from abroad")
        expect(switch).to_have_attribute("aria-checked", "false")
        switch.click()
        expect(switch).to_have_attribute("aria-checked", "true")
        page.call("cold-call", "carol")
        expect(page.verdict.locator("h2")).to_have_text("Refused")

        page.page.get_by_role("tab", name="Rules").click()
        row = page.page.get_by_role("row", name=re.compile("barring.incoming_international"))
        shadowed = int(row.locator("td.shadowed").inner_text())
        row.get_by_role("button", name="Shadow").click()
        expect(row.get_by_role("button", name="Shadow")).to_have_attribute("aria-pressed", "true")
        page.call("cold-call", "carol")
        expect(page.verdict.locator("h2")).to_have_text("Passes with a warning")
        expect(row.locator("td.shadowed")).to_have_text(str(shadowed + 1))
        row.get_by_role("button", name="Enforce").click()
        expect(row.get_by_role("button", name="Enforce")).to_have_attribute("aria-pressed", "true")
        page.page.get_by_role("tab", name="Subscribers").click()
        switch.click()
        expect(switch).to_have_attribute("aria-checked", "false")
