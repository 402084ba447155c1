"""The whole state of the stage, as a page draws it, and what each event makes of it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from simulator.stage.events import (
    Ended,
    Event,
    Judged,
    LabState,
    Lesson,
    Phone,
    Placed,
    Rule,
    Scenarios,
    Score,
    Settings,
    Text,
    Traffic,
    to_json,
)

CALLS = 100  # that a page lists
TEXTS = 20  # that a phone keeps
IDLE: Mapping[str, Any] = {"state": "idle", "call": "", "caller": "", "display_name": "", "label": ""}
Part = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class State:
    """All that a page needs to draw the stage; `calls` are the latest, newest first."""

    scenario: str
    home: str
    preset: str
    softswitch: str
    subscribers: tuple[Part, ...] = ()
    trunks: tuple[Part, ...] = ()
    rules: tuple[Part, ...] = ()
    families: tuple[Part, ...] = ()
    scenarios: tuple[Part, ...] = ()
    lessons: tuple[Part, ...] = ()
    calls: tuple[Part, ...] = ()
    score: Part = field(default_factory=dict)
    traffic: Part = field(default_factory=dict)
    lesson: Part | None = None
    lab: Part = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Its parts by name."""
        return {name: getattr(self, name) for name in self.__slots__}


def reduce(state: State, event: Event) -> State:
    """The state after an event; it is the same object where nothing changes."""
    change = _CHANGES.get(type(event))
    return state if change is None else change(state, event)


def _placed(state: State, event: Placed) -> State:
    return replace(state, calls=({**event.call, "at": event.at}, *state.calls[: CALLS - 1]))


def _judged(state: State, event: Judged) -> State:
    verdict = to_json(event)
    del verdict["at"], verdict["call"]
    return _call(state, event.call, verdict | {"judged_at": event.at})


def _ended(state: State, event: Ended) -> State:
    over = {"outcome": event.outcome, "final": event.status, "by": event.by, "ended_at": event.at}
    return _call(state, event.call, over)


def _call(state: State, call: str, more: Part) -> State:
    for place, each in enumerate(state.calls):
        if each["id"] == call:
            return replace(state, calls=(*state.calls[:place], {**each, **more}, *state.calls[place + 1 :]))
    return state


def _phone(state: State, event: Phone) -> State:
    shown = {name: value for name, value in to_json(event).items() if name in IDLE}
    return _subscriber(state, event.subscriber, lambda each: {"phone": {**each["phone"], **shown}})


def _text(state: State, event: Text) -> State:
    text = {"at": event.at, "call": event.call, "caller": event.caller, "body": event.body}

    def told(each: Part) -> Part:
        texts = (text, *each["phone"].get("texts", ())[: TEXTS - 1])
        return {"phone": {**each["phone"], "texts": texts}}

    return _subscriber(state, event.subscriber, told)


def _settings(state: State, event: Settings) -> State:
    return _subscriber(state, event.subscriber, lambda _: {"settings": event.settings})


def _subscriber(state: State, name: str, change: Callable[[Part], Part]) -> State:
    return replace(
        state,
        subscribers=tuple({**each, **change(each)} if each["name"] == name else each for each in state.subscribers),
    )


def _rule(state: State, event: Rule) -> State:
    now = {"name": event.rule, "mode": event.mode, "enforced": event.enforced, "shadowed": event.shadowed}
    return replace(state, rules=tuple({**each, **now} if each["name"] == event.rule else each for each in state.rules))


_CHANGES: Mapping[type, Callable[[State, Any], State]] = {
    Placed: _placed,
    Judged: _judged,
    Ended: _ended,
    Phone: _phone,
    Text: _text,
    Settings: _settings,
    Rule: _rule,
    Score: lambda state, event: replace(state, score=event.score),
    Scenarios: lambda state, event: replace(state, scenarios=tuple(event.scenarios)),
    Traffic: lambda state, event: replace(state, traffic=event.traffic),
    Lesson: lambda state, event: replace(state, lesson=event.lesson),
    LabState: lambda state, event: replace(state, lab=event.lab),
}
