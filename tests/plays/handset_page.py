"""The page that is a phone, in a browser of its own, and what its owner does there."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page, expect

from simulator.stage.phones.handset import Handset, Unable
from tests.plays.browser import Look, looking
from tests.plays.proxy_process import eventually
from tests.plays.stage import StagePlay

WIDTH, HEIGHT = 390, 844
MICROPHONE = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")  # it beeps once a second


@contextmanager
def handset(browser: Browser, stage: StagePlay, name: str = "bob", *, language: str = "en-GB") -> Iterator[Look]:
    """A handset's page in a profile of its own."""
    page = f"http://127.0.0.1:{stage.port}/phone/{name}"
    try:
        with looking(browser, page, width=WIDTH, height=HEIGHT, language=language) as look:
            yield look
    finally:
        phone = stage.stage.phones.handsets[name]
        stage.until(lambda _: _is_free(phone))


def _is_free(phone: Handset) -> bool:
    """True once nobody holds a phone any more, and it is in no call: the next one is to begin as this one did."""
    if not phone.holders:
        with contextlib.suppress(Unable):
            phone.hang_up()
    return not phone.holders and phone.held is None


@contextmanager
def switched_on(browser: Browser, stage: StagePlay, name: str = "bob") -> Iterator[Look]:
    """A handset that somebody holds."""
    with handset(browser, stage, name) as look:
        button(look.page, "Switch the phone on").click()
        eventually(lambda: stage.get(f"/api/phones/{name}")["held"])
        yield look


def button(page: Page, name: str, *, exact: bool = False) -> Any:
    return page.get_by_role("button", name=name, exact=exact)


def dial(page: Page, code: str) -> None:
    button(page, "Keypad").click()
    for key in code:
        button(page, {"*": "star", "#": "hash"}.get(key, key), exact=True).click()
    expect(page.get_by_label("Number or star code")).to_have_value(code)
    button(page, "Call", exact=True).click()


def call(stage: StagePlay, to: str = "bob", **keys: str) -> str:
    made: str = stage.post("/api/call", **{"from": "+8613900139001", "trunk": "domestic", "to": to, **keys})["id"]
    return made
