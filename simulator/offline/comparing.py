"""Two policies on the calls of one scenario, offline: both judge each call in turn."""

from __future__ import annotations

from collections.abc import Callable

from proxy.policy.verdict import Verdict
from proxy.self_service.desk import RULE as ORDERS
from simulator.judging.paired import FAULT, Comparison, Judged, outcome_of
from simulator.offline.traffic import stretches
from simulator.offline.verdicts import Data, Deciding
from simulator.scenario.model import Scenario


def compare_offline(
    a: Scenario,
    b: Scenario,
    seed: int,
    begin: float,
    into: Comparison,
    done: Callable[[int], None] = lambda _: None,
    selected: Callable[[str], bool] = lambda _: True,
) -> None:
    """Have both policies judge all calls, and add them. `a` and `b` are one populated scenario with its policies; it
    begins at an epoch time. `done` is told of how many calls at a time, `selected` asked of SCENARIO/CALL. Raises
    FileErrors where a list is wrong."""
    data = Data()
    first, second = Deciding(a, data), Deciding(b, data)
    numberings = [first.numbering] if a.preset == b.preset else [first.numbering, second.numbering]
    for made in stretches(a, seed, numberings, begin, selected):
        one, other = made[0], made[-1]
        for planned, of_a, of_b in zip(
            one.planned, first.verdicts(one.calls), second.verdicts(other.calls), strict=True
        ):
            into.add(a.name, planned, judged(of_a), judged(of_b))
        done(len(one.planned))


def judged(verdict: Verdict | None) -> Judged:
    """The verdict, and the outcome that follows from it."""
    if verdict is None:
        return FAULT
    served = verdict.rule == ORDERS and verdict.action != "reject"
    return Judged(
        outcome_of(verdict.action, served=served),
        verdict.action,
        verdict.status,
        verdict.rule,
        verdict.detail,
        verdict.trace,
    )
