"""Numbering plans: which numbers a country has, of what kind they are, and what is dialled before them.

The only import of phonenumbers, and of its data rather than its parser: the parser needs tens of microseconds a
number, and repairs away just what a fraud check wants to see.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any, Final, NamedTuple

from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    REGION_CODE_FOR_NON_GEO_ENTITY,
    SUPPORTED_REGIONS,
    PhoneMetadata,
)

_LONGEST_LEADING_DIGITS = 5  # that tell a country from others of its code: those of the Vatican and the Isle of Man
SHORTEST_E164: Final = 7  # digits with country code; the shortest in use are those of Niue and Saint Helena
_LONGEST_E164: Final = 15
_LONGEST_CODE: Final = 3  # digits of a country code
_KINDS: Final = (  # in the order in which phonenumbers asks; the first pattern that matches names the kind
    ("premium", "premium_rate"),
    ("toll_free", "toll_free"),
    ("shared_cost", "shared_cost"),
    ("voip", "voip"),
    ("personal", "personal_number"),
    ("pager", "pager"),
    ("uan", "uan"),
    ("voicemail", "voicemail"),
)
# Prefixes that phonenumbers 9 holds no more, but gateways still write: until 3 August 2019 people dialled 01, 044 and
# 045 within Mexico, and those abroad 1 after +52 before a mobile number.
_FORMER_PREFIXES: Final = {"MX": "0(?:[12]|4[45])|1"}
# Carrier access codes of North America, 101XXXX before any call (North American Numbering Plan Administrator, 2024).
_CARRIERS: Final = {"US": r"101\d{4}", "CA": r"101\d{4}"}
_is_ascii: Final = str.isascii  # compiled code would look for the method each time
_MOST_PREFIXES = 3  # that stand in front of each other: a carrier's, the country's, one zero more


class Country:
    """A country code: its main region (None for a code of no country), and how to tell the others that share it.

    `lengths` are the possible numbers of digits after the code, `leads` the digits that a national prefix of its main
    region begins with; a number may begin with them as well.
    """

    def __init__(
        self,
        code: str,
        region: str | None,
        lengths: frozenset[int],
        leads: str = "",
        by_leading_digits: re.Pattern[str] | None = None,
        by_range: re.Pattern[str] | None = None,
    ) -> None:
        self.code: Final = code
        self.region: Final = region
        self.lengths: Final = lengths
        self.leads: Final = leads
        self._by_leading_digits: Final = by_leading_digits
        self._by_range: Final = by_range
        self._dialling: RegionDialling | None = None  # patterns take their time to compile: once somebody asks

    def region_of(self, national: str) -> str | None:
        """The region of the digits after the code; regions are named groups of the patterns."""
        if self._by_leading_digits is not None and (match := self._by_leading_digits.match(national)):
            return match.lastgroup
        # The regions of a code overlap in toll-free and the like: there the main one counts.
        if self._by_range is not None and (match := self._by_range.fullmatch(national)):
            return self.region if kind_of(national, self.region or "") != "unknown" else match.lastgroup
        return self.region

    def significant(self, national: str) -> str:
        """The digits after the code without a national prefix: +44 (0)20 is +44 20, +7 8 916 is +7 916.

        Only where they are no number with it: in Italy the zero is part of the number, and a Russian number may begin
        with 8. A zero is no country's number by itself, so it is left out also where people dial another prefix.
        """
        region = self.region
        if region is None:
            return national
        plan = self._dialling
        if plan is None:
            plan = self._dialling = dialling(region)
        general, lengths = plan.general, self.lengths
        if len(national) in lengths and general.fullmatch(national):  # as nearly all are
            return national
        for rest, _ in plan.without_prefix(national):
            if len(rest) in lengths and general.fullmatch(rest):
                return rest
        rest = national
        while rest[:1] == "0":
            rest = rest[1:]
            if len(rest) in lengths and general.fullmatch(rest):
                return rest
        return national


class RegionDialling:
    """The dialling of numbers within a region.

    `general` fits its numbers, `prefix` and `rule` take off what is dialled before them (0 in most countries, none in
    some), the code of a carrier included; `international` is dialled before a country code.
    """

    def __init__(
        self, general: re.Pattern[str], prefix: re.Pattern[str], rule: str | None, international: re.Pattern[str]
    ) -> None:
        self.general: Final = general
        self.prefix: Final = prefix
        self.rule: Final = rule
        self.international: Final = international

    def without_prefix(self, digits: str) -> list[tuple[str, bool]]:
        """The digits without the prefix, and True where that says for sure that the number is of the region.

        A carrier's code says nothing: behind it people dial as ever, so 17911 010 is 010, and that is 10.
        """
        found: list[tuple[str, bool]] = []
        for _ in range(_MOST_PREFIXES):
            match = self.prefix.match(digits)
            if match is None or not (end := match.end()):
                break
            group = match.lastindex
            is_carrier = self.rule is None and group is not None
            rest = digits[end:]
            digits = match.expand(self.rule) + rest if self.rule and group else rest
            found.append((digits, not is_carrier))
            if not is_carrier:
                break
        return found


@cache  # one entry a region
def dialling(region: str) -> RegionDialling:
    """The dialling of numbers within a region; `general` is that of the main region of its country code."""
    own = metadata(region)
    main = COUNTRY_CODE_TO_REGION_CODE[own.country_code][0]
    carrier, prefix = _CARRIERS.get(region, "(?!)"), own.national_prefix_for_parsing
    if region in _CARRIERS:
        prefix = f"({carrier})|{prefix}"
    return RegionDialling(
        re.compile(metadata(main).general_desc.national_number_pattern),
        re.compile(prefix or _FORMER_PREFIXES.get(region, "(?!)")),
        own.national_prefix_transform_rule,
        re.compile(f"(?:{carrier})?(?:{own.international_prefix or '(?!)'})"),
    )


class Format(NamedTuple):
    """The written form of numbers that begin with the `leading` digits (a pattern): `trunk` with the trunk prefix,
    `optional` without it as well."""

    leading: str
    trunk: bool
    optional: bool


@dataclass(frozen=True, slots=True)
class Beginnings:
    """The beginnings of a region's numbers, as patterns of the numbering data.

    `international` is dialled before a country code, `usual_international` the plain text that the data prefers for
    it, `trunk` before national numbers ("" where there is none of these). `lines` are the numbers of known ranges,
    those of other regions with the same country code included; `fixed` and `mobiles` are those of the region alone.
    `formats` are by how many digits such a number has; of several that fit the first one counts.
    """

    code: str
    international: str
    usual_international: str
    trunk: str
    lines: str
    fixed: str
    mobiles: str
    formats: tuple[tuple[Format, ...], ...]


@cache  # one entry a region
def beginnings(region: str) -> Beginnings:
    """The beginnings of a region's numbers."""
    plan = metadata(region)
    usual, trunk = plan.preferred_international_prefix or "", plan.national_prefix or ""
    return Beginnings(
        str(plan.country_code),
        plan.international_prefix or "",
        usual if usual.isdecimal() else "",
        trunk,
        "|".join(_every(metadata(each)) for each in COUNTRY_CODE_TO_REGION_CODE[plan.country_code]),
        _numbers(plan.fixed_line),
        _numbers(plan.mobile),
        tuple(
            tuple(
                Format(
                    (each.leading_digits_pattern or [r"\d"])[-1],
                    # (11) is written in Brazil, without the 0 that is dialled
                    trunk != "" and trunk in (each.national_prefix_formatting_rule or "").replace(r"\1", ""),
                    bool(each.national_prefix_optional_when_formatting),
                )
                for each in plan.number_format
                if re.fullmatch(each.pattern, "0" * length)
            )
            for length in plan.general_desc.possible_length
        ),
    )


def kind_of_e164(e164: str, region: str) -> str:
    """The kind of an E.164 number that is of that region."""
    return kind_of(e164[_ranges_of(region).national :], region)


def kind_of(national: str, region: str) -> str:
    """The kind of the digits after a region's code; "unknown" for those in no known range."""
    ranges = _ranges_of(region)
    if match := ranges.special.fullmatch(national):
        return match.lastgroup or "unknown"
    is_mobile = ranges.mobile.fullmatch(national)
    if ranges.fixed.fullmatch(national):
        return "fixed_or_mobile" if is_mobile else "fixed"
    return "mobile" if is_mobile else "unknown"


class _Ranges:
    """The known ranges of a region: special kinds as named groups of one pattern, and fixed and mobile numbers.

    `national` is the place in E.164 at which its numbers begin behind their country code.
    """

    def __init__(self, region: str) -> None:
        plan = metadata(region)
        special = [
            f"(?P<{kind}>{description.national_number_pattern})"
            for kind, attribute in _KINDS
            if (description := getattr(plan, attribute)) and description.national_number_pattern
        ]
        self.special: Final = re.compile("|".join(special) or "(?!)")
        self.fixed: Final = pattern(plan.fixed_line)
        self.mobile: Final = pattern(plan.mobile)
        self.national: Final = 1 + len(str(plan.country_code))


_RANGES: Final[dict[str, _Ranges]] = {}  # one entry a region


def _ranges_of(region: str) -> _Ranges:
    if (ranges := _RANGES.get(region)) is None:
        ranges = _RANGES[region] = _Ranges(region)
    return ranges


def pattern(description: Any, *more: str) -> re.Pattern[str]:
    """Any of the numbers that a phonenumbers description holds, and `more`."""
    return re.compile(_numbers(description, *more))


def _numbers(description: Any, *more: str) -> str:
    own = description.national_number_pattern if description else None
    return "|".join(filter(None, (own, *more))) or "(?!)"


def _every(plan: Any) -> str:
    """Any of the numbers of a region that are in a known range."""
    attributes = ("fixed_line", "mobile", *(attribute for _, attribute in _KINDS))
    return "|".join(_numbers(getattr(plan, attribute)) for attribute in attributes)


def is_e164(digits: str) -> bool:
    """True for as many digits as a number in E.164 has; the first one is no zero."""
    has_length = SHORTEST_E164 <= len(digits) <= _LONGEST_E164
    return has_length and digits[0] != "0" and digits.isdigit() and _is_ascii(digits)


def has_plan(region: str) -> bool:
    """True for an ISO 3166 region whose numbering plan is known."""
    return region in SUPPORTED_REGIONS


def metadata(region: str) -> Any:
    """The numbering plan of a region, by phonenumbers."""
    return PhoneMetadata.metadata_for_region(region)


def short_metadata(region: str) -> Any:
    """The short codes of a region, by phonenumbers; None where it holds none."""
    return PhoneMetadata.short_metadata_for_region(region)


@cache  # one value
def dialled_behind_code() -> frozenset[str]:
    """The beginnings of numbers behind whose country code there may stand what is dialled at home: `+440`, `+78`,
    and `+54`, in whose numbers it may stand anywhere."""
    leads = {f"+{country.code}{digit}" for country in countries().values() for digit in ("0", *country.leads)}
    former = {f"+{metadata(region).country_code}{digit}" for region in _FORMER_PREFIXES for digit in "01"}
    return frozenset((*leads, *former, *(f"+{country.code}" for country in _dialled_anywhere())))


@cache  # one value
def whole_behind_code() -> re.Pattern[str]:
    """Fits, as a whole, most numbers that begin with one of these codes and hold nothing that is dialled within."""
    numbers = (
        rf"{country.code}(?=(?:{'|'.join(rf'[0-9]{{{length}}}' for length in sorted(country.lengths))})\Z)"
        rf"(?:{metadata(country.region).general_desc.national_number_pattern})"
        for country in _dialled_anywhere()
        if country.region
    )
    return re.compile(rf"\+(?:{'|'.join(numbers)})", re.ASCII)


def _dialled_anywhere() -> list[Country]:
    return [
        country
        for country in countries().values()
        if len(country.code) > 1 and country.region and metadata(country.region).national_prefix_transform_rule
    ]


@cache  # one value
def countries() -> dict[str, Country]:
    """All country codes by their digits; no code is the beginning of another."""
    return {str(code): _country(code, regions) for code, regions in COUNTRY_CODE_TO_REGION_CODE.items()}


@cache  # one value
def countries_by_beginning() -> dict[str, Country]:
    """All country codes by their digits, and by any digits behind these up to the length of the longest one."""
    found = dict(countries())
    for code, country in countries().items():
        for more in product("0123456789", repeat=_LONGEST_CODE - len(code)):
            found[code + "".join(more)] = country
    return found


def country_of(digits: str, known: dict[str, Country]) -> Country | None:
    """The country code, of those known, that digits begin with."""
    return known.get(digits[:_LONGEST_CODE]) or known.get(digits[:2]) or known.get(digits[:1])


def _country(code: int, regions: tuple[str, ...]) -> Country:
    main, *others = regions
    if main == REGION_CODE_FOR_NON_GEO_ENTITY:
        plan: Any = PhoneMetadata.metadata_for_nongeo_region(code)
        return Country(str(code), None, frozenset(plan.general_desc.possible_length))
    leading, ranges = [], []
    for region in others:
        plan = metadata(region)
        if plan.leading_digits:
            leading.append(f"(?P<{region}>{plan.leading_digits})")
        else:
            ranges.append(f"(?P<{region}>{_every(plan)})")
    plan = metadata(main)
    return Country(
        str(code),
        main,
        frozenset(plan.general_desc.possible_length),
        "0" + (plan.national_prefix or "")[:1],
        re.compile("|".join(leading)) if leading else None,
        re.compile("|".join(ranges)) if ranges else None,
    )


@cache  # one entry a region
def prefixes_of(region: str) -> tuple[str, ...]:
    """The prefixes under which a country has all its numbers: its country code or, where it shares that of a larger
    country and has digits of its own behind it, these too (Jamaica: +1658 and +1876)."""
    plan = metadata(region)
    code = f"+{plan.country_code}"
    if plan.main_country_for_code or not plan.leading_digits:
        return (code,)
    own, beginnings = re.compile(plan.leading_digits), [""]
    found: list[str] = []
    for _ in range(_LONGEST_LEADING_DIGITS):
        longer = [beginning + digit for beginning in beginnings for digit in "0123456789"]
        found += [f"{code}{digits}" for digits in longer if own.fullmatch(digits)]
        beginnings = [digits for digits in longer if not own.match(digits)]
    return tuple(found)
