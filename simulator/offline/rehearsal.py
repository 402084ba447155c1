"""A lesson played without a wire, by the policy of its stage: what its checks expect is held against the decisions."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from proxy.files.yaml_file import FileError
from proxy.policy.profile import Subscriber
from proxy.policy.verdict import Verdict
from proxy.self_service.desk import RULE as ORDERS
from proxy.subscribers.changes import BARRINGS, Change, Overlay
from simulator.judging.lesson_checks import Difference, Seen, differences
from simulator.offline.calls import CallMaker
from simulator.offline.verdicts import Data, Deciding
from simulator.scenario.headers import CallerHeaders
from simulator.scenario.lesson import Deed, Lesson, PlacedCall, Profile, See, SentText
from simulator.scenario.places import place_in
from simulator.traffic.planned_call import PlannedCall

_BETWEEN = 30.0  # seconds from one step to the next


class Rehearsal:
    """The stage of a lesson as it stands after the deeds so far; `begin` is in epoch seconds.

    Raises FileErrors where a list of the stage's scenario is wrong.
    """

    def __init__(self, lesson: Lesson, begin: float) -> None:
        self._lesson = lesson
        self._scenario = lesson.scenario
        self._begin = begin
        self._overlay = Overlay()
        self._data = Data()
        self._refused: dict[str, str] = {}  # the caller who was refused last, by subscriber
        self._deciding = Deciding(self._scenario, self._data, self._overlay)
        self._maker = CallMaker(self._scenario, self._deciding.numbering, begin)
        for name, profile in lesson.begins.items():
            self._begin_with(self._people(name), profile)

    def play(self) -> Iterator[tuple[int, list[Difference]]]:
        """Do all that the lesson's steps do, in order: the number of each such step, from 0, and what differs. No
        policy knows anything of apps."""
        for index, step in enumerate(self._lesson.steps):
            if step.do is not None and step.do.apps is None:
                yield index, differences(step.do, step.see, self.do(step.do, index * _BETWEEN))

    def do(self, deed: Deed, at: float = 0.0) -> Seen:
        """Do one thing, so many seconds after the begin, and tell what is seen of it."""
        seen = Seen()
        if (request := deed.request) is not None:
            seen = self._place(request, at)
        elif deed.rule is not None:
            rules = {**self._scenario.rules, deed.rule.name: deed.rule.mode}
            self._scenario = self._scenario.model_copy(update={"rules": rules})
            self._deciding = Deciding(self._scenario, self._data, self._overlay)
            return Seen(mode=self._scenario.rules[deed.rule.name])
        elif deed.set_ is not None:
            self._change(self._people(deed.set_.subscriber).number, deed.set_.settings)
        elif (caller := self._refused.get(deed.subscriber)) is not None:
            one = self._people(deed.subscriber)
            self._change(one.number, {"allow": (*one.allow, caller)})
        return self._with_settings(seen, deed.subscriber)

    def _place(self, request: PlacedCall | SentText, at: float) -> Seen:
        planned = self._planned(request, at)
        call, trunk = self._maker.make(planned), self._maker.trunks[planned.trunk]
        decision = self._deciding.decision(call, trunk)
        verdict, served = decision.verdict, decision.served
        if verdict is None:
            return Seen()
        if verdict.action == "reject" and planned.callee_name and call.caller.e164:
            self._refused[planned.callee_name] = call.caller.e164
        text = served.text if served is not None and verdict.action != "reject" else None
        return Seen(
            verdict.action,
            verdict.rule,
            _status(verdict, request),
            _phone(verdict, planned),
            verdict.label if verdict.action == "label" else "",
            () if text is None else (text.body.decode(),),
        )

    def _planned(self, request: PlacedCall | SentText, at: float) -> PlannedCall:
        diversion = request.diversion if isinstance(request, PlacedCall) else None
        headers = CallerHeaders.model_construct(diversion=(diversion,)) if diversion else CallerHeaders()
        people = self._scenario.subscribers
        return PlannedCall(
            id="lesson",
            campaign="lesson",
            family="lesson",
            trunk=request.trunk,
            caller=self._number(request.from_),
            caller_name=request.from_ if request.from_ in people else None,
            callee=self._number(request.to),
            callee_name=request.to if request.to in people else None,
            start=at,
            ring=0.0,
            talk=None,
            behaviour="answer",
            cancel_after=None,
            agent="wire",
            truth=request.truth,
            expect=None,
            display_name=request.display_name,
            headers=headers.lines(self._number),
            method=request.method,
            body=request.body if isinstance(request, SentText) else None,
        )

    def _with_settings(self, seen: Seen, name: str) -> Seen:
        if not name:
            return seen
        one = self._people(name)
        settings = {each: bool(getattr(one.barring, each)) for each in sorted(BARRINGS)} | {"notify": one.notify}
        return replace(seen, settings=settings, allow=one.allow, block=one.block)

    def _people(self, name: str) -> Subscriber:
        return self._overlay.over(self._scenario.subscribers[name])

    def _number(self, text: str) -> str:
        people = self._scenario.subscribers
        return people[text].number if text in people else text

    def _begin_with(self, one: Subscriber, profile: Profile) -> None:
        said = {"allow": profile.allow, "block": profile.block}
        lists = {name: numbers for name, numbers in said.items() if numbers is not None}
        self._change(one.number, {**(profile.settings or {}), **lists})

    def _change(self, number: str, fields: dict[str, Any]) -> None:
        for name, value in fields.items():
            self._overlay.apply(Change(number, name, value))


def mistakes(lesson: Lesson, path: Path) -> list[FileError]:
    """The checks of a lesson, read from `path`, that its stage does not meet, and what the policy does instead."""
    errors = []
    for index, differing in Rehearsal(lesson, time.time()).play():
        for what, expected, seen in differing:
            key = (what,) if what in See.model_fields else ("settings", what)
            place = place_in(path, ("steps", index, "see", *key))
            instead = f"{seen}, as the policy decides" if seen else "no such check: the policy gives nothing to be seen"
            errors.append(FileError(path, *place, f'"{expected}"', instead))
    return errors


def _status(verdict: Verdict, request: PlacedCall | SentText) -> int | None:
    """The status that the caller gets; None where the callee decides."""
    if verdict.action == "reject":
        return verdict.status
    given_up = isinstance(request, PlacedCall) and request.ring is not None
    return 487 if given_up and verdict.rule != ORDERS else 200


def _phone(verdict: Verdict, planned: PlannedCall) -> str:
    """The deed of the callee's phone; "" where the callee is nobody's phone."""
    if planned.callee_name is None:
        return ""
    if verdict.action not in ("allow", "label"):
        return "silent"
    return "rings" if planned.method == "INVITE" else "receives"
