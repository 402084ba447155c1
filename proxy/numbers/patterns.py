"""Numbers and prefixes as people put them on lists, and what they stand for.

A pattern stands for the numbers that, dialled at home, are written or begin so: `07700900123` and `0044 7700 900123`
are +447700900123 in Britain, `0160*` is +49160* in Germany, `00*` every number abroad. What it stands for is found
once, when it is read: patterns of E.164 (`+49160*`), of the digits of what has no E.164 form (`10086`, `95*`), and
ABROAD. Patterns of these kinds stand for themselves.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from proxy.numbers.beginnings import begins
from proxy.numbers.numbering import Numbering
from proxy.numbers.plans import Beginnings, Format, beginnings, countries, country_of, dialling

ABROAD: Final = "00*"  # every number whose country code is not that of home

_WRITTEN = re.compile(r"(?:\+[1-9][0-9]{0,15}|[0-9]{1,20})\*?")  # in any country
_SEPARATORS = re.compile(r"[\s().\-/\u2010-\u2015\u2212]+")
_MOST = 15  # digits of E.164
_MOST_OF_UNKNOWN = 6  # digits of a short code that the plan does not know
_SHORT = 3  # digits of a prefix whose numbers are told apart no further
_LITERAL_IDD = "00"  # read as an international prefix everywhere, as by Numbering
_REMEMBERED = 4096  # prefixes: many lists have the same


def compact(text: str) -> str:
    """A pattern without what people put between digits. Raises ValueError where it is none in any country."""
    if _WRITTEN.fullmatch(text):
        return text
    written = _SEPARATORS.sub("", unicodedata.normalize("NFKC", text))
    if not _WRITTEN.fullmatch(written):
        raise ValueError(
            'a number such as "+6591234567" or a prefix that ends in *, such as "+1900*", in international form or'
            " as dialled at home"
        )
    return written


def read_pattern(text: str, numbering: Numbering) -> tuple[str, ...]:
    """The meaning of a pattern: one or more patterns that callers are compared with, the likeliest first.

    Raises ValueError where it can stand for nothing.
    """
    written = compact(text)
    found = _prefix(written[:-1], numbering) if written[-1] == "*" else _read_number(written, numbering)
    if not found:
        kind = "begins so" if written[-1] == "*" else "is written so"
        raise ValueError(
            f'a number or prefix that exists, in international form such as "+6591234567" or "+1900*", or as dialled'
            f" in {numbering.home}: no number {kind}"
        )
    return found


def read_patterns(written: Iterable[str], numbering: Numbering) -> tuple[str, ...]:
    """The meaning of a list's patterns, each once; those without one are left as they are."""
    found: dict[str, None] = {}
    for text in written:
        try:
            found |= dict.fromkeys(read_pattern(text, numbering))
        except ValueError:
            found[text] = None
    return tuple(found)


def matching(patterns: Iterable[str], number: str) -> str | None:
    """The first of `patterns` that `number` equals, or starts with where the pattern ends in `*`."""
    for pattern in patterns:
        if number.startswith(pattern[:-1]) if pattern.endswith("*") else number == pattern:
            return pattern
    return None


def without_trunk_prefix(pattern: str) -> str:
    """A pattern of E.164 without the trunk prefix that some write behind the country code, as in +4407700900123."""
    country = country_of(pattern[1:], countries())
    if country is None:
        return pattern
    if pattern[-1] == "*":
        return next(iter(_international(pattern[1:-1])), pattern)
    return f"+{country.code}{country.significant(pattern[1 + len(country.code) :])}"


def _read_number(written: str, numbering: Numbering) -> tuple[str, ...]:
    number = numbering.understand(written)
    if number.e164:
        return (number.e164,)
    known = numbering.short_kind(number.digits)
    if known or (number.kind == "short_code" and number.digits[0] != "0"):
        return (number.digits,)
    # A national number of no known range without its trunk prefix: a caller would not be taken for one.
    is_national = written[0] not in "+0" and dialling(numbering.home).general.fullmatch(written)
    e164 = f"+{beginnings(numbering.home).code}{written}"
    return (e164,) if is_national and len(e164) <= _MOST + 1 else ()


def _prefix(digits: str, numbering: Numbering) -> tuple[str, ...]:
    known = numbering.read_prefixes
    if (found := known.get(digits)) is None:
        if len(known) >= _REMEMBERED:
            known.clear()
        found = known[digits] = _read_prefix(digits, numbering)
    return found


def _read_prefix(digits: str, numbering: Numbering) -> tuple[str, ...]:
    if digits[0] == "+":
        return _widest(_international(digits[1:]))
    if digits == _LITERAL_IDD:
        return (ABROAD,)
    plan = beginnings(numbering.home)
    home = replace(plan, lines=f"{plan.lines}|{numbering.more_lines}")
    if after_idd := _after_idd(digits, home):
        return after_idd
    found = _dialled_at_home(digits, numbering, home)
    if digits.startswith(home.code):
        found = _without_plus(digits, found, home)
    if (
        not found
        and len(digits) >= _SHORT
        and any(not rest for rest, _ in dialling(numbering.home).without_prefix(digits))
    ):
        return ()  # a carrier's code, behind which any number may stand
    if not found and (_LITERAL_IDD.startswith(digits) or begins(home.international, digits)):
        return (ABROAD,)
    if not found and digits[0] != "0":
        found = _international(digits, known=True) or ((f"{digits}*",) if len(digits) <= _MOST_OF_UNKNOWN else ())
    return _widest(found)


def _dialled_at_home(digits: str, numbering: Numbering, home: Beginnings) -> tuple[str, ...]:
    """Short codes and national numbers that begin so, with their trunk prefix, a carrier's, or none."""
    is_short = begins(numbering.short_codes, digits)
    found = _after_trunk_prefix(digits, home)
    found += (f"{digits}*",) if is_short else ()
    found += _without_trunk_prefix(digits, home, numbering.short_codes)
    if anew := _written_anew(digits, numbering.home):
        found = tuple(one for one in found if begins(home.lines, one[1 + len(home.code) : -1])) + anew
    if not found:
        # A carrier's code, behind which people dial as ever, or a prefix of former times.
        rest = next((rest for rest, _ in dialling(numbering.home).without_prefix(digits)), "")
        if rest and begins(home.lines, rest.removeprefix(home.trunk)):
            return _dialled_at_home(rest, numbering, home)
    return found


def _without_plus(digits: str, found: tuple[str, ...], home: Beginnings) -> tuple[str, ...]:
    """The meaning of digits that may be the country code of home and more, where `found` is what they are dialled as.

    49160 is +49160 in Germany, where nobody leaves out the 0 of 0 49160; 91 98 is a mobile in India, where all do.
    """
    national = digits[len(home.code) :]
    is_dialled = any(one[0] == "+" for one in found)
    if is_dialled and not (national and begins(home.lines, national) and _needs_trunk_prefix(digits, home)):
        return found
    return (*(one for one in found if one[0] != "+"), *_international(digits))


def _written_anew(digits: str, region: str) -> tuple[str, ...]:
    """Numbers that people dial with a code in their middle: 011 15 in Buenos Aires is +54 9 11."""
    plan = dialling(region)
    match = plan.prefix.match(digits) if plan.rule else None
    if match is None or not match.lastindex:
        return ()
    return (f"+{beginnings(region).code}{match.expand(plan.rule or '')}{digits[match.end() :]}*",)


def _widest(found: tuple[str, ...]) -> tuple[str, ...]:
    """Those that no other one covers."""
    return tuple(one for one in dict.fromkeys(found) if not any(one != by and one.startswith(by[:-1]) for by in found))


def _international(digits: str, *, known: bool = False) -> tuple[str, ...]:
    """A prefix after `+` or an international prefix: the trunk prefix that some write behind the country code, as in
    `+44 (0)20`, is left out where no number has it. `known`: only with a country code that exists."""
    anew: tuple[str, ...] = ()
    country = country_of(digits, countries())
    if country and country.region:
        national = digits[len(country.code) :]
        anew = _written_anew(national, country.region)
        if anew and not begins(beginnings(country.region).lines, national):
            return anew
        if national[:1] in tuple(country.leads) or not begins(dialling(country.region).general.pattern, national):
            digits = country.code + _significant(national, country.region)
    if digits[:1] in ("", "0") or len(digits) > _MOST or (known and not country):
        return ()
    return (f"+{digits}*", *anew)


def _significant(national: str, region: str) -> str:
    """The first digits after a country code, without a trunk prefix that is no part of a number there."""
    plan = dialling(region)
    rests = (rest for rest, _ in plan.without_prefix(national))
    candidates = (national, *rests, national.lstrip("0"))
    return next((each for each in candidates if begins(plan.general.pattern, each)), national)


def _after_idd(digits: str, home: Beginnings) -> tuple[str, ...]:
    """Numbers abroad, from an international prefix and what follows.

    Some have a carrier's code in them: then a plain 00 is possible as well, and both are meant where both lead to a
    country.
    """
    usual, match = home.usual_international, re.match(home.international, digits) if home.international else None
    if usual and digits.startswith(usual):
        idds = {usual}
    elif digits.startswith(_LITERAL_IDD + home.code):
        idds = {_LITERAL_IDD}
    else:
        idds = {match[0] if match else "", _LITERAL_IDD} - {""}
    rests = [digits.removeprefix(idd) for idd in sorted(idds, reverse=True) if digits.startswith(idd)]
    if "" in rests:
        return (ABROAD,)
    found = [_international(rest, known=len(rests) > 1) for rest in rests]
    return tuple(one for each in found for one in each) or (_international(rests[-1]) if rests else ())


def _after_trunk_prefix(digits: str, home: Beginnings) -> tuple[str, ...]:
    """The national numbers that are dialled so, with a trunk prefix or, in `digits`, the beginning of one."""
    if not home.trunk:
        return ()
    if home.trunk.startswith(digits):
        return (f"+{home.code}*",)
    national = digits.removeprefix(home.trunk)
    starts_again = national.startswith(home.trunk) and not begins(home.lines, national)
    if national == digits or starts_again or len(home.code) + len(national) > _MOST:
        return ()
    return (f"+{home.code}{national}*",)


def _without_trunk_prefix(digits: str, home: Beginnings, short_codes: str) -> tuple[str, ...]:
    """National numbers that are dialled, or written, without a trunk prefix.

    Where short codes begin so as well, numbers that nobody dials without their trunk prefix are not meant, unless all
    of the country have one, so that it goes without saying.
    """
    if len(home.code) + len(digits) > _MOST or not begins(home.lines, digits):
        return ()
    if begins(short_codes, digits):
        some_have_none = not all(each.trunk for formats in home.formats for each in formats)
        if some_have_none and any(each.trunk for each in _formats(digits, home)):
            return _all_without(digits, home)
    return (f"+{home.code}{digits}*",)


def _all_without(digits: str, home: Beginnings) -> tuple[str, ...]:
    """The longer prefixes whose numbers are dialled without a trunk prefix: of 1 in China 13 and its like, not 10."""
    if not begins(home.lines, digits):
        return ()
    formats = list(_formats(digits, home))
    is_mobile = begins(home.mobiles, digits) and not begins(home.fixed, digits)
    if not any(each.trunk for each in formats) or (is_mobile and all(each.optional for each in formats if each.trunk)):
        return (f"+{home.code}{digits}*",)
    if len(digits) >= _SHORT:
        return ()
    return tuple(one for digit in "0123456789" for one in _all_without(digits + digit, home))


def _formats(digits: str, home: Beginnings) -> Iterator[Format]:
    """The written forms of the national numbers that begin so, by how many digits they have."""
    for formats in home.formats:
        for each in formats:
            surely = re.match(each.leading, digits)
            if surely or begins(each.leading, digits):
                yield each
            if surely:
                break


def _needs_trunk_prefix(digits: str, home: Beginnings) -> bool:
    """True where nobody writes the national numbers that begin so without their trunk prefix."""
    formats = list(_formats(digits, home))
    return bool(formats) and all(each.trunk and not each.optional for each in formats)
