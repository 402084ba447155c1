"""The ways in which subscribers change their settings: which word to text where, and which star code to dial."""

from __future__ import annotations

import re
from dataclasses import dataclass

from proxy.self_service.vocabulary import Setting, Vocabulary

SHOWN: tuple[Setting, ...] = (
    "incoming_international",
    "incoming_international_texts",
    "outgoing_international",
    "anonymous",
    "all_incoming",
    "notify",
)


@dataclass(frozen=True, slots=True)
class Way:
    """The ways for one setting: `on` and `off` are a word and the number that it is texted to, `code` is dialled."""

    setting: Setting
    on: tuple[str, str] | None
    off: tuple[str, str] | None
    code: str | None


def ways(vocabulary: Vocabulary) -> list[Way]:
    """The ways for the settings that a phone shows."""
    return [
        Way(setting, vocabulary.find("on", (setting,)), vocabulary.find("off", (setting,)), _code(vocabulary, setting))
        for setting in SHOWN
    ]


def _code(vocabulary: Vocabulary, setting: Setting) -> str | None:
    alone = (number for number, code in vocabulary.codes.items() if code.settings == (setting,) and not code.only_off)
    return next(alone, None)


def allowing(vocabulary: Vocabulary, number: str) -> tuple[str, str] | None:
    """The words that put a number on the allow list, and the number to text them to."""
    found = vocabulary.find("allow")
    return (f"{found[0]} {number}", found[1]) if found else None


def offered(vocabulary: Vocabulary, text: str) -> str | None:
    """The number that a notice says how to let through; None where it says nothing of that."""
    words = [word for word, keyword in vocabulary.keywords.items() if keyword.do == "allow"]
    pattern = rf"\b(?:{'|'.join(map(re.escape, words))}) (\+?[0-9]{{1,20}})\b"
    found = re.search(pattern, text) if words else None
    return found[1] if found else None
