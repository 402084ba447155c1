"""Conditions under which a comparison fails, such as `recall drops > 0.01` or `p99 added rises > 2ms`. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from simulator.judging.paired import Difference

_RATES = {
    "recall": "scam_recall",
    "scam_recall": "scam_recall",
    "false_block_rate": "false_block_rate",
    "precision": "precision",
    "accuracy": "accuracy",
}
_COUNTS = ("changed", "outcomes_changed")
_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "%": 1e-2, None: 1.0}
_NUMBER = r"(?P<limit>\d+(?:\.\d+)?)"
_END = r"(?:\s+(?P<end>lower95|upper95))?"
_OF_RATES = re.compile(
    rf"(?P<figure>{'|'.join(_RATES)})\s+(?P<way>drops|rises)\s*(?P<sign>>=?)\s*{_NUMBER}\s*(?P<unit>%)?{_END}"
)
_OF_DELAYS = re.compile(
    r"(?P<figure>mean|p50|p95|p99\.9|p99|max)\s+added\s+(?P<way>drops|rises)\s*(?P<sign>>=?)\s*"
    rf"{_NUMBER}\s*(?P<unit>us|ms|s){_END}"
)
_OF_COUNTS = re.compile(rf"(?P<figure>{'|'.join(_COUNTS)})\s*(?P<sign>>=?)\s*(?P<limit>\d+)")
_EXPECTED = (
    'a condition such as "recall drops > 0.01", "false_block_rate rises > 0.1%", "p99 added rises > 2ms" '
    'or "changed > 0" (recall, false_block_rate, precision, accuracy; mean, p50, p95, p99, p99.9 or max added; '
    "changed, outcomes_changed; at the end upper95 or lower95 for that end of the interval)"
)


@dataclass(frozen=True, slots=True)
class Condition:
    """A change of one figure from A to B that is too much. `limit` is a fraction, seconds or a number of calls; `end`
    is the end of the interval that is held against it, "" for what was observed."""

    text: str
    figure: str
    drops: bool
    or_equal: bool
    limit: float
    end: str = ""

    @classmethod
    def parse(cls, text: str) -> Condition:
        """Read a condition. Raises ValueError that says what was expected."""
        plain = text.strip()
        for pattern in (_OF_RATES, _OF_DELAYS, _OF_COUNTS):
            if match := pattern.fullmatch(plain):
                said = match.groupdict()
                figure = _RATES.get(said["figure"], said["figure"])
                if pattern is _OF_DELAYS:
                    figure = f"added_setup_delay.{figure}"
                if figure == "precision" and said["end"]:
                    raise ValueError("precision without an end of its interval: its difference has none")
                limit = float(said["limit"]) * _UNITS[said.get("unit")]
                return cls(text, figure, said.get("way") == "drops", said["sign"] == ">=", limit, said.get("end") or "")
        raise ValueError(_EXPECTED)

    @property
    def is_of_delays(self) -> bool:
        """True if only calls on the wire can tell."""
        return self.figure.startswith("added_setup_delay.")

    def held(self, differences: Mapping[str, Difference]) -> Held:
        """Hold it against what was measured."""
        found = differences.get(self.figure)
        if found is None:
            return Held(self, None)
        value, lower, upper = found
        if self.drops:
            value, lower, upper = 0.0 - value, _minus(upper), _minus(lower)
        return Held(self, value, lower, upper)


@dataclass(frozen=True, slots=True)
class Held:
    """A condition beside how far the figure went its way; None where that was not measured."""

    condition: Condition
    value: float | None
    lower95: float | None = None
    upper95: float | None = None

    @property
    def fails(self) -> bool:
        """True if it went too far, or if nobody can tell."""
        asked = self.condition
        against = {"": self.value, "lower95": self.lower95, "upper95": self.upper95}[asked.end]
        if against is None:
            return True
        return against >= asked.limit if asked.or_equal else against > asked.limit

    @property
    def undecided(self) -> bool:
        """True if the limit lies within the interval: more calls would tell."""
        lower, upper = self.lower95, self.upper95
        return lower is not None and upper is not None and lower <= self.condition.limit < upper


def _minus(value: float | None) -> float | None:
    return None if value is None else 0.0 - value
