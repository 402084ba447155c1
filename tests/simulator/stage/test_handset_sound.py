"""The sound of a handset in a browser: what it hears, and its microphone, for one call and no longer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, WebSocketRoute, expect

from simulator.media.recognition import read_wav
from tests.plays.browser import chromium
from tests.plays.handset_page import MICROPHONE, button, call, handset, switched_on
from tests.plays.proxy_process import eventually
from tests.plays.stage import StagePlay

pytestmark = pytest.mark.browser

_COUNTS_MICROPHONES = """
window.microphones = 0;
window.AudioWorkletNode = class extends AudioWorkletNode {
  constructor(...given) {
    super(...given);
    window.microphones += 1;
  }
};
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium(*MICROPHONE) as started:
        yield started


def test_it_rings_answers_talks_with_sound_both_ways_and_hangs_up(
    browser: Browser, stage: StagePlay, tmp_path: Path
) -> None:
    with switched_on(browser, stage) as look:
        page = look.page
        call_id = call(stage, family="friend", display_name="Ming")
        expect(page.get_by_role("heading", name="+8613900139001")).to_be_visible()
        expect(page.get_by_role("status").filter(has_text="+8613900139001")).to_be_attached()
        button(page, "Answer").click()
        expect(button(page, "Microphone on")).to_be_visible()
        eventually(lambda: page.locator("#heard").evaluate("node => node.value > 0.1"))
        eventually(lambda: page.locator("#said").evaluate("node => node.value > 0.1"))
        page.wait_for_timeout(1500)  # a beep more, or two
        button(page, "Hang up").click()
        expect(page.get_by_role("heading", name="Ready")).to_be_visible()
        assert look.complaints == []
    assert stage.ended(call_id)["outcome"] == "passed"

    def recorded() -> dict[str, str]:
        events = stage.get(f"/api/calls/{call_id}")["events"]
        return {each["who"]: each["url"] for each in events if each["event"] == "heard"}

    eventually(lambda: set(recorded()) == {"caller", "phone"})
    for who, url in recorded().items():
        (tmp_path / f"{who}.wav").write_bytes(stage.ask("GET", url)[2])
        samples, rate = read_wav(tmp_path / f"{who}.wav")
        assert abs(samples).max() > 0.02, who
        assert samples.size / rate > 1, who


def test_a_microphone_that_is_there_before_the_call_is_answered_stays_on(browser: Browser, stage: StagePlay) -> None:
    late: list[str | bytes] = []
    lines: list[WebSocketRoute] = []

    def carry(line: WebSocketRoute) -> None:
        lines.append(line.connect_to_server())
        line.on_message(lambda told: late.append(told) if "answer" in str(told) else lines[-1].send(told))

    with handset(browser, stage) as look:
        page = look.page
        page.add_init_script(_COUNTS_MICROPHONES)
        page.route_web_socket(re.compile("/line$"), carry)
        page.reload()
        button(page, "Switch the phone on").click()
        eventually(lambda: stage.get("/api/phones/bob")["held"])
        call_id = call(stage)
        button(page, "Answer").click()
        eventually(lambda: page.evaluate("window.microphones"))
        lines[-1].send(late.pop())
        expect(button(page, "Microphone on")).to_be_visible()
        button(page, "Hang up").click()
        expect(page.get_by_role("heading", name="Ready")).to_be_visible()
    assert stage.ended(call_id)["outcome"] == "passed"


def test_a_microphone_is_for_one_call_alone_though_the_next_one_rings_at_once(
    browser: Browser, stage: StagePlay
) -> None:
    view = stage.get("/api/phones/bob")
    lines: list[WebSocketRoute] = []

    def shows(state: str, call_id: str) -> None:
        now = {
            "id": call_id,
            "peer": f"caller {call_id}",
            "display_name": "",
            "label": "",
            "warnings": [],
            "sound": True,
        }
        lines[-1].send(json.dumps({"phone": {**view, "state": state, "call": {**now, "since": 0}}}))

    with handset(browser, stage) as look:
        page = look.page
        page.route_web_socket(re.compile("/line$"), lambda line: lines.append(line))  # noqa: PLW0108 - playwright marks it
        page.reload()
        eventually(lambda: page.evaluate("true") and lines)
        shows("ringing", "one")
        button(page, "Switch the phone on").click()
        button(page, "Answer").click()
        shows("talking", "one")
        expect(button(page, "Microphone on")).to_be_visible()
        shows("ringing", "two")
        expect(page.get_by_role("status").filter(has_text="caller two is calling")).to_be_attached()
        shows("talking", "two")
        expect(button(page, "Microphone off")).to_be_visible()


def test_a_phone_that_cannot_be_told_to_answer_listens_to_nobody(browser: Browser, stage: StagePlay) -> None:
    view = stage.get("/api/phones/bob")
    now = {"id": "one", "peer": "caller", "display_name": "", "label": "", "warnings": [], "sound": True, "since": 0}
    lines: list[WebSocketRoute] = []
    with handset(browser, stage) as look:
        page = look.page
        page.add_init_script(
            """window.asked = 0;
            navigator.mediaDevices.getUserMedia = () => { window.asked += 1; return new Promise(() => {}); };"""
        )
        page.route_web_socket(re.compile("/line$"), lambda line: lines.append(line))  # noqa: PLW0108 - playwright marks it
        page.reload()
        eventually(lambda: page.evaluate("true") and lines)
        lines[-1].send(json.dumps({"phone": {**view, "state": "ringing", "call": now}}))
        button(page, "Switch the phone on").click()
        page.evaluate("() => { Object.defineProperty(WebSocket, 'OPEN', { value: -1 }); }")  # no line is
        button(page, "Answer").click()
        expect(page.locator("#error")).to_be_visible()
        assert page.evaluate("window.asked") == 0


def test_a_microphone_that_was_let_go_before_it_was_ready_was_not_refused(browser: Browser, stage: StagePlay) -> None:
    with handset(browser, stage) as look:
        state = look.page.evaluate(
            """async () => {
                const { Microphone } = await import("/static/handset-sound.js");
                let fail;
                const loads = new Promise((begun) => {
                    window.AudioContext = class {
                        audioWorklet = { addModule: () => new Promise((_, no) => { fail = no; begun(); }) };
                        close() {}
                    };
                });
                const microphone = new Microphone(() => {});
                const opens = microphone.open();
                await loads;
                microphone.close();
                fail(new Error("the context is closed"));
                await opens;
                return microphone.state;
            }"""
        )
        assert state == "off"


def test_a_page_without_a_microphone_says_so_and_still_hears(browser: Browser, stage: StagePlay) -> None:
    with handset(browser, stage) as look:
        look.page.add_init_script("Object.defineProperty(window, 'isSecureContext', {value: false})")
        look.page.reload()
        expect(look.page.get_by_text("they will not hear you")).to_be_visible()
        button(look.page, "Switch the phone on").click()
        eventually(lambda: stage.get("/api/phones/bob")["held"])
        call(stage)
        button(look.page, "Answer").click()
        expect(look.page.get_by_text("No microphone")).to_be_visible()
        eventually(lambda: look.page.locator("#heard").evaluate("node => node.value > 0.1"))
        button(look.page, "Hang up").click()
        expect(look.page.get_by_role("heading", name="Ready")).to_be_visible()
