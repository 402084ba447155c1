"""One played scenario, judged: wrong verdicts, missed thresholds, validity and exit code. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from simulator.exit_code import ExitCode
from simulator.judging.failure_kinds import FailureKind, failure_kinds
from simulator.judging.figures import Figures
from simulator.judging.observation import CallObservation, Outcome
from simulator.scenario.thresholds import Check, Threshold, check

# Beyond this many seconds the generator no longer plays the arrival process that the scenario asks for.
LATENESS_BOUND = 0.5
# The rates that a mistake makes worse, by what was mistaken.
_ABOUT_UNWANTED = frozenset(("scam_recall", "accuracy"))
_ABOUT_WANTED = frozenset(("false_block_rate", "precision", "accuracy"))


def as_expected(left_out: Sequence[str], partial: bool) -> str:
    """The sentence that closes a run without a mistake: "every call" only where all that were planned were played."""
    if left_out:
        return f"Every call that was played was judged as expected. Left out: {'; '.join(left_out)}."
    return "Every selected call was judged as expected." if partial else "Every call was judged as expected."


@dataclass(frozen=True)
class Result:
    """A played scenario.

    `problems` are reasons, found while playing, why the run cannot be trusted (a limiter fired, a port ran out);
    `notes` are things worth knowing that spoil nothing. `partial` says that some of the calls were left
    out, by `-k` or for want of real phones: such a part is held to no threshold. `left_out` tells of calls that were
    meant to be played and were not, with the reason.
    With `set_up` false the lab did not come up, and no call was played: `problems` say why.
    `unfinished` counts planned calls that an interruption cut short: they are in no figure. `duration` is in seconds.
    """

    name: str
    source: Path
    home: str
    preset: str
    seed: int
    folder: Path
    figures: Figures
    thresholds: tuple[Threshold, ...] = ()
    partial: bool = False
    set_up: bool = True
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    unfinished: int = 0
    interrupted: bool = False
    duration: float = 0.0

    @property
    def calls(self) -> tuple[CallObservation, ...]:
        """Every call that was played to its end."""
        return self.figures.calls

    @property
    def faults(self) -> tuple[CallObservation, ...]:
        """Calls about which the three witnesses disagree."""
        return tuple(call for call in self.calls if call.outcome is Outcome.FAULT)

    @cached_property
    def invalid_because(self) -> tuple[str, ...]:
        """The reasons why the figures must not be used; empty for a valid run."""
        reasons = list(self.problems)
        late = self.figures.lateness
        if late is not None and late.p99 > LATENESS_BOUND:
            reasons.append(
                f"the call generator lagged: 1 call in 100 left {late.p99 * 1e3:.0f} ms late or later "
                f"(bound {LATENESS_BOUND * 1e3:.0f} ms); lower the rate or free the machine"
            )
        if self.faults:
            first = self.faults[0]
            reasons.append(
                f"caller, phone and proxy disagree about {len(self.faults)} of {len(self.calls)} calls; "
                f"the first is {first.id}: {'; '.join(first.disagreements)}"
            )
        return tuple(reasons)

    @cached_property
    def checks(self) -> tuple[Check, ...]:
        """Every threshold of the scenario beside its value; a part of a scenario is held to none."""
        return () if self.partial else check(self.thresholds, self.figures.metrics)

    @property
    def not_applied(self) -> tuple[Threshold, ...]:
        """The thresholds of a scenario of which only a part was played: they are about all of its calls."""
        return self.thresholds if self.partial else ()

    @property
    def missed(self) -> tuple[Check, ...]:
        """The thresholds that were not met."""
        return tuple(held for held in self.checks if not held.met)

    @cached_property
    def wrong(self) -> tuple[tuple[CallObservation, str], ...]:
        """Calls with a wrong verdict, and why.

        A call's `expect` says what is right. Where it does not say what should become of the call, a threshold that
        limits the mistakes among calls of its truth judges it together with the others; where no such threshold is
        held, its truth does.
        """
        judged_by_rate = {held.threshold.figure for held in self.checks if held.threshold.limits_mistakes}
        found = []
        for call in self.calls:
            if call.outcome is Outcome.FAULT:
                continue
            why = list(call.unmet_expectations)
            rate = "scam_recall" if call.unwanted else "false_block_rate"
            if call.judged_by_truth and not call.rightly_judged and not judged_by_rate & {rate, "accuracy"}:
                why.insert(0, f"a {call.planned.truth} call was {call.outcome}")
            if why:
                found.append((call, "; ".join(why)))
        return tuple(found)

    @property
    def wrong_kinds(self) -> tuple[FailureKind, ...]:
        """The ways in which calls were judged wrongly, each with its calls."""
        return failure_kinds(self.wrong)

    @property
    def mistake_kinds(self) -> tuple[FailureKind, ...]:
        """The ways in which calls were judged wrongly that a missed threshold is about, and no more than that."""
        missed = {held.threshold.figure for held in self.missed}
        wrong = {call.id for call, _ in self.wrong}
        return failure_kinds(
            (call, f"a {call.planned.truth} call was {call.outcome}")
            for call in self.calls
            if missed & (_ABOUT_UNWANTED if call.unwanted else _ABOUT_WANTED)
            and call.outcome is not Outcome.FAULT
            and not call.rightly_judged
            and call.id not in wrong
        )

    @property
    def failed(self) -> frozenset[str]:
        """The ids of the calls with a wrong verdict, behind a missed threshold, or with a fault of the lab."""
        mistaken = (call.id for kind in self.mistake_kinds for call in kind.calls)
        return frozenset((*(call.id for call, _ in self.wrong), *(call.id for call in self.faults), *mistaken))

    @property
    def fault_kinds(self) -> tuple[FailureKind, ...]:
        """The ways in which the three witnesses disagree, each with its calls."""
        return failure_kinds((call, "; ".join(call.disagreements)) for call in self.faults)

    @property
    def exit_code(self) -> ExitCode:
        """Interrupted, invalid, wrong, threshold missed, nothing played, or as expected: the first that holds."""
        if self.interrupted:
            return ExitCode.INTERRUPTED
        if self.invalid_because:
            return ExitCode.ENVIRONMENT
        if self.wrong:
            return ExitCode.WRONG_VERDICT
        if self.missed:
            return ExitCode.THRESHOLD_MISSED
        return ExitCode.AS_EXPECTED if self.calls else ExitCode.NOTHING_SELECTED
