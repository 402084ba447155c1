"""The handset in a browser: it rings, answers, talks, dials, texts, warns, and comes back after the line was down."""

from __future__ import annotations

import json
import os
import re
import struct
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, WebSocketRoute, expect

from simulator.stage.phones.apps import ON_THE_LIST
from tests.plays import ROOT
from tests.plays.browser import chromium, looking
from tests.plays.handset_page import HEIGHT, MICROPHONE, WIDTH, button, call, dial, handset, switched_on
from tests.plays.proxy_process import eventually
from tests.plays.stage import StagePlay, stranger

pytestmark = pytest.mark.browser

ABROAD = {"from": "+12025550188", "trunk": "international", "truth": "scam"}
HOSTILE = '<img src=x onerror="document.title=1">&amp;'


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium(*MICROPHONE) as started:
        yield started


def test_what_could_not_be_sent_is_kept(browser: Browser, stage: StagePlay) -> None:
    lines: list[WebSocketRoute] = []

    def carry(line: WebSocketRoute) -> None:
        if lines:
            line.close()
            return
        line.connect_to_server()
        lines.append(line)

    with handset(browser, stage) as look:
        page = look.page
        page.route_web_socket(re.compile("/line$"), carry)
        page.reload()
        button(page, "Switch the phone on").click()
        button(page, "Texts").click()
        page.get_by_label("To").fill("10086")
        page.get_by_label("Text", exact=True).fill("STATUS")
        lines[0].close()
        expect(page.get_by_text("The connection is lost").first).to_be_visible()
        button(page, "Send").click()
        expect(page.get_by_role("alert")).to_be_visible()
        expect(page.get_by_label("Text", exact=True)).to_have_value("STATUS")


def test_who_declines_has_the_caller_refused(browser: Browser, stage: StagePlay) -> None:
    with switched_on(browser, stage) as look:
        call_id = call(stage)
        button(look.page, "Decline").click()
        expect(look.page.get_by_text("Missed").first).to_be_visible()
    assert stage.ended(call_id)["final"] == 603


def test_a_phone_that_is_off_is_left_alone(browser: Browser, stage: StagePlay) -> None:
    with handset(browser, stage) as look:
        expect(look.page.get_by_text("This page is bob’s phone")).to_be_visible()
        call_id = call(stage, ring="0.1s", talk="0.1s")
        assert stage.ended(call_id)["outcome"] == "passed"
        expect(button(look.page, "Switch the phone on")).to_be_visible()


def test_a_star_code_with_its_pin_bars_calls_from_abroad_and_a_tap_on_the_notice_lets_the_caller_through(
    browser: Browser, stage: StagePlay
) -> None:
    caller = stranger()
    abroad = {**ABROAD, "from": caller}
    with ExitStack() as at_the_end, switched_on(browser, stage) as look:
        at_the_end.callback(stage.set, "bob", barring={"incoming_international": False}, notify=False, allow=[])
        page = look.page
        button(page, "Settings").click()
        page.get_by_role("listitem").filter(has_text="Tell me what was refused").get_by_role("button").click()
        expect(page.get_by_text("Switch off: text QXLJTX to 10086")).to_be_visible()
        dial(page, "*354*1357#")
        expect(button(page, "Settings")).to_be_visible()  # the announcement is over
        button(page, "Settings").click()
        barred = page.get_by_role("listitem").filter(has_text="Refuse calls and texts from abroad")
        expect(barred.get_by_text("On", exact=True)).to_be_visible()
        assert stage.ended(call(stage, **abroad))["outcome"] == "blocked"
        expect(button(page, "Texts").locator(".news")).to_be_visible()
        button(page, "Texts").click()
        button(page, f"Let {caller} through").click()
        expect(page.get_by_text(f"{caller} was let through")).to_be_visible()
        eventually(lambda: caller in stage.get("/api/phones/bob")["settings"]["allow"])
        call_id = call(stage, **abroad)
        button(page, "Answer").click()
        button(page, "Hang up").click()
        assert stage.ended(call_id)["outcome"] == "passed"
        assert look.complaints == []


def test_keys_are_pressed_in_a_call_and_a_star_code_is_prepared_by_the_settings(
    browser: Browser, stage: StagePlay
) -> None:
    with switched_on(browser, stage) as look:
        page = look.page
        button(page, "Settings").click()
        button(page, "or dial *354*PIN#").click()
        expect(page.get_by_label("Number or star code")).to_have_value("*354*")
        button(page, "Delete the last key").click()
        expect(page.get_by_label("Number or star code")).to_have_value("*354")
        call(stage)
        button(page, "Answer").click()
        button(page, "Keys").click()
        button(page, "5", exact=True).click()
        expect(page.get_by_role("alert")).to_be_hidden()
        page.keyboard.press("Escape")
        expect(page.get_by_label("Number or star code")).to_be_visible()


def test_a_text_comes_and_one_is_sent(browser: Browser, stage: StagePlay) -> None:
    with switched_on(browser, stage) as look:
        page = look.page
        call(stage, method="MESSAGE", body="Your parcel is at parcel.example/pay", **ABROAD)
        expect(button(page, "Texts").locator(".news")).to_contain_text("1")
        button(page, "Texts").click()
        text = page.get_by_role("listitem").filter(has_text="Your parcel is at")
        expect(text.get_by_text("From abroad")).to_be_visible()
        expect(text.get_by_text("Has a link")).to_be_visible()
        assert page.locator("main a").count() == 0
        expect(button(page, "Texts").locator(".news")).to_have_count(0)
        page.get_by_label("To").fill("10086")
        page.get_by_label("Text", exact=True).fill("STATUS")
        button(page, "Send").click()
        expect(page.get_by_role("listitem").filter(has_text="To 10086").filter(has_text="STATUS")).to_be_visible()
        expect(page.get_by_text("Calls from people who hide their number: let through")).to_be_visible()


def test_what_callers_write_is_text_and_nothing_else(browser: Browser, stage: StagePlay) -> None:
    with switched_on(browser, stage) as look:
        page = look.page
        call_id = call(stage, display_name=HOSTILE)
        expect(page.get_by_text("<img src=x")).to_be_visible()
        assert page.locator("main img").count() == 0
        button(page, "Decline").click()
        stage.ended(call_id)
        call(stage, method="MESSAGE", body=f"{HOSTILE} \u202egnp.exe")
        button(page, "Texts").click()
        expect(page.get_by_text("<img src=x")).to_be_visible()
        assert page.locator("main img").count() == 0
        assert "\u202e" not in page.inner_text("main")
        assert page.title() == "bob’s phone"


def test_apps_are_warned_of_what_is_reported_is_shown_and_it_is_switched_off(
    browser: Browser, stage: StagePlay
) -> None:
    with ExitStack() as at_the_end, switched_on(browser, stage) as look:
        at_the_end.callback(stage.post, "/api/apps/bob", off=True)
        at_the_end.callback(stage.post, "/api/app-list", apps=[each.to_json() for each in ON_THE_LIST])
        page = look.page
        button(page, "Safety app").click()
        expect(page.get_by_text("Nothing is reported.")).to_be_visible()
        button(page, "Install: SafeDesk Remote").click()
        assert stage.get("/api/phones/bob")["apps"]["reported"] is None
        page.get_by_role("switch", name="Check the apps").click()
        expect(page.get_by_text("it lets strangers use your phone")).to_be_visible()
        expect(page.locator("pre")).to_contain_text("SafeDesk Remote")
        reported = stage.get("/api/phones/bob")["apps"]["reported"]["apps"]
        assert page.locator("pre").inner_text().count('"') == 2 * (len(reported) + 1)
        stage.post("/api/app-list", apps=[{"name": "Weather", "why": "other"}])
        expect(page.get_by_text("it is used in scams")).to_be_visible()
        expect(page.get_by_text("it lets strangers use your phone")).to_have_count(0)
        page.get_by_role("switch", name="Check the apps").click()
        expect(page.get_by_text("Nothing is reported.")).to_be_visible()
        expect(page.get_by_text("it is used in scams")).to_have_count(0)
        eventually(lambda: stage.get("/api/phones/bob")["apps"]["reported"] is None)


def test_the_trainer_edits_the_list_of_apps(browser: Browser, stage: StagePlay) -> None:
    with ExitStack() as at_the_end, looking(browser, f"http://127.0.0.1:{stage.port}/apps") as look:
        at_the_end.callback(stage.post, "/api/app-list", apps=[each.to_json() for each in ON_THE_LIST])
        page = look.page
        button(page, "Remove SafeDesk Remote").click()
        expect(button(page, "Remove SafeDesk Remote")).to_have_count(0)
        page.get_by_label("Name of the app").fill("<b>Lucky</b> Wheel")
        page.get_by_label("Reason").select_option("other")
        button(page, "Add").click()
        expect(page.get_by_role("heading", name="<b>Lucky</b> Wheel")).to_be_visible()
        listed = {each["name"]: each["why"] for each in stage.get("/api/app-list")["apps"]}
        assert listed["<b>Lucky</b> Wheel"] == "other"
        assert "SafeDesk Remote" not in listed


def test_what_another_page_put_on_the_list_of_apps_stays_there(browser: Browser, stage: StagePlay) -> None:
    with ExitStack() as at_the_end, looking(browser, f"http://127.0.0.1:{stage.port}/apps") as look:
        at_the_end.callback(stage.post, "/api/app-list", apps=[each.to_json() for each in ON_THE_LIST])
        page = look.page
        button(page, "Remove SafeDesk Remote").wait_for()
        page.route(  # it hears of nothing that others do
            "**/api/app-list", lambda route: route.abort() if route.request.method == "GET" else route.continue_()
        )
        others = [each.to_json() for each in ON_THE_LIST if each.name != "Speedy Loan Pro"]
        stage.post("/api/app-list", apps=[*others, {"name": "Lucky Wheel", "why": "other"}])
        with page.expect_response("**/api/app-list"):
            button(page, "Remove SafeDesk Remote").click()
        listed = [each["name"] for each in stage.get("/api/app-list")["apps"]]
        assert listed == ["Harbour Bank Mobile+", "e-Police Verify", "Lucky Wheel"]


def test_a_list_of_apps_that_was_asked_for_before_a_change_does_not_undo_it(browser: Browser, stage: StagePlay) -> None:
    before = stage.ask("GET", "/api/app-list")[2]
    held: list[Route] = []
    with ExitStack() as at_the_end, looking(browser, f"http://127.0.0.1:{stage.port}/") as look:
        at_the_end.callback(stage.post, "/api/app-list", apps=[each.to_json() for each in ON_THE_LIST])
        page = look.page
        page.clock.install()
        page.goto(f"http://127.0.0.1:{stage.port}/apps")
        button(page, "Remove SafeDesk Remote").wait_for()
        page.route(
            "**/api/app-list", lambda route: held.append(route) if route.request.method == "GET" else route.continue_()
        )
        with page.expect_request("**/api/app-list"):
            page.clock.fast_forward(3000)
        button(page, "Remove SafeDesk Remote").click()
        expect(button(page, "Remove SafeDesk Remote")).to_have_count(0)
        with page.expect_event("requestfinished"):
            held[0].fulfill(body=before, content_type="application/json")
        page.get_by_label("Name of the app").fill("Lucky Wheel")
        button(page, "Add").click()
        expect(page.get_by_role("heading", name="Lucky Wheel")).to_be_visible()
        listed = [each["name"] for each in stage.get("/api/app-list")["apps"]]
        assert "SafeDesk Remote" not in listed


def test_a_line_that_was_lost_says_so_and_comes_back_with_the_phone_as_it_is(
    browser: Browser, stage: StagePlay
) -> None:
    lines: list[WebSocketRoute] = []
    up = True

    def carry(line: WebSocketRoute) -> None:
        if not up:
            line.close()
            return
        line.connect_to_server()
        lines.append(line)

    with handset(browser, stage) as look:
        page = look.page
        page.route_web_socket(re.compile("/line$"), carry)
        page.reload()
        button(page, "Switch the phone on").click()
        eventually(lambda: stage.get("/api/phones/bob")["held"])
        up = False
        lines[-1].close()
        expect(page.get_by_text("The connection is lost")).to_be_visible()
        eventually(lambda: not stage.get("/api/phones/bob")["held"])
        call_id = call(stage, ring="40s")
        up = True
        expect(page.get_by_text("The connection is lost")).to_be_hidden(timeout=15_000)
        button(page, "Decline").click()
        assert stage.ended(call_id)["final"] == 603


def test_it_is_for_everybody_in_both_themes(browser: Browser, stage: StagePlay) -> None:
    with switched_on(browser, stage, "carol") as look:
        page = look.page
        call(stage, "carol", method="MESSAGE", body="Your parcel is at parcel.example/pay", **ABROAD)
        for tab in ("Keypad", "Texts", "Settings", "Safety app", "Calls"):
            button(page, tab).click()
            if tab == "Safety app":
                page.get_by_role("switch", name="Check the apps").click()
                button(page, "Install: SafeDesk Remote").click()
                expect(page.get_by_text("it lets strangers use your phone")).to_be_visible()
            assert look.faults_in_both_schemes() == [], tab
            small = page.evaluate(
                "[...document.querySelectorAll('main button, main input, nav button')]"
                ".filter(node => node.getBoundingClientRect().height < 44).map(node => node.textContent)"
            )
            assert small == [], tab
            assert page.evaluate("document.documentElement.scrollWidth") <= WIDTH, tab
        call(stage, "carol", **ABROAD, display_name="Parcel service")
        expect(button(page, "Answer")).to_be_visible()
        assert look.faults_in_both_schemes() == []
        button(page, "Answer").click()
        button(page, "Keys").click()
        assert look.faults_in_both_schemes() == []
        button(page, "Hang up").click()
        expect(page.get_by_role("heading", name="Ready")).to_be_visible()


def test_it_asks_nobody_but_the_stage(browser: Browser, stage: StagePlay) -> None:
    with switched_on(browser, stage) as look:
        button(look.page, "Safety app").click()
        assert {re.match(r"\w+://[^/]+", url)[0] for url in look.asked} == {  # type: ignore[index]
            f"http://127.0.0.1:{stage.port}"
        }


def test_the_picture_in_the_readme_is_what_a_handset_looks_like(
    browser: Browser, stage: StagePlay, tmp_path: Path
) -> None:
    """RINGFENCE_PICTURES=1 takes it anew."""
    kept = ROOT / "scenarios" / "handset.png"
    taken = kept if os.environ.get("RINGFENCE_PICTURES") else tmp_path / "handset.png"
    with switched_on(browser, stage) as look:
        call_id = call(stage, **ABROAD)
        expect(look.page.get_by_text("Your network says")).to_be_visible()
        look.page.screenshot(path=taken, animations="disabled")
        button(look.page, "Decline").click()
        stage.ended(call_id)
    assert png_size(taken) == png_size(kept) == (WIDTH, HEIGHT)
    assert "handset.png" in (ROOT / "simulator" / "stage" / "README.md").read_text()


def png_size(path: Path) -> tuple[int, int]:
    """Width and height, as the header of a PNG has them."""
    width, height = struct.unpack(">II", path.read_bytes()[16:24])
    return width, height


def test_a_softphones_settings_are_shown_and_that_it_has_taken_the_place(browser: Browser, stage: StagePlay) -> None:
    with switched_on(browser, stage, "carol") as look:
        look.page.get_by_text("Use a softphone instead").click()
        host, port = stage.stage.standing.lab.next_hop
        for shown in (f"{host}:{port}", "ringfence.example", "carol", "s3cret-as-well"):
            expect(look.page.get_by_role("definition").filter(has_text=shown).first).to_be_visible()
        expect(look.page.get_by_text("A softphone is registered")).to_have_count(0)


def test_all_of_it_is_there_in_chinese(browser: Browser, stage: StagePlay) -> None:
    with handset(browser, stage, language="zh-CN") as look:
        page = look.page
        button(page, "开机").click()
        expect(page.get_by_role("heading", name="待机中")).to_be_visible()
        for tab, title in {"拨号盘": "拨号盘", "短信": "短信", "设置": "设置", "反诈应用": "反诈应用"}.items():
            button(page, tab).click()
            expect(page.get_by_role("heading", name=title, exact=True).first).to_be_visible()
        assert not re.search(r"[a-z]+\.[a-z_]+", page.inner_text("body").replace("localhost", ""))
        button(page, "English").click()
        expect(page.get_by_role("heading", name="Safety app")).to_be_visible()


def test_both_languages_have_the_same_words() -> None:
    static = Path(__file__).parents[3] / "simulator" / "stage" / "static"
    english, chinese = (json.loads((static / f"handset.{each}.json").read_text()) for each in ("en", "zh"))
    assert list(english) == list(chinese)
    for key, words in english.items():
        assert set(re.findall(r"\{\w+\}", words)) == set(re.findall(r"\{\w+\}", chinese[key])), key
