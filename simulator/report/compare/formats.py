"""The formats of what `ringfence compare`, `ringfence sweep` and `ringfence explain` write: models of JSON schemas."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from simulator.results.formats import Code, Count, Format, Sha256, Status, Step, Truth

Share = Annotated[float, Field(ge=0, le=1)]
Outcome = Literal["passed", "blocked", "fault"]
Action = Literal["allow", "label", "challenge", "divert", "reject"]


class Counts(Format):
    """Calls by truth and outcome."""

    scam_blocked: Count
    scam_passed: Count
    legit_blocked: Count
    legit_passed: Count
    faults: Count
    unknown: Count = 0


class Interval(Format):
    """A rate, and the ends of its 95 % interval; `hits` of so many, where it was counted."""

    value: Share
    lower95: Share
    upper95: Share
    hits: Count = 0
    of: Count = 0


class Rates(Counts):
    """Calls by truth and outcome, and the rates that could be measured."""

    scam_recall: Interval | None = None
    precision: Interval | None = None
    false_block_rate: Interval | None = None
    accuracy: Interval | None = None


class Sides(Format):
    """The calls of both policies."""

    a: Rates
    b: Rates


class Difference(Format):
    """B minus A, with its 95 % interval where there is one."""

    value: float
    lower95: float | None = None
    upper95: float | None = None


class Pairs(Format):
    """The same calls under both: something was done to them by both, by one, or by none; `mcnemar_p` is exact."""

    both: Count
    a_only: Count
    b_only: Count
    neither: Count
    mcnemar_p: Share


class PairedRates(Format):
    """Scam calls that were stopped, legitimate calls that were stopped, and calls that were judged rightly."""

    scam_recall: Pairs
    false_block_rate: Pairs
    accuracy: Pairs


class Part(Format):
    """The calls of one scenario, family or segment."""

    a: Counts
    b: Counts
    outcomes_changed: Count


class AddedDelays(Format):
    """The difference of the added set-up delay, by percentile, in seconds; empty without calls on the wire."""

    pairs: Count = 0
    b_minus_a: dict[str, Difference] = Field(default={})


class HeldCondition(Format):
    """A condition of --fail-if, and what was measured; no value where it was not."""

    asked: str
    fails: bool
    undecided: bool
    value: float | None = None
    lower95: float | None = None
    upper95: float | None = None


class SideOfChange(Format):
    """The verdict of one policy on calls that changed alike."""

    action: str
    rule: str
    outcome: Outcome


class ChangedAlike(Format):
    """Calls whose verdict changed in the same way."""

    scenario: str
    family: str
    truth: Literal["unwanted", "wanted", "unknown"]
    a: SideOfChange
    b: SideOfChange
    effect: Literal["better", "worse", "same outcome", "other outcome"]
    calls: Count


class Verdict(Format):
    """A call as one policy judged it; `trace` has every rule asked, its mode, what it said, and why."""

    outcome: Outcome
    action: str
    status: Status | None
    rule: str
    detail: str
    trace: list[Step]


class ChangedCall(Format):
    """One call whose verdict changed."""

    scenario: str
    id: str
    family: str
    segment: str
    truth: Truth
    trunk: str
    caller: str
    callee: str
    a: Verdict
    b: Verdict


class ComparedScenario(Format):
    """A scenario, and the seed of its calls."""

    name: str
    seed: int


class PolicyFolder(Format):
    """The folder of a run on the wire."""

    policy: str
    folder: str


class ComparisonFile(Format):
    """The file that `ringfence compare --json` writes. Delays are in seconds."""

    exit_code: Code
    a: str
    b: str
    scenarios: list[ComparedScenario]
    folders: list[PolicyFolder]
    invalid_because: list[str]
    notes: list[str]
    interrupted: bool
    calls: Count
    verdicts_changed: Count
    outcomes_changed: Count
    confusion: Sides
    differences: dict[str, Difference]
    paired: PairedRates
    by_scenario: dict[str, Part]
    by_family: dict[str, Part]
    by_segment: dict[str, Part]
    added_setup_delay: AddedDelays
    conditions: list[HeldCondition]
    changes: list[ChangedAlike]
    changed_calls: list[ChangedCall]


class SweepHead(Format):
    """The first line of what is left of a sweep that was not ended: a hash of all that its rows depend on, and when it
    began, in epoch seconds."""

    sweep: Sha256
    begins: float


class SweepRow(Format):
    """A point of a sweep: its place, its parameters, and its calls (scam stopped, scam let through, legitimate stopped,
    legitimate let through, faults, of unknown truth)."""

    point: Count
    parameters: dict[str, str | float | list[str]]
    counts: Annotated[list[Count], Field(min_length=6, max_length=6)]


SweepLine = SweepHead | SweepRow


class Party(Format):
    """A number as it was presented or dialled, and how it is read."""

    presented: str
    e164: Annotated[str, Field(pattern=r"^\+[0-9]+$")] | None
    region: str | None
    origin: Literal["domestic", "overseas", "unknown"]
    kind: str
    ambiguity: str = ""


class RuleStep(Format):
    """The answer of a rule: `outcome` is no_match, the action that it wants, or asked."""

    rule: str
    mode: Literal["enforce", "shadow"]
    outcome: str
    detail: str


class Explanation(Format):
    """The object that `ringfence explain` prints: the verdict on a request and every rule's answer. `rule` is null
    where no rule was asked, for the `reason`; `elapsed_us` is in microseconds."""

    action: Action
    status: Status | None
    rule: str | None
    reason: str = ""
    treatment: dict[str, Any] | None
    label: str | None
    service: str | None
    reply: str = ""
    assumed: str = ""
    caller: Party | None
    callee: Party | None
    trace: list[RuleStep]
    elapsed_us: float | None
