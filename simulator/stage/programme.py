"""The calls of traffic that comes by itself: of families in a mix, or of a scenario, to the lab's subscribers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from random import Random

from proxy.policy.profile import Subscriber
from simulator.scenario.model import Scenario
from simulator.stage.hand import Hand
from simulator.traffic.plan import in_order
from simulator.traffic.planned_call import PlannedCall

# Calls of each family among a hundred: most callers are friends.
SHARES: Mapping[str, int] = {
    "friend": 42,
    "courier": 8,
    "family": 10,
    "bank": 3,
    "warning-line": 2,
    "cold-call": 10,
    "wangiri": 8,
    "spoofing": 5,
    "impersonation": 4,
    "own-number": 1,
    "reported": 2,
    "anonymous": 3,
    "text": 2,
}
_LONGEST = 2.0  # seconds that a call by itself rings, and talks


def mixed(hand: Hand, subscribers: Mapping[str, Subscriber], seed: int = 1) -> Iterator[PlannedCall]:
    """Calls of all families to all subscribers, without an end."""
    random = Random(seed)
    names, shares = list(SHARES), list(SHARES.values())
    people = list(subscribers)
    while True:
        [family] = random.choices(names, shares)
        yield _quick(hand.family(family, random.choice(people)))


def played(scenario: Scenario, subscribers: Mapping[str, Subscriber]) -> Iterator[PlannedCall]:
    """The calls of a scenario again and again, in their order, with the lab's subscribers in the place of its own.

    What the scenario expects of them is left out: its own lists, settings and rules are not those of the lab.
    """
    replaced = _Replacing(scenario.subscribers, subscribers)
    for seed in itertools.count(scenario.seed):
        found = False
        for planned in in_order(scenario, seed):
            if not planned.needs_sound:
                found = True
                yield _quick(replaced(planned))
        if not found:
            return


class _Replacing:
    """Puts the lab's subscribers in the place of others: who has the same name is the same, the others take turns."""

    def __init__(self, theirs: Mapping[str, Subscriber], ours: Mapping[str, Subscriber]) -> None:
        self._ours = ours
        self._taken: dict[str, str] = {name: name for name in theirs if name in ours}
        self._names = {each.number: name for name, each in theirs.items()}
        self._turn = itertools.cycle(ours)

    def __call__(self, planned: PlannedCall) -> PlannedCall:
        """The call, to or from a subscriber of ours; who shows the number of one of theirs shows one of ours."""
        more: dict[str, str] = {}
        if planned.callee_name is not None:
            name = self._one(planned.callee_name)
            more |= {"callee": self._ours[name].number, "callee_name": name}
        shown = planned.caller_name or self._names.get(planned.caller)
        if shown is not None:
            name = self._one(shown)
            more |= {"caller": self._ours[name].number} | ({"caller_name": name} if planned.caller_name else {})
        return replace(planned, expect=None, agent="wire", caller_presses="", phone_presses="", **more)  # type: ignore[arg-type]

    def _one(self, name: str) -> str:
        if (found := self._taken.get(name)) is None:
            found = self._taken[name] = next(self._turn)
        return found


def _quick(planned: PlannedCall) -> PlannedCall:
    """The same, over soon: calls at a rate must not pile up."""
    return replace(planned, ring=min(planned.ring, _LONGEST), talk=planned.talk and min(planned.talk, _LONGEST))
