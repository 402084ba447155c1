"""Thresholds that a scenario sets for its figures, such as `scam_recall: [">= 0.95 lower95"]`. Pure."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

RATES = ("scam_recall", "precision", "precision_at_prevalence", "false_block_rate", "accuracy")
DELAYS = (
    "added_setup_delay",
    "setup_delay",
    "direct_setup_delay",
    "time_to_refusal",
    "transit_time",
    "decision_time",
)
FIGURES = (*RATES, *DELAYS)
RATE_STATISTICS = ("lower95", "upper95")
DELAY_STATISTICS = ("p50", "p95", "p99", "p99.9", "max")

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
# What a rate is where every call was judged wrongly, and the end of its interval that flatters few calls.
_ALL_WRONG = {"scam_recall": (0.0, "upper95"), "accuracy": (0.0, "upper95"), "false_block_rate": (1.0, "lower95")}
_OTHER_END = {"lower95": "upper95", "upper95": "lower95"}
_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "%": 1e-2}
_STATISTIC = "|".join(map(re.escape, sorted(DELAY_STATISTICS, reverse=True)))
_DELAY = re.compile(rf"(?P<stat>{_STATISTIC})\s*(?P<op><=|>=|<|>)\s*(?P<n>-?\d+(?:\.\d+)?)\s*(?P<unit>us|ms|s)")
_RATE = re.compile(r"(?P<op><=|>=|<|>)\s*(?P<n>\d+(?:\.\d+)?)\s*(?P<unit>%)?(?:\s+(?P<stat>lower95|upper95))?")


@dataclass(frozen=True, slots=True)
class Threshold:
    """One condition on one figure. `limit` is a fraction for rates and seconds for delays."""

    figure: str
    statistic: str | None
    comparison: str
    limit: float
    text: str

    @classmethod
    def parse(cls, figure: str, text: str) -> Threshold:
        """Read `text` as the scenario writes it; `figure` is one of FIGURES. Raises ValueError that says what was
        expected."""
        if figure in DELAYS:
            pattern, expected = _DELAY, 'a condition such as "p99 < 20ms" (p50, p95, p99, p99.9 or max; us, ms or s)'
        else:
            pattern, expected = _RATE, 'a condition such as ">= 0.95 lower95" or "<= 0.2%"'
        match = pattern.fullmatch(text.strip())
        if match is None:
            raise ValueError(expected)
        unit = match["unit"]
        scale = _UNITS.get(unit, 1.0)
        limit = float(match["n"]) * scale
        if figure in RATES and limit > 1:
            raise ValueError("a rate between 0 and 1, or 0% and 100%")
        return cls(figure, match["stat"], match["op"], limit, text.strip())

    @property
    def key(self) -> str:
        """The name of the compared value among the flat metrics."""
        return f"{self.figure}.{self.statistic}" if self.statistic else self.figure

    @property
    def limits_mistakes(self) -> bool:
        """True if it says how few calls must be judged rightly.

        `scam_recall` `<= 0.5` or `>= 0` does not, mistakes alone meet it; so do few enough of them `>= 0.5 upper95`.
        """
        if self.figure not in _ALL_WRONG:
            return False
        all_wrong, flattering = _ALL_WRONG[self.figure]
        return self.statistic != flattering and not _COMPARE[self.comparison](all_wrong, self.limit)


@dataclass(frozen=True, slots=True)
class Check:
    """A threshold beside the value it was held against; `value` is None where nothing was measured.

    `other` is the other end of the interval, for a threshold that is about one of them.
    """

    threshold: Threshold
    value: float | None
    other: float | None = None

    @property
    def met(self) -> bool:
        """A figure that was not measured meets no threshold."""
        return self.value is not None and _COMPARE[self.threshold.comparison](self.value, self.threshold.limit)

    @property
    def undecided(self) -> bool:
        """True if the calls are too few to decide: the limit lies between the ends of the interval."""
        if self.met or self.other is None:
            return False
        return _COMPARE[self.threshold.comparison](self.other, self.threshold.limit)

    def __str__(self) -> str:
        asked = f"{self.threshold.figure} {self.threshold.text}"
        if self.value is None:
            return f"{asked}: not measured"
        if self.threshold.figure in DELAYS:
            return f"{asked}: {self.value * 1e3:.3f} ms"
        return f"{asked}: {self.value:.4f}" + (", undecided: too few calls" if self.undecided else "")


def check(thresholds: tuple[Threshold, ...], metrics: Mapping[str, float]) -> tuple[Check, ...]:
    """Hold every threshold against the flat metrics, in the scenario's order."""
    return tuple(
        Check(each, metrics.get(each.key), metrics.get(f"{each.figure}.{_OTHER_END.get(each.statistic or '')}"))
        for each in thresholds
    )
