"""The same jobs with two policies on the wire, and the verdict of each on every call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from simulator.judging.observation import CallObservation, Outcome
from simulator.judging.paired import FAULT, Comparison, Judged
from simulator.judging.paired_delays import pairs
from simulator.judging.result import Result
from simulator.play.jobs import Job
from simulator.results.run_reader import lines_of
from simulator.scenario.policies import Variant


@dataclass(frozen=True, slots=True)
class Bout:
    """One job with policy A and with policy B."""

    a: Job
    b: Job

    @classmethod
    def of(cls, job: Job, a: Variant, b: Variant) -> Bout:
        """The job with each of the policies in the place of its own; thresholds and expectations of the scenario are
        about its own policy."""
        return cls(*(replace(job, scenario=each.over(job.scenario), policy=each.name) for each in (a, b)))


def in_turns(bouts: Iterable[Bout]) -> list[Job]:
    """All jobs in the order to play them: A goes first in one bout, B in the next, since the first finds a machine that
    the second does not."""
    return [
        job for place, bout in enumerate(bouts) for job in ((bout.a, bout.b) if place % 2 == 0 else (bout.b, bout.a))
    ]


def sides(bouts: Sequence[Bout]) -> list[str]:
    """The policy of each of these jobs, A or B."""
    return [side for place, _ in enumerate(bouts) for side in ("AB" if place % 2 == 0 else "BA")]


def results_of(bouts: Sequence[Bout], played: Sequence[Result]) -> Iterator[tuple[Result, Result]]:
    """The results of A and of B of each bout that was played whole, from those of `in_turns`."""
    for place, _ in enumerate(bouts):
        both = played[2 * place : 2 * place + 2]
        if len(both) == 2:
            yield (both[0], both[1]) if place % 2 == 0 else (both[1], both[0])


def judge(a: Result, b: Result, into: Comparison) -> list[tuple[float, float]]:
    """Add the calls that both played to their end; returns the pairs of their added delays, in seconds."""
    of_b = {call.id: call for call in b.calls}
    both = [(call, of_b[call.id]) for call in a.calls if call.id in of_b]
    differing = {one.evidence.call_id for one, other in both if _told(one)[:4] != _told(other)[:4]}
    differing |= {other.evidence.call_id for one, other in both if _told(one)[:4] != _told(other)[:4]}
    traces_a, traces_b = _traces(a, differing), _traces(b, differing)
    for one, other in both:
        into.add(
            a.name,
            one.planned,
            _told(one)._replace(trace=traces_a.get(one.evidence.call_id, ())),
            _told(other)._replace(trace=traces_b.get(other.evidence.call_id, ())),
        )
    return pairs(a.figures, b.figures)


def _told(call: CallObservation) -> Judged:
    wrote, outcome = call.proxy_wrote, call.outcome
    if wrote is None or outcome is Outcome.FAULT:
        return FAULT
    return Judged(
        "blocked" if outcome is Outcome.BLOCKED else "passed", wrote.action, wrote.status, wrote.rule, wrote.detail
    )


def _traces(result: Result, calls: set[str]) -> dict[str, tuple[Any, ...]]:
    """The traces of these calls, by their Call-ID, as the proxy wrote it."""
    if not calls:
        return {}
    return {
        record["call_id"]: tuple(tuple(step) for step in record.get("trace", ()))
        for record in lines_of(result.folder / "proxy-calls.jsonl")
        if record["event"] == "call" and record["call_id"] in calls
    }
