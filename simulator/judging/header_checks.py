"""Checks of what a side sees on the wire: a header and a pattern for its value, `Reason: SIP;cause=603;*`."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from proxy.sip.errors import SipError
from proxy.sip.headers import canonical_name

_SHOWN = 200  # characters of what was seen instead


def sighting(text: str) -> str:
    """Check one as it stands in a scenario. Raises ValueError where no header line can ever match."""
    name, colon, pattern = text.partition(":")
    try:
        canonical_name(f"{name}:")
    except SipError:
        colon = ""
    if not colon or not pattern.strip():
        raise ValueError('a header and a pattern for its value, such as "Reason: SIP;cause=603;*"')
    return text


def unseen(wanted: Iterable[str], lines: Iterable[str]) -> tuple[str, ...]:
    """Those of `wanted` that none of the header lines is, and what stands there instead.

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
