"""Two policies on the same calls: what changed, for better or worse, and how sure that is. Pure.

Counts are kept by kind of call and outcome, and calls only as examples: ten million pairs take no more memory than ten.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from simulator.judging.accuracy import Confusion, wilson
from simulator.judging.exact_test import mcnemar
from simulator.judging.observation import BLOCKING_ACTIONS, UNWANTED
from simulator.traffic.planned_call import PlannedCall

Outcome = Literal["passed", "blocked", "fault"]
Truth = Literal["unwanted", "wanted", "unknown"]
_MOST_EXAMPLES = 1_000
_MOST_ALIKE = 20


class Judged(NamedTuple):
    """A call as a policy judged it; `trace` has what each rule said: rule, mode, outcome, detail."""

    outcome: Outcome
    action: str = ""
    status: int | None = None
    rule: str = ""
    detail: str = ""
    trace: tuple[tuple[str, str, str, str], ...] = ()

    @property
    def verdict(self) -> tuple[str, int | None, str]:
        """The verdict without its reasons."""
        return self.action, self.status, self.rule


FAULT = Judged("fault")


def outcome_of(action: str, *, served: bool = False) -> Outcome:
    """The outcome that follows from a verdict."""
    return "blocked" if action in BLOCKING_ACTIONS and not served else "passed"


class Cell(NamedTuple):
    """Calls that are counted together; `a` and `b` are the outcomes."""

    scenario: str
    family: str
    segment: str
    truth: Truth
    a: Outcome
    b: Outcome


class Change(NamedTuple):
    """Changes that are counted together: the verdict of A and that of B, as action and rule."""

    scenario: str
    family: str
    truth: Truth
    a: tuple[str, str]
    b: tuple[str, str]
    outcomes: tuple[Outcome, Outcome]

    @property
    def outcome_changed(self) -> bool:
        """True if one of the two stopped such calls and the other let them through."""
        return self.outcomes[0] != self.outcomes[1]


@dataclass(frozen=True, slots=True)
class Changed:
    """One call whose verdict changed."""

    scenario: str
    id: str
    family: str
    segment: str
    truth: str
    trunk: str
    caller: str
    callee: str
    a: Judged
    b: Judged


class Difference(NamedTuple):
    """A difference, B minus A, with its 95 % interval where there is one."""

    value: float
    lower95: float | None = None
    upper95: float | None = None


@dataclass(frozen=True, slots=True)
class Paired:
    """The same calls under A and B: how many both, one or none of them did something to, and what follows."""

    both: int
    a_only: int
    b_only: int
    neither: int

    @property
    def calls(self) -> int:
        """All of them."""
        return self.both + self.a_only + self.b_only + self.neither

    @property
    def p(self) -> float:
        """The p-value of McNemar's exact test."""
        return mcnemar(self.a_only, self.b_only)

    @property
    def difference(self) -> Difference | None:
        """B's share minus A's; None without calls."""
        return paired_difference(self.both, self.a_only, self.b_only, self.neither)


def paired_difference(both: int, a_only: int, b_only: int, neither: int) -> Difference | None:
    """The difference of two shares of the same calls, B minus A, and its interval (Newcombe 1998, Statistics in
    Medicine 17:2635, method 10: squared halves of Wilson's intervals, added with the correlation of the pairs)."""
    calls = both + a_only + b_only + neither
    a, b = wilson(both + a_only, calls), wilson(both + b_only, calls)
    if a is None or b is None:
        return None
    value = (b_only - a_only) / calls
    spread = (both + a_only) * (b_only + neither) * (both + b_only) * (a_only + neither)
    phi = 0.0
    if spread:
        excess: float = both * neither - a_only * b_only
        if excess > 0:  # corrected for continuity, as method 10 has it
            excess = max(excess - calls / 2, 0)
        phi = excess / math.sqrt(spread)

    def half(of_b: float, of_a: float) -> float:
        return math.sqrt(max(0.0, of_b * of_b - 2 * phi * of_b * of_a + of_a * of_a))

    lower = value - half(b.value - b.lower95, a.upper95 - a.value)
    upper = value + half(b.upper95 - b.value, a.value - a.lower95)
    return Difference(value, max(-1.0, lower), min(1.0, upper))


@dataclass
class Comparison:
    """The outcomes of the same calls under A and under B, call by call as `add` is told."""

    cells: Counter[Cell] = field(default_factory=Counter)
    changes: Counter[Change] = field(default_factory=Counter)
    examples: list[Changed] = field(default_factory=list)

    def add(self, scenario: str, call: PlannedCall, a: Judged, b: Judged) -> None:
        """Take one call in."""
        truth: Truth = "unwanted" if call.truth in UNWANTED else "unknown" if call.truth == "unknown" else "wanted"
        self.cells[Cell(scenario, call.family, call.segment, truth, a.outcome, b.outcome)] += 1
        if a[:4] != b[:4]:
            self._changed(scenario, call, truth, a, b)

    def _changed(self, scenario: str, call: PlannedCall, truth: Truth, a: Judged, b: Judged) -> None:
        how = Change(scenario, call.family, truth, (a.action, a.rule), (b.action, b.rule), (a.outcome, b.outcome))
        self.changes[how] += 1
        if self.changes[how] <= _MOST_ALIKE and len(self.examples) < _MOST_EXAMPLES:
            self.examples.append(
                Changed(
                    scenario,
                    call.id,
                    call.family,
                    call.segment,
                    call.truth,
                    call.trunk,
                    call.caller,
                    call.callee,
                    a,
                    b,
                )
            )

    @property
    def calls(self) -> int:
        """All calls."""
        return self.cells.total()

    @property
    def outcomes_changed(self) -> int:
        """Calls that one of the two stopped and the other let through."""
        return sum(count for cell, count in self.cells.items() if cell.a != cell.b)

    @property
    def verdicts_changed(self) -> int:
        """Calls with another action, status or rule."""
        return self.changes.total()

    @property
    def confusions(self) -> tuple[Confusion, Confusion]:
        """The confusion of A and of B."""
        return _confusion(self.cells, "a"), _confusion(self.cells, "b")

    def split(self, by: Callable[[Cell], str]) -> dict[str, Counter[Cell]]:
        """The counts by family, segment or scenario."""
        parts: dict[str, Counter[Cell]] = {}
        for cell, count in self.cells.items():
            if name := by(cell):
                parts.setdefault(name, Counter())[cell] += count
        return dict(sorted(parts.items()))

    @property
    def differences(self) -> dict[str, Difference]:
        """B minus A of every rate that was measured; precision has another denominator in each, and no interval."""
        paired = {
            "scam_recall": self.recall.difference,
            "false_block_rate": self.false_blocks.difference,
            "accuracy": self.accuracy.difference,
        }
        a, b = (confusion.precision for confusion in self.confusions)
        if a is not None and b is not None:
            paired["precision"] = Difference(b.value - a.value)
        return {name: difference for name, difference in paired.items() if difference is not None}

    @property
    def recall(self) -> Paired:
        """Unwanted calls that were stopped."""
        return _paired(self.cells, "unwanted", lambda outcome, _: outcome == "blocked")

    @property
    def false_blocks(self) -> Paired:
        """Wanted calls that were stopped."""
        return _paired(self.cells, "wanted", lambda outcome, _: outcome == "blocked")

    @property
    def accuracy(self) -> Paired:
        """Calls that were judged rightly."""
        return _paired(self.cells, None, lambda outcome, truth: (outcome == "blocked") is (truth == "unwanted"))


def confusions_of(cells: Counter[Cell]) -> tuple[Confusion, Confusion]:
    """The confusion of A and of B in some of the counts."""
    return _confusion(cells, "a"), _confusion(cells, "b")


def _confusion(cells: Counter[Cell], side: Literal["a", "b"]) -> Confusion:
    counts: Counter[str] = Counter()
    for cell, count in cells.items():
        counts[_name(cell.truth, cell.a if side == "a" else cell.b)] += count
    return Confusion(**counts)


def _name(truth: Truth, outcome: Outcome) -> str:
    if outcome == "fault":
        return "faults"
    return "unknown" if truth == "unknown" else f"{'scam' if truth == 'unwanted' else 'legit'}_{outcome}"


def _paired(cells: Counter[Cell], truth: Truth | None, did: Callable[[Outcome, Truth], bool]) -> Paired:
    """Calls that both judged: a fault of either lab tells nothing about the policies."""
    counts = [[0, 0], [0, 0]]
    for cell, count in cells.items():
        if "fault" in (cell.a, cell.b) or cell.truth == "unknown" or truth not in (None, cell.truth):
            continue
        counts[did(cell.a, cell.truth)][did(cell.b, cell.truth)] += count
    return Paired(counts[True][True], counts[True][False], counts[False][True], counts[False][False])


def by_size(changes: Counter[Change]) -> Iterator[tuple[Change, int]]:
    """The changes, those of the outcome first, then by how many calls they are of."""
    yield from sorted(changes.items(), key=lambda item: (not item[0].outcome_changed, -item[1], item[0]))
