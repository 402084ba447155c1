"""The one place that events of the stage go to: it keeps the state, remembers each call's events, and tells pages."""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from simulator.stage.events import Event, Placed, call_of, name_of, to_json
from simulator.stage.state import State, reduce

REMEMBERED = 500  # calls whose events can be played again, and as many of those that came by themselves
_WAITING = 2000  # events that a page may be behind; then it is let go, and comes back to the state as it is
_OF_A_CALL = 400  # events of a call that are remembered


class Follower:
    """Texts of server-sent events that one page has yet to hear; `ended`: there is no more after those."""

    def __init__(self, first: bytes) -> None:
        self._texts = [first]
        self._told = asyncio.Event()
        self._told.set()
        self.ended = False

    def __len__(self) -> int:
        return len(self._texts)

    def tell(self, text: bytes) -> None:
        """Add an event."""
        self._texts.append(text)
        self._told.set()

    def end(self) -> None:
        """Tell that there is no more."""
        self.ended = True
        self._told.set()

    async def take(self) -> list[bytes]:
        """The events since the last time, as soon as there is one or the end; the caller has heard of them then."""
        await self._told.wait()
        self._told.clear()
        texts, self._texts = self._texts, []
        return texts


class Hub:
    """Keeps the `state`, and hands each event, as the text of a server-sent event, to all who follow.

    Needs a running event loop, whose thread it is for.
    """

    def __init__(self, state: State) -> None:
        self.state = state
        self._followers: set[Follower] = set()
        self._calls: OrderedDict[str, list[dict[str, Any]]] = OrderedDict()
        self._passing: OrderedDict[str, list[dict[str, Any]]] = OrderedDict()
        self._closed = False
        self.hearers: list[Callable[[Event], None]] = []  # in this process, told after the state has changed

    @property
    def followers(self) -> int:
        """The number of pages that follow."""
        return len(self._followers)

    def publish(self, event: Event, *, told: bool = True, passing: bool = False) -> None:
        """Take an event into the state and the memory of its call; pages hear of it where it is `told`. A call that is
        `passing` with its first event is forgotten sooner than those that somebody placed."""
        self.state = reduce(self.state, event)
        fields, name = to_json(event), name_of(event)
        if (call := call_of(event)) is not None:
            if isinstance(event, Placed):
                self._begin(call, passing=passing)
            self._remember(call, {"event": name, **fields})
        if told and self._followers:
            self._tell(as_text(name, fields))
        for hear in self.hearers:
            hear(event)

    def _begin(self, call: str, *, passing: bool) -> None:
        among = self._passing if passing else self._calls
        among[call] = []
        if len(among) > REMEMBERED:
            among.popitem(last=False)

    def _remember(self, call: str, event: dict[str, Any]) -> None:
        """Keep an event of a call that was placed here, and is not forgotten yet."""
        events = self._events(call)
        if events is not None and len(events) < _OF_A_CALL:
            events.append(event)

    def _events(self, call: str) -> list[dict[str, Any]] | None:
        events = self._calls.get(call)
        return self._passing.get(call) if events is None else events

    def _tell(self, text: bytes) -> None:
        for follower in tuple(self._followers):
            if len(follower) >= _WAITING:
                self._followers.discard(follower)
                follower.end()
            else:
                follower.tell(text)

    def events_of(self, call: str) -> list[dict[str, Any]]:
        """All that happened to a call: that it was placed, then the rest in order of time; nothing where it is unknown,
        or too long ago. The proxy's clock may be a little behind this one, which says when the call was placed."""
        return sorted(self._events(call) or (), key=lambda event: (event["event"] != "placed", event["at"]))

    @contextmanager
    def follow(self) -> Iterator[Follower]:
        """One who is told everything from now on, and the whole state first."""
        follower = Follower(as_text("state", self.state.to_json()))
        if self._closed:
            follower.end()
        self._followers.add(follower)
        try:
            yield follower
        finally:
            self._followers.discard(follower)

    def close(self) -> None:
        """Let all go who follow."""
        self._closed = True
        for follower in self._followers:
            follower.end()


def as_text(name: str, fields: dict[str, Any]) -> bytes:
    """A server-sent event; JSON has no line end that could cut it short."""
    return f"event: {name}\ndata: {json.dumps(fields, ensure_ascii=True, separators=(',', ':'))}\n\n".encode()
