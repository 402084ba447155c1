"""Texts that others chose, as they may be shown on a terminal or stand in XML, and values in errors, cut."""

from __future__ import annotations

import re
from typing import Final

# The bidirectional controls, which turn round what is read beside them, and what XML 1.0 (2.2) may not hold.
_UNSEEN = (0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFFFE, 0xFFFF)
_PICTURES = (
    {code: 0x2400 + code for code in range(32) if chr(code) not in "\t\n"}
    | {0x7F: 0x2421}
    | dict.fromkeys((*range(0x80, 0xA0), *_UNSEEN), 0xFFFD)
)

_LONGEST: Final = 100  # characters of a value in the words of an error
_LONGEST_NAME: Final = 255  # of a file
_LONG: Final = re.compile(
    rf"""(?<![^\s(\[=:])(["'])((?:(?!\1)[^\n]){{{_LONGEST + 1},}})\1|[^\s/:]{{{_LONGEST_NAME + 1},}}"""
)


def visible(text: str) -> str:
    """The text with a picture of each character in it but for tabs and line ends that would command a terminal, hide
    what stands beside it, or be no XML."""
    return text.translate(_PICTURES)


def brief(error: str) -> str:
    """The words of an error, with the begin of each value in it that is too long to be read."""
    return error if len(error) <= _LONGEST else _LONG.sub(_cut, error)


def _cut(found: re.Match[str]) -> str:
    quote, value = found[1] or "", found[2] or found[0]
    return f"{quote}{value[: _LONGEST - 3]}...{quote}"
