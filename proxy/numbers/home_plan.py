"""The home country's own numbers: what can be dialled there, with what phonenumbers lacks of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from proxy.numbers.plans import countries, dialling, kind_of, metadata, pattern, short_metadata

_LONGEST_E164 = 15  # digits with country code
_SHORTEST_LOCAL = 7  # shorter ones are taken for short codes
_FIRST_OF_LOCAL = frozenset("23456789")  # 0 and 1 are before other numbers


@dataclass(frozen=True, slots=True)
class NumberRange:
    """Numbers of one kind, as a regular expression of all digits after the country code; of short codes and local
    numbers of all that is dialled."""

    kind: str
    numbers: str


class HomePlan:
    """The numbers that can be dialled in the home country, with more emergency numbers and more ranges than
    phonenumbers has.

    `short` are its emergency numbers and short codes; `ranges` (by kind), `more_short` and `local` are what
    phonenumbers lacks; `local_lengths` are those of numbers without their area code. `has_prefix`: something is
    dialled before national numbers, most often 0.
    """

    def __init__(self, home: str, emergency: Iterable[str], ranges: Iterable[NumberRange]) -> None:
        plan, known, more = metadata(home), short_metadata(home), tuple(ranges)
        by_kind = {kind: "|".join(each.numbers for each in more if each.kind == kind) for kind in _kinds(more)}
        urgent = pattern(known and known.emergency, *map(re.escape, emergency)).pattern
        short = pattern(known and known.short_code).pattern
        more_short, local = by_kind.pop("short_code", ""), by_kind.pop("local", "")
        self.home: Final = home
        self.code: Final = str(plan.country_code)
        self.country: Final = countries()[self.code]
        self.dialling: Final = dialling(home)
        self.short: Final = re.compile(f"(?P<emergency>{urgent})|(?P<short_code>{short})")
        self.ranges: Final = re.compile(
            "|".join(f"(?P<{kind}>{numbers})" for kind, numbers in by_kind.items()) or "(?!)"
        )
        self.more_short: Final = re.compile(more_short or "(?!)")
        self.local: Final = re.compile(local or "(?!)")
        self.local_lengths: Final = frozenset(plan.fixed_line.possible_length_local_only if plan.fixed_line else ())
        self.has_prefix: Final = bool(plan.national_prefix)

    def range_of(self, national: str) -> str:
        """The kind of the digits after our country code where they are in one of the ranges, else ""."""
        match = self.ranges.fullmatch(national)
        return match.lastgroup or "" if match else ""

    def short_kind(self, digits: str) -> str:
        """emergency or short_code for what the plan knows as such, "" for all else."""
        if match := self.short.fullmatch(digits):
            return match.lastgroup or ""
        return "short_code" if self.more_short.fullmatch(digits) and not self.is_home(digits, sure=False) else ""

    def is_local(self, digits: str) -> bool:
        """True for what has the length of a number without its area code."""
        if self.local.fullmatch(digits):
            return True
        return len(digits) in self.local_lengths and digits[0] in _FIRST_OF_LOCAL and len(digits) >= _SHORTEST_LOCAL

    def dialled(self, digits: str) -> str:
        """The digits after our country code of what is dialled within it, "" where it is no such number.

        What has a trunk prefix is sure to be one; behind a carrier's code, or with none, it takes a known range.
        """
        general, readings = self.dialling.general, self.dialling.without_prefix(digits)
        as_it_is = not readings or (general.fullmatch(digits) and not general.fullmatch(readings[0][0]))
        if (as_it_is or self.range_of(digits)) and self.is_home(digits, sure=False):
            return digits
        for national, sure in readings:
            if self.is_home(national, sure=sure):
                return national
        return ""

    def is_home(self, national: str, *, sure: bool) -> bool:
        """True for a number of the home country; unless `sure`, only for one in a known range."""
        if self.range_of(national):
            return True
        possible = len(national) in self.country.lengths and len(self.code) + len(national) <= _LONGEST_E164
        if not possible or not self.dialling.general.fullmatch(national):
            return False
        return sure or kind_of(national, self.country.region_of(national) or self.home) != "unknown"


def _kinds(ranges: tuple[NumberRange, ...]) -> dict[str, None]:
    return dict.fromkeys(each.kind for each in ranges)
