"""The formats of what Ringfence writes for people and programs to read, and the JSON schemas that are made of them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from simulator.load.formats import LoadFile, SecondLine
from simulator.report.compare.formats import ComparisonFile, Explanation, Interval, Rates, SweepLine
from simulator.results.formats import CallLine, Code, Count, Events, Format, Held, Manifest, MessageLine, Records

Time = Literal[
    "setup_delay",
    "direct_setup_delay",
    "added_setup_delay",
    "time_to_refusal",
    "transit_time",
    "decision_time",
    "send_lateness",
]


class InShadow(Format):
    """A rule in shadow mode: what it found, and what would have come of enforcing it."""

    asked: Count
    matched: Count
    would_stop_scam: Count
    would_stop_legit: Count
    would_pass_scam: Count
    would_pass_legit: Count
    enforced: Rates


class AtThreshold(Format):
    """A point of a curve: of the calls with that score or more, `stopped`, some are scam."""

    threshold: float
    hits: Count
    stopped: Count
    precision: Interval
    recall: Interval


class PrecisionRecall(Format):
    """Precision against recall of a score, over the calls with a truth that the rule was asked about."""

    average_precision: float
    calls: Count
    scam: Count
    points: list[AtThreshold]


class Delays(Format):
    """A distribution, in seconds."""

    count: Count
    p50: float
    p95: float
    p99: float
    p99_9: Annotated[float, Field(alias="p99.9")]
    max: float


class Figures(Format):
    """All figures of a set of calls."""

    confusion: Rates
    precision_at_prevalence: Interval | None = None
    by_rule: dict[str, Rates]
    by_family: dict[str, Rates]
    by_segment: dict[str, Rates]
    shadow: dict[str, InShadow]
    curves: dict[str, PrecisionRecall]
    latency: dict[Time, Delays]


class NamedCall(Format):
    """A call that went wrong, and why."""

    id: str
    name: str
    caller: str
    callee: str
    trunk: str
    why: str


class Alike(Format):
    """Calls that went wrong in the same way: one of them, and what the proxy did with it."""

    name: str
    count: Count
    why: str
    example: str
    proxy: str


class NotHeld(Format):
    """A threshold that a part of a scenario is not held to."""

    figure: str
    asked: str


class Played(Figures):
    """A scenario as it was played."""

    name: str
    source: str
    home: str
    preset: str
    seed: int
    folder: str
    duration: float
    exit_code: Code
    interrupted: bool
    partial: bool
    left_out: list[str]
    unfinished: Count
    set_up: bool
    valid: bool
    invalid_because: list[str]
    notes: list[str]
    metrics: dict[str, float]
    thresholds: list[Held]
    thresholds_not_held: list[NotHeld]
    wrong: list[NamedCall]
    wrong_kinds: list[Alike]
    faults: list[NamedCall]


class ResultFile(Format):
    """The file that `ringfence run --json` writes: every scenario, then all of them together."""

    exit_code: Code
    scenarios: list[Played]
    total: Figures


FORMATS: dict[str, Any] = {
    "result": ResultFile,
    "manifest": Manifest,
    "calls": CallLine,
    "events": Events,
    "metrics": dict[str, float],
    "call-records": Records,
    "messages": MessageLine,
    "comparison": ComparisonFile,
    "sweep-rows": SweepLine,
    "explanation": Explanation,
    "load": LoadFile,
    "load-seconds": SecondLine,
}


def schema(name: str) -> dict[str, Any]:
    """The JSON schema of one of these formats; of a file of lines, that of a line."""
    made: dict[str, Any] = _without_defaults(TypeAdapter(FORMATS[name]).json_schema())
    return made


def _without_defaults(value: Any) -> Any:
    """The same without defaults: what is absent was not measured, or has not come about."""
    if isinstance(value, dict):
        return {name: _without_defaults(each) for name, each in value.items() if name != "default"}
    return [_without_defaults(each) for each in value] if isinstance(value, list) else value
