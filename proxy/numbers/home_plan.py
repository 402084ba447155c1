"""The home country's own numbers: what can be dialled there, with what phonenumbers lacks of it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from proxy.numbers.plans import countries, dialling, kind_of, metadata, pattern, short_metadata

# Numbers of one kind, by a regular expression of all digits after the country code; of short codes and local numbers of
# all that is dialled.
NumberRange = tuple[str, str]  # kind and expression
_LONGEST_E164 = 15  # digits with country code
_SHORTEST_LOCAL = 7  # shorter ones are taken for short codes
_FIRST_OF_LOCAL = frozenset("23456789")  # 0 and 1 are before other numbers


class HomePlan:
    """The numbers that can be dialled in the home country, with more emergency numbers and more ranges than
    phonenumbers has.

    `short` are its emergency numbers and short codes; `ranges` (by kind), `more_short` and `local` are what
    phonenumbers lacks; `local_lengths` are those of numbers without their area code. `has_prefix`: something is
    dialled before national numbers, most often 0.
    """

    def __init__(self, home: str, emergency: tuple[str, ...], ranges: tuple[NumberRange, ...]) -> None:
        plan, known = metadata(home), short_metadata(home)
        by_kind = {kind: "|".join([more for each, more in ranges if each == kind]) for kind, _ in ranges}
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


@lru_cache(maxsize=64)  # every reload asks for the same one
def home_plan(home: str, emergency: tuple[str, ...], ranges: tuple[NumberRange, ...]) -> HomePlan:
    """The plan of a home country, as `HomePlan` makes it."""
    return HomePlan(home, emergency, ranges)
