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
_SIGNS = ("*", "#", "%2")  # of a code, one of which stands in each


def without_pin(dialled: str) -> str:
    """A dialled text as others may see it: of a star code its beginning."""
    plain = unicodedata.normalize("NFKC", dialled).lstrip(_PASSED_OVER)
    if not _DIALLED.match(plain) or (shown := mask(plain)) == plain:
        return dialled
    if shown.endswith("..."):
        return f"{shown[:-3]}{_HIDDEN}"
    return f"{shown[:-1]}*{_HIDDEN}#"


def message_without_pin(text: str) -> str:
    """A SIP message, or a page of some, as others may see it: of star codes in its URIs the beginning."""
    return _URI.sub(_shown, text) if any(sign in text for sign in _SIGNS) else text


def _shown(found: re.Match[str]) -> str:
    user = unquote(found[2])
    shown = without_pin(user)
    return found[0] if shown == user else f"{found[1]}{shown.replace('#', '%23')}"
