"""The page of a stage in a browser: what a trainer does and sees there. A relay stands before the server where the
connection shall break."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Literal

from playwright.sync_api import Browser, Locator, expect

from tests.plays.browser import Look, looking
from tests.plays.stage import WITHIN, StagePlay

expect.set_options(timeout=WITHIN * 1000)

DRAWN = "new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))"  # once what came is drawn


class StagePage:
    """A page of the stage that is looked at."""

    def __init__(self, look: Look) -> None:
        self.look = look
        self.page = look.page
        self.picture = self.page.locator("#picture")
        self.verdict = self.page.locator("#verdict")
        self.ladder = self.page.locator("#ladder")
        self.device = self.page.locator(".device")

    def pace(self, pace: Literal["Slow motion", "Step by step", "Real time"]) -> None:
        """Choose a pace."""
        self.button(pace).click()

    def button(self, name: str) -> Locator:
        """A button by its name."""
        return self.page.get_by_role("button", name=name, exact=True)

    def call(self, family: str, to: str) -> None:
        """Place a call of a family, by clicking."""
        self.page.get_by_role("radio", name=to).check(force=True)
        self.page.locator(f'.family[data-id="{family}"]').click()

    def switch(self, subscriber: str, setting: str) -> Locator:
        """A switch of a subscriber."""
        return self.page.get_by_role("article", name=subscriber).get_by_role("switch", name=setting)

    def messages(self) -> list[str]:
        """Return the ladder, line by line: the names of messages, and the verdict."""
        return [text.strip() for text in self.ladder.locator(".name, .judgement b").all_inner_texts()]

    def evaluate(self, script: str) -> Any:
        """The value of a script's expression."""
        return self.page.evaluate(script)


@contextmanager
def stage_page(
    browser: Browser,
    stage: StagePlay | int,
    *,
    width: int = 1440,
    height: int = 900,
    scheme: Literal["light", "dark"] = "light",
    motion: Literal["no-preference", "reduce"] = "reduce",
    pace: Literal["slow", "step", "real"] = "real",
) -> Iterator[StagePage]:
    """The page of a stage, or of what listens on a port, once it has the state, in real time unless asked otherwise."""
    port = stage if isinstance(stage, int) else stage.port
    chosen = f"localStorage['ringfence.pace'] ??= '{pace}';"
    with looking(
        browser, f"http://127.0.0.1:{port}/", width=width, height=height, scheme=scheme, motion=motion, first=chosen
    ) as look:
        look.page.locator(".family").first.wait_for()
        yield StagePage(look)


class Relay:
    """Carries connections to a server until they are cut; then it takes none until it is mended."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.silent = False  # True: connections stand, but nothing comes through, as over a network that is dead
        self.port = 0
        self.mend()

    def mend(self) -> None:
        """Take connections, again."""
        listening = socket.create_server(("127.0.0.1", self.port))
        self.port = listening.getsockname()[1]
        self._sockets = [listening]
        self._run(self._accept, listening)

    def _run(self, work: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listening: socket.socket) -> None:
        ours, theirs = f":{self.port}\r\n".encode(), f":{self._target}\r\n".encode()
        with suppress(OSError):
            while True:
                near, _ = listening.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                with self._lock:
                    self._sockets += [near, far]
                self._run(self._carry, near, far, ours, theirs)
                self._run(self._carry, far, near, b"", b"")

    def _carry(self, one: socket.socket, other: socket.socket, ours: bytes, theirs: bytes) -> None:
        """Carry what one says to the other, with the server's port in Host and Origin: it serves no other name."""
        with suppress(OSError):
            while data := one.recv(65536):
                if self.silent:
                    continue
                other.sendall(data.replace(ours, theirs) if ours else data)
        with suppress(OSError):
            other.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        """Break all connections, and take no more."""
        self._shut()
        for thread in self._threads:
            thread.join(WITHIN)
            self._shut()
        for each in self._sockets:
            each.close()
        self._threads, self._sockets = [], []

    def _shut(self) -> None:
        with self._lock:
            for each in self._sockets:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)


@contextmanager
def relay_to(port: int) -> Iterator[Relay]:
    """A relay to a server on this machine."""
    relay = Relay(port)
    try:
        yield relay
    finally:
        relay.cut()
