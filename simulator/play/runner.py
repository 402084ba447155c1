"""Plays a scenario and gathers what each side saw: first through the proxy, then straight to the softswitch."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from simulator.addresses import Address
from simulator.agents.tap import Tap
from simulator.errors import LabError
from simulator.judging.evidence import CallerSaw
from simulator.judging.figures import Figures
from simulator.judging.observation import CallObservation, Outcome
from simulator.judging.result import Result
from simulator.lab.lab import Lab
from simulator.lab.lab_spec import LabSpec
from simulator.lab.proxy_forks import ProxyForks
from simulator.play.jobs import Job, not_set_up, not_waited_for, unplayed, with_agents_at_hand
from simulator.play.placing import GRACE, Placing
from simulator.results.events import (
    CallEnded,
    CallJudged,
    CallPlaced,
    Event,
    MessageSeen,
    PassBegan,
    PassEnded,
    Problem,
    RunBegan,
    RunEnded,
    RunFailed,
    RunListener,
    Tick,
    hears,
)
from simulator.results.inputs import Inputs
from simulator.results.message_recorder import MessageRecorder
from simulator.results.messages import Mode, Recorded
from simulator.results.run_folder import RunFolder
from simulator.softswitch.kinds import Kind
from simulator.traffic.planned_call import PlannedCall, closer_together
from simulator.wording import counted

_NO_TRANSIT = "transit time was not measured: without messages nothing tells when calls left for Asterisk"
_TICK = 0.2  # seconds between two looks at how far a pass is


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a session: the softswitch, the messages to record, the proxies to fork off, and the `command`
    that manifests tell of."""

    softswitch: Kind = "embedded"
    messages: Mode = "failed"
    forks: ProxyForks | None = None
    command: tuple[str, ...] = ()


class Runner:
    """Plays jobs one after another into folders under `runs`; setting `stop` ends the run early and in order."""

    def __init__(self, runs: Path, listeners: Sequence[RunListener], stop: asyncio.Event, settings: Settings) -> None:
        self._runs = runs
        self._followers = tuple(listeners)
        self._listeners = self._followers
        self._stop = stop
        self._settings = settings
        self._broken: OSError | None = None  # a listener failed where that must not be raised
        self._full: OSError | None = None  # there was no room for the folder: what was played until then is told
        self._fallen = False  # the proxy has ended: no call gets through any more
        self._over: set[str] = set()  # calls that ended before the run was: what others came to says nothing

    def _tell(self, event: Event) -> None:
        for listener in self._listeners:
            if hears(listener, type(event)):
                listener(event)

    def _tap(self, recorder: MessageRecorder, *, proxied: bool) -> Tap | None:
        """A tap for the sockets of a pass; None where nobody wants to know its messages."""
        record = recorder.hearing(proxied=proxied)
        watching = [each for each in self._followers if hears(each, MessageSeen)]
        if not watching:
            return Tap(record, recorder.hearing_media(proxied=proxied)) if record is not None else None

        def hear(at: float, data: bytes, transport: str, sender: Address, receiver: Address) -> None:
            if record is not None:
                record(at, data, transport, sender, receiver)
            self._tell(MessageSeen(at, proxied, transport, sender, receiver, data))

        return Tap(hear, recorder.hearing_media(proxied=proxied))

    async def play(self, job: Job) -> Result:
        """Play one job; where the lab could not be brought up the result says so. Raises OSError without a folder.

        Where there is no more room for the folder, or the proxy ends, the run ends early, and its result has what was
        played.
        """
        inputs = Inputs.of(job.scenario, job.source)
        about = self._about(job) | {"files": inputs.hashes()}
        folder = RunFolder(self._runs, job.scenario.name, about)
        inputs.write(folder.path)
        spec = replace(LabSpec.of(job.scenario), scam_lists=inputs.lists_in(folder.path, job.scenario))
        recorder = MessageRecorder(folder.path, self._settings.messages)
        self._full, self._fallen, self._over = None, False, set()

        def keep(event: Event) -> None:
            if self._full is None:
                try:
                    folder.hear(event)
                except OSError as error:
                    self._full = error

        self._listeners = (keep, recorder.hear, *self._followers)
        self._tell(RunBegan(time.monotonic(), job.scenario.name, folder.path, job.calls, about))
        try:
            result, recorded = await self._play(job, spec, folder.path, recorder)
        except LabError as error:
            self._tell(RunFailed(time.monotonic(), job.scenario.name, str(error), recorder.settle(None)))
            return not_set_up(job, str(error), folder.path)
        except BaseException as error:
            why = str(error) or type(error).__name__
            self._tell(RunFailed(time.monotonic(), job.scenario.name, why, recorder.settle(None)))
            raise
        wrong = {call.id: why for call, why in result.wrong}
        for call in result.calls:
            self._tell(CallJudged(time.monotonic(), call, wrong.get(call.id)))
        if self._full is None:
            self._tell(RunEnded(time.monotonic(), result, recorded))
        return result if self._full is None else _not_kept(result, folder, self._full)

    def _about(self, job: Job) -> dict[str, Any]:
        scenario = job.scenario
        return {
            "scenario": scenario.name,
            "source": str(job.source),
            "seed": job.seed,
            "home": scenario.home,
            "preset": scenario.preset,
            "policy": job.policy,
            "softswitch": self._settings.softswitch,
            "calls": len(job.calls),
            "command": list(self._settings.command),
            "only": sorted({call.campaign for call in job.calls}) if job.partial else None,
        }

    async def _play(self, job: Job, spec: LabSpec, folder: Path, recorder: MessageRecorder) -> tuple[Result, Recorded]:
        started = time.monotonic()
        scenario = job.scenario
        job, notes = with_agents_at_hand(job)
        notes = (*notes, *not_waited_for(job.calls))
        proxied = await self._pass(scenario.name, job.calls, spec, folder, self._tap(recorder, proxied=True))
        calls = tuple(self._observations(job, proxied))
        problems = list(proxied.problems)
        if self._settings.messages == "all":
            notes = (*notes, *proxied.notes)
        if (forks := self._settings.forks) is not None and forks.trouble:
            notes = (*notes, forks.trouble)
        if self._settings.messages == "never" and self._settings.softswitch == "docker":
            notes = (*notes, _NO_TRANSIT)
        played = {call.id for call in calls}
        unfinished = (proxied.cast.saw(call) for call in job.calls if call.id not in played)
        cut_short = {evidence.call_id for evidence in unfinished if evidence is not None}
        proxied.forget()
        comparable = {call.id for call in calls if call.outcome is Outcome.PASSED and call.timed}
        twins = closer_together(call for call in job.calls if call.id in comparable)
        seen: dict[str, CallerSaw] = {}
        if twins and not self._ended_early:
            tap = self._tap(recorder, proxied=False)
            direct = await self._pass(scenario.name, twins, spec, folder, tap, proxied=False)
            problems += direct.problems
            seen = {call.id: saw for call in twins if (saw := _answered(direct, call)) is not None}
            direct.forget()
        result = replace(
            unplayed(job, folder),
            figures=Figures(calls, seen, scenario.prevalence),
            set_up=True,
            thresholds=scenario.thresholds,
            partial=job.partial,
            problems=tuple(problems),
            notes=notes,
            unfinished=len(job.calls) - len(calls),
            interrupted=self._stop.is_set(),
            duration=time.monotonic() - started,
        )
        failed = result.failed
        recorded = recorder.settle(cut_short | {call.evidence.call_id for call in calls if call.id in failed})
        if recorded.why:
            result = replace(result, notes=(*notes, f"{recorded.why} ({counted(recorded.lost, 'message')} lost)"))
        return result, recorded

    async def _pass(
        self,
        scenario: str,
        calls: Sequence[PlannedCall],
        spec: LabSpec,
        folder: Path,
        tap: Tap | None,
        *,
        proxied: bool = True,
    ) -> Lab:
        """Bring a lab up, play the calls in it, and take it down; it still tells what was seen."""

        def ended(call: str, saw: CallerSaw) -> None:
            placing.ended(call)
            if proxied and not self._ended_early:
                self._over.add(call)
            try:
                self._tell(CallEnded(time.monotonic(), call, proxied, saw))
            except OSError as error:  # which must not get between a socket and its messages
                self._broken = error

        def place(call: PlannedCall, due: float) -> None:
            lab.place(call, due)
            self._tell(CallPlaced(time.monotonic(), call, proxied, due))

        placing = Placing(calls, place)
        settings = self._settings
        lab = Lab(
            spec,
            calls,
            folder,
            proxied=proxied,
            on_ended=ended,
            switch=settings.softswitch,
            forks=settings.forks,
            tap=tap,
        )
        async with lab:
            self._tell(PassBegan(time.monotonic(), scenario, proxied, len(calls)))
            await self._until_stopped(_played(placing, lab, to_their_end=proxied), lab)
        for problem in lab.problems:
            self._tell(Problem(time.monotonic(), problem))
        self._tell(PassEnded(time.monotonic(), proxied, lab.cast.ended))
        return lab

    async def _until_stopped(self, playing: Coroutine[Any, Any, None], lab: Lab) -> None:
        tasks = {asyncio.create_task(playing), asyncio.create_task(self._stop.wait())}
        try:
            done: set[asyncio.Task[Any]] = set()
            while not done:
                done, _ = await asyncio.wait(tasks, timeout=_TICK, return_when=asyncio.FIRST_COMPLETED)
                self._tell(Tick(time.monotonic(), lab.cast.ended))
                if self._broken is not None:
                    raise self._broken
                self._fallen |= not lab.stands
                if self._full is not None or self._fallen:
                    break
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    @property
    def _ended_early(self) -> bool:
        """True once calls are left out: the run was stopped, its proxy ended, or there is no room for more of it."""
        return self._stop.is_set() or self._full is not None or self._fallen

    def _observations(self, job: Job, lab: Lab) -> Iterator[CallObservation]:
        """The observations of every call by each side; of an interrupted run only of those that came to their end."""
        for call in job.calls:
            if self._ended_early and call.id not in self._over:
                continue
            evidence = lab.evidence(call)
            if evidence is None:
                raise LabError(f"call {call.id} was planned and never placed")
            yield CallObservation.of(call, evidence)


def _not_kept(result: Result, folder: RunFolder, error: OSError) -> Result:
    """The result of a run whose folder found no room for all of it."""
    why = f"{error.filename or folder.path}: {error.strerror}; the run ended there, and its folder is not complete"
    with contextlib.suppress(OSError):
        folder.finish("failed", reason=why)
    return replace(result, problems=(why, *result.problems))


def _answered(lab: Lab, call: PlannedCall) -> CallerSaw | None:
    """The caller's view of a call that got a final answer."""
    evidence = lab.cast.saw(call)
    return evidence.caller_saw if evidence and evidence.caller_saw.status is not None else None


async def _played(placing: Placing, lab: Lab, *, to_their_end: bool) -> None:
    """Place every call, then wait until all have ended or should have.

    Where only their setup delays are wanted and not what becomes of them, hang up once all of these are known.
    """
    all_end = await placing.all_placed()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(all_end + GRACE - time.monotonic()):
            if not to_their_end:
                await lab.cast.all_set_up()
                lab.cast.hang_up()
            await lab.cast.idle()
