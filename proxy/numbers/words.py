"""Words as they are compared."""

from __future__ import annotations

import unicodedata


def plain_word(text: str) -> str:
    """A word, or several, as it is compared: without case, accents, blanks and marks."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", text).casefold()))
