"""Dialled service codes, `*331*2580#` and its kin (3GPP TS 22.030 6.5.2), and what of them may be written down.

They hold PINs: no more than their beginning goes into records, well-formed or not.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container
from dataclasses import dataclass
from typing import Final, Literal

# With or without the last `#`: for want of a key nothing shall be called that holds a PIN.
_CODE: Final = re.compile(r"(\*#|\*\*|##|\*|#)([0-9]{2,3})(?:\*([0-9]*))?(?:\*([0-9]*))?#?")
_BEGINNING: Final = re.compile(r"([*#]+)([0-9]*)")
_PASSED_OVER: Final = str.maketrans("", "", "-.() \t+")  # as in numbers
_WITHOUT_FIRST_KEY: Final = re.compile(r"([0-9]{2,3})[*#]")
# The keys * and # at the beginning with no more digits than a service code has, or all before the first of these keys.
_SHOWN: Final = re.compile(r"[*#]{1,2}(?:[0-9]{1,3}(?![0-9]))?|[^*#]+[*#]")
_NEW_PIN = ("03", "04", "05")  # to register a password, change or unblock a PIN (TS 22.030 6.5.4, 6.6): it follows
_DOES: Final[dict[str, Literal["on", "off", "status"]]] = {
    "*": "on",
    "**": "on",
    "#": "off",
    "##": "off",
    "*#": "status",
}


@dataclass(frozen=True, slots=True)
class StarCode:
    """`do` is None where nobody can tell what was meant. `masked` is what of it may be written down: no PIN."""

    do: Literal["on", "off", "status"] | None
    service: str
    pin: str
    teleservice: str
    masked: str


def read_code(dialled: str, services: Container[str]) -> StarCode | None:
    """A code for one of these services, or what could have been meant for one; None for what is none of ours."""
    if not may_be_code(dialled):
        return None
    plain = _plain(dialled)
    if (match := _CODE.fullmatch(plain)) and match[2] in services:
        prefix, service, pin, teleservice = match.groups(default="")
        return StarCode(_DOES[prefix], service, pin, teleservice, f"{prefix}{service}#")
    if match := _BEGINNING.match(plain):
        digits = match[2]
        if digits.startswith(_NEW_PIN) or digits[:2] in services or digits[:3] in services:
            return StarCode(None, digits[:3], "", "", mask(plain))
    elif (match := _WITHOUT_FIRST_KEY.match(plain)) and match[1] in services:
        return StarCode(None, match[1], "", "", mask(plain))
    return None


def may_be_code(dialled: str) -> bool:
    """False for a text without * and #, of any width."""
    return "*" in dialled or "#" in dialled or not dialled.isascii()


def mask(dialled: str) -> str:
    """The part of a dialled text that may be written down: where it holds * or #, the beginning."""
    if not may_be_code(dialled):
        return dialled
    plain = _plain(dialled)
    beginning = _SHOWN.match(plain)
    if beginning is None:
        return dialled
    shown = beginning[0]
    if plain in (shown, f"{shown}#"):
        return plain
    return f"{shown}#" if _CODE.fullmatch(plain) and shown[-1] not in "*#" else f"{shown}..."


def _plain(dialled: str) -> str:
    text = dialled if dialled.isascii() else unicodedata.normalize("NFKC", dialled)
    return text.translate(_PASSED_OVER)
