"""Keeps PINs off the stage, as an audience looks on: a star code is shown as `*354*••••#`. Pure."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import unquote

from proxy.numbers.star_codes import mask

_HIDDEN = "••••"
_PASSED_OVER = "-.() \t+"
_DIALLED = re.compile(r"[0-9*#]")  # the beginning of what keys can dial, or a number
_URI = re.compile(r"\b((?:sips?|tel):)([^@;>\s&<\"']+)", re.IGNORECASE)
_SIGNS = ("*", "#", "%")  # of a code, one of which stands in each that is ASCII


def without_pin(dialled: str) -> str:
    """A dialled text as others may see it: of a star code its beginning."""
    plain = unicodedata.normalize("NFKC", dialled).lstrip(_PASSED_OVER)
    if not _DIALLED.match(plain) or (shown := mask(plain)) == plain:
        return dialled
    if shown.endswith("..."):
        return f"{shown[:-3]}{_HIDDEN}"
    return f"{shown[:-1]}*{_HIDDEN}#"


def message_without_pin(text: str) -> str:
    """A SIP message, or a page of some, as others may see it: of star codes in its URIs the beginning, and of the same
    codes where they stand in it besides, as a name that is shown say."""
    if text.isascii() and not any(sign in text for sign in _SIGNS):
        return text
    codes: dict[str, str] = {}

    def shown(found: re.Match[str]) -> str:
        user = unquote(found[2])
        if (beginning := without_pin(user)) == user:
            return found[0]
        codes[found[2]] = codes[user] = beginning
        return f"{found[1]}{beginning.replace('#', '%23')}"

    text = _URI.sub(shown, text)
    for code, beginning in codes.items():
        text = text.replace(code, beginning)
    return text
