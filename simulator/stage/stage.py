"""The stage itself: a lab that stands, what the trainer does with it, and the hub that tells of it."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Coroutine, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, Self

from proxy.counterfactual import Reconsidering
from proxy.policy.precedence import PRECEDENCE, SETTABLE
from proxy.presets import preset
from proxy.self_service.desk import RULE as SELF_SERVICE
from simulator.judging.observation import CallObservation
from simulator.lab.lab_spec import LabSpec
from simulator.lab.proxy_forks import ProxyForks
from simulator.results.inputs import Inputs
from simulator.scenario.lesson import Lesson, lessons_of
from simulator.stage import lesson_json
from simulator.stage.chosen import DEFAULT, LESSONS, Chosen
from simulator.stage.events import Scenarios, Score
from simulator.stage.hand import Hand
from simulator.stage.handout import page as handout
from simulator.stage.handout.page import Happened
from simulator.stage.hub import Hub
from simulator.stage.phones.phones import Phones
from simulator.stage.saving import Session, save
from simulator.stage.score import Tally
from simulator.stage.soon import Soon
from simulator.stage.standing import Standing
from simulator.stage.state import IDLE, State
from simulator.stage.switches import Switches, settings_of
from simulator.stage.teaching import Teacher
from simulator.stage.traffic import Traffic, offered
from simulator.stage.verdicts import Verdicts
from simulator.stage.words import title

KEPT = 20_000  # calls that a saved session has: the latest
_SHOWN = 12  # subscribers that have a place on the stage


class Saved(NamedTuple):
    """The folder of a session that was saved, and if the hand-outs found room in it."""

    folder: Path
    handout: bool


class Stage:
    """Sets the lab up and takes it down, as an async context manager; pages do the rest through its parts."""

    def __init__(self, chosen: Chosen, forks: ProxyForks | None = None) -> None:
        self.chosen = chosen
        self._lessons = lessons_of(chosen.source, LESSONS)
        self.hand = Hand(chosen.scenario)
        self.hub = Hub(_beginning(chosen, self._lessons, self.hand))
        self.observed: deque[CallObservation] = deque(maxlen=KEPT)
        self._soon = Soon(self.hub)
        self.tally = Tally()
        self._since, self._begun = time.monotonic(), time.time()
        self._saving = asyncio.Lock()
        self._verdicts = Verdicts(self.hub, self._soon, self._reconsidering)
        self.standing = Standing(
            self._spec(),
            chosen.folder,
            self.hub,
            judge=self._verdicts.judged,
            shadow=self._verdicts.shadow,
            finished=self._finished,
            switch=chosen.softswitch,
            sip=chosen.sip,
            forks=forks,
        )
        self.traffic = Traffic(chosen.scenario, self.hand, self.standing, self.hub, self._soon)
        self.phones = Phones(self.standing, (each["name"] for each in self.hub.state.subscribers), self.hub)
        self._stack = AsyncExitStack()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.standing)
        self._stack.callback(self.phones.close)
        names = {each["name"]: each["number"] for each in self.hub.state.subscribers}
        self.switches = Switches(self.chosen.folder, self.standing.lab.proxy, names, self.hub)
        await self.switches.read()
        assert self.switches.reconsidering is not None  # noqa: S101 - it has read
        self.phones.begin(self.switches.reconsidering.snapshot)
        self.soon(self.phones.keep_registered())
        self.phones.on_answer = lambda: self.soon(self.switches.read())
        self.soon(self._offer())
        self.soon(self.standing.watch())
        self.teacher = Teacher(self.hub, self._lessons, self.call, self.switches, self.phones)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.traffic.stop()
        self._soon.close()
        self.hub.close()
        for task in self._tasks:
            task.cancel()
        await self._stack.aclose()

    def call(self, chosen: Mapping[str, Any]) -> str:
        """Place a call or text of the trainer's choice; returns its id. Raises Unplaceable."""
        planned = self.hand.call(chosen)
        self.standing.place(planned)
        return planned.id

    def family(self, name: str, to: str) -> str:
        """Place a call of a family; returns its id. Raises Unplaceable."""
        planned = self.hand.family(name, to)
        self.standing.place(planned)
        return planned.id

    def _spec(self) -> LabSpec:
        """The lab's, with copies of the scenario's files in its own folder: they may change meanwhile."""
        chosen = self.chosen
        inputs = Inputs.of(chosen.scenario, chosen.source)
        inputs.write(chosen.folder)
        return replace(LabSpec.of(chosen.scenario), scam_lists=inputs.lists_in(chosen.folder, chosen.scenario))

    def happened(self) -> Happened:
        """All that a hand-out tells of the session so far."""
        state, chosen = self.hub.state, self.chosen
        return Happened(
            self.teacher.all_taught,
            state.calls,
            self.tally.to_json(),
            {each["id"]: each["title"] for each in state.families},
            chosen.scenario.home,
            chosen.scenario.preset,
            self._begun,
            time.time(),
        )

    async def save(self) -> Saved:
        """Save the session so far as the folder of a run, with its report and hand-outs. Raises OSError where there is
        no such folder."""
        async with self._saving:
            self.standing.recorder.flush()
            session = Session(self.chosen, tuple(self.observed), self.tally.calls, self._since)
            folder = await asyncio.to_thread(save, session, self.standing.recorder)
            try:
                await asyncio.to_thread(handout.write, self.happened(), folder)
            except OSError:
                return Saved(folder, handout=False)
            return Saved(folder, handout=True)

    async def _offer(self) -> None:
        """Look for scenarios whose calls can come by themselves, beside all else: there may be many files."""
        chosen = self.chosen
        folders = [chosen.scenarios, *([] if chosen.source == DEFAULT else [chosen.source.parent])]
        files = await asyncio.to_thread(offered, folders, chosen.scenario.home)
        self.traffic.offer(files)
        names = dict.fromkeys((chosen.scenario.name, *files))
        self.hub.publish(Scenarios(time.time(), tuple({"id": name} for name in names)))

    def _reconsidering(self) -> Reconsidering | None:
        return self.switches.reconsidering

    def _finished(self, call: CallObservation, delay: float | None) -> None:
        self.observed.append(call)
        self.tally.add(call, delay)
        self._soon.tell("score", lambda: Score(time.time(), self.tally.to_json()))
        if call.proxy_wrote is not None and call.proxy_wrote.served:  # a subscriber's order
            self.soon(self.switches.read())

    def soon(self, work: Coroutine[Any, Any, None]) -> None:
        """Have something done beside the calls."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _beginning(chosen: Chosen, lessons: Iterable[Lesson], hand: Hand) -> State:
    scenario = chosen.scenario
    modes = {**preset.load(scenario.preset).modes, **scenario.rules}
    subscribers = list(scenario.subscribers.items())[:_SHOWN]
    return State(
        scenario=scenario.name,
        home=scenario.home,
        preset=scenario.preset,
        softswitch=chosen.softswitch,
        subscribers=tuple(
            {"name": name, "number": each.number, "settings": settings_of(each), "phone": {**IDLE, "texts": ()}}
            for name, each in subscribers
        ),
        trunks=tuple({"name": name, "kind": kind} for name, kind in scenario.trunks.items()),
        rules=tuple(
            {
                "name": rule,
                "title": title(rule),
                "mode": modes.get(rule, "enforce"),
                "settable": rule in SETTABLE,
                "enforced": 0,
                "shadowed": 0,
            }
            for rule in (*PRECEDENCE, SELF_SERVICE)
        ),
        families=tuple(family.to_json(name) for name, family in hand.families.items()),
        lessons=tuple(map(lesson_json.offered, lessons)),
        lab={"proxy": "starting", "softswitch": "starting"},
    )
