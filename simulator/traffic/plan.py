"""Scenario -> the calls to place, one by one. Pure: the same scenario and seed give the same plan, to the byte.

Each entry draws from a generator of its own, so that a change to one campaign leaves the others as they were.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from simulator.scenario.calls import Calls, Pool
from simulator.scenario.model import Scenario
from simulator.scenario.voices import PROVING_TALK
from simulator.traffic.mixture import mixed_calls
from simulator.traffic.planned_call import PlannedCall
from simulator.traffic.population import People

_RING = 0.1  # seconds, where the scenario does not say
_TALK = {"wire": 0.1, "pjsua": PROVING_TALK}


def plan(scenario: Scenario, seed: int | None = None) -> list[PlannedCall]:
    """All calls of a scenario, by starting time; `seed` replaces the scenario's own."""
    number = scenario.seed if seed is None else seed
    calls = [
        call
        for entry in scenario.calls
        for call in _expand(entry, scenario, Random(f"{number}/{scenario.name}/{entry.name}"))
    ]
    if scenario.mix is not None:
        calls += mixed_calls(scenario.mix, number)
    return sorted(calls, key=lambda call: (call.start, call.id))


def populated(scenario: Scenario, seed: int) -> Scenario:
    """The scenario with the subscribers of its mix beside those that it names."""
    if scenario.mix is None:
        return scenario
    return scenario.model_copy(update={"subscribers": scenario.subscribers | dict(People(scenario.mix, seed))})


def _expand(entry: Calls, scenario: Scenario, random: Random) -> Iterator[PlannedCall]:
    callers, callees = _callers(entry.from_, random), _in_rounds(entry.to, random)
    cancel_after = entry.cancel_after
    if cancel_after is None and entry.behaviour == "ring_only":  # nobody answers, and the caller gives up
        cancel_after = _RING if entry.ring is None else entry.ring
    headers = entry.lines(lambda text: _number(text, scenario))
    is_text = entry.method == "MESSAGE"
    width = len(str(entry.count))
    start = entry.start
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


def _number(text: str, scenario: Scenario) -> str:
    return scenario.subscribers[text].number if text in scenario.subscribers else text
