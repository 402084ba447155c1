"""The page of the stage, used by a trainer in a browser, with a lab behind it."""

from __future__ import annotations

import re
from contextlib import ExitStack

import pytest
from playwright.sync_api import APIResponse, Browser, Route, expect

from tests.plays.stage import StagePlay
from tests.plays.stage_page import DRAWN, stage_page

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=alert(1)>\u202e<script>alert(2)</script>{{7*7}}"


def test_a_scam_call_is_refused_before_everybodys_eyes(browser: Browser, stage: StagePlay) -> None:
    with stage_page(browser, stage, pace="slow") as page:
        page.call("cold-call", "alice")

        expect(page.verdict.locator("h2")).to_have_text("Refused")
        expect(page.verdict).to_contain_text("alice bars calls from abroad")
        expect(page.verdict).to_contain_text("If “Barring of calls from abroad” were off, the phone would have rung")
        expect(page.verdict.locator(".truth")).to_have_text(re.compile("Scam.*rightly kept out"))
        expect(page.device).to_contain_text("Stays silent")
        expect(page.verdict).to_contain_text("The phone did not ring.")
        assert page.messages() == ["INVITE", "Refused", "603 Decline", "ACK"]
        assert page.look.complaints == []


def test_a_call_rings_with_a_warning_and_is_answered(browser: Browser, stage: StagePlay) -> None:
    with stage_page(browser, stage, pace="slow") as page:
        page.call("family", "bob")

        expect(page.device).to_contain_text("Ringing")
        expect(page.device.locator(".label")).to_contain_text("境外来电")
        expect(page.verdict.locator("h2")).to_have_text("Passes with a warning")
        expect(page.device).to_contain_text("Talking")
        page.pace("Real time")
        expect(page.device).to_contain_text("Call over")
        assert page.messages()[:3] == ["INVITE", "Warned", "INVITE"]


def test_the_keyboard_places_a_call_and_leads_through_it_step_by_step(browser: Browser, stage: StagePlay) -> None:
    with stage_page(browser, stage) as page:
        press = page.page.keyboard.press
        press("2")
        press("h")
        assert "One ring" in page.look.focused()
        for key in ("Tab", "Tab", "Tab", "Enter"):
            press(key)
        expect(page.page.locator(".note")).to_have_text("5 steps to come")  # all: a verdict may come after the rest
        assert page.messages() == []
        press("n")
        expect(page.ladder).to_contain_text("INVITE")
        expect(page.verdict.locator("h2")).to_have_text("On its way …")
        press("n")
        expect(page.verdict.locator("h2")).to_have_text("Refused")
        assert page.messages() == ["INVITE", "Refused"]
        press("1")
        expect(page.verdict).to_contain_text("The phone did not ring.")
        assert page.messages() == ["INVITE", "Refused", "603 Decline", "ACK"]


def test_a_pause_holds_everything_and_a_replay_begins_again(browser: Browser, stage: StagePlay) -> None:
    with stage_page(browser, stage, pace="slow") as page:
        page.call("cold-call", "alice")
        expect(page.verdict.locator("h2")).to_have_text("On its way …")
        page.button("Pause").click()
        held = page.messages()
        stage.ended(stage.get("/api/state")["calls"][0]["id"])
        assert page.messages() == held
        page.page.keyboard.press("n")
        expect(page.ladder).to_contain_text(["INVITE", "Refused", "603 Decline", "ACK"][len(held)])
        assert len(page.messages()) == len(held) + 1
        page.button("Go on").click()
        expect(page.ladder).to_contain_text("ACK")

        page.button("Step by step").click()
        page.button("Replay").click()
        expect(page.verdict.locator("h2")).to_have_text("On its way …")
        assert page.messages() == []
        page.button("Next step").click()
        expect(page.ladder).to_contain_text("INVITE")


def test_a_call_that_goes_on_is_shown_to_its_end_though_it_began_again(browser: Browser, stage: StagePlay) -> None:
    stage.post("/api/phones/bob", do="hold")
    try:
        with stage_page(browser, stage) as page:
            page.call("friend", "bob")
            expect(page.ladder).to_contain_text("180 Ringing")
            page.button("Replay").click()
            expect(page.page.locator(".note")).not_to_have_text("Replay")
            expect(page.ladder).to_contain_text("180 Ringing")
            stage.post("/api/phones/bob", do="answer")
            expect(page.ladder).to_contain_text("200 OK")
            stage.post("/api/phones/bob", do="hang_up")
            expect(page.ladder).to_contain_text("BYE")
    finally:
        stage.post("/api/phones/bob", do="hold", on=False)


def test_a_pause_in_a_call_stays_though_the_answer_to_its_placing_comes_later(
    browser: Browser, stage: StagePlay
) -> None:
    answered: list[tuple[Route, APIResponse]] = []
    with stage_page(browser, stage, pace="slow") as page:
        page.page.route("**/api/family", lambda route: answered.append((route, route.fetch())))
        page.call("cold-call", "alice")
        expect(page.verdict.locator("h2")).to_have_text("On its way …")
        page.button("Pause").click()
        [(route, answer)] = answered
        with page.page.expect_event("requestfinished"):
            route.fulfill(response=answer)
        expect(page.button("Once more")).to_be_enabled()
        expect(page.button("Go on")).to_be_visible()


def test_any_call_of_the_session_is_played_again(browser: Browser, stage: StagePlay) -> None:
    number = "+12025550177"
    stage.ended(stage.post("/api/call", **{"from": number, "to": "alice", "truth": "scam"})["id"])
    stage.ended(stage.post("/api/family", id="friend", to="bob")["id"])
    with stage_page(browser, stage) as page:
        page.page.get_by_role("tab", name="Calls").click()
        page.page.get_by_label("Search").fill(f"{number} alice")
        page.page.locator(".calls button").first.click()
        expect(page.verdict).to_contain_text(f"{number} calls alice")
        expect(page.verdict.locator("h2")).to_have_text("Refused")


def test_of_calls_that_are_to_be_played_again_the_last_one_is(browser: Browser, stage: StagePlay) -> None:
    with stage_page(browser, stage) as page:
        shown = page.evaluate(
            """async () => {
                const { Calls } = await import("/static/calls.js");
                const answers = [], shown = [];
                window.fetch = () => new Promise((answer) => answers.push(answer));
                const calls = new Calls(document.createElement("div"), { replay: ({ id }) => shown.push(id) });
                const plays = ["one", "two"].map((id) => calls.play(id));
                for (const [place, id] of [[1, "two"], [0, "one"]]) {
                    answers[place]({ ok: true, json: async () => ({ call: { id }, events: [] }) });
                    await plays[place];
                }
                return shown;
            }"""
        )
        assert shown == ["two"]


def test_a_call_that_is_to_be_played_again_gives_way_to_one_that_is_placed_meanwhile(
    browser: Browser, stage: StagePlay
) -> None:
    old = stage.post("/api/call", **{"from": "+12025550178", "to": "alice", "truth": "scam"})["id"]
    stage.ended(old)
    held: list[Route] = []
    with stage_page(browser, stage) as page:
        page.page.get_by_role("tab", name="Calls").click()
        page.page.route(f"**/api/calls/{old}", lambda route: held.append(route))  # noqa: PLW0108 - playwright marks it
        page.page.locator(f'.calls [data-id="{old}"]').click()
        page.call("friend", "bob")
        expect(page.verdict).to_contain_text("calls bob")
        expect(page.button("Once more")).to_be_enabled()
        with page.page.expect_event("requestfinished"):
            held[0].continue_()
        page.evaluate(DRAWN)
        expect(page.verdict).to_contain_text("calls bob")
        expect(page.page.locator(".note")).not_to_have_text("Replay")


def test_a_saved_session_has_a_report_and_its_calls_are_played_again(browser: Browser, stage: StagePlay) -> None:
    call = stage.post("/api/family", id="cold-call", to="alice")["id"]
    stage.ended(call)
    with stage_page(browser, stage) as page:
        page.page.get_by_role("tab", name="Score").click()
        page.button("Save the session").click()
        report = page.page.locator("#notices a")
        assert stage.ask("GET", report.get_attribute("href") or "")[0] == 200
        run = re.findall("runs/([^/]+)/", report.get_attribute("href") or "")[0]
        page.page.get_by_role("tab", name="Calls").click()
        page.page.get_by_label("Calls of").focus()
        page.page.get_by_label("Calls of").select_option(run)
        page.page.get_by_label("Search").fill(call)
        expect(page.page.locator(".calls button")).to_have_count(1)
        page.page.locator(".calls button").click()
        expect(page.page.locator(".note")).to_have_text("Replay")
        expect(page.verdict.locator("h2")).to_have_text("Refused")
        expect(page.ladder).to_contain_text("ACK")
        assert page.messages() == ["INVITE", "Refused", "603 Decline", "ACK"]


def test_a_call_of_ones_own_is_shown_as_what_it_is_however_hostile(browser: Browser, stage: StagePlay) -> None:
    with stage_page(browser, stage) as page:
        page.page.get_by_role("radio", name="bob").check(force=True)
        page.page.locator(".own summary").click()
        page.page.get_by_label("From number").fill("+12025550166")
        page.page.get_by_label("Showing the name").fill("<b>Bank</b>{{7*7}}")
        page.page.locator(".own").get_by_role("button", name="Call").click()
        expect(page.verdict).to_contain_text("“<b>Bank</b>{{7*7}}”, +12025550166, calls bob")
        page.page.locator("select[name=method]").select_option("MESSAGE")
        page.page.locator("textarea[name=body]").fill(HOSTILE)
        page.button("Send text").click()
        expect(page.device.locator(".bubble")).to_have_text(HOSTILE.replace("\u202e", "\ufffd"))
        page.ladder.get_by_role("button").first.click()
        expect(page.ladder.locator("pre")).to_contain_text("{{7*7}}")
        assert page.look.complaints == []
        made = "document.querySelectorAll('#picture img, #verdict img, #verdict .line b, #ladder img').length"
        assert page.evaluate(made) == 0


def test_what_cannot_be_placed_is_said(browser: Browser, stage: StagePlay) -> None:
    with stage_page(browser, stage) as page:
        page.page.locator(".own summary").click()
        page.page.locator(".own").get_by_role("button", name="Call").click()
        expect(page.page.locator("#notices")).to_contain_text("Say which number calls")
        expect(page.page.get_by_label("From number")).to_be_focused()
        page.page.keyboard.press("Escape")
        page.button("中文").click()
        page.page.get_by_label("主叫号码").fill("no number")
        page.page.locator(".own button").click()
        expect(page.page.locator("#notices")).to_contain_text("请填写主叫号码")


def test_both_languages_are_there_at_once_and_the_choice_is_remembered(browser: Browser, stage: StagePlay) -> None:
    stage.ended(stage.post("/api/family", id="cold-call", to="alice")["id"])
    with stage_page(browser, stage) as page:
        expect(page.verdict.locator("h2")).to_have_text("Refused")
        page.button("中文").click()
        expect(page.verdict.locator("h2")).to_have_text("已拦截")
        expect(page.page.get_by_role("tab", name="用户")).to_be_visible()
        assert page.evaluate("document.documentElement.lang") == "zh-Hans"
        left = re.compile("[A-Za-z]{4,}")
        words = page.page.locator("#pace, #work-tabs, #tabs, .whom, .family .title").all_inner_texts()
        assert [text for text in words if left.search(text.replace("alice", "").replace("carol", ""))] == []
        page.page.reload()
        expect(page.verdict.locator("h2")).to_have_text("已拦截")
        page.page.keyboard.press("l")
        expect(page.verdict.locator("h2")).to_have_text("Refused")


def test_keys_are_told_of_and_can_be_switched_off(browser: Browser, stage: StagePlay) -> None:
    with stage_page(browser, stage) as page:
        page.page.keyboard.press("?")
        sheet = page.page.get_by_role("dialog", name="Keyboard")
        expect(sheet).to_contain_text("Next step")
        sheet.get_by_label("Single keys do these things").uncheck()
        page.page.keyboard.press("Escape")
        expect(sheet).to_be_hidden()
        page.page.keyboard.press("m")
        expect(page.page.locator("#mute")).to_have_attribute("aria-pressed", "false")
        page.page.keyboard.press("?")
        sheet.get_by_label("Single keys do these things").check()
        sheet.get_by_role("button", name="Close").click()
        expect(sheet).to_be_hidden()
        page.page.keyboard.press("m")
        expect(page.page.locator("#mute")).to_have_attribute("aria-pressed", "true")


def test_a_key_is_heard_at_once_after_the_sheet_was_closed(browser: Browser, stage: StagePlay) -> None:
    with stage_page(browser, stage) as page:
        page.page.keyboard.press("?")
        page.page.get_by_label("Single keys do these things").focus()
        within_one_frame = (
            "sheet => { sheet.close(); const key = new KeyboardEvent('keydown', {key: 'm', bubbles: true});"
            " document.activeElement.dispatchEvent(key); }"
        )
        page.page.locator("#sheet").evaluate(within_one_frame)
        expect(page.page.locator("#mute")).to_have_attribute("aria-pressed", "true")


def test_everything_is_reached_with_tab_and_the_focus_is_seen(browser: Browser, stage: StagePlay) -> None:
    with stage_page(browser, stage) as page:
        seen = set()
        for _ in range(120):
            page.page.keyboard.press("Tab")
            unseen = page.evaluate(
                "(() => { const at = document.activeElement, style = getComputedStyle(at);"
                " return at !== document.body && style.outlineStyle === 'none'"
                " && getComputedStyle(at.nextElementSibling ?? at).outlineStyle === 'none'; })()"
            )
            assert not unseen, page.look.focused()
            seen.add(page.evaluate("document.activeElement.closest('[id]')?.id"))
        assert {"language", "pace", "ladder", "hand", "tab-hand", "tab-switches", "switches"} <= seen


def test_calls_of_ones_own_are_one_family_and_a_long_name_is_clipped(browser: Browser, stage: StagePlay) -> None:
    with stage_page(browser, stage) as page:
        for number in ("+12025550161", "+12025550162"):
            keys = {"from": number, "to": "alice", "truth": "scam", "display_name": "W" * 300}
            stage.ended(stage.post("/api/call", **keys)["id"])
        page.page.get_by_role("tab", name="Score").click()
        rows = page.page.locator(".by-family tbody th")
        expect(rows.filter(has_text="A call of your own")).to_have_count(1)
        expect(rows.filter(has_text="call-")).to_have_count(0)
        expect(page.verdict).to_contain_text("W" * 60 + "…")


def test_traffic_runs_at_a_rate_until_it_is_stopped(browser: Browser, stage: StagePlay) -> None:
    with ExitStack() as at_the_end, stage_page(browser, stage) as page:
        at_the_end.callback(stage.post, "/api/traffic", stop=True)
        page.page.locator(".running summary").click()
        page.page.get_by_label("Rate").select_option("20")
        page.button("Start").click()
        expect(page.page.locator(".running summary")).to_have_text("Traffic runs, 20 calls/s")
        page.page.get_by_role("tab", name="Score").click()
        expect(page.page.locator(".by-family tbody tr").nth(2)).to_be_visible()
        expect(page.page.locator(".rate").first).to_contain_text("%")
        page.button("Stop").click()
        expect(page.page.locator(".running summary")).to_have_text("Let traffic run")


@pytest.mark.parametrize("width", [1440, 360])
def test_nothing_keeps_anybody_out(browser: Browser, stage: StagePlay, width: int) -> None:
    warned = {"from": "+6591234567", "to": "bob", "truth": "legit", "ring": "100ms", "talk": "100ms"}
    stage.ended(stage.post("/api/call", **warned)["id"])
    with stage_page(browser, stage, width=width) as page:
        expect(page.verdict.locator("h2")).to_have_text("Passes with a warning")
        page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
        for tab in ("Subscribers", "Rules", "Score", "Calls"):
            page.page.get_by_role("tab", name=tab).click()
            assert page.look.faults_in_both_schemes() == [], tab
            assert page.evaluate("document.documentElement.scrollWidth") == width, tab
        page.page.keyboard.press("?")
        assert page.look.faults_in_both_schemes() == []
        page.page.keyboard.press("Escape")
        page.page.get_by_role("tab", name="Lesson").click()
        assert page.look.faults_in_both_schemes() == []


def test_it_asks_nobody_else_for_anything(browser: Browser, stage: StagePlay) -> None:
    with stage_page(browser, stage) as page:
        page.call("cold-call", "alice")
        expect(page.verdict.locator("h2")).to_have_text("Refused")
        page.page.get_by_role("tab", name="Calls").click()
        assert {url.split("/")[2] for url in page.look.asked} == {f"127.0.0.1:{stage.port}"}
        assert page.look.complaints == []


def test_the_picture_moves_only_for_those_who_like_it(browser: Browser, stage: StagePlay) -> None:
    running = "document.getAnimations().filter(each => each.playState === 'running').length"
    with ExitStack() as at_the_end:
        stage.post("/api/call", **{"from": "+6591234567", "to": "bob", "truth": "legit", "ring": "20s"})
        at_the_end.callback(stage.post, "/api/phones/bob", do="hang_up")
        with stage_page(browser, stage, motion="reduce") as page:
            expect(page.device).to_contain_text("Ringing")
            assert page.evaluate(running) == 0
        with stage_page(browser, stage, motion="no-preference") as page:
            expect(page.device).to_contain_text("Ringing")
            assert page.evaluate(running) > 0


def test_thirty_pages_are_open_and_those_that_draw_see_the_call(browser: Browser, stage: StagePlay) -> None:
    with ExitStack() as open_pages:
        followers = [open_pages.enter_context(stage.events()) for _ in range(24)]
        assert [next(events)[0] for events in followers] == ["state"] * 24
        pages = [open_pages.enter_context(stage_page(browser, stage, width=390, height=300)) for _ in range(6)]
        pages[0].call("cold-call", "alice")
        for page in pages:
            expect(page.verdict.locator("h2")).to_have_text("Refused")
            assert page.look.complaints == []
        for events in followers:
            assert next(fields for name, fields in events if name == "judged")["action"] == "reject"
    assert stage.get("/api/state")["lab"] == {"proxy": "up", "softswitch": "up"}


def test_a_long_answer_of_a_peer_stays_within_the_picture(browser: Browser, stage: StagePlay) -> None:
    with stage_page(browser, stage) as page:
        drawn = page.evaluate(
            """async () => {
                const [{ Picture }, { EMPTY, after }, { NOTHING }] = await Promise.all(
                    ["picture", "scene", "state"].map((name) => import(`/static/${name}.js`)));
                const call = { id: "1", from: "+".padEnd(300, "9"), trunk: "international", method: "INVITE" };
                const line = `SIP/2.0 603 ${"No".repeat(200)}`;
                const events = [{ event: "placed", call },
                    { event: "message", from: "proxy", to: "caller", first_line: line, text: line }];
                const root = document.getElementById("picture");
                new Picture(root).draw(events.reduce(after, EMPTY), 1, NOTHING, null);
                return [...root.querySelectorAll(".pill text, .abroad .number")].map((each) => each.textContent.length);
            }"""
        )
        assert drawn == [22, 24]


def test_a_browser_that_keeps_nothing_shows_the_stage_too(browser: Browser, stage: StagePlay) -> None:
    forbids = (
        "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError'); } })"
    )
    page = browser.new_page()
    page.add_init_script(forbids)
    page.goto(f"http://127.0.0.1:{stage.port}/")
    page.locator(".family").first.wait_for()
    page.keyboard.press("l")
    expect(page.get_by_role("tab", name="课程")).to_be_visible()
    page.close()
