"""The meaning of a number in a SIP message: E.164, region, kind, and the traces that gateways leave in it.

What a parser would repair away is just what a fraud check wants to see: `00` put in front by a gateway stays on
record, and `++86` or digits of other scripts have no E.164 form, but keep the region that they pretend to.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, Literal, get_args

from proxy.numbers.home_plan import HomePlan, NumberRange, home_plan
from proxy.numbers.plans import (
    SHORTEST_E164,
    Country,
    countries,
    countries_by_beginning,
    country_of,
    has_plan,
    is_e164,
    kind_of_e164,
)
from proxy.numbers.uri_parts import number_part, phone_context
from proxy.numbers.words import plain_word
from proxy.sip.uri import unescape
from proxy.sip.value import Value

_Withheld = tuple[frozenset[str], frozenset[str]]  # words, and numbers in E.164
_REMEMBERED: Final = 16_384  # texts in the bounded cache
_LONGEST_REMEMBERED: Final = 64  # characters; a longer text is no number and would only fill the cache
_PRESENTED: Final = 80  # characters of a text that are kept and shown
_FOREIGN_IDDS: Final = ("00", "011", "0011")  # international dialling prefixes that gateways write in any country
_SURELY_E164: Final = 10  # digits with country code that all but the smallest countries have

WrittenAtHome = tuple[str, tuple[str, ...], frozenset[str], tuple[NumberRange, ...]]  # Numbering's arguments
Written = Literal["international", "national", "either"]  # how a trunk writes numbers
_Order = Literal["dialled", "home first", "abroad first", "home", "abroad"]  # of readings of digits without a plus
_ORDERS: Final[tuple[dict[Written, _Order], ...]] = (  # by what trunks write, of home and of abroad
    {"either": "home first", "national": "home", "international": "abroad"},
    {"either": "abroad first", "national": "home", "international": "abroad"},
)

_INTERNATIONAL: Final = re.compile(r"\+[1-9][0-9]*")
_DIGITS: Final = re.compile(r"[0-9]+")
_SERVICE_CODE: Final = re.compile(r"[0-9*#]+")
_SEPARATORS: Final = str.maketrans("", "", "-.() ")
_HIDDEN_END: Final = re.compile("[;\0]")


@lru_cache(maxsize=64)  # presets have hundreds of words, which every new numbering would read again
def _withheld(withheld: frozenset[str]) -> _Withheld:
    words = frozenset(plain_word(word) for word in withheld if word[0] != "+")
    return words, frozenset(number for number in withheld if number[0] == "+")


class Number(Value):
    """One understood number.

    `presented` is the text of the message, `digits` the same without plus and separators ("" for names; a short
    code loses the country code that someone put in front), `e164` "+8613800138001" or None, `region` ISO 3166 or
    None. `idd_prefix_seen`: someone on the way put an international dialling prefix such as 00 in front. `also` are
    E.164 numbers that the same digits may stand for as well: without a plus 13125550143 is in Chicago and in China.
    `_kind` is "" where it has to be looked up.
    """

    __slots__ = ("_found_kind", "_kind", "also", "digits", "e164", "idd_prefix_seen", "presented", "region")
    __match_args__ = ("presented", "digits", "e164", "region", "idd_prefix_seen", "_kind", "also")

    def __init__(
        self,
        presented: str,
        digits: str = "",
        e164: str | None = None,
        region: str | None = None,
        idd_prefix_seen: bool = False,
        _kind: str = "",
        also: tuple[str, ...] = (),
    ) -> None:
        self.presented: Final = presented
        self.digits: Final = digits
        self.e164: Final = e164
        self.region: Final = region
        self.idd_prefix_seen: Final = idd_prefix_seen
        self._kind: Final = _kind
        self._found_kind = _kind
        self.also: Final = also

    @property
    def kind(self) -> str:
        """The sort of number that it is.

        fixed, mobile, fixed_or_mobile, toll_free, premium, shared_cost, voip, personal, pager, uan, voicemail,
        short_code, emergency, local (dialled without its area code, which nobody knows here), alphanumeric, anonymous,
        private, global, invalid (no such length or country), or unknown (of a plausible length, in no known range).
        """
        if not self._found_kind:
            self._found_kind = kind_of_e164(self.e164 or "", self.region or "")
        return self._found_kind

    @property
    def is_emergency(self) -> bool:
        """True for emergency numbers of the home country; costs no look-up, unlike the kind."""
        return self._kind == "emergency"

    @property
    def is_invalid(self) -> bool:
        """True for a number of no such length or country; costs no look-up."""
        return self._kind == "invalid"

    @property
    def is_anonymous(self) -> bool:
        """True where no identity is presented at all; costs no look-up."""
        return self._kind == "anonymous"


class Numbering:
    """Understands numbers as the home country writes them. Safe to share; caches are bounded.

    `home` is an ISO 3166 region ("CN"); `emergency` adds numbers to those that phonenumbers knows for it, `ranges`
    number ranges. `withheld` are the words, and the numbers in E.164, that networks write for a withheld one, beside
    anonymous. What stands without a plus is taken as dialled at home first; `as_written` understands what trunks write.
    `like` is one whose plan and words are shared, `order` that of readings. Raises ValueError for an unknown home.
    """

    def __init__(
        self,
        home: str,
        emergency: Iterable[str] = (),
        withheld: Iterable[str] = (),
        ranges: Iterable[NumberRange] = (),
        *,
        like: Numbering | None = None,
        order: _Order = "dialled",
    ) -> None:
        if not has_plan(home):
            raise ValueError(f"an ISO 3166 region with a numbering plan, such as CN or GB, not {home!r}")
        self.home = home
        self._countries, self._by_beginning = countries(), countries_by_beginning()
        self._plan: HomePlan = like._plan if like else home_plan(home, tuple(emergency), tuple(ranges))
        self.country_code = self._code = self._plan.code
        self._withheld: _Withheld = like._withheld if like else _withheld(frozenset(("anonymous", *withheld)))
        self.withheld_words, self._withheld_numbers = self._withheld
        self._order: _Order = order
        self.read_prefixes: dict[str, tuple[str, ...]] = {}  # kept for proxy.numbers.patterns
        self._recognised: dict[str, Number] = {}
        self._others: list[dict[Written, Numbering]] = like._others if like else []
        if like is None:
            made = {each: Numbering(home, like=self, order=each) for each in get_args(_Order)}
            self._others += [{written: made[each] for written, each in orders.items()} for orders in _ORDERS]

    def as_written(self, written: Written, *, abroad: bool) -> Numbering:
        """Understands numbers as a trunk writes them that is one from `abroad`, or not.

        Without a plus `international` means E.164, `national` as dialled at home. `either` is what fits, and where both
        do, home; from abroad it is a number abroad. Such a number has the other reading in `also`.
        """
        return self._others[abroad][written]

    def understand(self, text: str) -> Number:
        """Read a SIP user part, a tel number with its parameters, or a whole sip, sips, tel or urn:service URI.

        Whatever the host: switches and phones pass on, and show, a number that somebody put before anonymous.invalid.
        Never raises: what is no number comes back as alphanumeric, anonymous, private or invalid.
        """
        if ":" not in text:
            return self.understand_user(text)
        beginning, at, _ = text.partition("@")
        if at and beginning[:4] == "sip:" and ":" not in (user := beginning[4:]):  # what nearly all calls carry
            return self.understand_user(user)
        text = number_part(text)
        if text.lower().startswith("urn:"):
            sos = text.lower().startswith("urn:service:sos")  # RFC 5031
            return Number(text[:_PRESENTED], _kind="emergency" if sos else "alphanumeric")
        return self.understand_user(text)

    def understand_user(self, text: str) -> Number:
        """Read a SIP user part, or a tel number with its parameters."""
        number = self._recognised.get(text)
        if number is None:
            number = self._recognise(text)
            if len(text) > _LONGEST_REMEMBERED:
                return number
            if len(self._recognised) >= _REMEMBERED:
                self._recognised.clear()
            self._recognised[text] = number
        return number

    def _recognise(self, text: str) -> Number:
        """Read a text, and find a number withheld where networks say so by a word, or a number that nobody has."""
        number = self._read(text)
        if number.digits:
            withheld = (number.e164 or f"+{number.digits}") in self._withheld_numbers
            # Not to be mistaken for one at home where a trunk from abroad leaves out the plus.
            may_be_abroad = self._order in ("abroad", "abroad first") and number.presented == number.digits
            withheld = withheld or (may_be_abroad and f"+{number.digits}" in self._withheld_numbers)
        else:
            withheld = number._kind != "emergency" and plain_word(number.presented) in self.withheld_words
        return Number(number.presented, _kind="anonymous") if withheld else number

    def _read(self, text: str) -> Number:
        if text[:1] == "+" and is_e164(digits := text[1:]):
            return self._international(text, digits, text)
        if text.isdecimal() and text.isascii() and len(text) <= _PRESENTED:
            return self._national(text, text)
        number, _, params = text.partition(";")
        presented = unescape(number)[:_PRESENTED]
        # A switch may read parameters after unescaping, and one written in C ends at a NUL: so does the number.
        number = _HIDDEN_END.split(presented, maxsplit=1)[0].translate(_SEPARATORS)
        if _INTERNATIONAL.fullmatch(number):
            return self._international(presented, number[1:])
        if not number:
            return Number(presented, _kind="anonymous")
        if _DIGITS.fullmatch(number):
            context = phone_context(params, _PRESENTED)
            return self._in_context(presented, number, context) if context else self._national(presented, number)
        if _SERVICE_CODE.fullmatch(number):
            return Number(presented, number, None, self.home, _kind="short_code")
        return self._malformed(presented, number)

    def _international(self, presented: str, digits: str, e164: str = "", *, idd: bool = False) -> Number:
        """Country code and the rest of it, from a `+` or an international dialling prefix. `e164` is the plus and these
        digits, where there is such a text already."""
        country = country_of(digits, self._by_beginning)
        dialled = digits if not idd else presented if presented.isdecimal() else presented.translate(_SEPARATORS)
        if country is None:
            return self._abroad_short_or_invalid(presented, digits, dialled, None, idd=idd)
        national, kind = digits[len(country.code) :], "" if country.region else "global"
        is_home = country.code == self._code
        if is_home:
            if self._plan.more_short.fullmatch(national) and self.short_kind(national):
                return Number(presented, national, None, self.home, idd, "short_code")
            kind = self._plan.range_of(national)
        if not kind and (national[:1] in country.leads or len(national) not in country.lengths) and national:
            national = country.significant(national)
            digits, e164 = country.code + national, ""
            kind = self._plan.range_of(national) if is_home else ""
        if (kind not in ("", "global") or len(national) in country.lengths) and len(digits) <= 15:
            kind = "" if kind == "unknown" else kind  # to be looked up
            return Number(presented, dialled, e164 or "+" + digits, country.region_of(national), idd, kind)
        return self._abroad_short_or_invalid(presented, digits, dialled, country, idd=idd)

    def _abroad_short_or_invalid(
        self, presented: str, digits: str, dialled: str, country: Country | None, *, idd: bool
    ) -> Number:
        """A short code that someone made look international (+10086, +8610086, 0086110), else no number."""
        shorts = (digits[len(self._code) :], digits) if country and country.code == self._code else (digits,)
        for short in shorts:
            if kind := self.short_kind(short):
                return Number(presented, short, None, self.home, idd, kind)
        e164 = "+" + digits if is_e164(digits) else None
        return Number(presented, dialled, e164, country.region if country else None, idd, "invalid")

    def _national(self, presented: str, digits: str) -> Number:
        """Digits without a plus: dialled at home, with a prefix, or with a plus that got lost."""
        if digits[0] == "0" or self._order in ("dialled", "home first"):
            return self._home_first(presented, digits)
        if self._order == "home":
            number = self._at_home(presented, digits) or self._prefixed(presented, digits)
            return number or self._neither(presented, digits)
        abroad, at_home = self._international(presented, digits), self._at_home(presented, digits)
        if at_home is None or abroad._kind == "invalid":
            return self._home_first(presented, digits) if abroad._kind == "invalid" else abroad
        is_short = at_home._kind in ("short_code", "emergency")
        # A zero that had to be left out makes no good case for a number abroad; nor do a few digits that are a whole
        # number at home, where nothing is dialled before it.
        is_whole = at_home.e164 is not None and not self._plan.has_prefix and len(digits) < _SURELY_E164
        is_known = _is_known(abroad) and abroad.e164 == f"+{digits}" and not is_whole
        prefer_abroad = is_known and not is_short if self._order == "abroad first" else is_known or not is_short
        return _with_another_reading(abroad, at_home) if prefer_abroad else at_home

    def _home_first(self, presented: str, digits: str) -> Number:
        number = self._at_home(presented, digits)
        if number is not None:
            may_be_abroad = self._order != "dialled" and digits[0] != "0" and number.e164 is not None
            return _with_another_reading(number, self._international(presented, digits)) if may_be_abroad else number
        if prefixed := self._prefixed(presented, digits):
            return prefixed
        if len(digits) >= SHORTEST_E164 and digits[0] != "0":
            reading = self._international(presented, digits)
            if reading._kind != "invalid":
                return reading
        return self._neither(presented, digits)

    def _at_home(self, presented: str, digits: str) -> Number | None:
        """As dialled at home; None where it is no number there."""
        if kind := self.short_kind(digits):
            return Number(presented, digits, None, self.home, _kind=kind)
        if national := self._plan.dialled(digits):
            region = self._countries[self._code].region_of(national)
            kind = self._plan.range_of(national).replace("unknown", "")
            return Number(presented, digits, f"+{self._code}{national}", region, _kind=kind)
        if self._plan.is_local(digits):
            return Number(presented, digits, None, self.home, _kind="local")
        return None

    def _prefixed(self, presented: str, digits: str) -> Number | None:
        """Behind an international dialling prefix, or our own country code without a plus."""
        # Not every gateway knows our IDD prefix: a literal 00 is tried as well, and those of NANP and Australia.
        after_idd = match.end() if (match := self._plan.dialling.international.match(digits)) else 0
        first = possible = None
        for skip in (
            after_idd,
            *[len(idd) for idd in _FOREIGN_IDDS if digits.startswith(idd) and len(idd) != after_idd],
        ):
            if skip and digits[skip : skip + 1] not in ("", "0"):
                reading = self._international(presented, digits[skip:], idd=True)
                if _is_known(reading):  # 00 55 is a carrier in Brazil, and her own country code
                    return reading
                first = first or reading
                possible = possible or (reading if reading._kind != "invalid" else None)
        if possible is not None:
            return possible
        if digits.startswith(self._code) and self._plan.is_home(digits[len(self._code) :], sure=False):
            return self._international(presented, digits)
        return first

    def _neither(self, presented: str, digits: str) -> Number:
        if len(digits) < SHORTEST_E164:
            return Number(presented, digits, None, self.home, _kind="short_code")
        number = self._malformed(presented, digits)
        if digits[0] != "0" and self._plan.is_home(digits, sure=True):  # in no known range, and without its prefix
            number = number.but(also=(f"+{self._code}{digits}", *number.also))
        return number

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
        plain = number if number.isascii() else "".join([_ascii(c) for c in number])
        if not _DIGITS.fullmatch(plain.lstrip("+")):
            return Number(presented, _kind="invalid" if plain.startswith("+") else "alphanumeric")
        pretended = self._international(presented, plain.lstrip("+0"))
        national = plain[0] != "+" and (plain[0] != "0" or pretended._kind == "invalid")
        region = self.home if national else pretended.region
        also = (pretended.e164,) if pretended.e164 and pretended._kind != "invalid" else ()
        return Number(presented, plain.lstrip("+"), None, region, _kind="invalid", also=also)

    def is_home_code(self, e164: str) -> bool:
        """True for an E.164 number with the country code of home; other regions may share that."""
        return e164.startswith(self._code, 1)

    @property
    def short_codes(self) -> str:
        """The pattern of the short codes and emergency numbers that the plan knows."""
        return f"{self._plan.short.pattern}|{self._plan.more_short.pattern}"

    @property
    def more_lines(self) -> str:
        """The pattern of the numbers, without country code, that the plan knows beside the numbering data."""
        return self._plan.ranges.pattern

    def short_kind(self, digits: str) -> str:
        """emergency or short_code for what the plan knows as such, "" for all else."""
        return self._plan.short_kind(digits)


def _is_known(number: Number) -> bool:
    """True for a number in a known range."""
    return number.e164 is not None and number.kind not in ("unknown", "invalid")


def _with_another_reading(number: Number, other: Number | None) -> Number:
    """The number, with another one that its digits stand for where that is in a known range."""
    if other is None or other.e164 is None or other.e164 == number.e164 or not _is_known(other):
        return number
    return number.but(also=(other.e164,))


def _ascii(character: str) -> str:
    """The ASCII form of a digit or plus of any script; other characters as they are."""
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    return "+" if unicodedata.normalize("NFKC", character) == "+" else character
