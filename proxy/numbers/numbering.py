"""What a number in a SIP message says: E.164, region, kind, and the traces that gateways leave in it.

The only import of phonenumbers, and of its data rather than its parser: the parser needs tens of microseconds a
number, and repairs away just what a fraud check wants to see (`00` put in front by a gateway, `++86`, digits of other
scripts). Those readings stay visible here: such a number has no E.164 form but keeps the region it pretends to.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Final

from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    REGION_CODE_FOR_NON_GEO_ENTITY,
    SUPPORTED_REGIONS,
    PhoneMetadata,
)

from proxy.sip.uri import unescape

_REMEMBERED = 16_384  # texts and kinds in the bounded caches
_LONGEST_REMEMBERED = 64  # characters; a longer text is no number and would only fill the cache
_PRESENTED = 80  # characters of a text that are kept and shown
_SHORTEST_E164 = 7  # digits with country code; the shortest in use are those of Niue and Saint Helena

_PLAIN_URI = re.compile(r"(?:sips?|tel):(\+[1-9][0-9]{6,14})[@;]")  # what nearly all calls carry
_E164 = re.compile(r"[1-9][0-9]{6,14}")
_INTERNATIONAL = re.compile(r"\+[1-9][0-9]*")
_DIGITS = re.compile(r"[0-9]+")
_HOST_AS_NUMBER = re.compile(r"\+?[0-9]+(?:[;?]|$)")  # phones show it as one
_NOBODYS_HOST = re.compile(r"[:@]anonymous\.invalid\.?(?::[0-9]*)?(?:[;?>]|$)", re.IGNORECASE)
_SERVICE_CODE = re.compile(r"[0-9*#]+")
_SEPARATORS = str.maketrans("", "", "-.() ")
_HIDDEN_END = re.compile("[;\0]")
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


def withholds(uri: str) -> bool:
    """True for a URI at anonymous.invalid: whoever writes it does not want to be known (RFC 3261 8.1.1.3, RFC 3323
    4.1.1.3), whatever stands before the @."""
    return _NOBODYS_HOST.search(uri) is not None


@dataclass(frozen=True, slots=True)
class Number:
    """One understood number.

    `presented` is the text of the message, `digits` the same without plus and separators ("" for names; a short
    code loses the country code that someone put in front), `e164` "+8613800138001" or None, `region` ISO 3166 or
    None. `idd_prefix_seen`: someone on the way put an international dialling prefix such as 00 in front. `_kind` is
    "" where it has to be looked up.
    """

    presented: str
    digits: str = ""
    e164: str | None = None
    region: str | None = None
    idd_prefix_seen: bool = False
    _kind: str = ""

    @property
    def kind(self) -> str:
        """What sort of number it is.

        fixed, mobile, fixed_or_mobile, toll_free, premium, shared_cost, voip, personal, pager, uan, voicemail,
        short_code, emergency, alphanumeric, anonymous, private, global, invalid (no such length or country), or
        unknown (of a plausible length, in no known range).
        """
        return self._kind or _kind_of_e164(self.e164 or "", self.region or "")

    @property
    def is_emergency(self) -> bool:
        """True for emergency numbers of the home country; costs no look-up, unlike the kind."""
        return self._kind == "emergency"

    @property
    def is_anonymous(self) -> bool:
        """True where no identity is presented at all; costs no look-up."""
        return self._kind == "anonymous"


@dataclass(frozen=True, slots=True)
class _Country:
    """A country code: its main region (None for a code of no country), and how to tell the others that share it."""

    code: str
    region: str | None
    lengths: frozenset[int]  # possible digits after the code
    by_leading_digits: re.Pattern[str] | None
    by_range: re.Pattern[str] | None

    def region_of(self, national: str) -> str | None:
        """The region of the digits after the code; regions are named groups of the patterns."""
        if self.by_leading_digits and (match := self.by_leading_digits.match(national)):
            return match.lastgroup
        # The regions of a code overlap in toll-free and the like: there the main one counts.
        if self.by_range and (match := self.by_range.fullmatch(national)):
            return self.region if _kind_of(national, self.region or "") != "unknown" else match.lastgroup
        return self.region


class Numbering:
    """Understands numbers as the home country writes them. Safe to share; caches are bounded.

    `home` is an ISO 3166 region ("CN"); `emergency` adds numbers to those that phonenumbers knows for it.
    Raises ValueError for an unknown home.
    """

    def __init__(self, home: str, emergency: Iterable[str] = ()) -> None:
        if home not in SUPPORTED_REGIONS:
            raise ValueError(f"an ISO 3166 region with a numbering plan, such as CN or GB, not {home!r}")
        self.home = home
        metadata = _metadata(home)
        short: Any = PhoneMetadata.short_metadata_for_region(home)
        self._countries = _countries()
        self._code = str(metadata.country_code)
        self._idd = re.compile(metadata.international_prefix or "(?!)")
        main = self._countries[self._code].region or home
        self._general = re.compile(_metadata(main).general_desc.national_number_pattern)
        self._prefix = re.compile(metadata.national_prefix_for_parsing or "(?!)")
        self._prefix_rule: str | None = metadata.national_prefix_transform_rule
        urgent = _pattern(short and short.emergency, *map(re.escape, emergency)).pattern
        self._short = re.compile(
            f"(?P<emergency>{urgent})|(?P<short_code>{_pattern(short and short.short_code).pattern})"
        )
        self._cached = lru_cache(maxsize=_REMEMBERED)(self._read)

    def understand(self, text: str) -> Number:
        """Read a SIP user part, a tel number with its parameters, or a whole sip, sips, tel or urn:service URI.

        Whatever the host: switches and phones pass on, and show, a number that somebody put before anonymous.invalid.
        Never raises: what is no number comes back as alphanumeric, anonymous, private or invalid.
        """
        if plain := _PLAIN_URI.match(text):
            return self._cached(plain[1])
        scheme, colon, rest = text.partition(":")
        if colon:
            lowered = scheme.lower()
            if lowered in ("sip", "sips"):
                user, at, _ = rest.partition("@")
                user = user.partition(":")[0]  # the password, or the port, is no part of the number
                text = user if at or _HOST_AS_NUMBER.match(user) else ""
            elif lowered == "tel":
                text = rest
            elif lowered == "urn":
                sos = rest.lower().startswith("service:sos")  # RFC 5031
                return Number(text[:_PRESENTED], _kind="emergency" if sos else "alphanumeric")
        if len(text) > _LONGEST_REMEMBERED:
            return self._read(text)
        return self._cached(text)

    def _read(self, text: str) -> Number:
        if text[:1] == "+" and _E164.fullmatch(text, 1):
            return self._international(text, text[1:])
        number, _, params = text.partition(";")
        presented = unescape(number)[:_PRESENTED]
        # A switch may read parameters after unescaping, and one written in C ends at a NUL: so does the number.
        number = _HIDDEN_END.split(presented, maxsplit=1)[0].translate(_SEPARATORS)
        if _INTERNATIONAL.fullmatch(number):
            return self._international(presented, number[1:])
        if not number or number.lower() == "anonymous":
            return Number(presented, _kind="anonymous")
        if _DIGITS.fullmatch(number):
            context = _phone_context(params)
            return self._in_context(presented, number, context) if context else self._national(presented, number)
        if _SERVICE_CODE.fullmatch(number):
            return Number(presented, number, None, self.home, _kind="short_code")
        return self._malformed(presented, number)

    def _international(self, presented: str, digits: str, *, idd: bool = False) -> Number:
        """Country code and the rest of it, from a `+` or an international dialling prefix."""
        country = self._country(digits)
        dialled = presented.translate(_SEPARATORS) if idd else digits
        national = digits[len(country.code) :] if country else ""
        if country and len(national) in country.lengths and len(digits) <= 15:
            region = country.region_of(national)
            return Number(presented, dialled, "+" + digits, region, idd, "" if country.region else "global")
        # A short code that someone made look international: +10086, +8610086, 0086110.
        for short in (national, digits) if country and country.code == self._code else (digits,):
            if kind := self.short_kind(short):
                return Number(presented, short, None, self.home, idd, kind)
        e164 = "+" + digits if _E164.fullmatch(digits) else None
        return Number(presented, dialled, e164, country.region if country else None, idd, "invalid")

    def _national(self, presented: str, digits: str) -> Number:
        """Digits without a plus: as dialled at home, else with a prefix or a plus that got lost."""
        if kind := self.short_kind(digits):
            return Number(presented, digits, None, self.home, _kind=kind)
        home = self._countries[self._code]
        national = self._without_national_prefix(digits)
        if self._is_home(national, sure=national != digits):
            return Number(presented, digits, f"+{self._code}{national}", home.region_of(national))
        # Not every gateway knows our IDD prefix: a literal 00 is tried as well.
        after_idd = match.end() if (match := self._idd.match(digits)) else 0
        readings = [
            self._international(presented, digits[skip:], idd=True)
            for skip in (after_idd, 2 if digits.startswith("00") else 0)
            if skip and digits[skip : skip + 1] not in ("", "0")
        ]
        for reading in readings:
            if reading._kind != "invalid":
                return reading
        if digits.startswith(self._code) and self._is_home(digits[len(self._code) :], sure=False):
            return self._international(presented, digits)
        if readings:
            return readings[0]
        if len(digits) >= _SHORTEST_E164 and digits[0] != "0":
            reading = self._international(presented, digits)
            if reading._kind != "invalid":
                return reading
        if len(digits) < _SHORTEST_E164:
            return Number(presented, digits, None, self.home, _kind="short_code")
        return self._malformed(presented, digits)

    def _in_context(self, presented: str, digits: str, context: str) -> Number:
        """A local number with phone-context (RFC 3966 5.1.5): private, unless the context is a country code."""
        if context[0] == "+":
            prefix = context[1:].translate(_SEPARATORS)
            if prefix == self._code:
                return self._national(presented, digits)
            return self._international(presented, prefix + digits)
        # Phones dial with their home domain as context (3GPP TS 24.229 5.1.2A.1.5), and switches pass over it.
        if kind := self.short_kind(digits):
            return Number(presented, digits, None, self.home, _kind=kind)
        national = self._national(presented, digits)
        return national if national.e164 else Number(presented, digits, None, None, _kind="private")

    def _malformed(self, presented: str, number: str) -> Number:
        """`++86...`, `+0086...`, other scripts' digits, a stray 0: no E.164, yet the region it pretends to."""
        plain = "".join(_ascii(c) for c in number)
        if not _DIGITS.fullmatch(plain.lstrip("+")):
            return Number(presented, _kind="invalid" if plain.startswith("+") else "alphanumeric")
        pretended = self._international(presented, plain.lstrip("+0"))
        national = plain[0] != "+" and (plain[0] != "0" or pretended._kind == "invalid")
        region = self.home if national else pretended.region
        return Number(presented, plain.lstrip("+"), None, region, _kind="invalid")

    def _country(self, digits: str) -> _Country | None:
        countries = self._countries
        return countries.get(digits[:2]) or countries.get(digits[:3]) or countries.get(digits[:1])

    def short_kind(self, digits: str) -> str:
        """emergency or short_code for what the plan knows as such, "" for all else."""
        match = self._short.fullmatch(digits)
        return match.lastgroup or "" if match else ""

    def _without_national_prefix(self, digits: str) -> str:
        """Take the trunk prefix off, as the home country's data says (0 in most countries, none in some)."""
        match = self._prefix.match(digits)
        if match is None or not match.end():
            return digits
        if self._prefix_rule and match.lastindex:
            stripped = match.expand(self._prefix_rule) + digits[match.end() :]
        else:
            stripped = digits[match.end() :]
        keeps = self._general.fullmatch(digits) and not self._general.fullmatch(stripped)
        return digits if keeps else stripped

    def _is_home(self, national: str, *, sure: bool) -> bool:
        """True for a number of the home country; unless `sure`, only for one in a known range."""
        home = self._countries[self._code]
        if len(national) not in home.lengths or not self._general.fullmatch(national):
            return False
        return sure or _kind_of(national, home.region_of(national) or self.home) != "unknown"


def _phone_context(params: str) -> str:
    for param in params.split(";"):
        name, _, value = param.partition("=")
        if name.strip().lower() == "phone-context":
            return unescape(value.strip()[:_PRESENTED])
    return ""


def _ascii(character: str) -> str:
    """The ASCII form of a digit or plus of any script; other characters as they are."""
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    return "+" if unicodedata.normalize("NFKC", character) == "+" else character


@lru_cache(maxsize=_REMEMBERED)
def _kind_of_e164(e164: str, region: str) -> str:
    code = _metadata(region).country_code
    return _kind_of(e164[1 + len(str(code)) :], region)


def _kind_of(national: str, region: str) -> str:
    special, fixed, mobile = _kind_patterns(region)
    if match := special.fullmatch(national):
        return match.lastgroup or "unknown"
    is_mobile = mobile.fullmatch(national)
    if fixed.fullmatch(national):
        return "fixed_or_mobile" if is_mobile else "fixed"
    return "mobile" if is_mobile else "unknown"


@cache  # one entry a region
def _kind_patterns(region: str) -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """The special kinds as named groups of one pattern, and the patterns of fixed and mobile numbers."""
    metadata = _metadata(region)
    special = [
        f"(?P<{kind}>{description.national_number_pattern})"
        for kind, attribute in _KINDS
        if (description := getattr(metadata, attribute)) and description.national_number_pattern
    ]
    return re.compile("|".join(special) or "(?!)"), _pattern(metadata.fixed_line), _pattern(metadata.mobile)


def _pattern(description: Any, *more: str) -> re.Pattern[str]:
    """Any of the numbers that a phonenumbers description holds, and `more`."""
    own = description.national_number_pattern if description else None
    return re.compile("|".join(filter(None, (own, *more))) or "(?!)")


def _metadata(region: str) -> Any:
    return PhoneMetadata.metadata_for_region(region)


@cache  # one value
def _countries() -> dict[str, _Country]:
    """All country codes by their digits; no code is the beginning of another."""
    return {str(code): _country(code, regions) for code, regions in COUNTRY_CODE_TO_REGION_CODE.items()}


def _country(code: int, regions: tuple[str, ...]) -> _Country:
    main, *others = regions
    if main == REGION_CODE_FOR_NON_GEO_ENTITY:
        metadata: Any = PhoneMetadata.metadata_for_nongeo_region(code)
        return _Country(str(code), None, frozenset(metadata.general_desc.possible_length), None, None)
    leading, ranges = [], []
    for region in others:
        metadata = _metadata(region)
        if metadata.leading_digits:
            leading.append(f"(?P<{region}>{metadata.leading_digits})")
        else:
            attributes = ["fixed_line", "mobile", *(attribute for _, attribute in _KINDS)]
            every = "|".join(_pattern(getattr(metadata, attribute)).pattern for attribute in attributes)
            ranges.append(f"(?P<{region}>{every})")
    return _Country(
        str(code),
        main,
        frozenset(_metadata(main).general_desc.possible_length),
        re.compile("|".join(leading)) if leading else None,
        re.compile("|".join(ranges)) if ranges else None,
    )
