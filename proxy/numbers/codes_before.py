"""Codes in front of a dialled text: those that a switch cuts off, or may."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from proxy.numbers.dialling_codes import dialling_codes

_DIGITS: Final = "0123456789"


class CodesBefore:
    """Finds the codes, of a set of such, that a text begins with; an x in a code stands for any digit."""

    def __init__(self, codes: Iterable[str]) -> None:
        each = list(dict.fromkeys(codes))
        self.first: Final = frozenset("".join(_DIGITS if code[0] == "x" else code[0] for code in each if code))
        self._are_single = all(len(code) == 1 for code in each)
        # It matches every text; its groups, in lookaheads, hold the codes that the text begins with.
        self._pattern = re.compile("".join(f"(?=({re.escape(code).replace('x', '[0-9]')})|)" for code in each))

    def before(self, text: str) -> list[str]:
        """All codes that the text begins with, each once; no code is the whole text."""
        if text[:1] not in self.first:  # as nearly always
            return []
        if self._are_single:
            return [text[0]] if len(text) > 1 else []
        match = self._pattern.match(text)
        if match is None:
            return []
        return list(dict.fromkeys([code for code in match.groups() if code and len(code) < len(text)]))


class AccessCodes:
    """All codes that subscribers of a country dial: to withhold or present their number for a call, to choose a
    carrier, and for a line outside."""

    def __init__(
        self, withhold: Iterable[str], present: Iterable[str], carrier: Iterable[str], outside_lines: Iterable[str]
    ) -> None:
        self.withhold: Final = CodesBefore(withhold)
        self.present: Final = CodesBefore(present)
        self.carrier: Final = CodesBefore(carrier)
        self.outside_line: Final = CodesBefore(outside_lines)
        self._first = self.withhold.first | self.present.first | self.carrier.first

    def may_begin(self, text: str) -> bool:
        """False where no code but that for an outside line can stand in front."""
        return text[:1] in self._first


@lru_cache(maxsize=64)  # every reload asks for the same ones
def access_codes(home: str, outside_lines: tuple[str, ...], more: tuple[str, ...]) -> AccessCodes:
    """The codes of a home country (ISO 3166), with these for a line outside and `more` of other sorts."""
    sets = dialling_codes(home)
    return AccessCodes(
        [code for each in sets for code in each.withhold],
        [*(code for each in sets for code in each.present), *more],
        [code for each in sets for code in each.carrier],
        outside_lines,
    )
