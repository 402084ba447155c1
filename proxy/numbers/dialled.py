"""Readings that a switch may find in a dialled text: the numbers behind codes that it would cut off, or read into it.

`#31#` and `141` withhold a number for one call, `17911` and `101xxxx` choose a carrier, `9` takes an outside line, and
`;rn=` says where a ported number is: the plain reading of the text sees none of the numbers behind. Here all of them
are read; nothing is ever rewritten. Codes by country are data, in dialling_codes.yaml.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, Literal

from proxy.numbers.codes_before import AccessCodes, access_codes
from proxy.numbers.numbering import Number, Numbering
from proxy.numbers.shown import as_looks
from proxy.sip.uri import unescape
from proxy.sip.value import Value

OUTSIDE_LINES = ("0", "9")  # as most private exchanges have it
_REMEMBERED = 4096
_LONGEST_REMEMBERED = 256  # characters of a URI; longer ones would only fill the cache
_MOST_PARTS = 8  # of a text with * and #, behind which codes are looked for, and the last one
_DEEPEST = 4  # codes before a number
_NESTED = 4  # escapes within escapes
_UNMARKED = 10  # digits of a number abroad without + or international prefix, below which it is no such number
_SHORTEST_BEHIND_CODE = 14  # digits: a code, an international prefix and a number
_CODE_LENGTHS = range(3, 7)
_SEPARATORS = re.compile(r"[-.()\s]")
_RUN = re.compile(r"[+0-9*#]+")
_DIGITS = re.compile(r"\+*[0-9]{5,}")
_SERVICE = re.compile(r"[*#]+([0-9]+)")  # 3GPP TS 22.030 6.5.2: two or three digits, and then * or #
_FORWARDING = frozenset(("21", "61", "62", "67", "002", "004"))  # 3GPP TS 22.030 annex B
_FOREIGN_PREFIXES = ("+", "00", "011", "0011", "010", "810", "119", "009")  # of international calls, of other countries
_OF_A_NUMBER = frozenset(("rn", "rn-context", "cic", "phone-context", "trunk-context"))  # RFC 4694, RFC 3966, RFC 4904
_NOT_CALLED = frozenset(("isub", "isub-encoding", "tag", "replaces", "call-id"))
_KEYS = "22233344455566677778889999"  # ITU-T E.161
_KEYPAD = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", _KEYS + _KEYS)
_UNKNOWN = frozenset(("unknown", "invalid"))

How = Literal["plain", "call", "line", "guess"]  # what was cut off before a text, and what that means for its number


class HomeBehind(Value):
    """The number at home that a dialled text may reach beside its plain reading.

    `number` is the one behind all codes, None where there is none or it is abroad; `is_home` says that the text is a
    number at home behind an outside line or a carrier's code, whatever else it looks like.
    """

    __slots__ = ("is_home", "number")
    __match_args__ = ("number", "is_home")

    def __init__(self, number: Number | None = None, is_home: bool = False) -> None:
        self.number: Final = number
        self.is_home: Final = is_home


class Behind(Value):
    """All numbers that a dialled text may reach beside its plain reading.

    `number` and `is_home` are those of `HomeBehind`; `abroad` holds every number abroad that a switch could call.
    `emergency` is "call" behind codes that only withhold or show a number, and "line" behind others, which not every
    switch cuts off. `withheld` is the code that withholds the caller's number.
    """

    __slots__ = ("abroad", "emergency", "is_home", "number", "withheld")
    __match_args__ = ("number", "abroad", "is_home", "emergency", "withheld")

    def __init__(
        self,
        number: Number | None = None,
        abroad: tuple[Number, ...] = (),
        is_home: bool = False,
        emergency: Literal["", "call", "line"] = "",
        withheld: str = "",
    ) -> None:
        self.number: Final = number
        self.abroad: Final = abroad
        self.is_home: Final = is_home
        self.emergency: Final = emergency
        self.withheld: Final = withheld


class Dialling:
    """Reads dialled texts as switches of the home country may. Safe to share; its caches are bounded.

    `home_regions` are the ISO 3166 regions that count as home, `outside_lines` the digits that take a line outside,
    `codes` more codes that a switch cuts off.
    """

    def __init__(
        self,
        numbering: Numbering,
        home_regions: Iterable[str],
        outside_lines: Iterable[str] = OUTSIDE_LINES,
        codes: Iterable[str] = (),
    ) -> None:
        self._numbering = numbering
        self._home_regions = frozenset(home_regions)
        self._codes = access_codes(numbering.home, tuple(outside_lines), tuple(codes))
        self._own_country_code = re.compile(rf"(?:\+|00)?{numbering.country_code}")
        self._all: dict[str, Behind] = {}
        self._at_home: dict[str, HomeBehind] = {}

    def behind(self, uri: str) -> Behind:
        """The numbers that a dialled URI, or user part, may reach beside its plain reading."""
        if (found := self._all.get(uri)) is None:
            found = self._reader().read(uri)
            if len(uri) <= _LONGEST_REMEMBERED:
                if len(self._all) >= _REMEMBERED:
                    self._all.clear()
                self._all[uri] = found
        return found

    def home_behind(self, uri: str) -> HomeBehind:
        """The part of `behind` that is about a number at home: it takes a fraction of the time."""
        if (found := self._at_home.get(uri)) is None:
            found = self._reader(home_only=True).read_home(uri)
            if len(uri) <= _LONGEST_REMEMBERED:
                if len(self._at_home) >= _REMEMBERED:
                    self._at_home.clear()
                self._at_home[uri] = found
        return found

    def is_emergency(self, uri: str) -> bool:
        """True for an emergency number of the home country, by itself or behind a code that only withholds or shows the
        caller's number; not where a switch could call somewhere else for it."""
        number = self._numbering.understand(uri)
        if number.is_emergency:
            return ";" not in uri or not self.behind(uri).abroad
        return number.e164 is None and self.behind(uri).emergency == "call"

    def _reader(self, *, home_only: bool = False) -> _Reader:
        return _Reader(self._numbering, self._home_regions, self._codes, self._own_country_code, home_only)


class _Reader:
    """Reads one text. `home_only`: nothing is looked for that only numbers abroad can stand behind."""

    def __init__(
        self,
        numbering: Numbering,
        home_regions: frozenset[str],
        codes: AccessCodes,
        own_country_code: re.Pattern[str],
        home_only: bool,
    ) -> None:
        self._numbering = numbering
        self._home_regions = home_regions
        self._codes = codes
        self._own_country_code = own_country_code
        self._home_only = home_only
        self._abroad: dict[str, Number] = {}
        self._guessed: dict[str, Number] = {}
        self._unmarked: dict[str, Number] = {}
        self._number: Number | None = None
        self._is_home = self._by_carrier = self._may_be_whole = False
        self._emergency: Literal["", "call", "line"] = ""
        self._withheld = ""

    def read(self, uri: str) -> Behind:
        user, password, host = _parts(uri)
        main, *params = _looks(user).split(";")
        dialled = _SEPARATORS.sub("", main)
        self._cut(dialled, "plain", 0)
        self._guess_code(dialled)
        self._read_marks(dialled)
        self._read_params(dialled, params)
        rest = host if password is None else f"{_looks(password)};{_looks(host)}"
        self._read_rest(rest, is_global=dialled[:1] == "+")
        if not self._by_carrier and not self._emergency:
            self._abroad |= self._guessed
        if not self._is_home and not self._emergency:
            self._abroad |= self._unmarked
        withheld = self._withheld if self._number or self._abroad else ""
        emergency = "" if self._abroad else self._emergency
        return Behind(self._number, tuple(self._abroad.values()), self._is_home, emergency, withheld)

    def read_home(self, uri: str) -> HomeBehind:
        """Read what is behind codes in front, as far as a number at home may be there: no guess finds one."""
        main = _parts(uri)[0]
        if not (main.isalnum() and main.isascii()):
            main = _SEPARATORS.sub("", _looks(main).partition(";")[0])
        self._cut(main, "plain", 0)
        return HomeBehind(self._number, self._is_home)

    # --- codes in front

    def _cut(self, text: str, how: How, depth: int) -> None:
        """Read what stands behind the codes at the beginning of a text, one after another."""
        if depth == _DEEPEST or len(text) < 2:
            return
        if how != "plain" and self._read(text, how):
            return
        marked = text[0] in "*#+"
        number = self._numbering.understand(text)
        if not self._home_only:
            self._guess_international(text, number, depth)
        if not marked and self._is_complete(number):
            if number.e164 is None and how in ("plain", "call"):  # 9911 has the length of a short code
                self._cut_outside_line(text, how, depth)
            if number.kind != "unknown":
                return
            self._may_be_whole = True
        if not marked and not self._home_only:
            self._guess_prefix(text)
        if self._codes.may_begin(text):
            for codes in (self._codes.withhold, self._codes.present):
                for code in codes.before(text):
                    self._withheld = self._withheld or (code if codes is self._codes.withhold else "")
                    self._cut(text[len(code) :], "call" if how == "plain" else how, depth + 1)
            for code in self._codes.carrier.before(text):
                self._cut(text[len(code) :], "guess" if how == "guess" else "line", depth + 1)
                self._by_carrier = self._by_carrier or self._is_home
        self._cut_outside_line(text, how, depth)

    def _cut_outside_line(self, text: str, how: How, depth: int) -> None:
        behind: How = "guess" if how in ("line", "guess") else "line"  # nobody needs two lines
        if behind == "guess" and self._home_only:
            return
        for digit in self._codes.outside_line.before(text):
            self._cut(text[len(digit) :].lstrip(","), behind, depth + 1)

    def _guess_international(self, text: str, number: Number, depth: int) -> None:
        """Read what stands behind our own country code, where that can be no number of ours, or behind a plus."""
        match = self._own_country_code.match(text)
        if match and (number.kind == "invalid" or text.startswith("00", match.end())):
            self._cut(text[match.end() :], "guess", depth + 1)  # +44 00...: what a switch takes off before it dials
        elif text.startswith("+0"):  # +011...
            self._cut(text[1:], "guess", depth + 1)

    def _read(self, text: str, how: How) -> bool:
        """Take what stands behind codes for a number; True where it is a whole one."""
        number = self._numbering.understand(text)
        if self._is_abroad(number):
            if number.idd_prefix_seen or text[0] == "+":
                found = self._unmarked if how != "call" and number.kind == "invalid" else self._abroad
                if how != "guess" or number.kind != "invalid":
                    found[number.e164 or number.digits] = number
            elif not self._may_be_whole and self._is_unmarked(number):
                found = self._abroad if how == "call" else self._unmarked
                found[number.e164 or number.digits] = number
            return False
        is_complete = self._is_complete(number)
        if how == "guess":
            return is_complete
        if number.is_emergency:
            self._emergency = "call" if "call" in (how, self._emergency) else "line"
        elif is_complete:
            self._is_home = self._is_home or how == "line"
        if number.digits and (is_complete or (how == "call" and self._number is None)):
            self._number = number
        return is_complete

    def _guess_prefix(self, text: str) -> None:
        """Read the international prefix of another country, which people who are used to it dial."""
        for prefix in _FOREIGN_PREFIXES:
            if text.startswith(prefix):
                number = self._numbering.understand("+" + text[len(prefix) :])
                if self._is_abroad(number) and number.kind not in _UNKNOWN:
                    self._guessed[number.e164 or ""] = number

    def _guess_code(self, text: str) -> None:
        """Read what is no number as it stands as one abroad behind a few digits: nobody knows all carriers' codes."""
        if len(text) < _SHORTEST_BEHIND_CODE or not text.isdecimal() or self._is_home or self._number:
            return
        if self._numbering.understand(text).kind == "invalid":
            for end in _CODE_LENGTHS:
                self._note(text[end:])

    # --- marks within

    def _read_marks(self, text: str) -> None:
        """Read all parts of a service code (`**21*+44...#`), of a text with pauses (`0044...p1`) or with letters."""
        runs = _RUN.findall(text)
        for n, run in enumerate(runs):
            pieces = [piece for piece in re.split(r"[*#]+", run) if piece]
            service = match[1] if (match := _SERVICE.match(run)) else ""
            for position, piece in enumerate(pieces):
                is_last = position == len(pieces) - 1 and run[-1] not in "*#"
                dials = position > 0 and (is_last or service in _FORWARDING)
                if piece != text:
                    self._note(piece, unmarked=dials)
                if position == 0 and run[0] in "*#":
                    for end in (1, 2, 3, 4):  # `*67` and then the number
                        self._note(piece[end:])
                if (dials and (is_last or position < _MOST_PARTS)) or (0 < n < _MOST_PARTS and position == 0):
                    self._cut(piece, "guess", 1)
        joined = "".join(runs)
        if joined != text:
            self._note(joined)
            self._note(text.translate(_KEYPAD))

    def _note(self, text: str, *, unmarked: bool = False) -> None:
        """Keep a number abroad: one with a + or an international prefix, or any of a known kind where `unmarked`."""
        if not _DIGITS.match(text):
            return
        number = self._numbering.understand(text)
        marked = text[0] == "+" or number.idd_prefix_seen
        if self._is_abroad(number) and (
            (marked and number.kind != "invalid") or (unmarked and self._is_unmarked(number))
        ):
            self._abroad[number.e164 or number.digits] = number

    # --- parameters, and what stands beside the user part

    def _read_params(self, dialled: str, params: list[str]) -> None:
        named = [
            (name.strip().lower(), _SEPARATORS.sub("", value)) for name, _, value in (p.partition("=") for p in params)
        ]
        context = dict(reversed(named))
        for name, value in named:
            if name in _NOT_CALLED:
                continue
            if not (name == "phone-context" and dialled[:1] == "+"):
                self._read_of_a_number(name, value)
            self._note(value or name)
            if name in ("ext", "postd"):
                self._note(dialled + value.lstrip("pw"))
            for run in _RUN.findall(value):
                self._note(run)
        if rn_context := context.get("rn-context"):
            self._note(rn_context + context.get("rn", ""))

    def _read_of_a_number(self, name: str, value: str) -> None:
        """Keep the country, or the number, that a parameter of a number names with a +."""
        if name in _OF_A_NUMBER and value[:1] == "+" and self._is_abroad(number := self._numbering.understand(value)):
            self._abroad[number.e164 or number.digits] = number

    def _read_rest(self, rest: str, *, is_global: bool) -> None:
        """Read password, host, URI parameters and headers: what a switch puts into a request of its own."""
        for part in re.split("[;?&]", rest):
            name, _, value = part.partition("=")
            if (lowered := name.strip().lower()) in _NOT_CALLED:
                continue
            if not (is_global and lowered == "phone-context"):
                self._read_of_a_number(lowered, _SEPARATORS.sub("", value))
            for run in _RUN.findall(_SEPARATORS.sub("", value) if value else name):
                self._note(run)

    # ---

    def _is_abroad(self, number: Number) -> bool:
        return number.region not in self._home_regions if number.region else number.e164 is not None

    def _is_unmarked(self, number: Number) -> bool:
        """True for a number of a known kind, or with the country code of home (+1), written without + or prefix."""
        if number.e164 is None or len(number.e164) <= _UNMARKED:
            return False
        shares_code = number.kind == "unknown" and self._numbering.is_home_code(number.e164)
        return shares_code or number.kind not in _UNKNOWN

    def _is_complete(self, number: Number) -> bool:
        """True for a number at home of a known kind, and for short codes and emergency numbers that the plan knows."""
        if number.e164 is None:
            return self._numbering.short_kind(number.digits) != ""
        return not self._is_abroad(number) and number.kind != "invalid"


def _parts(uri: str) -> tuple[str, str | None, str]:
    """The user part (or the number of a tel URI), a password, and what stands behind it; the password is None
    where there is no user part, and the host is taken for one."""
    scheme, colon, rest = uri.partition(":")
    lowered = scheme.lower()
    if not colon or lowered not in ("sip", "sips", "tel", "urn"):
        lowered, rest = "tel", uri
    if lowered == "urn":
        return "", None, ""
    if lowered == "tel":
        return rest, None, ""
    user, at, host = rest.rpartition("@")
    if not at:
        bare = re.split("[;?]", host, maxsplit=1)[0]
        return bare, None, host[len(bare) :]
    user, _, password = user.partition(":")
    return user, password, host


def _looks(text: str) -> str:
    """A text without escapes, as it looks."""
    for _ in range(_NESTED):
        text, before = unescape(text), text
        if text == before:
            break
    return as_looks(text)
