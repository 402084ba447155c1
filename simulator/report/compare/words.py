"""The figures of a comparison as texts, the same on the terminal, in Markdown and on the page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from simulator.judging.compared import Compared
from simulator.judging.conditions import Held
from simulator.judging.paired import Change, Difference, Judged, Paired
from simulator.wording import counted

RATES = {
    "scam_recall": "Scam calls stopped",
    "false_block_rate": "Legitimate calls wrongly stopped",
    "precision": "Stopped calls that were scam",
    "accuracy": "Calls judged rightly",
}


class Row(NamedTuple):
    """A rate under both policies."""

    name: str
    a: str
    b: str
    difference: str
    only_a: str
    only_b: str
    p: str


def rows(compared: Compared) -> Iterator[Row]:
    """The rates that were measured."""
    comparison = compared.comparison
    a, b = (confusion.rates for confusion in comparison.confusions)
    paired: dict[str, Paired] = {
        "scam_recall": comparison.recall,
        "false_block_rate": comparison.false_blocks,
        "accuracy": comparison.accuracy,
    }
    for name, title in RATES.items():
        difference = comparison.differences.get(name)
        if difference is None or name not in a or name not in b:
            continue
        both = paired.get(name)
        yield Row(
            title,
            f"{a[name].value * 100:.2f} %",
            f"{b[name].value * 100:.2f} %",
            points(difference),
            f"{both.a_only:,}" if both else "",
            f"{both.b_only:,}" if both else "",
            p_value(both.p) if both else "",
        )


def changed(compared: Compared) -> str:
    """The number of calls that were judged otherwise."""
    comparison = compared.comparison
    outcomes, verdicts = comparison.outcomes_changed, comparison.verdicts_changed
    return f"{outcomes:,} with another outcome, {verdicts:,} with another verdict (action, status or rule)"


def points(difference: Difference) -> str:
    """A difference of rates in percentage points, with its interval."""
    value, lower, upper = difference
    text = f"{value * 100:+.2f}"
    return text if lower is None or upper is None else f"{text} ({lower * 100:+.2f} to {upper * 100:+.2f})"


def milliseconds(difference: Difference) -> str:
    """A difference of delays, with its interval."""
    value, lower, upper = difference
    text = f"{value * 1e3:+.3f} ms"
    return text if lower is None or upper is None else f"{text} ({lower * 1e3:+.3f} to {upper * 1e3:+.3f})"


def p_value(p: float) -> str:
    """A p-value as far as it says anything."""
    return "< 0.0001" if p < 0.0001 else f"{p:.4f}"


def verdict(judged: Judged) -> str:
    """The verdict of one policy on one call."""
    if judged.outcome == "fault":
        return "fault of the lab"
    status = f" {judged.status}" if judged.status else ""
    return f"{judged.action}{status} by {judged.rule}"


def change(how: Change) -> str:
    """A kind of change."""
    a, b = (f"{action or 'fault'} by {rule or 'nobody'}" for action, rule in (how.a, how.b))
    return f"{a} → {b}"


def effect(how: Change) -> str:
    """The worth of a change: better, worse, or neither."""
    if not how.outcome_changed:
        return "same outcome"
    if how.truth == "unknown" or "fault" in how.outcomes:
        return "other outcome"
    return "better" if (how.outcomes[1] == "blocked") is (how.truth == "unwanted") else "worse"


def condition(held: Held) -> tuple[str, str]:
    """The result of a condition in a word, and what was measured."""
    asked = held.condition
    if held.value is None:
        return "fails", "not measured"
    if asked.figure in ("changed", "outcomes_changed"):
        measured = counted(int(held.value), "call")
    elif asked.is_of_delays:
        measured = milliseconds(Difference(held.value, held.lower95, held.upper95))
    else:
        measured = points(Difference(held.value, held.lower95, held.upper95)) + " points"
    return "fails" if held.fails else "fine", measured + (", undecided: too few calls" if held.undecided else "")
