"""The beginnings of the numbers that a pattern of the numbering data matches.

The patterns are regular expressions of one dialect, digits and groups of them. Python's own matcher cannot say whether
more digits would complete a match, so they are walked here, place by place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

_PART = re.compile(r"\\d|\[[0-9-]+]|\(\?!\)|\(\?(?::|P<\w+>)|[()|0-9]|\{[0-9,]+}|\?")
_ANY = frozenset("0123456789")
_LONGEST = 20  # digits of what is dialled: as many as a repetition without an end may have

Item = tuple["frozenset[str] | list[Sequence]", int, int]  # digits or alternatives, at least and at most so often
Sequence = list[Item]


def begins(pattern: str, digits: str) -> bool:
    """True if some text that `pattern` matches as a whole begins with these digits."""
    return any(len(digits) in _ends(each, digits, {0}) for each in _parsed(pattern))


def _ends(sequence: Sequence, digits: str, places: set[int]) -> set[int]:
    """The places in `digits` that can follow the sequence; its end is followed by itself, as anything may come."""
    for item, least, most in sequence:
        reached = set() if least else set(places)
        for count in range(1, most + 1):
            places = _after(item, digits, places)
            if count >= least:
                reached |= places
            if not places or places <= {len(digits)}:
                break
        places = reached | (places & {len(digits)})
    return places


def _after(item: frozenset[str] | list[Sequence], digits: str, places: set[int]) -> set[int]:
    if isinstance(item, list):
        return {end for each in item for end in _ends(each, digits, places)}
    end = len(digits)
    return {min(place + 1, end) for place in places if place == end or digits[place] in item}


@lru_cache(maxsize=512)
def _parsed(pattern: str) -> list[Sequence]:
    """The alternatives of a pattern. Raises ValueError for what is not of the dialect."""
    parts = _PART.findall(pattern)
    if "".join(parts) != pattern:
        raise ValueError(f"a pattern of digits, not {pattern!r}")
    return _alternatives(iter(parts))


def _alternatives(parts: Iterator[str]) -> list[Sequence]:
    alternatives: list[Sequence] = [[]]
    for part in parts:
        sequence = alternatives[-1]
        if part == ")":
            break
        if part == "|":
            alternatives.append([])
        elif part == "(?!)":  # where the data has none
            sequence.append(([], 1, 1))
        elif part[0] == "(":
            sequence.append((_alternatives(parts), 1, 1))
        elif part == "?":
            sequence[-1] = (sequence[-1][0], 0, 1)
        elif part[0] == "{":
            least, comma, most = part[1:-1].partition(",")
            sequence[-1] = (sequence[-1][0], int(least or 0), int(most or (_LONGEST if comma else least)))
        else:
            sequence.append((_digits(part), 1, 1))
    return alternatives


def _digits(part: str) -> frozenset[str]:
    if part == "\\d":
        return _ANY
    matcher = re.compile(part)
    return frozenset(filter(matcher.fullmatch, _ANY))
