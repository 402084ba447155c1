"""The quality of judging calls: confusion counts and rates with 95 % Wilson intervals. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

from simulator.judging.observation import CallObservation, Outcome

# The two-sided 95 % quantile of the normal distribution.
Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Rate:
    """`hits` of `of` with its 95 % Wilson score interval (Wilson 1927); `of` is at least 1."""

    hits: int
    of: int
    lower95: float
    upper95: float

    @property
    def value(self) -> float:
        """The observed share, between 0 and 1."""
        return self.hits / self.of


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share between 0 and 1 that was worked out of others, and its interval."""

    value: float
    lower95: float
    upper95: float


def wilson(hits: int, of: int) -> Rate | None:
    """The share of `hits` among `of`; None where nothing was measured.

    Raises ValueError for counts that cannot be.
    """
    if not 0 <= hits <= of:
        raise ValueError(f"{hits} of {of} is no share")
    if of == 0:
        return None
    share, z2 = hits / of, Z95 * Z95
    centre = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = Z95 / (1 + z2 / of) * math.sqrt(share * (1 - share) / of + z2 / (4 * of * of))
    # At the ends the bound is exactly 0 or 1; rounding must not say otherwise.
    lower = 0.0 if hits == 0 else max(0.0, centre - half)
    upper = 1.0 if hits == of else min(1.0, centre + half)
    return Rate(hits, of, lower, upper)


def at_prevalence(recall: Rate, false_blocks: Rate, prevalence: float) -> Estimate:
    """The precision that these rates come to where `prevalence` of all calls are unwanted (Bayes).

    Its interval is that of the worst and of the best ends of both rates, wider than 95 %.
    """

    def precision(caught: float, wrongly: float) -> float:
        stopped = caught * prevalence + wrongly * (1 - prevalence)
        return caught * prevalence / stopped if stopped else 1.0

    lower, upper = precision(recall.lower95, false_blocks.upper95), precision(recall.upper95, false_blocks.lower95)
    return Estimate(precision(recall.value, false_blocks.value), lower, upper)


@dataclass(frozen=True, slots=True)
class Confusion:
    """Calls by truth and outcome; faults of the lab and calls of unknown truth are apart and count in no rate."""

    scam_blocked: int = 0
    scam_passed: int = 0
    legit_blocked: int = 0
    legit_passed: int = 0
    faults: int = 0
    unknown: int = 0

    @classmethod
    def of(cls, calls: Iterable[CallObservation]) -> Confusion:
        """Count `calls`."""
        counts = [0, 0, 0, 0, 0, 0]
        for call in calls:
            outcome = call.outcome
            if outcome is Outcome.FAULT:
                counts[4] += 1
            elif call.planned.truth == "unknown":
                counts[5] += 1
            else:
                counts[(0 if call.unwanted else 2) + (outcome is Outcome.PASSED)] += 1
        return cls(*counts)

    @property
    def calls(self) -> int:
        """All calls, faults and those of unknown truth included."""
        return self.judged + self.faults + self.unknown

    @property
    def judged(self) -> int:
        """Calls with an outcome and a truth."""
        return self.scam_blocked + self.scam_passed + self.legit_blocked + self.legit_passed

    @property
    def counts(self) -> dict[str, int]:
        """The five cells by name."""
        return {
            "scam_blocked": self.scam_blocked,
            "scam_passed": self.scam_passed,
            "legit_blocked": self.legit_blocked,
            "legit_passed": self.legit_passed,
            "faults": self.faults,
            **({"unknown": self.unknown} if self.unknown else {}),
        }

    @property
    def figures(self) -> dict[str, Any]:
        """The cells, and the rates that were measured with their intervals, as they stand in JSON."""
        return self.counts | {name: {"value": rate.value, **asdict(rate)} for name, rate in self.rates.items()}

    @property
    def scam_recall(self) -> Rate | None:
        """Of the scam calls, those that were blocked."""
        return wilson(self.scam_blocked, self.scam_blocked + self.scam_passed)

    @property
    def precision(self) -> Rate | None:
        """Of the blocked calls, those that were scam."""
        return wilson(self.scam_blocked, self.scam_blocked + self.legit_blocked)

    @property
    def false_block_rate(self) -> Rate | None:
        """Of the legitimate calls, those that were blocked."""
        return wilson(self.legit_blocked, self.legit_blocked + self.legit_passed)

    @property
    def accuracy(self) -> Rate | None:
        """Of all judged calls, those that were judged rightly."""
        return wilson(self.scam_blocked + self.legit_passed, self.judged)

    @property
    def rates(self) -> dict[str, Rate]:
        """The rates that could be measured, by name."""
        named = {
            "scam_recall": self.scam_recall,
            "precision": self.precision,
            "false_block_rate": self.false_block_rate,
            "accuracy": self.accuracy,
        }
        return {name: rate for name, rate in named.items() if rate is not None}


@dataclass(frozen=True, slots=True)
class Accuracy:
    """The confusion of a whole run, by the rule that decided, by scenario family, and by the segment of the callee
    (the profile that a mix gives them)."""

    total: Confusion
    by_rule: dict[str, Confusion]
    by_family: dict[str, Confusion]
    by_segment: dict[str, Confusion]


def measure_accuracy(calls: Iterable[CallObservation]) -> Accuracy:
    """Work out the accuracy of `calls`. A call without a record has no rule and is in no `by_rule` row."""
    calls = tuple(calls)
    return Accuracy(
        Confusion.of(calls),
        _split(calls, lambda call: call.proxy_wrote.rule if call.proxy_wrote else None),
        _split(calls, lambda call: call.planned.family),
        _split(calls, lambda call: call.planned.segment or None),
    )


def _split(calls: Iterable[CallObservation], key: Callable[[CallObservation], str | None]) -> dict[str, Confusion]:
    groups: defaultdict[str, list[CallObservation]] = defaultdict(list)
    for call in calls:
        name = key(call)
        if name is not None:
            groups[name].append(call)
    return {name: Confusion.of(groups[name]) for name in sorted(groups)}
