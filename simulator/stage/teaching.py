"""Plays lessons on the stage: sets it up for a lesson, does what a step asks for, hears what is seen, tells pages."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from proxy.presets import preset
from simulator.scenario.lesson import SETTINGS, Deed, Lesson, PlacedCall, Profile
from simulator.stage import lessons, words
from simulator.stage.events import Ended, Event, Placed
from simulator.stage.events import Lesson as Told
from simulator.stage.hub import Hub
from simulator.stage.lesson_json import under_way
from simulator.stage.lessons import WAITS, Progress, Reported
from simulator.stage.phones.handset import Handset, Unable
from simulator.stage.phones.phones import Phones

_OWN = ("allow", "block")
_GLANCE, _GLANCES = 0.05, 40  # seconds between two looks at a phone that is to be free, and how many at most


class NoLesson(ValueError):
    """A thing that was asked of a lesson cannot be done; says why."""


class Switches(Protocol):
    """The ways in which settings and rules are changed."""

    async def change(self, name: str, settings: Mapping[str, Any], /) -> None:
        """Give a subscriber these settings; those that are not named stay."""

    async def set_mode(self, rule: str, mode: str, /) -> None:
        """Set a rule's mode."""


@dataclass(frozen=True, slots=True)
class Taught:
    """A lesson that was played, or left, and when it began (seconds since 1970)."""

    begun: float
    progress: Progress


class Teacher:
    """Leads through `known` lessons, one at a time. `place` takes the keys of a call and returns its id."""

    def __init__(
        self,
        hub: Hub,
        known: Sequence[Lesson],
        place: Callable[[Mapping[str, Any]], str],
        switches: Switches,
        phones: Phones,
    ) -> None:
        self.known = {lesson.name: lesson for lesson in known}
        self.taught: list[Taught] = []
        self._hub = hub
        self._place = place
        self._switches = switches
        self._phones = phones
        self._progress: Progress | None = None
        self._begun = 0.0
        self._busy = asyncio.Lock()
        hub.hearers.append(self._hear)
        phones.on_change.append(self._look_at)

    @property
    def progress(self) -> Progress | None:
        """The lesson under way."""
        return self._progress

    @property
    def all_taught(self) -> list[Taught]:
        """Lessons that were played, in their order, that under way among them."""
        now = [Taught(self._begun, self._progress)] if self._progress is not None else []
        return [*self.taught, *now]

    async def do(self, what: str, name: str = "", seen: tuple[object, object] | None = None) -> str:
        """Start, perform, step, next, back, again or leave; returns the id of a call that was placed. Where `seen`, the
        number of a step and its result, is no longer so, a step is not done: who pressed twice saw nothing in between.

        Raises NoLesson, and what placing and changing raise.
        """
        async with self._busy:
            if what == "start":
                await self._start(name)
                return ""
            progress = self._progress
            if progress is None:
                raise NoLesson("no lesson is under way")
            if what == "step":
                if seen not in (None, (progress.at, "finished" if progress.finished else progress.outcome.state)):
                    return ""
                what = "next" if progress.finished or progress.settled else "perform"
            if what == "perform":
                return await self._perform(progress)
            if what not in _MOVES:
                raise NoLesson(f"do: expected start, perform, step, {', '.join(_MOVES)}")
            self._move(progress, what)
            return ""

    def _move(self, progress: Progress, what: str) -> None:
        state = self._hub.state
        if what == "leave":
            self._leave()
        elif what == "again":
            self._take(lessons.again(progress, state))
        elif progress.finished:
            if what == "next":
                self._leave()
            else:
                self._take(lessons.go(progress, len(progress.lesson.steps) - 1, state))
        else:
            self._take(lessons.go(progress, progress.at + (1 if what == "next" else -1), state))

    async def _start(self, name: str) -> None:
        lesson = self.known.get(name)
        if lesson is None:
            raise NoLesson(f"found no lesson {name[:60]!r}, expected one of {', '.join(self.known) or 'none'}")
        if self._progress is not None:
            self._leave()
        await self._set_up(lesson)
        self._begun = time.time()
        self._take(lessons.begin(lesson, self._hub.state))

    async def _set_up(self, lesson: Lesson) -> None:
        """Bring settings and rules back to those that the lesson begins with."""
        scenario, state = lesson.scenario, self._hub.state
        for each in state.subscribers:
            one = scenario.subscribers.get(each["name"])
            if one is None:  # of a mix
                continue
            begins = lesson.begins.get(each["name"], Profile())
            own = {name: getattr(one.barring, name) for name in SETTINGS if name != "notify"}
            switched = {**own, "notify": one.notify, **(begins.settings or {})}
            lists = {name: list(getattr(begins, name) or ()) for name in _OWN if getattr(begins, name) is not None}
            wanted = {
                "barring": {name: on for name, on in switched.items() if name != "notify"},
                "notify": switched["notify"],
                **{name: lists.get(name, list(getattr(one, name))) for name in _OWN},
            }
            if changes := {name: value for name, value in wanted.items() if each["settings"].get(name) != value}:
                await self._switches.change(each["name"], changes)
            self._phones.sight.apps.forget(each["name"])
        modes = {**preset.load(scenario.preset).modes, **scenario.rules}
        for rule in state.rules:
            if rule["mode"] != (mode := modes.get(rule["name"], "enforce")):
                await self._switches.set_mode(rule["name"], mode)

    async def _perform(self, progress: Progress) -> str:
        deed = progress.step.do
        if deed is None or progress.finished:
            raise NoLesson("there is nothing to do in this step")
        if progress.outcome.state == "runs":
            raise NoLesson("it is being done")
        if progress.settled:
            self._take(progress := lessons.again(progress, self._hub.state))
        if deed.set_ is not None:
            settings = dict(deed.set_.settings)
            changes: dict[str, Any] = {"notify": settings.pop("notify")} if "notify" in settings else {}
            await self._switches.change(deed.subscriber, changes | ({"barring": settings} if settings else {}))
            return ""
        if deed.rule is not None:
            await self._switches.set_mode(deed.rule.name, deed.rule.mode)
            return ""
        if deed.apps is not None:
            apps, phone = self._phones.sight.apps, self._phones.handsets.get(deed.subscriber)
            if phone is None:
                raise NoLesson(f"{deed.subscriber} has no phone on this stage")
            if deed.apps.reports:
                apps.report(phone.name, list(deed.apps.installed), time.time())
            else:
                apps.forget(phone.name)
            self._phones.changed(phone)
            return ""
        if deed.request is not None:
            await self._free(deed.request.to)
        return self._place(self._order_to_allow(deed, progress.lesson) if deed.allow else _keys(deed))

    async def _free(self, name: str) -> None:
        """End the calls of a phone that somebody holds, such as that of the step before: it would be busy."""
        phone = self._phones.handsets.get(name)
        if phone is None or not phone.holders or phone.held is None:
            return
        for _ in range(_GLANCES):
            with suppress(Unable):  # until there is none left
                phone.hang_up()
            await asyncio.sleep(_GLANCE)
            if not phone.held:
                return

    def _order_to_allow(self, deed: Deed, lesson: Lesson) -> dict[str, str]:
        """The text by which the caller who was refused last is let through, as the notice of it says."""
        refused = self._refused(deed.subscriber)
        found = preset.load(lesson.scenario.preset).vocabulary.find("allow")
        if refused is None or found is None:
            raise NoLesson(f"nobody who called {deed.subscriber} was refused yet")
        word, number = found
        return {
            "from": deed.subscriber,
            "to": number,
            "trunk": "phones",
            "method": "MESSAGE",
            "body": f"{word} {refused['from']}",
            "family": "orders",
            "truth": "legit",
        }

    def _refused(self, name: str) -> Mapping[str, Any] | None:
        """The call to a subscriber that was refused last; one of this lesson, where there is any."""
        calls = self._hub.state.calls
        found = [each for each in calls if each.get("subscriber") == name and each.get("action") == "reject"]
        own = {each.call for each in self._progress.outcomes} if self._progress is not None else frozenset[str]()
        return next((each for each in found if each["id"] in own), found[0] if found else None)

    def _leave(self) -> None:
        if self._progress is not None:
            self.taught.append(Taught(self._begun, self._progress))
        self._progress = None
        self._hub.publish(Told(time.time(), None))

    def _take(self, progress: Progress) -> None:
        if progress is not self._progress:
            self._progress = progress
            self._hub.publish(Told(time.time(), under_way(progress, words.TITLES)))

    def _hear(self, event: Event) -> None:
        before = self._progress
        if before is None or isinstance(event, Told):
            return
        if isinstance(event, Placed) and self._comes_by_itself(event, before):
            return
        after = lessons.heard(before, event)
        self._take(after)
        if isinstance(event, Ended) and after is not before and not after.settled:
            asyncio.get_running_loop().call_later(WAITS + 0.05, self._wait)

    def _comes_by_itself(self, event: Placed, progress: Progress) -> bool:
        """True for one of the calls that come at a rate, unless the step asks for just such a call."""
        deed = progress.step.do
        request = deed.request if deed is not None else None
        fits = request is not None and lessons.fits(request, event.call, progress.lesson)
        return bool(self._hub.state.traffic.get("running")) and not fits

    def _look_at(self, phone: Handset) -> None:
        """See which apps a phone reports by now."""
        if self._progress is not None:
            apps = self._phones.sight.apps
            report = apps.reported(phone.name)
            warned = tuple(each.name for each in apps.warnings(phone.name))
            event = Reported(time.time(), phone.name, None if report is None else report.apps, warned)
            self._take(lessons.heard(self._progress, event))

    def _wait(self) -> None:
        if self._progress is not None:
            self._take(lessons.waited(self._progress, time.time()))


def _keys(deed: Deed) -> dict[str, str]:
    """The keys of a call or text, as the hand takes them."""
    request = deed.request
    assert request is not None  # noqa: S101 - other deeds were done before
    keys = {
        "from": request.from_,
        "to": request.to,
        "trunk": request.trunk,
        "display_name": request.display_name,
        "truth": request.truth,
        "family": request.family,
        "method": request.method,
    }
    if not isinstance(request, PlacedCall):
        return {**keys, "body": request.body}
    more = {"ring": f"{request.ring:g}s" if request.ring is not None else "", "diversion": request.diversion or ""}
    return keys | {name: value for name, value in more.items() if value}


_MOVES = ("next", "back", "again", "leave")
