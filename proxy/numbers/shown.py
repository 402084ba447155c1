"""Numbers that people read in a URI, whatever a numbering plan makes of it.

Phones show the user part of a URI, more or less as it stands. What is no number for a switch (`95588/`, `;95588`,
`110%20police`, digits in a foreign context) is one for whoever looks at the phone.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from proxy.numbers.numbering import Number, Numbering
from proxy.sip.uri import unescape

# Nothing else to read in it: a number by itself, a name without digits, or nothing.
is_plain: Final = re.compile(r"(?:sips?|tel):(?:\+?[0-9]*|[A-Za-z._-]*)(?:@|$)", re.IGNORECASE).match
_WORD: Final = re.compile(r"(?<![^\W_])\+?\d+(?![^\W_])")
_CONTEXT: Final = re.compile(r"\s*phone-context\s*=\s*\+", re.IGNORECASE)  # digits that count within a country code
_IN_USE_NOWHERE: Final = frozenset(("invalid", "unknown", "local"))
_FEWEST, _LONGEST = 3, 160  # digits that are a number, characters that are looked at
_FILLERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")  # of no width, or none to speak of, yet no format characters
_LINE_DIGITS: Final = 7  # of a number beside words; shorter ones only where the plan knows them


def as_looks(text: str) -> str:
    """A text without what has no width, in compatible characters (NFKC)."""
    if text.isascii() and text.isprintable():
        return text
    plain = unicodedata.normalize("NFKC", text)
    return "".join(c for c in plain if c not in _FILLERS and unicodedata.category(c) not in ("Cf", "Cc"))


def shown_numbers(uri: str, numbering: Numbering) -> tuple[Number, ...]:
    """The numbers that somebody may see in a URI, beside its plain reading by `numbering.understand`."""
    if is_plain(uri):
        return ()
    scheme, _, rest = uri.partition(":")
    user, at, _ = rest.partition("@")
    if not at and scheme.lower() in ("sip", "sips"):
        return ()  # a host; one that is a number was understood as that
    user = user.partition(":")[0][:_LONGEST]
    found: dict[str, Number] = {}
    parts = as_looks(unescape(unescape(user))).split(";")
    is_local = any(_CONTEXT.match(part) for part in parts)
    for part in parts:
        if "=" not in part:  # a parameter's value is not shown
            for text in _numbers_in(part, numbering):
                number = numbering.understand(text)
                if not (is_local and number.kind in _IN_USE_NOWHERE):  # what is dialled abroad is no number here
                    found[number.e164 or number.digits] = number
    return tuple(found.values())


def _numbers_in(part: str, numbering: Numbering) -> list[str]:
    digits = "".join(str(unicodedata.digit(c, "")) for c in part)
    if not any(c.isalpha() for c in part):
        plus = "+" if part.lstrip()[:1] == "+" else ""
        return [plus + digits] if len(digits) >= _FEWEST else []
    words = [str(word) for word in _WORD.findall(part)]
    return [word for word in words if len(word) >= _LINE_DIGITS or numbering.short_kind(word)]
