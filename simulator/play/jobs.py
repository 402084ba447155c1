"""Jobs: scenarios with the calls of theirs that are to be played."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from simulator.agents.pjsua import phones as pjsua
from simulator.judging.figures import Figures
from simulator.judging.result import Result
from simulator.play.again import Again
from simulator.scenario.model import Scenario
from simulator.scenario.policies import OWN
from simulator.traffic.call_records import Reading, unreadable
from simulator.traffic.plan import plan, populated
from simulator.traffic.planned_call import PlannedCall
from simulator.traffic.replay import recorded
from simulator.wording import counted

_NAMED = 5  # calls in a note


@dataclass(frozen=True, slots=True)
class Job:
    """One scenario to play: `calls` is its plan, or what `-k` left of it (then `partial`); `notes` tell of
    what is not in it, and `left_out` of calls that cannot be played, in a few words. `policy` is the name of another
    policy in the place of the scenario's own."""

    scenario: Scenario
    source: Path
    seed: int
    calls: tuple[PlannedCall, ...]
    partial: bool = False
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    policy: str = OWN


def jobs(
    scenarios: Iterable[tuple[Scenario, Path]],
    seed: int | None = None,
    selected: Callable[[str], bool] = lambda _: True,
    again: Mapping[Path, Again] | None = None,
) -> Iterator[Job]:
    """A job for each scenario of which anything is `selected` (asked of SCENARIO/CALL); `seed` replaces their own.

    Those that are played `again`, by file, have the seed that they had, and of their calls those that were played.
    """
    for scenario, source in scenarios:
        before = again.get(source) if again else None
        used = seed if seed is not None else before.seed if before else scenario.seed
        planned = plan(scenario, used, reading := Reading())
        kinds = scenario.mix.kinds if scenario.mix else ()
        names = {name: f"{scenario.name}/{name}" for name in {*kinds, *(call.campaign for call in planned)}}
        wanted = {name for name, full in names.items() if selected(full) and (before is None or before.selects(full))}
        calls = tuple(call for call in planned if call.campaign in wanted)
        if calls:
            notes, left_out = unreadable(scenario.records, reading)
            yield Job(
                populated(scenario, used, planned),
                source,
                used,
                calls,
                len(calls) < len(planned),
                (*notes, *_unheard_of([name for name in kinds if name in wanted], calls)),
                left_out,
            )


def _unheard_of(kinds: Iterable[str], calls: Iterable[PlannedCall]) -> Iterator[str]:
    """A note on those of a mix's kinds of which there is no call."""
    named = dict.fromkeys(kinds)
    for call in calls:
        named.pop(call.campaign, None)
    if named:
        yield f"the mix has no call of {', '.join(named)}: more time, more subscribers or another seed may bring some"


def not_waited_for(calls: Iterable[PlannedCall]) -> Iterator[str]:
    """Notes on calls that begin without those that they wait for, as these are not among the ones to be played."""
    after = {call.campaign: call.after for call in calls if not recorded(call)}
    alike: dict[tuple[str, ...], list[str]] = {}
    for name, awaited in after.items():
        if missing := tuple(each for each in awaited if each not in after):
            alike.setdefault(missing, []).append(name)
    for missing, names in alike.items():
        yield f"{_listed(names)} did not wait for {_listed(missing)}: not played; where they need it, select it too"


def _listed(names: Sequence[str]) -> str:
    """A few of the names, and how many more there are."""
    *some, last = names if len(names) <= _NAMED else (*names[:_NAMED], f"{len(names) - _NAMED:,} more")
    return f"{', '.join(some)} and {last}" if some else last


def with_agents_at_hand(job: Job) -> tuple[Job, tuple[str, ...]]:
    """The job with wire agents in the place of real phones where there can be none here, and a note that says so."""
    usable, reason = pjsua.available()
    real = [call for call in job.calls if call.agent == "pjsua"]
    if usable or not real:
        return job, job.notes
    left_out = sum(call.needs_sound for call in real)
    calls = tuple(replace(call, agent="wire") for call in job.calls if not call.needs_sound)
    notes = [f"{reason}; wire agents played their {counted(len(real) - left_out, 'call')}"]
    if left_out:
        notes.append(f"left out: {left_out} that need sound, so what is heard was not checked")
        without = f"{counted(left_out, 'call')} of {job.scenario.name} for want of real phones"
        job = replace(job, partial=True, left_out=(*job.left_out, without))
    return replace(job, calls=calls), (*job.notes, *notes)


def not_set_up(job: Job, why: str, folder: Path) -> Result:
    """The result of a job that could not be played."""
    return replace(unplayed(job, folder), problems=(why,))


def unplayed(job: Job, folder: Path) -> Result:
    """The result of a job of which nothing has been played, and which is held to nothing."""
    scenario = job.scenario
    return Result(
        name=scenario.name,
        source=job.source,
        home=scenario.home,
        preset=scenario.preset,
        seed=job.seed,
        folder=folder,
        figures=Figures((), {}),
        left_out=job.left_out,
        set_up=False,
        unfinished=len(job.calls),
    )
