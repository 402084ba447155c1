"""Texts that others chose, as they may be shown on a terminal or stand in XML."""

from __future__ import annotations

# The bidirectional controls, which turn round what is read beside them, and what XML 1.0 (2.2) may not hold.
_UNSEEN = (0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFFFE, 0xFFFF)
_PICTURES = (
    {code: 0x2400 + code for code in range(32) if chr(code) not in "\t\n"}
    | {0x7F: 0x2421}
    | dict.fromkeys((*range(0x80, 0xA0), *_UNSEEN), 0xFFFD)
)


def visible(text: str) -> str:
    """The text with a picture of each character in it but for tabs and line ends that would command a terminal, hide
    what stands beside it, or be no XML."""
    return text.translate(_PICTURES)
