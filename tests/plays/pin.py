"""A PIN, and how to find it in what is shown: times and tokens have its digits by chance."""

from __future__ import annotations

import re

PIN = "7913"
_SHOWN = re.compile(rf"(?:%2A|(?<![0-9A-Z.])){PIN}(?![0-9A-Z])", re.IGNORECASE)


def shows_pin(text: str) -> bool:
    """True if the PIN stands there by itself, or behind an asterisk, escaped or not."""
    return _SHOWN.search(text) is not None
