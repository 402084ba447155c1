"""The page's side of a phone's line, without a browser."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tests.plays.stage import StagePlay

WITHIN = 20.0  # seconds for whatever the phone is to do


class HandsetLine:
    """A page at a phone: what it was told last, and the sound that it heard."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self.phone: dict[str, Any] = {}
        self.sound: list[bytes] = []
        self.errors: list[str] = []

    def tell(self, do: str, **more: Any) -> None:
        self._socket.send(json.dumps({"do": do, **more}))

    def say(self, data: str | bytes) -> None:
        self._socket.send(data)

    def hear(self) -> None:
        """Take one message."""
        message = self._socket.recv(timeout=WITHIN)
        if isinstance(message, bytes):
            self.sound.append(message)
            return
        told = json.loads(message)
        self.phone = told.get("phone", self.phone)
        self.errors += [told["error"]] if "error" in told else []

    def until(self, holds: Callable[[HandsetLine], object]) -> None:
        """Take messages until that holds."""
        while not holds(self):
            self.hear()

    def until_state(self, state: str) -> None:
        self.until(lambda line: line.phone.get("state") == state)


@contextmanager
def handset_line(play: StagePlay, name: str, *, hold: bool = True, cookie: str = "") -> Iterator[HandsetLine]:
    """A line to the phone of that name, which is held unless told otherwise."""
    origin = Origin(f"http://127.0.0.1:{play.port}")
    url = f"ws://127.0.0.1:{play.port}/api/phones/{name}/line"
    headers = {"Cookie": cookie} if cookie else {}
    with connect(url, origin=origin, additional_headers=headers, open_timeout=WITHIN) as socket:
        line = HandsetLine(socket)
        line.hear()
        if hold:
            line.tell("hold")
            line.until(lambda line: line.phone["held"])
        yield line
