"""The connection of the page to its server: shared among tabs, watched, and made anew where it was lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.plays.browser import looking
from tests.plays.proxy_process import eventually
from tests.plays.stage import JSON, StagePlay, standing_stage
from tests.plays.stage_page import DRAWN, relay_to, stage_page

pytestmark = pytest.mark.browser


@contextmanager
def rung(stage: StagePlay) -> Iterator[None]:
    """Have somebody hold bob's phone meanwhile, which rings until it is told, and end its call."""
    stage.post("/api/phones/bob", do="hold")
    try:
        yield
    finally:
        stage.ask("POST", "/api/phones/bob", b'{"do": "hang_up"}', JSON)
        stage.post("/api/phones/bob", do="hold", on=False)


def test_a_page_that_lost_its_connection_says_so_and_comes_back_with_the_state(
    browser: Browser, stage: StagePlay
) -> None:
    with relay_to(stage.port) as relay, stage_page(browser, relay.port) as page:
        page.call("cold-call", "alice")
        expect(page.verdict).to_contain_text("The phone did not ring.")
        relay.cut()
        expect(page.page.get_by_role("alert")).to_contain_text("Connection lost")
        call = stage.post("/api/family", id="impersonation", to="bob")["id"]
        stage.ended(call)
        relay.mend()
        expect(page.page.get_by_role("alert")).to_be_hidden()
        expect(page.verdict).to_contain_text("calls bob")
        page.page.get_by_role("tab", name="Calls").click()
        expect(page.page.locator(f'.calls [data-id="{call}"]')).to_contain_text("Refused")
        page.call("cold-call", "alice")
        expect(page.verdict).to_contain_text("calls alice")


def test_a_call_that_is_led_through_step_by_step_stays_where_it_is_when_the_connection_comes_back(
    browser: Browser, stage: StagePlay
) -> None:
    with rung(stage), relay_to(stage.port) as relay, stage_page(browser, relay.port, pace="step") as page:
        page.call("friend", "bob")
        expect(page.page.locator(".note")).to_contain_text("steps to come")
        page.button("Next step").click()
        expect(page.ladder).to_contain_text("INVITE")
        stage.until(lambda state: any(each["phone"]["state"] == "ringing" for each in state.subscribers))
        relay.cut()
        expect(page.page.get_by_role("alert")).to_contain_text("Connection lost")
        with page.page.expect_event("requestfinished", lambda request: "/api/calls/" in request.url):
            relay.mend()
        page.evaluate(DRAWN)
        page.button("Next step").click()
        expect(page.ladder.locator(".judgement")).to_be_visible()
        assert len(page.messages()) == 2


def test_what_happens_while_a_call_is_fetched_twice_is_shown(browser: Browser, stage: StagePlay) -> None:
    fetched: list[tuple[Route, bytes]] = []

    def hold_back(route: Route) -> None:
        fetched.append((route, stage.ask("GET", f"/api/calls/{call}")[2]))

    with rung(stage), relay_to(stage.port) as relay, stage_page(browser, relay.port) as page:
        page.page.get_by_role("tab", name="Score").click()
        call = stage.post("/api/call", **{"from": "+8613900139001", "to": "bob", "trunk": "domestic"})["id"]
        expect(page.device).to_contain_text("Ringing")
        page.page.route("**/api/calls/*", hold_back)
        for many in (1, 2):
            relay.cut()
            expect(page.page.get_by_role("alert")).to_contain_text("Connection lost")
            relay.mend()
            expect(page.page.get_by_role("alert")).to_be_hidden()
            eventually(lambda many=many: page.evaluate("true") and len(fetched) == many)  # type: ignore[misc]
        (first, early), (second, late) = fetched
        with page.page.expect_event("requestfinished"):
            first.fulfill(body=early, content_type="application/json")
        before = stage.get("/api/state")["score"].get("legit_passed", 0)
        stage.post("/api/phones/bob", do="hang_up")
        stage.ended(call)
        expect(page.page.locator("#score .confusion b").nth(3)).to_have_text(str(before + 1))
        with page.page.expect_event("requestfinished"):
            second.fulfill(body=late, content_type="application/json")
        page.evaluate(DRAWN)
        expect(page.device).to_contain_text("Call over")


def test_a_page_whose_proxy_has_ended_says_so_and_what_to_do_for_as_long_as_it_is_so(
    browser: Browser, tmp_path: Path
) -> None:
    with standing_stage(tmp_path) as stage, stage_page(browser, stage) as page:
        os.kill(stage.stage.standing.lab.proxy.pid, signal.SIGKILL)
        expect(page.page.get_by_role("alert")).to_contain_text("start it again")
        page.page.reload()
        expect(page.page.get_by_role("alert")).to_contain_text("start it again")


def test_many_tabs_of_a_browser_share_one_connection(browser: Browser, stage: StagePlay) -> None:
    with ExitStack() as at_the_end:
        context = browser.new_context(viewport={"width": 390, "height": 300})
        at_the_end.callback(context.close)
        eventually(lambda: stage.within(lambda: stage.stage.hub.followers) == 0)
        tabs = [context.new_page() for _ in range(8)]
        for tab in tabs:
            tab.goto(f"http://127.0.0.1:{stage.port}/")
            tab.locator(".family").first.wait_for()
        assert stage.within(lambda: stage.stage.hub.followers) == 1
        number = "+12025550133"
        stage.ended(stage.post("/api/call", **{"from": number, "to": "alice", "truth": "scam"})["id"])
        for tab in tabs:
            expect(tab.locator("#verdict")).to_contain_text(f"{number} calls alice")
        tabs[0].close()
        late = context.new_page()
        late.goto(f"http://127.0.0.1:{stage.port}/")
        expect(late.locator("#verdict")).to_contain_text(f"{number} calls alice")
        late.get_by_role("radio", name="bob").check(force=True)
        late.locator('.family[data-id="friend"]').click()
        for tab in (late, *tabs[1:]):
            expect(tab.locator("#verdict")).to_contain_text("calls bob")


def test_a_browser_without_shared_workers_has_a_connection_for_each_tab(browser: Browser, stage: StagePlay) -> None:
    for script in (
        "delete window.SharedWorker",
        "window.SharedWorker = ((Real) => class extends Real { constructor() { super('/none.js'); } })(SharedWorker)",
    ):
        with ExitStack() as at_the_end:
            context = browser.new_context()
            at_the_end.callback(context.close)
            context.add_init_script(script)
            tabs = [context.new_page() for _ in range(2)]
            for tab in tabs:
                tab.goto(f"http://127.0.0.1:{stage.port}/")
            call = stage.post("/api/family", id="cold-call", to="alice")["id"]
            number = stage.ended(call)["from"]
            for tab in tabs:
                expect(tab.locator("#verdict")).to_contain_text(f"{number} calls alice")


def test_a_network_that_is_silent_is_noticed_though_nothing_was_cut(browser: Browser, stage: StagePlay) -> None:
    watch = """async () => {
        const { Connection } = await import("/static/connection.js");
        window.told = [];
        new Connection((each) => window.told.push(each.state ? "state" : each.up === false ? "lost" : "else"));
    }"""
    with relay_to(stage.port) as relay, looking(browser, f"http://127.0.0.1:{relay.port}/apps") as look:
        look.page.clock.install()
        look.page.evaluate(watch)
        look.page.wait_for_function("() => told.includes('state')")
        look.page.clock.fast_forward(14_000)
        assert "lost" not in look.page.evaluate("told")
        relay.silent = True
        look.page.clock.fast_forward(15_000)
        assert look.page.evaluate("told.filter((each) => each !== 'else')") == ["state", "lost"]
        relay.silent = False
        look.page.clock.fast_forward(15_000)
        look.page.wait_for_function("() => told.filter((each) => each === 'state').length === 2")


def test_a_handset_notices_a_network_that_is_silent_and_comes_back(browser: Browser, stage: StagePlay) -> None:
    with relay_to(stage.port) as relay, looking(browser, f"http://127.0.0.1:{relay.port}/") as look:
        page = look.page
        page.clock.install()
        page.goto(f"http://127.0.0.1:{relay.port}/phone/bob")
        page.get_by_role("button", name="Switch the phone on").click()
        eventually(lambda: stage.get("/api/phones/bob")["held"])
        relay.silent = True
        page.clock.fast_forward(15_000)
        expect(page.get_by_text("The connection is lost")).to_be_visible()
        relay.silent = False
        page.clock.fast_forward(15_000)
        expect(page.get_by_text("The connection is lost")).to_be_hidden()
        stage.post("/api/call", **{"from": "+8613900139001", "to": "bob", "trunk": "domestic"})
        page.get_by_role("button", name="Decline").click()


def test_a_page_that_may_no_longer_come_in_says_why(browser: Browser, stage: StagePlay) -> None:
    with stage_page(browser, stage) as page:
        said = page.evaluate(
            """async () => {
                const { Connection } = await import("/static/connection.js");
                window.fetch = async () => ({ status: 401 });
                window.EventSource = class { readyState = 2; addEventListener() {} close() {} };
                window.EventSource.CLOSED = 2;
                return new Promise((told) => new Connection((each) => each.why && told(each.why)).source.onerror());
            }"""
        )
        assert page.evaluate(f"import('/static/words.js').then(({{ t }}) => t('lost.{said}'))").startswith(
            "This address"
        )


def test_the_reason_of_a_refusal_that_is_learnt_when_the_page_is_back_is_no_news(
    browser: Browser, stage: StagePlay
) -> None:
    with stage_page(browser, stage) as page:
        told = page.evaluate(
            """async () => {
                const { Connection } = await import("/static/connection.js");
                const told = [];
                let answer;
                window.fetch = () => new Promise((answers) => { answer = answers; });
                window.EventSource = class { readyState = 2; addEventListener() {} close() {} };
                window.EventSource.CLOSED = 2;
                const connection = new Connection((each) => told.push(each.why));
                connection.source.onerror();
                connection.open();
                answer({ status: 503 });
                await new Promise((done) => setTimeout(done));
                return told;
            }"""
        )
        assert told == [None]
