"""Tells of what changes often no more than a few times a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from simulator.stage.events import Event
from simulator.stage.hub import Hub

_PAUSE = 0.2  # seconds between two events of a kind


class Soon:
    """Publishes the latest of each kind of event after a pause. Needs a running event loop."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._waiting: dict[str, Callable[[], Event]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def tell(self, kind: str, make: Callable[[], Event]) -> None:
        """Publish what `make` makes, in a while, unless another one of this kind comes until then."""
        self._waiting[kind] = make
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_PAUSE, self._tell)

    def _tell(self) -> None:
        self._timer = None
        waiting, self._waiting = self._waiting, {}
        for make in waiting.values():
            self._hub.publish(make())

    def close(self) -> None:
        """Publish no more."""
        if self._timer is not None:
            self._timer.cancel()
