"""Scenario -> the calls to place, one by one. Pure: the same scenario and seed give the same plan, to the byte.

Each entry draws from a generator of its own, so that a change to one campaign leaves the others as they were.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import merge
from operator import attrgetter
from random import Random

from proxy.numbers.numbering import Numbering
from proxy.policy.profile import Subscriber
from proxy.presets import preset as presets
from simulator.scenario.calls import Calls, Pool
from simulator.scenario.model import Scenario
from simulator.scenario.voices import PROVING_TALK
from simulator.traffic.call_records import Reading
from simulator.traffic.mixture import mixed_calls
from simulator.traffic.planned_call import PlannedCall, plan_lasts
from simulator.traffic.population import People
from simulator.traffic.replay import recorded, replayed

_BEHIND = 0.001  # seconds: what waits for others comes behind them in the plan too, where texts take no time
_RING = 0.1  # seconds, where the scenario does not say
_START = attrgetter("start")
_TALK = {"wire": 0.1, "pjsua": PROVING_TALK}


def plan(scenario: Scenario, seed: int | None = None, reading: Reading | None = None) -> list[PlannedCall]:
    """All calls of a scenario, by starting time; `seed` replaces the scenario's own.

    `reading` is told what became of the rows of its records. Raises FileErrors where these are none.
    """
    number = scenario.seed if seed is None else seed
    calls: list[PlannedCall] = []
    ends: dict[str, float] = {}
    for entry in scenario.calls:
        begin = max((ends[name] + _BEHIND for name in entry.after), default=0.0)
        planned = tuple(_expand(entry, scenario, Random(f"{number}/{entry.name}"), begin))
        ends[entry.name] = plan_lasts(planned)
        calls += planned
    if scenario.mix is not None:
        calls += mixed_calls(scenario.mix, number)
    if scenario.records is not None:
        calls += replayed(scenario.records, _numbering(scenario), scenario.subscribers, reading)
    return sorted(calls, key=lambda call: (call.start, call.id))


def in_order(scenario: Scenario, seed: int, reading: Reading | None = None) -> Iterator[PlannedCall]:
    """The same calls by starting time, one by one: those of a mix take no more memory than a part of its day."""
    listed = plan(scenario.model_copy(update={"mix": None}), seed, reading)
    return iter(listed) if scenario.mix is None else merge(listed, mixed_calls(scenario.mix, seed), key=_START)


def populated(scenario: Scenario, seed: int, planned: Iterable[PlannedCall] | None = None) -> Scenario:
    """The scenario with the subscribers of its mix, and lines for all that its records call, beside those it names.

    Records are read for that, but where calls have been `planned`: all of them.
    """
    subscribers = dict(scenario.subscribers)
    if scenario.mix is not None:
        subscribers |= People(scenario.mix, seed)
    if scenario.records is not None:
        known = {each.number for each in subscribers.values()}
        numbering = _numbering(scenario)
        if planned is None:
            planned = replayed(scenario.records, numbering, {})
        called = dict.fromkeys(call.callee for call in planned if recorded(call))
        new = (each for each in called if each not in known and numbering.understand(each).region == scenario.home)
        subscribers |= {
            f"line-{place + 1}": Subscriber(number) for place, number in enumerate(new) if number[:1] == "+"
        }
    return scenario.model_copy(update={"subscribers": subscribers})


def _expand(entry: Calls, scenario: Scenario, random: Random, begin: float) -> Iterator[PlannedCall]:
    callers, callees = _callers(entry.from_, random), _in_rounds(entry.to, random)
    cancel_after = entry.cancel_after
    if cancel_after is None and entry.behaviour == "ring_only":  # nobody answers, and the caller gives up
        cancel_after = _RING if entry.ring is None else entry.ring
    headers = entry.lines(lambda text: _number(text, scenario))
    is_text = entry.method == "MESSAGE"
    width = len(str(entry.count))
    start = begin + entry.start
    for index in range(entry.count):
        caller, callee = next(callers), next(callees)
        yield PlannedCall(
            id=entry.name if entry.call else f"{entry.name}.{index + 1:0{width}}",
            campaign=entry.name,
            family=entry.family or entry.name,
            trunk=entry.trunk,
            caller=_number(entry.presents or caller, scenario),
            caller_name=caller if caller in scenario.subscribers else None,
            callee=_number(callee, scenario),
            callee_name=callee if callee in scenario.subscribers else None,
            start=round(start, 6),
            ring=0.0 if is_text else _RING if entry.ring is None else entry.ring,
            talk=None if is_text else _TALK[entry.agent] if entry.talk is None else entry.talk,
            behaviour=entry.behaviour,
            cancel_after=cancel_after,
            agent=entry.agent,
            truth=entry.truth,
            expect=entry.expect,
            display_name=entry.display_name,
            headers=headers,
            method=entry.method,
            body=entry.body,
            caller_presses=entry.caller_presses,
            phone_presses=entry.phone_presses,
            after=entry.after,
        )
        start += 1 / entry.rate if entry.arrivals == "steady" else random.expovariate(entry.rate)


def _callers(given: Pool | tuple[str, ...], random: Random) -> Iterator[str]:
    """The caller of each call: any of a pool, or the listed ones in rounds."""
    if isinstance(given, tuple):
        yield from _in_rounds(given, random)
        return
    digits = given.free_digits
    pool = [f"{given.prefix}{rest:0{digits}}" for rest in random.sample(range(10**digits), given.pool)]
    while True:
        yield random.choice(pool)


def _in_rounds(values: tuple[str, ...], random: Random) -> Iterator[str]:
    """All values, each as often as the others, in another order every round."""
    while True:
        yield from random.sample(values, len(values))


def _numbering(scenario: Scenario) -> Numbering:
    return presets.numbering(scenario.home, presets.load(scenario.preset))


def _number(text: str, scenario: Scenario) -> str:
    return scenario.subscribers[text].number if text in scenario.subscribers else text
