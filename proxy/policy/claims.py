"""Identities that callers claim, held against who they proved to be."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from proxy.numbers.numbering import Numbering
from proxy.numbers.shown import as_looks, shown_numbers
from proxy.sip.headers import parse_name_addr
from proxy.sip.message import Request
from proxy.sip.uri import SipUri, cached_uri

_MOST_PREFERRED = 4  # values of P-Preferred-Identity that are looked at
_NUMBER_IN_NAME = re.compile(r"\+?\d(?:[\W_]{0,8}\d){4,}")  # five digits or more
_RUN_OF_DIGITS = re.compile(r"\d(?:[\W_]{0,8}\d)+")
_LETTERS, _AS_DIGITS = "OolI|BSZ", "00111852"  # letters that look like digits, among digits
_OF_DIGITS = re.compile(rf"(?<![{_LETTERS}\d])[{_LETTERS}]*+(?:\d[{_LETTERS}]*+){{2,}}")  # a run is tried but once
_LIKE_DIGITS = str.maketrans(_LETTERS, _AS_DIGITS)
_CHINESE = dict(
    zip("\u3007\u96f6\u4e00\u4e8c\u4e09\u56db\u4e94\u516d\u4e03\u516b\u4e5d\u5e7a", "001234567891", strict=True)
)
_SHOWN = 80  # characters of a claim


def claims_in(request: Request) -> tuple[str, ...]:
    """The caller that a request presents to a proxy that asks for credentials: From, and P-Preferred-Identity."""
    return (request.header("from") or "", *request.values("p-preferred-identity")[:_MOST_PREFERRED])


def claims_of_others(claims: Iterable[str], own: str, user: str, numbering: Numbering) -> str:
    """The caller that a request presents and that is not the subscriber: in From, or in P-Preferred-Identity.

    Their number in any spelling, their digest user, or nothing at all (anonymous) may stand there; a display name may
    not read as somebody else's telephone number. "" where all is well.
    """
    for address in map(parse_name_addr, claims):
        uri = cached_uri(address.uri) if address.uri.lower().startswith("sip") else None
        number = numbering.understand(address.uri)
        is_user = isinstance(uri, SipUri) and uri.user == user
        if number.e164 != own and not number.is_anonymous and not is_user:
            return number.presented
        if not is_user and (others := [one for one in shown_numbers(address.uri, numbering) if one.e164 != own]):
            return others[0].presented
        if shown := _number_of_others(address.display_name, own, user, numbering):
            return shown
    return ""


def _number_of_others(display_name: str, own: str, user: str, numbering: Numbering) -> str:
    """A telephone number that people would read in a display name, unless it is the subscriber's own; else ""."""
    if not display_name or display_name == user:
        return ""
    # As it looks: digits of other forms and scripts are digits.
    name = as_looks(display_name)
    if not name.isascii():
        name = "".join(str(unicodedata.digit(c, "")) or _CHINESE.get(c, c) for c in name)
    whole = numbering.understand(name.strip())
    if whole.e164 == own:
        return ""
    if whole.e164 or whole.kind in ("short_code", "emergency"):
        return name[:_SHOWN]
    name = _OF_DIGITS.sub(lambda word: word[0].translate(_LIKE_DIGITS), name)
    if any(numbering.short_kind(re.sub(r"\D", "", run)) == "emergency" for run in _RUN_OF_DIGITS.findall(name)):
        return name[:_SHOWN]
    runs = _NUMBER_IN_NAME.findall(name)
    return next((run[:_SHOWN] for run in runs if numbering.understand(run).e164 != own), "")
