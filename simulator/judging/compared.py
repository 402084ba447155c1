"""A whole comparison: two policies, the same calls, delays where they were played, and the conditions. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from simulator.exit_code import ExitCode
from simulator.judging.conditions import Condition, Held
from simulator.judging.paired import Comparison, Difference
from simulator.judging.paired_delays import delay_differences


@dataclass(frozen=True)
class Compared:
    """`a` and `b` are the policies as they were written, `scenarios` names and seeds. `delays` are pairs of added
    delays in seconds, None offline. `folders` are those of the runs, each with its
    policy (A or B), `invalid_because` says why these cannot be
    used."""

    a: str
    b: str
    scenarios: Sequence[tuple[str, int]]
    comparison: Comparison
    conditions: Sequence[Condition] = ()
    delays: Sequence[tuple[float, float]] | None = None
    folders: Sequence[tuple[str, str]] = ()
    invalid_because: Sequence[str] = ()
    notes: Sequence[str] = ()
    interrupted: bool = False

    @cached_property
    def delay_differences(self) -> dict[str, Difference]:
        """B minus A, in seconds, by statistic."""
        return delay_differences(self.delays or ())

    @cached_property
    def held(self) -> tuple[Held, ...]:
        """Every condition beside what was measured."""
        found = self.comparison.differences
        found |= {f"added_setup_delay.{name}": each for name, each in self.delay_differences.items()}
        found["changed"] = Difference(self.comparison.verdicts_changed)
        found["outcomes_changed"] = Difference(self.comparison.outcomes_changed)
        return tuple(each.held(found) for each in self.conditions)

    @property
    def exit_code(self) -> ExitCode:
        """Interrupted, invalid, nothing compared, a condition that fails, or as expected."""
        if self.interrupted:
            return ExitCode.INTERRUPTED
        if self.invalid_because:
            return ExitCode.ENVIRONMENT
        if not self.comparison.calls:
            return ExitCode.NOTHING_SELECTED
        return ExitCode.THRESHOLD_MISSED if any(each.fails for each in self.held) else ExitCode.AS_EXPECTED
