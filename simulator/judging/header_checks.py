"""Checks of what a side sees on the wire: a header and a pattern for its value, `Reason: SIP;cause=603;*`."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from proxy.sip.headers import canonical_name
from simulator.judging.evidence import Evidence
from simulator.scenario.calls import Expect

_SHOWN = 200  # characters of what was seen instead


def missing_headers(expect: Expect | None, evidence: Evidence) -> tuple[str, ...]:
    """Return the header lines that the scenario wants seen and a side did not see."""
    if expect is None:
        return ()
    return (
        *(f"the caller saw no {text}" for text in unseen(expect.caller_sees, evidence.caller_saw.lines)),
        *(f"the phone saw no {text}" for text in unseen(expect.phone_sees, evidence.phone_saw.lines)),
    )


def unseen(wanted: Iterable[str], lines: Iterable[str]) -> tuple[str, ...]:
    """Return those of `wanted` that none of the header lines is, and what stands there instead.

    In patterns, * stands for anything and ? for one character.
    """
    seen = [(canonical_name(line), line.partition(":")[2].strip()) for line in lines]
    missing = []
    for text in wanted:
        wanted_name, _, pattern = text.partition(":")
        name = canonical_name(f"{wanted_name}:")
        values = [value for present, value in seen if present == name]
        glob = pattern.strip().replace("[", "[[]")  # brackets are those of IPv6 addresses
        if not any(fnmatchcase(value, glob) for value in values):
            instead = "; ".join(values)[:_SHOWN] or "none"
            missing.append(f"{wanted_name}: {pattern.strip()} (but {instead})")
    return tuple(missing)
