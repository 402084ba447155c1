"""Rules in shadow mode: what each would have done, and how well, had it been enforced. Pure.

A rule is asked only as long as none before it has decided. So what it finds would have been the verdict: a call counts
as blocked or passed by what it would have done, and all others as they were.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, fields

from simulator.judging.accuracy import Confusion
from simulator.judging.observation import BLOCKING_ACTIONS, CallObservation, Outcome

ALL = "all"  # of them together, the first that finds something deciding
_SILENT = frozenset(("no_match", "asked"))


@dataclass(frozen=True, slots=True)
class Shadowed:
    """A rule in shadow mode. Of the calls that it was `asked` about it `matched` some, and would have stopped some more
    that passed, or let through some that were stopped. `enforced` is the confusion had it been enforced, beside that
    which `was`."""

    asked: int
    matched: int
    would_stop_scam: int
    would_stop_legit: int
    would_pass_scam: int
    would_pass_legit: int
    enforced: Confusion
    was: Confusion

    @property
    def counts(self) -> dict[str, int]:
        """The counts by name."""
        return {each.name: getattr(self, each.name) for each in fields(self)[:6]}


def shadowed(calls: Iterable[CallObservation]) -> dict[str, Shadowed]:
    """Every rule that was in shadow mode, and all of them together where there are several; none without any."""
    calls = tuple(calls)
    rules = dict.fromkeys(rule for call in calls if call.proxy_wrote for rule, _ in call.proxy_wrote.shadow)
    if not rules:
        return {}
    was = Confusion.of(calls)
    found = {rule: _had_been_enforced(calls, was, rule) for rule in sorted(rules)}
    return found if len(found) == 1 else found | {ALL: _had_been_enforced(calls, was, ALL)}


def _had_been_enforced(calls: Iterable[CallObservation], was: Confusion, rule: str) -> Shadowed:
    moved: Counter[str] = Counter()
    asked = matched = 0
    for call in calls:
        said = [done for name, done in call.proxy_wrote.shadow if rule in (name, ALL)] if call.proxy_wrote else []
        asked += bool(said)
        action = next((done for done in said if done not in _SILENT), None)
        if action is None:
            continue
        matched += 1
        then = Outcome.BLOCKED if action in BLOCKING_ACTIONS else Outcome.PASSED
        if call.outcome not in (then, Outcome.FAULT) and call.planned.truth != "unknown":
            moved[f"would_{'stop' if then is Outcome.BLOCKED else 'pass'}_{'scam' if call.unwanted else 'legit'}"] += 1
    more_scam = moved["would_stop_scam"] - moved["would_pass_scam"]
    more_legit = moved["would_stop_legit"] - moved["would_pass_legit"]
    enforced = Confusion(
        was.scam_blocked + more_scam,
        was.scam_passed - more_scam,
        was.legit_blocked + more_legit,
        was.legit_passed - more_legit,
        was.faults,
        was.unknown,
    )
    return Shadowed(
        asked,
        matched,
        moved["would_stop_scam"],
        moved["would_stop_legit"],
        moved["would_pass_scam"],
        moved["would_pass_legit"],
        enforced,
        was,
    )
