"""Numbers without a plus may stand for two: what is said of that, and when the other one counts.

`also` of a number are its other readings. Lists that keep callers out look at them too, so that nobody slips through by
leaving out a plus; a list that lets callers in does not.
"""

from __future__ import annotations

from typing import Final

from proxy.numbers.numbering import Number, Numbering
from proxy.policy.call import Call
from proxy.policy.verdict import Step

STEP: Final = "numbers"  # in the trace, before all rules


def other_readings(call: Call) -> list[tuple[str, bool]]:
    """The E.164 numbers that the numbers which a call presents may stand for as well, and True where a prefix counts.

    At home, where people write numbers as they dial them, only the number itself does: else whoever blocks a whole
    country would block the mobiles at home that look like its numbers. What a trunk says for sure has no other reading.
    """
    if not call.others and not call.caller.also:  # as in most calls
        return []
    return [
        (e164, number.e164 is None or call.trunk_kind == "international")
        for number in call.presented
        if number.also and (number.e164 is None or call.numbers == "either")
        for e164 in number.also
    ]


def ambiguity(number: Number, numbering: Numbering) -> str:
    """The readings of an ambiguous number in words, "" for any other."""
    if not number.also:
        return ""
    others = " and as ".join(_with_region(numbering.understand(e164)) for e164 in number.also)
    return f"{number.presented} reads as {_with_region(number)} and as {others}"


def step(call: Call, numbering: Numbering) -> Step | None:
    """The step of the trace for how the caller's number was read; None where a plus says it all, or a zero does."""
    caller = call.caller
    if caller.presented[:1] in ("+", "0") or not caller.e164:
        return None
    detail = ambiguity(caller, numbering)
    if not detail and call.trunk_kind != "international":
        return None
    taken = ", taken for the first" if detail else ""
    detail = detail or f"{caller.presented} reads as {_with_region(caller)}"
    return Step(STEP, "enforce", "read", f"{detail}{taken} on trunk {call.trunk} (numbers: {call.numbers})")


def _with_region(number: Number) -> str:
    return f"{number.e164 or 'no number'} ({number.region or number.kind})"
