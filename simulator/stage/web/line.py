"""The line between a handset's page and its phone: a WebSocket for what the phone shows, what it shall do, and sound.

Texts are JSON: `{"phone": {...}}`, whenever something of it has changed, one way; `{"do": ..., ...}` the other, where
`{"error": ...}` answers what cannot be done; `{"beat": true}` says that the line stands. Binary messages are sound,
both ways: 16-bit samples, 8000 a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import deque

from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from simulator.stage.error_words import error_words
from simulator.stage.phones.handset import Handset, Unable
from simulator.stage.stage import Stage
from simulator.stage.web.guard import Rates
from simulator.stage.web.phones import do

MOST = 60  # pages at a time
_LAGGING = 50  # packets of sound that a page may be behind: a second; then it misses some
_SOUND = 75.0, 150.0  # messages with sound a second, and at once, that a page may send: 50 are usual
_ORDERS = 10.0, 40.0  # of others
_PAUSE = 0.05  # seconds between two pictures of a phone
_ALIVE = 5.0  # seconds without a word, after which one of no meaning says that the line stands
_BEAT = '{"beat": true}'
_NO_PHONE, _TOO_MANY, _TOO_FAST = 4404, 4503, 4429


class Page:
    """One page at a phone. `changed` and `hear` are called as things happen; `run` passes them on until it is gone."""

    def __init__(self, stage: Stage, handset: Handset, socket: WebSocket) -> None:
        self._stage = stage
        self._handset = handset
        self._socket = socket
        self._sound: deque[bytes] = deque(maxlen=_LAGGING)
        self._answers: deque[str] = deque(maxlen=_LAGGING)
        self._is_new = True
        self._next = 0.0  # time of the next picture
        self._more = asyncio.Event()

    def changed(self, handset: Handset) -> None:
        """A phone is no longer as it was."""
        if handset is self._handset:
            self._is_new = True
            self._more.set()

    def hear(self, samples: bytes) -> None:
        """The other side of the call says something."""
        self._sound.append(samples)
        self._more.set()

    async def run(self) -> None:
        """Pass on what happens and what the page wants, until it is gone."""
        phones = self._stage.phones
        phones.on_change.append(self.changed)
        self._handset.ears.add(self.hear)
        telling = asyncio.create_task(self._tell())
        try:
            await self._listen()
        finally:
            telling.cancel()
            with contextlib.suppress(asyncio.CancelledError, WebSocketDisconnect, RuntimeError):
                await telling
            phones.on_change.remove(self.changed)
            self._handset.ears.discard(self.hear)
            self._handset.let_go(self)

    async def _tell(self) -> None:
        self._more.set()
        while True:
            try:
                async with asyncio.timeout(_ALIVE):
                    await self._more.wait()
            except TimeoutError:
                await self._socket.send_text(_BEAT)
                continue
            self._more.clear()
            while self._answers:
                await self._socket.send_text(self._answers.popleft())
            if self._is_new and self._may_show():
                self._is_new = False
                phone = self._stage.phones.sight.of(self._handset, self._stage.hub.state)
                await self._socket.send_text(json.dumps({"phone": phone}))
            while self._sound:
                await self._socket.send_bytes(self._sound.popleft())

    def _may_show(self) -> bool:
        """True if the page's last picture is long enough ago; else it is looked at again in time."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        if now < self._next:
            loop.call_at(self._next, self._more.set)
            return False
        self._next = now + _PAUSE
        return True

    async def _listen(self) -> None:
        sound, orders = Rates(*_SOUND), Rates(*_ORDERS)
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            samples = message.get("bytes")
            if not (orders if samples is None else sound).take("", time.monotonic()):
                await self._socket.close(_TOO_FAST)
                return
            if samples is not None:
                self._handset.speak(samples, self)
            else:
                self._do(message.get("text") or "")

    def _do(self, text: str) -> None:
        try:
            told = json.loads(text)
            if not isinstance(told, dict):
                raise Unable("expected a JSON object")
            do(self._stage.phones, self._handset, told, self)
        except Unable as error:
            self._say(str(error))
        except (ValueError, RecursionError):
            self._say("found no JSON")

    def _say(self, error: str) -> None:
        self._answers.append(json.dumps({"error": error, "words": error_words(error)}))
        self._more.set()


def routes(stage: Stage) -> list[BaseRoute]:
    """`/api/phones/NAME/line`."""
    pages: set[Page] = set()

    async def line(socket: WebSocket) -> None:
        await socket.accept()
        handset = stage.phones.handsets.get(socket.path_params["name"])
        if handset is None or len(pages) >= MOST:
            await socket.close(_NO_PHONE if handset is None else _TOO_MANY)
            return
        page = Page(stage, handset, socket)
        pages.add(page)
        try:
            with contextlib.suppress(WebSocketDisconnect):
                await page.run()
        finally:
            pages.discard(page)

    return [WebSocketRoute("/api/phones/{name}/line", line)]
