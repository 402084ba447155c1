"""Calls that went wrong in the same way, told once: with a count, and one of them as an example. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from simulator.judging.observation import CallObservation

# What differs from call to call: what was seen instead of what was wanted, numbers, tags and the like.
_CHANGING = re.compile(r" \(but .*?\)(?=; |$)|(?=[0-9A-Fa-f]*[0-9])[0-9A-Fa-f]{5,}")


@dataclass(frozen=True, slots=True)
class FailureKind:
    """Calls of one name that failed alike; `why` is that of the first."""

    why: str
    calls: tuple[CallObservation, ...]

    @property
    def example(self) -> CallObservation:
        """The first of them."""
        return self.calls[0]

    @property
    def name(self) -> str:
        """The call's or campaign's name."""
        return self.example.name


def failure_kinds(failed: Iterable[tuple[CallObservation, str]]) -> tuple[FailureKind, ...]:
    """The kinds of failure among `failed`, calls with what is wrong with them; the most frequent of a name first.

    Two calls failed alike if the same was wrong with them, numbers in it aside, and the proxy did the same by the same
    rule.
    """
    groups: dict[tuple[str, ...], tuple[str, list[CallObservation]]] = {}
    names: dict[str, int] = {}
    for call, why in failed:
        wrote = call.proxy_wrote
        alike = (call.name, kind_of(why), wrote.action if wrote else "", wrote.rule if wrote else "")
        groups.setdefault(alike, (why, []))[1].append(call)
        names.setdefault(call.name, len(names))
    kinds = [FailureKind(why, tuple(calls)) for why, calls in groups.values()]
    return tuple(sorted(kinds, key=lambda kind: (names[kind.name], -len(kind.calls))))


def kind_of(why: str) -> str:
    """A reason without what differs from call to call."""
    return _CHANGING.sub("#", why)


def proxys_reason(call: CallObservation) -> str:
    """The proxy's treatment of a call and its reason, in its own words."""
    wrote = call.proxy_wrote
    if wrote is None:
        return "wrote no call record"
    status = f" with {wrote.status}" if wrote.status else ""
    return f"{wrote.action}{status} by {wrote.rule}" + (f": {wrote.detail}" if wrote.detail else "")
